"""Writes a report as PDF with fpdf2; the font is matplotlib's DejaVu, which has most alphabets."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core.report.blocks import Block, Chart, Document, Heading, Table, Text, note_of
from cifar_core.report.pictures import png

if TYPE_CHECKING:
    from fpdf import FPDF

SIZES = {1: 20, 2: 15, 3: 11}  # points of a heading
BODY, SMALL = 10, 8  # points
GRAY, BLACK, LINES = (97, 110, 124), (31, 41, 51), (203, 210, 217)
FACES = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}
NAME_SHARE = 26  # percent of the width, for the first column of a table without titles


def as_pdf(document: Document) -> bytes:
    """Return the file, A4."""
    pdf = blank(document.title)
    parts = 0
    for block in document.blocks:
        if isinstance(block, Heading) and block.level == 2:
            parts += 1
            if parts > 1:
                pdf.add_page()
        write(pdf, block)
    return bytes(pdf.output())


def blank(title: str) -> "FPDF":
    """Return a document with fonts, numbered pages and an empty first page."""
    import matplotlib
    from fpdf import FPDF

    class Pages(FPDF):
        def footer(self) -> None:
            self.set_y(-13)
            style(self, SMALL, color=GRAY)
            self.cell(0, 8, str(self.page_no()), align="C")

    pdf = Pages(format="A4")
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for face, name in FACES.items():
        pdf.add_font("DejaVu", "B" if face else "", str(folder / name))
    pdf.set_title(title)
    pdf.set_margins(18, 16, 18)
    pdf.set_auto_page_break(auto=True, margin=18)
    pdf.add_page()
    return pdf


def style(pdf: "FPDF", size: int, *, bold: bool = False, color: tuple[int, int, int] = BLACK)\
        -> None:  # fmt: skip
    """Set the font of the following text."""
    pdf.set_font("DejaVu", "B" if bold else "", size)
    pdf.set_text_color(*color)


def write(pdf: "FPDF", block: Block) -> None:
    """Write one block below the last."""
    match block:
        case Heading():
            heading(pdf, block)
        case Text():
            for part in block.paragraphs:
                style(pdf, BODY)
                pdf.multi_cell(0, 5.2, part, new_x="LMARGIN", new_y="NEXT", align="L")
                pdf.ln(1.2)
            source(pdf, note_of(block))
        case Table():
            table(pdf, block)
            source(pdf, note_of(block))
        case Chart():
            pdf.image(io.BytesIO(png(block)), w=pdf.epw, alt_text=block.title)
            source(pdf, f"{block.title}. From metrics.jsonl")


def heading(pdf: "FPDF", block: Heading) -> None:
    """Write a heading, on a new page if there is no space below it."""
    if pdf.will_page_break(30):
        pdf.add_page()
    pdf.ln(3 if block.level > 1 else 0)
    style(pdf, SIZES[block.level], bold=True)
    pdf.multi_cell(0, SIZES[block.level] * 0.5, block.text, new_x="LMARGIN", new_y="NEXT",
                   align="L")  # fmt: skip
    pdf.ln(1)


def source(pdf: "FPDF", words: str) -> None:
    """Write the origin of a block, small and gray."""
    if words:
        style(pdf, SMALL, color=GRAY)
        pdf.multi_cell(0, 4, words, new_x="LMARGIN", new_y="NEXT", align="L")
        pdf.ln(1)


def table(pdf: "FPDF", block: Table) -> None:
    """Write a table with lines between its rows."""
    style(pdf, SMALL)
    pdf.set_draw_color(*LINES)
    pdf.set_line_width(0.2)
    with pdf.table(
        col_widths=widths(block), borders_layout="HORIZONTAL_LINES", first_row_as_headings=False,
        line_height=4.4, padding=1, text_align="LEFT", align="LEFT",
    ) as grid:  # fmt: skip
        for row in [block.titles, *block.rows] if block.titles else block.rows:
            line = grid.row()
            for cell in row:
                line.cell(cell)


def widths(block: Table) -> tuple[int, ...]:
    """Return the share of each column, by its longest text, within limits."""
    if not block.titles:
        return NAME_SHARE, 100 - NAME_SHARE
    columns = zip(block.titles, *block.rows, strict=True)
    return tuple(min(max(10, *map(len, column)), 24) for column in columns)
