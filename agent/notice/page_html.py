"""A Page -> one HTML document that needs nothing else, for a screen, a reader's voice, and a sheet or two of paper."""

from html import escape
from typing import Final

from agent.notice.page import Bullets, Page, Paragraph, Part, Table

STYLE: Final = """\
:root { color-scheme: light; }
body { margin: 2rem auto; max-width: 48rem; padding: 0 1rem; background: #fff; color: #111;
  font: 1rem/1.45 "Source Sans 3", "Segoe UI", Helvetica, Arial, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .6em; border-bottom: 3px solid #111; padding-bottom: .25em; }
h2 { font-size: 1.15rem; margin: 1.3em 0 .35em; break-after: avoid; }
p { margin: .4em 0; }
ul { margin: .3em 0; padding-left: 1.2em; }
li { margin: .15em 0; }
header p:first-of-type { font-size: 1.1rem; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .4em 0; }
th, td { border: 1px solid #777; padding: .25em .5em; text-align: left; vertical-align: top; }
thead th { background: #eee; }
tbody th { font-weight: 600; }
tr { break-inside: avoid; }
footer { margin-top: 1.5em; border-top: 1px solid #777; padding-top: .4em; font-size: .85rem; overflow-wrap: anywhere; }
@page { margin: 13mm 14mm; }
@media print {
  body { margin: 0; max-width: none; padding: 0; font-size: 9.4pt; line-height: 1.3; }
  h1 { font-size: 17pt; }
  h2 { font-size: 11pt; margin-top: .8em; }
  header p:first-of-type { font-size: 10.5pt; }
  thead th { print-color-adjust: exact; }
  footer { font-size: 8pt; }
}
"""


def as_html(page: Page, *, stylesheet: str = "") -> str:
    """The page as an HTML document. Everything in it is escaped; it loads nothing and runs nothing.

    Args:
        page: What it says.
        stylesheet: Where STYLE is served, for a listener whose Content-Security-Policy lets no style stand in a page;
            without it the document holds its own.
    """
    title = escape(page.title)
    style = f'<link rel="stylesheet" href="{escape(stylesheet)}">' if stylesheet else f"<style>\n{STYLE}</style>"
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>",
        style,
        "</head>",
        "<body>",
        "<header>",
        f"<h1>{title}</h1>",
        *map(_part, page.opening),
        "</header>",
        "<main>",
    ]
    for number, section in enumerate(page.sections, 1):
        lines.append(f'<section aria-labelledby="s{number}">')
        lines.append(f'<h2 id="s{number}">{escape(section.title)}</h2>')
        lines += [_part(part) for part in section.parts]
        lines.append("</section>")
    lines += ["</main>", "<footer>", *map(_part, page.closing), "</footer>", "</body>", "</html>"]
    return "\n".join(lines) + "\n"


def _part(part: Part) -> str:
    match part:
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Bullets(items):
            return "\n".join(["<ul>", *(f"<li>{escape(item)}</li>" for item in items), "</ul>"])
        case Table(head, rows):
            columns = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
            return "\n".join(
                [
                    '<div class="wide"><table>',
                    f"<thead><tr>{columns}</tr></thead>",
                    "<tbody>",
                    *(_row(row) for row in rows),
                    "</tbody>",
                    "</table></div>",
                ]
            )


def _row(row: tuple[str, ...]) -> str:
    first, *others = row
    return f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in others)}</tr>'
