"""The file formats of a report."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cifar_core.disk.tables import as_csv
from cifar_core.errors import RunError
from cifar_core.registry import Registry
from cifar_core.report.blocks import Document
from cifar_core.report.html import as_html
from cifar_core.report.markdown import as_markdown, as_zip
from cifar_core.report.pdf import as_pdf


@dataclass(frozen=True, kw_only=True)
class FormatSpec:
    """One kind of file."""

    key: str  # the file name extension
    title: str
    summary: str
    media_type: str
    write: Callable[[Document], bytes]


FORMATS = Registry(
    "format of a report",
    [
        FormatSpec(
            key="html", title="HTML", media_type="text/html", write=as_html,
            summary="One file with zoomable charts; opens offline.",
        ),
        FormatSpec(
            key="pdf", title="PDF", media_type="application/pdf", write=as_pdf,
            summary="For printing or submitting.",
        ),
        FormatSpec(
            key="zip", title="Markdown", media_type="application/zip", write=as_zip,
            summary="Markdown with its pictures, as a zip file.",
        ),
        FormatSpec(
            key="md", title="Markdown only", media_type="text/markdown",
            write=lambda document: as_markdown(document).encode(),
            summary="The text alone, without the pictures.",
        ),
        FormatSpec(
            key="csv", title="CSV", media_type="text/csv",
            write=lambda document: as_csv(list(document.records)).encode(),
            summary="One row for each run, for a spreadsheet.",
        ),
    ],
)  # fmt: skip


def format_of(path: Path) -> FormatSpec:
    """Return the format that a file's name asks for."""
    key = path.suffix.lower().removeprefix(".")
    if key not in FORMATS:
        endings = ", ".join(f".{name}" for name in FORMATS)
        raise RunError(f"The ending of {path.name} gives the format. Choose one of {endings}.")
    return FORMATS[key]
