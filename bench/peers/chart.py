"""An SVG bar chart of the works that several engines did, readable on light and dark ground.

Bars of a work share a scale of their own: the longest is the fastest engine."""
from xml.sax.saxutils import escape

ORDER = ["lathe", "llama.cpp, same file", "llama.cpp, requantized", "openvino"]
CLASSES = ["a", "b", "c", "d"]
WIDTH, LEFT, RIGHT = 760, 190, 90
BAR, GAP, TITLE, TOP = 16, 4, 24, 66

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 } .work { font-weight: 600 }
  .note { font-size: 11px; fill: #59636e }
  .a { fill: #0969da } .b { fill: #9a6700 } .c { fill: #bf8700 } .d { fill: #8250df }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .note { fill: #9198a1 }
    .a { fill: #58a6ff } .b { fill: #bb8009 } .c { fill: #e3b341 } .d { fill: #bc8cff }
  }
"""


def draw(record):
    body, y = [], TOP
    for row in record["works"]:
        if len(row["engines"]) < 2:
            continue
        body.append(text(12, y + 12, f"{row['work']}, {row['unit']}", "work"))
        y += TITLE
        longest = max(entry["value"] for entry in row["engines"].values())
        for name, kind in zip(ORDER, CLASSES):
            if name in row["engines"]:
                body += bar(y, name, kind, row["engines"][name]["value"], longest)
                y += BAR + GAP
        y += GAP * 3
    peak = record["machine"].get("machine_peak", {})
    about = (f"{record['machine'].get('cpu', '')}, {record['machine']['cores']} cores; int8 "
             f"{peak.get('int8_gops', 0):.0f} GOPS, memory "
             f"{peak.get('memory_gb_per_second', 0):.1f} GB/s; medians of {record['rounds']}")
    head = [text(12, 26, record["model"], "title"), text(12, 46, about, "note")]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 8}" '
            f'width="{WIDTH}" height="{y + 8}" role="img">\n<title>'
            f'{escape(record["model"])}: speed of engines</title>\n<style>{STYLE}</style>\n'
            + "\n".join(head + body) + "\n</svg>")


def bar(y, name, kind, value, longest):
    length = (WIDTH - LEFT - RIGHT) * value / longest
    return [text(LEFT - 8, y + 13, name, "", "end"),
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>',
            text(LEFT + length + 6, y + 13, f"{value:,.0f}" if value >= 100 else f"{value:.1f}")]


def text(x, y, what, kind="", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y}" class="{kind}" text-anchor="{anchor}">'
            f'{escape(what)}</text>')
