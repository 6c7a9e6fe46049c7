"""What bench/quantize/run measured, as Markdown tables and a chart."""
import chart
import results

BY = {"lathe": "Lathe", "llama.cpp": "llama.cpp"}


def write(folder, model, part, content):
    """Keeps the part and writes all of them; the table."""
    stem = f"quantize-{model.stem}"
    record = results.keep(folder, stem, model.name, part, content)
    heading = [f"# Quantizing {record['model']}", "",
               "The source is a copy of the model with noise of about a step of its old grid, in "
               "F16 (`bench/quantize/dither.py`).", ""]
    return results.publish(folder, stem, record, heading, PARTS, as_chart(record))


def divergence_lines(part):
    rows = part["files"]
    lines = ["| types | by | importance | MB | KL mean | KL 99.9 % | same top-1 | perplexity |",
             "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        lines.append(
            f"| {row['name']} | {BY[row['by']]} | {'yes' if row['importance'] else 'no'} "
            f"| {row['bytes'] / 1e6:.1f} | {row['kl_mean']:.5f} | {row['kl_p999']:.4f} "
            f"| {row['top1_agreement']:.2%} | {row['perplexity']:.2f} |")
    return [*lines, "", f"Divergence from the source in nats, over {rows[0]['positions']} "
            f"positions of WikiText-2; the source's perplexity is "
            f"{rows[0]['reference_perplexity']:.2f}. Importance is from another part of the text, "
            "the same file for both.", ""]


def speed_lines(part):
    lines = ["| types | seconds: Lathe | llama.cpp | ratio | peak of memory, MB: Lathe "
             "| llama.cpp | ratio | without pages of files, MB: Lathe | llama.cpp | ratio |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for row in part["mixes"]:
        own, peer = row["lathe"], row["llama.cpp"]
        cells = [f"{own['seconds']:.2f} | {peer['seconds']:.2f} "
                 f"| {peer['seconds'] / own['seconds']:.1f}"]
        for key in ("peak_bytes", "peak_private_bytes"):
            cells.append(f"{own[key] / 1e6:.0f} | {peer[key] / 1e6:.0f} "
                         f"| {peer[key] / own[key]:.1f}")
        lines.append(f"| {row['mix']} | {' | '.join(cells)} |")
    return [*lines, "", f"{part['threads']} threads each. Lathe's numbers are of the whole "
            "process, llama.cpp's of its quantizer alone, without Python and what it held before. "
            "A ratio is llama.cpp's number over Lathe's. llama.cpp maps its source: those pages "
            "are in its peak, and left out in the last columns.", ""]


def perplexity_lines(part):
    rows = part["files"]
    lines = ["| types, by Lathe | Lathe, float32 | llama.cpp | difference | Lathe, as served "
             "| KL from Lathe's float32: llama.cpp | Lathe, as served |",
             "|---|---|---|---|---|---|---|"]
    for row in rows:
        lines.append(
            f"| {row['mix']} | {row['lathe_f32']:.3f} | {row['llama']:.3f} "
            f"| {row['llama'] / row['lathe_f32'] - 1:+.2%} | {row['lathe_auto']:.3f} "
            f"| {row['llama_kl_mean']:.2g} | {row['lathe_auto_kl_mean']:.2g} |")
    return [*lines, "", f"Perplexity of one file over the same {rows[0]['positions']} positions of "
            "WikiText-2, in windows of the same tokens. llama.cpp, and Lathe as it serves, round "
            "activations to 8 bits, each in its own way.", ""]


PARTS = {"divergence": ("At one size", divergence_lines),
         "speed": ("The quantizers", speed_lines),
         "perplexity": ("Lathe's files in llama.cpp", perplexity_lines)}


def as_chart(record):
    parts, groups = record["parts"], []
    if "divergence" in parts:
        groups.append(("mean KL divergence from the source (shorter is better)",
                       [(short_name(row), "b" if row["by"] == "llama.cpp" else "a",
                         row["kl_mean"]) for row in parts["divergence"]["files"]]))
    for row in parts.get("speed", {"mixes": []})["mixes"]:
        for title, key, unit in (("seconds", "seconds", 1),
                                 ("peak of memory, MB", "peak_bytes", 1e6)):
            groups.append((f"{row['mix']}, {title} (shorter is better)",
                           [(BY[who], colour, row[who][key] / unit)
                            for who, colour in zip(BY, "ab")]))
    for row in parts.get("perplexity", {"files": []})["files"]:
        groups.append((f"{row['mix']}, perplexity of one file",
                       [("Lathe, float32", "a", row["lathe_f32"]),
                        ("Lathe, as served", "a", row["lathe_auto"]),
                        ("llama.cpp", "b", row["llama"])]))
    return chart.draw(f"Quantizing {record['model']}", results.chart_note(record),
                      f"{record['model']}: quantizers, and what their files lose", groups)


def short_name(row):
    if row["name"].startswith("searched"):
        return "Lathe, searched"
    return f"{BY[row['by']]}{', importance' if row['importance'] else ''}"
