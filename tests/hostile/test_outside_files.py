"""Files of other tools that nobody vouches for: each is read or refused with a sentence."""

import io
import random
import shutil
import sqlite3
import stat
import zipfile
from contextlib import closing
from types import SimpleNamespace

import pyarrow as pa
import pytest
from outside_files import (
    EXAMPLES,
    TABLE_HEAD,
    brought_in,
    looked,
    text,
    trackio_parquet,
    wandb_history,
)
from pyarrow import parquet
from run_helpers import store_without_executor

from cifar_core.errors import ArchiveError, CifarError
from cifar_core.runs.exchange.curves import gather, look, materials, reader
from cifar_core.runs.exchange.curves.tables import text_tables

FILES = {**EXAMPLES, "history": wandb_history, "parquet": trackio_parquet}


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


def zipped(entries):
    """Return a zip of names (or ZipInfo) with bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([("../outside.csv", b"step,loss\n1,2\n")], "outside of its folder"),
        ([("/etc/outside.csv", b"step,loss\n1,2\n")], "outside of its folder"),
        ([("a/..\\..\\b.csv", b"step,loss\n1,2\n")], "outside of its folder"),
        ([(link("a.csv"), b"/etc/passwd")], "not a plain file"),
        ([("a.csv", b"step,loss\n" + b"1,2\n" * 3_000_000)], "shrinks to less than"),
        ([(f"{i}.csv", b"") for i in range(2001)], "more than 2,000 files"),
        ([("a.csv", b"1")], "cannot be read as curves"),
        ([], "cannot be read as curves"),
    ],
)
def test_a_hostile_zip_is_refused(entries, why, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(entries))
    with pytest.raises(ArchiveError, match=why):
        looked(path)
    assert not (tmp_path / "outside.csv").exists()


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(materials, "MOST_FILE_BYTES", 100)
    path = tmp_path / "a.zip"
    path.write_bytes(zipped([("a.csv", b"step,loss\n" + b"1,2\n" * 30)]))
    with pytest.raises(ArchiveError, match="Import fewer runs"):
        looked(path)


def test_links_in_a_folder_are_not_followed(tmp_path):
    secret = text(tmp_path / "secret.csv", "step,loss\n1,2\n")
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.csv").symlink_to(secret)
    (folder / "up").symlink_to(tmp_path)
    with pytest.raises(ArchiveError, match="cannot be read as curves"):
        looked(folder)


@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_file_is_read_or_refused(kind, tmp_path):
    """Bytes are changed, cut and repeated at random."""
    draw = random.Random(kind)
    (tmp_path / "whole").mkdir()
    whole, refusals = FILES[kind](tmp_path / "whole"), []
    for trial in range(25):
        copy = tmp_path / f"{trial}"
        shutil.copytree(whole.parent, copy)
        paths = [path for path in sorted(copy.rglob("*")) if path.is_file()]
        path = draw.choice(paths)
        path.write_bytes(damaged(bytearray(path.read_bytes()), draw))
        try:
            found = looked(copy / whole.name)
        except CifarError as error:
            refusals.append(str(error))
            continue
        for run in found.runs:
            for curve in run.curves:
                points = found.points(curve)
                assert (points[1:, 0] > points[:-1, 0]).all()
    assert all(words.endswith((".", ")")) for words in refusals), refusals


def damaged(data, draw):
    """Return a file's bytes with some damage."""
    kind = draw.randrange(4)
    if kind == 0:
        return bytes(data[: draw.randrange(len(data) + 1)])
    if kind == 1:
        for _ in range(draw.randrange(1, 30)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        return bytes(data)
    if kind == 2:
        at = draw.randrange(len(data))
        return bytes(data[:at]) + draw.randbytes(draw.randrange(200)) + bytes(data[at:])
    at = draw.randrange(len(data))
    return bytes(data[:at] + data[at : at + 100] * 5 + data[at:])


def test_the_process_that_reads_ends_with_a_sentence_whatever_happens(tmp_path, monkeypatch):
    path = text(tmp_path / "a.csv", TABLE_HEAD)
    monkeypatch.setattr(look, "SECONDS", 0.01)
    with pytest.raises(ArchiveError, match="takes more than"):
        look.look(path)
    monkeypatch.undo()
    crashing = SimpleNamespace(__name__="no_such_program", REFUSED=reader.REFUSED)
    monkeypatch.setattr(look, "reader", crashing)
    with pytest.raises(ArchiveError, match="could not be read"):
        look.look(path)


def test_little_memory_is_refused_with_a_sentence(tmp_path, monkeypatch, capsys):
    def no_memory(*_):
        raise MemoryError

    monkeypatch.setattr(reader, "limit", lambda: None)
    monkeypatch.setattr(reader, "read", no_memory)
    assert reader.main("x", "mine.db", str(tmp_path)) == reader.REFUSED
    assert "mine.db needs more memory" in capsys.readouterr().err


def test_a_parquet_file_that_asks_for_all_memory_is_refused(tmp_path):
    """A text of 2 MB in each of 2,000 rows, of which the file holds one."""
    words = pa.array(["x" * 2_000_000]).dictionary_encode()
    big = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), words.dictionary)
    table = pa.table({"step": list(range(2_000)), "loss": [1.0] * 2_000, "text": big})
    path = tmp_path / "a.parquet"
    parquet.write_table(table, path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 1_000_000
    try:
        said = look.look(path).runs[0].curves[0].name
    except ArchiveError as error:
        said = str(error)
    assert said == "loss" or "memory" in said or "damaged" in said


@pytest.mark.parametrize(
    "schema",
    [
        "CREATE VIEW metrics AS SELECT 'x' AS run_name, 1 AS step, '{}' AS metrics",
        "CREATE VIRTUAL TABLE metrics USING fts4(run_name, step)",
        "CREATE TABLE metrics (a TEXT)",
        "CREATE TABLE other (a TEXT)",
    ],
)
def test_a_database_without_the_plain_table_is_refused(schema, tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute(schema)
        db.commit()
    with pytest.raises(ArchiveError, match="none of Trackio"):
        looked(tmp_path / "a.db")


def test_a_database_whose_columns_compute_is_refused(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("CREATE TABLE metrics (run_name TEXT, step INTEGER, a TEXT, metrics TEXT "
                   "GENERATED ALWAYS AS (hex(zeroblob(1000000))) VIRTUAL)")  # fmt: skip
        db.execute("INSERT INTO metrics (run_name, step) VALUES ('x', 1)")
        db.commit()
    with pytest.raises(ArchiveError):
        looked(tmp_path / "a.db")


def test_a_database_is_not_changed_and_nothing_is_written_beside_it(tmp_path):
    path = EXAMPLES["trackio"](tmp_path)
    before = path.read_bytes()
    path.chmod(0o444)
    looked(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_too_many_columns_rows_runs_and_curves_are_refused(tmp_path, monkeypatch):
    wide = ",".join(["step", *(f"c{i}" for i in range(2_000))])
    with pytest.raises(ArchiveError, match="2,001 columns"):
        looked(text(tmp_path / "wide.csv", f"{wide}\n1\n"))
    many = "run,step,loss\n" + "".join(f"r{i},1,2\n" for i in range(201))
    with pytest.raises(ArchiveError, match="more than 200 runs"):
        looked(text(tmp_path / "runs.csv", many))
    monkeypatch.setattr(gather, "MOST_CURVES", 3)
    with pytest.raises(ArchiveError, match="more than 3 curves"):
        looked(text(tmp_path / "curves.csv", "step,a,b,c,d\n1,2,3,4,5\n"))
    monkeypatch.setattr(text_tables, "LONGEST_LINE", 100)
    with pytest.raises(ArchiveError, match="a line of more than"):
        looked(text(tmp_path / "line.csv", "step,a\n1,2\n" + "x" * 200))


def test_json_that_is_nested_without_end_is_refused(tmp_path):
    deep = '{"_step": 1, "_runtime": 2, "a": ' + '{"a":' * 100_000 + "1" + "}" * 100_001
    with pytest.raises(ArchiveError, match="JSON"):
        looked(text(tmp_path / "a.json", deep), format_="wandb")


def test_names_and_values_are_only_text(store, tmp_path):
    """Formulas, markup, control characters and names without end go in as one short line."""
    names = ["=cmd|' /C calc'!A0", "<img src=x onerror=alert(1)>", "a\u202eb\x07c", "n" * 5_000]
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    words = f"run,step,{quoted}\n" + '"=1+1<b>",1,1,2,3,4\n'
    (run,) = brought_in(store, text(tmp_path / "=a.csv", words))
    rows = [row["name"] for row in run.metrics()]
    assert max(map(len, rows)) == 200
    assert "a b c" in rows
    assert run.id == "1-1-1-b"
    assert run.name == "=1+1<b>"


def test_huge_steps_and_epochs_are_refused_or_left_out(store, tmp_path):
    path = text(tmp_path / "a.csv", "epoch,loss\n1,2\n900000000000000,1\n")
    with pytest.raises(ArchiveError, match="later than any"):
        brought_in(store, path, steps_per_epoch=10**9)
    assert store.runs() == []
    (run,) = brought_in(store, text(tmp_path / "b.csv", "step,loss\n1,2\n1e300,1\n"))
    assert len(run.metrics()) == 1
