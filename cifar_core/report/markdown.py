"""Writes a report as Markdown, alone or in a zip with its pictures."""

import io
import re
import zipfile

from cifar_core.report.blocks import Block, Chart, Document, Heading, Table, Text, note_of
from cifar_core.report.pictures import png

ANYWHERE = re.compile(r"([\\`*_\[\]<>|~$&])")  # characters that Markdown interprets
AT_START = re.compile(r"^(\d*)([#+\-=]|[.)](?=\s|$))")  # and those at the beginning of a line


def as_markdown(document: Document) -> str:
    """Return the text; its pictures are charts/KEY.png."""
    return "\n\n".join(written(block) for block in document.blocks) + "\n"


def as_zip(document: Document) -> bytes:
    """Return report.md and its pictures in one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.md", as_markdown(document))
        for chart in document.charts:
            archive.writestr(path_of(chart), png(chart), zipfile.ZIP_STORED)
    return file.getvalue()


def path_of(chart: Chart) -> str:
    """Return the path of a chart's picture in the zip."""
    return f"charts/{chart.key}.png"


def written(block: Block) -> str:
    """Write one block as Markdown."""
    match block:
        case Heading():
            return f"{'#' * block.level} {safe(block.text)}"
        case Text():
            return "\n\n".join([*map(safe, block.paragraphs), *source(block)])
        case Table():
            return "\n\n".join([table(block), *source(block)])
        case Chart():
            return f"![{safe(block.title)}]({path_of(block)})"


def source(block: Text | Table) -> list[str]:
    """Write the origin of a block, as a separate paragraph."""
    note = note_of(block)
    return [f"*{safe(note)}*"] if note else []


def table(block: Table) -> str:
    """Write a table; Markdown needs titles, even empty ones."""
    titles = block.titles or ("",) * len(block.rows[0])
    lines = [titles, ("---",) * len(titles)]
    text = [f"| {' | '.join(map(safe, lines[0]))} |", f"|{'|'.join(lines[1])}|"]
    return "\n".join(text + [f"| {' | '.join(map(safe, row))} |" for row in block.rows])


def safe(text: str) -> str:
    """Escape a text, and put it in one line."""
    return AT_START.sub(r"\1\\\2", ANYWHERE.sub(r"\\\1", " ".join(text.split())))
