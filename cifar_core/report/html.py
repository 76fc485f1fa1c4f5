"""Writes a report as one HTML file that opens offline: style, charts and library inside."""

from html import escape
from pathlib import Path

from cifar_core.report.blocks import EDITED, Block, Chart, Document, Heading, Table, Text
from cifar_core.report.plotly_json import (
    figure,
    inside_script,
    library,
    side_by_side,
    stacked,
)

STYLE = Path(__file__).with_name("report.css")
POLICY = (  # nothing may be fetched, regardless of the content
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)
NARROW = 640  # pixels; below, the panels of a chart lie below each other
DRAW = f"""
const narrow = matchMedia('(max-width: {NARROW - 1}px)');
for (const box of document.querySelectorAll('.chart')) {{
  const {{ data, layout, stacked, wide }} = JSON.parse(box.nextElementSibling.textContent);
  Plotly.newPlot(box, data, layout, {{ responsive: true, displayModeBar: false }});
  const arrange = () => Plotly.relayout(box, narrow.matches ? stacked : wide);
  if (narrow.matches) arrange();
  narrow.addEventListener('change', arrange);
}}
"""


def as_html(document: Document) -> bytes:
    """Return the file."""
    body = "\n".join(written(block) for block in document.blocks)
    style = STYLE.read_text("utf-8")
    code = f"<script>{library()}</script>\n<script>{DRAW}</script>" if document.charts else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(document.title)}</title>
<style>
{style}</style>
</head>
<body>
{body}
{code}
</body>
</html>
""".encode()


def written(block: Block) -> str:
    """Write one block as HTML."""
    match block:
        case Heading():
            return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
        case Text():
            text = "".join(f"<p>{escape(part)}</p>" for part in block.paragraphs)
            return text + source(block.source, edited=block.edited)
        case Table():
            return table(block)
        case Chart():
            return chart(block)


def source(words: str, *, edited: bool = False) -> str:
    """Write the origin of a block, in small letters below it."""
    mark = f"<mark>{EDITED}</mark>" if edited else ""
    return f"<small>{mark or f'From {escape(words)}'}</small>" if mark or words else ""


def table(block: Table) -> str:
    """Write a table; without titles, the first cell names its row."""
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in block.titles)
    head = f"<thead><tr>{titles}</tr></thead>" if titles else ""
    lines = []
    for first, *rest in block.rows:
        tag = "td" if block.titles else 'th scope="row"'
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        lines.append(f"<tr><{tag}>{escape(first)}</{tag.split()[0]}>{cells}</tr>")
    kind = ' class="compared"' if titles else ""
    body = f"<tbody>{''.join(lines)}</tbody>"
    return f'<div class="wide"><table{kind}>{head}{body}</table></div>{source(block.source)}'


def chart(block: Chart) -> str:
    """Write the element of a chart, followed by its numbers."""
    drawn, narrow = figure(block), stacked(block)
    wide = side_by_side(drawn["layout"], narrow)
    values = inside_script({**drawn, "stacked": narrow, "wide": wide})
    return (
        f'<figure><div class="chart" role="img" aria-label="{escape(block.title)}"></div>'
        f'<script type="application/json">{values}</script>'
        f"<figcaption>{escape(block.title)}. From metrics.jsonl</figcaption></figure>"
    )
