"""An SVG bar chart, readable on light and dark ground.

Bars of a group share a scale of their own: the longest is the group's highest value."""
from xml.sax.saxutils import escape

COLOURS = ["a", "b", "c", "d"]  # Lathe's first
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


def draw(title, note, about, groups):
    """`groups`: (heading, [(name, one of COLOURS, value)]); `about` is for who cannot see it."""
    body, y = [], TOP
    for heading, bars in groups:
        body.append(text(12, y + 12, heading, "work"))
        y += TITLE
        longest = max(value for _, _, value in bars)
        for name, colour, value in bars:
            body += bar(y, name, colour, value, longest)
            y += BAR + GAP
        y += GAP * 3
    head = [text(12, 26, title, "title"), text(12, 46, note, "note")]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 8}" '
            f'width="{WIDTH}" height="{y + 8}" role="img">\n<title>{escape(about)}</title>\n'
            f'<style>{STYLE}</style>\n' + "\n".join(head + body) + "\n</svg>")


def bar(y, name, colour, value, longest):
    length = (WIDTH - LEFT - RIGHT) * value / longest if longest > 0 else 0
    return [text(LEFT - 8, y + 13, name, "", "end"),
            f'<rect class="{colour}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>',
            text(LEFT + length + 6, y + 13, shown(value))]


def shown(value):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 or value == 0 else f"{value:.3g}"


def text(x, y, what, kind="", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y}" class="{kind}" text-anchor="{anchor}">'
            f'{escape(what)}</text>')
