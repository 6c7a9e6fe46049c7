"""What bench/eval/run measured, as JSON and as a Markdown table."""
import json

CORES_SHARE_MIN = 0.85


def write(folder, record):
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"eval-{record['model'].removesuffix('.gguf')}"
    table = as_markdown(record)
    for suffix, text in ((".json", json.dumps(record, indent=1)), (".md", table)):
        stem.with_name(stem.name + suffix).write_text(text + "\n")
    return table


def as_markdown(record):
    machine, peak = record["machine"], record["machine"]["machine_peak"]
    tiles = peak.get("bf16_gflops", 0)
    lines = [f"# Evaluating {record['model']}", "",
             f"{machine['cpu']}, {machine['threads']} threads, kernels {machine['kernels']}; measured "
             f"now: int8 {peak['int8_gops']:.0f} GOPS, f32 {peak['f32_gflops']:.0f} GFLOPS, "
             f"{f'bf16 tiles {tiles:.0f} GFLOPS, ' if tiles else ''}memory "
             f"{peak['memory_gb_per_second']:.1f} GB/s.",
             f"Medians of {record['rounds']} rounds, in turn; without starting and loading.", ""]
    if "speed" in record:
        lines += speed_lines(record)
    if "sharing" in record:
        lines += sharing_lines(record["sharing"])
    if "precision" in record:
        lines += precision_lines(record["precision"])
    return "\n".join(lines)


def speed_lines(record):
    lines = ["| documents a second | documents | lathe | lathe, float32 | harness | its settings "
             "| ratio | ratio, float32 | scores: lathe, lathe float32, harness |",
             "|---|---|---|---|---|---|---|---|---|"]
    for row in record["speed"]:
        speeds = {who: row[who]["documents_per_second"]
                  for who in ("lathe", "lathe_f32", "harness")}
        scores = [", ".join(f"{value:.4f}" for value in row[who]["scores"].values())
                  for who in speeds]
        settings = row["settings"]
        lines.append(f"| {row['task']} | {row['lathe']['documents']} | {speeds['lathe']:.1f} "
                     f"| {speeds['lathe_f32']:.1f} | {speeds['harness']:.2f} "
                     f"| {settings['dtype']}, batch {settings['batch_size']} "
                     f"| {speeds['lathe'] / speeds['harness']:.1f} "
                     f"| {speeds['lathe_f32'] / speeds['harness']:.1f} | {' / '.join(scores)} |")
    versions = {peer["version"] for peer in record["peers"].values()}
    return [*lines, "", f"The harness: {', '.join(sorted(versions))}, the same weights expanded.",
            *busy_lines(record), ""]


def busy_lines(record):
    """Says so where somebody did not get the cores."""
    threads = record["machine"]["threads"]
    shares = [row["harness"]["cpu_seconds"] / row["harness"]["seconds"] / threads
              for row in record["speed"]]
    low = sum(share < CORES_SHARE_MIN for share in shares)
    return [f"The harness got less than {CORES_SHARE_MIN:.0%} of the cores in {low} of "
            f"{len(shares)} tasks (at worst {min(shares):.0%}): it computes on one of them part "
            "of the time, or the machine was busy."] if low else []


def sharing_lines(sharing):
    shared, alone = (sharing[who]["documents_per_second"] for who in ("shared", "alone"))
    same = "the same bits" if sharing["same_answers"] else "**different answers**"
    return [f"| {sharing['tokens']} tokens in common ({sharing['examples']} examples) | documents "
            "a second |", "|---|---|", f"| with sharing | {shared:.2f} |",
            f"| without | {alone:.2f} |", f"| ratio | {shared / alone:.1f} ({same}) |", ""]


def precision_lines(rows):
    base = rows[0]
    tasks = list(base["scores"])
    lines = [f"| precision | MB | decode, tokens a second | ratio | {' | '.join(tasks)} "
             "| of the summed score kept (95 %) |", "|---" * (5 + len(tasks)) + "|"]
    for row in rows:
        share = row["kept"]
        scores = " | ".join(f"{row['scores'][task]:.4f}" for task in tasks)
        lines.append(f"| {row['mix']} | {row['bytes'] / 1e6:.1f} | {row['tokens_per_second']:.1f} "
                     f"| {row['tokens_per_second'] / base['tokens_per_second']:.2f} | {scores} "
                     f"| {share['share']:.1%} ({share['low']:.1%} to {share['high']:.1%}) |")
    return [*lines, "", f"{base['documents']} documents in all; the interval is of a paired "
            "bootstrap over the documents of each task.", ""]
