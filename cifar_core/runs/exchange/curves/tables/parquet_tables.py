"""Tables of another tool as Parquet files; only columns of numbers, texts and times are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.curves.limits import MB, MOST_COLUMNS, MOST_ROWS

START = b"PAR1"
BATCH = 2_000  # rows
Row = dict[str, Any]


def parquet_columns(path: Path) -> list[str]:
    """Return the names of the columns that can be read."""
    return columns(opened(path))


def parquet_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a Parquet file by its columns; ArchiveError if it is damaged."""
    import pyarrow as pa

    file = opened(path)
    names = columns(file)
    try:
        for batch in file.iter_batches(batch_size=BATCH, columns=names, use_threads=False):
            lists = [column.to_pylist() for column in batch.columns]
            for row in zip(*lists, strict=True):
                yield dict(zip(batch.schema.names, row, strict=True))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged(path) from error


def opened(path: Path) -> Any:
    """Return a Parquet file within limits."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path, pre_buffer=False, thrift_string_size_limit=50 * MB,
                                   thrift_container_size_limit=MB)  # fmt: skip
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged(path) from error
    if file.metadata.num_rows > MOST_ROWS or file.metadata.num_columns > MOST_COLUMNS:
        raise ArchiveError(
            f"{path.name} has {file.metadata.num_rows:,} rows and {file.metadata.num_columns:,} "
            f"columns, but at most {MOST_ROWS:,} and {MOST_COLUMNS:,} can be read."
        )
    return file


def columns(file: Any) -> list[str]:
    """Return the names of the columns of numbers, texts and times."""
    from pyarrow import types

    plain = (types.is_integer, types.is_floating, types.is_string, types.is_large_string,
             types.is_timestamp, types.is_boolean)  # fmt: skip
    return [f.name for f in file.schema_arrow if any(is_kind(f.type) for is_kind in plain)]


def damaged(path: Path) -> ArchiveError:
    """Return the error about a file that cannot be read."""
    return ArchiveError(f"{path.name} is damaged or cut short. Export it again.")
