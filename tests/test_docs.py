"""Nothing ships undocumented, and no link in the docs leads nowhere."""

import argparse
import re
from pathlib import Path

import pytest

from cifar_core.__main__ import parser
from cifar_core.terminal.settings import markdown

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


def test_the_page_of_settings_is_up_to_date():
    assert (ROOT / "docs" / "settings.md").read_text("utf-8") == markdown()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", sorted((ROOT / "app" / "views").glob("[a-z]*.py")))
def test_every_page_of_the_dashboard_is_documented(page):
    names = [doc.stem for doc in (ROOT / "docs").glob("*.md")]
    assert f"page-{page.stem.replace('_', '-')}" in names


def test_every_change_is_told_in_a_sentence():
    lines = (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines()
    changes = [line for line in lines if line.startswith("- ")]
    assert changes
    assert [line for line in changes if not line.endswith(".")] == []
