"""What bench/peers/run measured: JSON, a Markdown table, an SVG chart."""
import json
import statistics

import chart
import engines
import machine
import works

# (name, numerator row, denominator row) of Lathe's own numbers.
OWN_RATIOS = [
    ("32 together / one at a time", "32 sequences, 120 in, 64 out, end to end", works.ALONE.name),
    ("rows without sharing / with", works.DISTINCT.name, works.SHARED.name),
    ("decode, this file / its weights as F32", "decode, 1 sequence", works.FLOAT.name),
]
CORES_SHARE_MIN = 0.85
COMPARED = ["llama.cpp, same file", "llama.cpp, requantized", "openvino"]


def loads_of(session):
    """Medians of what engines said when their model was loaded."""
    return {name: {key: statistics.median(ready[key] for ready in readies)
                   for key in readies[0] if key != "version"} |
                  ({"version": readies[0]["version"]} if "version" in readies[0] else {})
            for name, readies in session.loads.items()}


def write(folder, session, rows):
    folder.mkdir(parents=True, exist_ok=True)
    record = {"model": session.model.name, "rounds": session.args.rounds,
              "machine": machine.facts(session.machine, session.args.threads),
              "load": loads_of(session), "notes": session.notes, "works": rows,
              "tuning": session.settings}
    variant = "-no-amx" if session.args.no_amx else ""
    stem = folder / f"peers-{session.model.stem}{variant}"
    paths = [stem.with_name(stem.name + suffix) for suffix in (".json", ".md", ".svg")]
    table = as_markdown(record)
    for path, text in zip(paths, (json.dumps(record, indent=1), table, as_chart(record))):
        path.write_text(text + "\n")
    return {"table": table, "paths": [path.relative_to(engines.ROOT)
                                      if path.is_relative_to(engines.ROOT) else path
                                      for path in paths]}


def as_markdown(record):
    lines = [f"# {record['model']}", "", machine.line(record["machine"]),
             f"Commit {record['machine']['commit']}; medians of {record['rounds']} rounds, engines in "
             "turn.",
             "Each ratio is Lathe's number over the peer's.", ""]
    present = [name for name in COMPARED if any(name in row["engines"] for row in record["works"])]
    heads = ["work", "lathe"] + [part for name in present for part in (name, "ratio")]
    lines += ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    shared = [row for row in record["works"] if len(row["engines"]) > 1]
    for row in shared:
        lines.append(line_of(row, present, row["work"], lambda entry: entry["value"], True))
        if row["job"] == works.CLIENTS.job:
            lines.append(line_of(row, present, "first token p50, ms (a lower number is better)",
                                 lambda entry: entry["detail"]["first_token_ms"]["p50"], True))
    lines += ["", *settings_lines(shared), "", *load_lines(record["load"]), "",
              *own_lines(record["works"]), *busy_lines(record),
              *[f"\n{note}" for note in record["notes"]]]
    return "\n".join(lines)


def as_chart(record):
    groups = [(f"{row['work']}, {row['unit']}",
               [(name, colour, row["engines"][name]["value"])
                for name, colour in zip(["lathe", *COMPARED], chart.COLOURS)
                if name in row["engines"]])
              for row in record["works"] if len(row["engines"]) > 1]
    return chart.draw(record["model"], machine.short_line(record["machine"], record["rounds"]),
                      f"{record['model']}: speed of engines", groups)


def line_of(row, present, title, value, ratios):
    own = row["engines"].get("lathe")
    cells = [title, f"{value(own):.1f}" if own else "-"]
    for name in present:
        entry = row["engines"].get(name)
        cells += ([f"{value(entry):.1f}", f"{value(own) / value(entry):.2f}"] if entry and own
                  else ["-", "-"])
    return "| " + " | ".join(cells) + " |"


def settings_lines(rows):
    lines = ["Settings that were fastest for the peers:", ""]
    for row in rows:
        for name, entry in row["engines"].items():
            if entry["settings"] and name != "lathe":
                shown = ", ".join(f"{key} {value}" for key, value in entry["settings"].items())
                lines.append(f"- {row['work']}, {name}: {shown}")
    return lines


def load_lines(loads):
    lines = ["| after load | seconds | peak RSS, MiB |", "|---|---|---|"]
    for name, load in loads.items():
        resident = load["loaded_peak_resident_bytes"] - load.get("bytes_before_load", 0)
        lines.append(f"| {name} | {load['load_seconds']:.2f} | {resident / 2**20:.0f} |")
    files = {load["file_bytes"] for name, load in loads.items()
             if name == "lathe" and "file_bytes" in load}
    lines += ["", *(f"The file has {size / 2**20:.0f} MiB." for size in files),
              "A peer's number leaves out what its Python and libraries took before the load."]
    return lines


def own_lines(rows):
    values = {row["work"]: entry["value"] for row in rows
              for name, entry in row["engines"].items() if name.startswith("lathe")}
    lines = ["| Lathe against itself | | | ratio |", "|---|---|---|---|"]
    for name, above, below in OWN_RATIOS:
        if above in values and below in values:
            lines.append(f"| {name} | {values[above]:.1f} | {values[below]:.1f} | "
                         f"{values[above] / values[below]:.2f} |")
    return lines if len(lines) > 2 else []


def busy_lines(record):
    """Says so where an engine did not get the cores it was to have."""
    shares = [entry["detail"]["cpu_seconds"] / entry["detail"]["seconds"] /
              entry["settings"]["threads"] for row in record["works"]
              for entry in row["engines"].values()
              if "cpu_seconds" in entry["detail"] and "threads" in entry["settings"]]
    low = sum(share < CORES_SHARE_MIN for share in shares)
    if not low:
        return []
    return ["", f"**The machine was busy**: in {low} of {len(shares)} measurements an engine got "
            f"less than {CORES_SHARE_MIN:.0%} of its cores (at worst {min(shares):.0%})."]
