import ast
import csv
import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit import config

from cifar_core.disk.tables import FORMULA, as_csv, records_of

ROOT = Path(__file__).resolve().parents[1]
WRITERS = {"import csv", "to_csv", "savetxt", "to_excel"}  # what writes tables


def words(path):
    """Return the modules that a file imports and the methods that it calls."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (f"import {name.name.partition('.')[0]}" for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"import {(node.module or '').partition('.')[0]}"
        elif isinstance(node, ast.Attribute):
            yield node.attr


def test_every_csv_goes_through_the_one_function_that_guards_against_formulas():
    files = [path for part in ("app", "cifar_core") for path in (ROOT / part).rglob("*.py")]
    raw = [path.relative_to(ROOT).as_posix() for path in files if WRITERS & set(words(path))]
    assert raw == ["cifar_core/disk/tables.py"]


@pytest.mark.parametrize("start", FORMULA)
def test_a_cell_and_a_column_that_a_spreadsheet_would_execute_are_text(start):
    text = f"{start}1+1"
    (names, cells, lists) = csv.reader(io.StringIO(as_csv([{text: text}, {text: [text, "x"]}])))
    told = f"'{text}".replace("\r", "\n")  # a bare carriage return would end the row
    assert names == cells == [told]
    assert lists == [f"{told} x"]


@pytest.mark.parametrize("value", ["-0.25", "+3", "-1e-5", -0.25])
def test_a_number_stays_a_number(value):
    assert as_csv([{"similarity": value}]) == f"similarity\n{value}\n"


def test_rows_are_read_by_the_names_of_their_columns():
    lines = ["name; class\n", '"a;b.png"; 3\n', "\n", "c.png\n", "d.png; 1; 2\n"]
    assert list(records_of(lines, delimiter=";")) == [
        {"name": "a;b.png", "class": "3"}, {"name": "c.png"}, {"name": "d.png", "class": "1"},
    ]  # fmt: skip
    assert list(records_of([])) == []


def test_the_predictions_of_the_explain_page_are_guarded():
    from app.screens.predict.share import table_of

    shown = SimpleNamespace(
        raw=[("=2+2", 1.0)], ranked=[("=2+2", 1.0)],
        picture=SimpleNamespace(name="=1+1.png", truth="@x"),
        network=SimpleNamespace(run=SimpleNamespace(id="1-run")),
    )  # fmt: skip
    (line,) = csv.DictReader(io.StringIO(table_of([shown]).decode()))
    assert (line["picture"], line["truth"], line["class"]) == ("'=1+1.png", "'@x", "'=2+2")


def test_streamlits_own_export_which_guards_nothing_is_off():
    from tomllib import loads

    options = loads((ROOT / "app/.streamlit/config.toml").read_text(encoding="utf-8"))
    assert options["client"]["disableDataExport"] is True
    assert config.get_options_for_section("client").keys() >= {"disableDataExport"}
