"""A file of results whose parts are measured by several runs: each part carries the machine, the
commit and the day of its own, and a run replaces the parts that it measured."""
import json

import machine


def measured(rounds, model, threads, **more):
    """What every part begins with."""
    return {"rounds": rounds, "machine": machine.facts(machine.measured(model, threads), threads),
            **more}


def keep(folder, stem, model, part, content):
    """Puts the part into `folder`/`stem`.json, beside the others of it; the whole record."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.json"
    record = json.loads(path.read_text()) if path.exists() else {"model": model, "parts": {}}
    record["parts"][part] = content
    path.write_text(json.dumps(record, indent=1) + "\n")
    return record


def publish(folder, stem, record, heading, parts, drawing):
    """Writes the table of all parts that the record has and the chart; the table. `parts`:
    {name: (title, its lines)}, in the order of the table."""
    lines = list(heading)
    for name, (title, part_lines) in parts.items():
        if name in record["parts"]:
            part = record["parts"][name]
            lines += head_lines(title, part) + part_lines(part)
    table = "\n".join(lines).rstrip()
    (folder / f"{stem}.md").write_text(table + "\n")
    (folder / f"{stem}.svg").write_text(drawing + "\n")
    return table


def head_lines(title, part):
    """Heading of a part, with its machine."""
    rounds = f"medians of {part['rounds']} rounds, in turn" if part["rounds"] > 1 else "one run"
    limit = f", at most {part['limit']} documents of a task" if part.get("limit") else ""
    return [f"## {title}", "", machine.line(part["machine"]),
            f"{part['machine']['date']}, commit {part['machine']['commit']}; {rounds}{limit}.", ""]


def chart_note(record):
    """Under a chart's title: where its numbers come from."""
    parts = list(record["parts"].values())
    days = ", ".join(sorted({part["machine"]["date"] for part in parts}))
    peaks = [part["machine"]["machine_peak"] for part in parts]
    return (f"{parts[0]['machine']['cpu']}, {parts[0]['machine']['cores']} cores; "
            f"int8 {span(peak['int8_gops'] for peak in peaks)} GOPS, "
            f"memory {span(peak['memory_gb_per_second'] for peak in peaks)} GB/s; {days}")


def span(values):
    low, *_, high = sorted({f"{value:.0f}" for value in values}, key=float) * 2
    return low if low == high else f"{low} to {high}"
