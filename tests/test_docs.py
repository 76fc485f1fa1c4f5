"""Nothing ships undocumented, and no link in the docs leads nowhere."""

import argparse
import re
from pathlib import Path

import pytest
from test_layering import APP_LAYERS, LAYERS, RUNS_LAYERS

from cifar_core.__main__ import parser
from docs import generate

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(of, path=()):
    """Every command of the terminal, as its words."""
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield (*path, name)
                yield from commands(sub, (*path, name))


@pytest.mark.parametrize("words", list(commands(parser())), ids=" ".join)
def test_every_command_is_documented(words):
    page = (ROOT / "docs" / "terminal.md").read_text("utf-8")
    assert f"python -m cifar_core {' '.join(words)}" in page


@pytest.mark.parametrize("page", generate.PAGES)
def test_every_generated_page_is_up_to_date(page):
    same = (ROOT / page).read_text("utf-8") == generate.PAGES[page]()
    assert same, f"{page} differs from the program. Write it again: make docs"


def test_the_readme_shows_every_room_with_what_its_docstring_says():
    text = (ROOT / "README.md").read_text("utf-8")
    for top in ("app", "cifar_core"):
        for module in (ROOT / top).rglob("__init__.py"):
            assert module.parent.name in text
            if module.parent.parent != ROOT / generate.NAMED_ONLY:
                assert generate.first_sentence(module) in text


def test_the_readme_counts_every_registry():
    text = (ROOT / "README.md").read_text("utf-8")
    missing = [f"{len(there)} {word}" for word, there in generate.COUNTS.items()]
    assert [count for count in missing if count not in text] == []


@pytest.mark.parametrize(
    ("heading", "layers"),
    [("cifar_core", LAYERS), ("cifar_core.runs", RUNS_LAYERS), ("app", APP_LAYERS)],
)
def test_the_table_of_layers_is_the_order_that_is_enforced(heading, layers):
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text.split(f"| layers of `{heading}` |")[1].split("\n\n")[0]
    rows = [set(re.findall(r"`(\w+)`", line.split("|")[1])) for line in table.splitlines()[2:]]
    assert rows == layers[::-1]


def test_every_environment_variable_is_documented():
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    code = "".join(
        p.read_text("utf-8") for t in ("app", "cifar_core") for p in (ROOT / t).rglob("*.py")
    )
    assert [name for name in set(re.findall(r"\bCIFAR_[A-Z]+(?:_[A-Z]+)*", code))
            if f"`{name}`" not in page] == []  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page):
    names = re.findall(
        r"`((?:app|benchmarks|cifar_core|docs|tests)/\w[\w./-]*)`", page.read_text("utf-8")
    )
    names += re.findall(r"`((?:\w+/)*test_\w+\.py)`", page.read_text("utf-8"))
    tests = {path.name for path in (ROOT / "tests").rglob("*.py")}
    missing = [name for name in names if not (ROOT / name).exists()]
    assert [name for name in missing if Path(name).name not in tests] == []


def test_every_page_is_linked_from_another():
    links = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))
    }
    assert [page.name for page in PAGES if page.parent == ROOT / "docs" and page not in links] == []


@pytest.mark.parametrize(
    "room", sorted(path.parent.name for path in (ROOT / "app/screens").glob("*/page.py"))
)
def test_every_page_of_the_dashboard_is_documented(room):
    assert (ROOT / "docs" / f"page-{room.replace('_', '-')}.md").exists()


def test_every_change_is_told_in_a_sentence():
    lines = (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines()
    changes = [line for line in lines if line.startswith("- ")]
    assert changes
    assert [line for line in changes if not line.endswith(".")] == []
