"""What bench/eval/run measured, as Markdown tables and a chart."""
import chart
import results

CORES_SHARE_MIN = 0.85
SIDES = {"lathe": "lathe", "lathe_f32": "lathe, float32", "harness": "harness"}


def write(folder, model, part, content):
    """Keeps the part and writes all of them; the table."""
    stem = f"eval-{model.stem}"
    record = results.keep(folder, stem, model.name, part, content)
    heading = [f"# Evaluating {record['model']}", "",
               "Seconds leave out starting and loading, on both sides.", ""]
    return results.publish(folder, stem, record, heading, PARTS, as_chart(record))


def speed_lines(part):
    lines = ["| documents a second | documents | lathe | lathe, float32 | harness | its settings "
             "| ratio | ratio, float32 | scores: lathe, lathe float32, harness |",
             "|---|---|---|---|---|---|---|---|---|"]
    for row in part["tasks"]:
        speeds = speeds_of(row)
        scores = [", ".join(f"{value:.4f}" for value in row[who]["scores"].values())
                  for who in SIDES]
        settings = row["settings"]
        lines.append(f"| {row['task']} | {row['lathe']['documents']} | {speeds['lathe']:.1f} "
                     f"| {speeds['lathe_f32']:.1f} | {speeds['harness']:.2f} "
                     f"| {settings['dtype']}, batch {settings['batch_size']} "
                     f"| {speeds['lathe'] / speeds['harness']:.1f} "
                     f"| {speeds['lathe_f32'] / speeds['harness']:.1f} | {' / '.join(scores)} |")
    versions = {peer["version"] for peer in part["peers"].values()}
    return [*lines, "", f"The harness: {', '.join(sorted(versions))}, the same weights expanded.",
            *busy_lines(part), ""]


def speeds_of(row):
    return {who: row[who]["documents_per_second"] for who in SIDES}


def busy_lines(part):
    """Says so where somebody did not get the cores."""
    threads = part["machine"]["threads"]
    shares = [row["harness"]["cpu_seconds"] / row["harness"]["seconds"] / threads
              for row in part["tasks"]]
    low = sum(share < CORES_SHARE_MIN for share in shares)
    return [f"The harness got less than {CORES_SHARE_MIN:.0%} of the cores in {low} of "
            f"{len(shares)} tasks (at worst {min(shares):.0%}): it computes on one of them part "
            "of the time, or the machine was busy."] if low else []


def sharing_lines(part):
    shared, alone = (part[who]["documents_per_second"] for who in ("shared", "alone"))
    same = "the same bits" if part["same_answers"] else "**different answers**"
    return [f"| {part['tokens']} tokens in common ({part['examples']} examples) | documents "
            "a second |", "|---|---|", f"| with sharing | {shared:.2f} |",
            f"| without | {alone:.2f} |", f"| ratio | {shared / alone:.1f} ({same}) |", ""]


def precision_lines(part):
    rows = part["files"]
    base = rows[0]
    tasks = list(base["scores"])
    heads = " | ".join(f"{task}, {base['metrics'][task]}" for task in tasks)
    lines = [f"| weights | MB | decode, tokens a second | ratio | of the memory's peak | {heads} "
             "| of the summed score kept (95 %) |", "|---" * (6 + len(tasks)) + "|"]
    for row in rows:
        share = row["kept"]
        scores = " | ".join(f"{row['scores'][task]:.4f}" for task in tasks)
        kept = ("100 %" if row is base else
                f"{share['share']:.1%} ({share['low']:.1%} to {share['high']:.1%})")
        lines.append(f"| {row['name']} | {row['bytes'] / 1e6:.1f} | {row['tokens_per_second']:.1f} "
                     f"| {row['tokens_per_second'] / base['tokens_per_second']:.2f} "
                     f"| {row['bandwidth_share']:.0%} | {scores} | {kept} |")
    return [*lines, "", f"{base['documents']} documents in all, the same for each file; the "
            "interval is of a paired bootstrap over the documents of each task. The float32 "
            "weights are a dithered copy of the model's, which were quantized before "
            "(`bench/quantize/dither.py`). A share above 100 % is of a file that stays in the "
            "processor's cache in part.", ""]


PARTS = {"speed": ("Beside the harness", speed_lines),
         "sharing": ("Examples in common", sharing_lines),
         "precision": ("What precisions keep", precision_lines)}


def as_chart(record):
    parts, groups = record["parts"], []
    for row in parts.get("speed", {"tasks": []})["tasks"]:
        speeds = speeds_of(row)
        groups.append((f"{row['task']}, documents a second",
                       [(name, colour, speeds[who])
                        for (who, name), colour in zip(SIDES.items(), "abd")]))
    if "sharing" in parts:
        part = parts["sharing"]
        groups.append((f"{part['tokens']} tokens in common, documents a second",
                       [(name, colour, part[who]["documents_per_second"]) for who, name, colour in
                        (("shared", "with sharing", "a"), ("alone", "without", "b"))]))
    if "precision" in parts:
        rows = parts["precision"]["files"]
        groups.append(("decode, tokens a second",
                       [(row["name"], "a", row["tokens_per_second"]) for row in rows]))
        groups.append(("summed score kept, %",
                       [(row["name"], "d", 100 * row["kept"]["share"]) for row in rows]))
    return chart.draw(f"Evaluating {record['model']}", results.chart_note(record),
                      f"{record['model']}: speed of evaluation and what precisions keep", groups)
