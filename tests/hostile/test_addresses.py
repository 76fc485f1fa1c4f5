"""Addresses that nobody's link has: every page shows itself or a sentence, never a traceback."""

import re
from pathlib import Path

import pytest
from pages import ENTRY, make_run, open_page

GARBAGE = ["", " ", "-1", "999999", "1e999", "nan", "None", "[]", "../../etc/passwd", "%00", "\0",
           "<script>alert(1)</script>", "'; DROP TABLE run; --", "1,1,1", "\u202e\U0001f408",
           "x" * 5000, "1-a-run/..", "²", "#1"]  # fmt: skip
ROOMS = Path(ENTRY).parent / "screens"
PAGES = sorted(path.parent.name for path in ROOMS.glob("*/page.py"))
# whatever the pages read: names in st.query_params and of the helpers in address.py
ASKED = re.compile(r'(?:query_params(?:\.get(?:_all)?\(|\[)|_(?:in|from)_address\(\s*)"(\w+)"')
SLOW = ("data", "predict", "train")  # to open
NAMES = sorted(
    {name for path in Path(ENTRY).parent.rglob("*.py") for name in ASKED.findall(path.read_text())}
    | {"id", "run", "q", "sort", "columns", "group", "vary", "over", "view"}
)


@pytest.fixture
def run(store):
    return make_run(store)


@pytest.mark.parametrize("page", PAGES)
def test_garbage_in_every_parameter_gives_no_traceback(run, page):
    for value in GARBAGE[:: 9 if page in SLOW else 3]:
        opened = open_page(page, **dict.fromkeys(NAMES, value))
        assert not opened.exception, (value[:40], opened.exception)


@pytest.mark.parametrize("page", PAGES)
def test_garbage_beside_a_run_that_exists_gives_no_traceback(run, page):
    for value in GARBAGE[3::12]:
        opened = open_page(page, **{**dict.fromkeys(NAMES, value), "id": 1, "run": 1})
        assert not opened.exception, (value[:40], opened.exception)
