"""Walks through a page as a careless visitor: opens tabs, chooses, types and clicks at random.

Nothing here knows a page by name: pages, tabs and parameters are found in app/, and whatever can be
chosen, typed or clicked is found in what the page draws.
"""

import ast
import re
from pathlib import Path

import streamlit as st
from pages import ENTRY, open_page

from cifar_core.people import ADMIN, OPERATOR, VIEWER, Person
from cifar_core.runs.store import index

ROOMS = Path(ENTRY).parent / "screens"
PAGES = sorted(path.parent.name for path in ROOMS.glob("*/page.py"))
PEOPLE = [Person(name=f"a {role.key}", role=role) for role in (VIEWER, OPERATOR, ADMIN)]
ASKED = re.compile(r'(?:query_params(?:\.get(?:_all)?\(|\[)|_(?:in|from)_address\(\s*)"(\w+)"')
NAMES = sorted(
    {name for path in Path(ENTRY).parent.rglob("*.py") for name in ASKED.findall(path.read_text())}
)
REFERENCES = ("id", "run", "runs", "beside", "clone", "base")  # parameters that name runs or sweeps
TYPED = ["", " ", "/", "~nosuchuser", "~", "x" * 300, "a\0b", "../..", "/proc/self", "/root", "-1",
         "1e999", "nan", "²", "synthetic:0", "synthetic:7", "<b>", "\u202e\U0001f408", "lr=",
         "'; DROP TABLE run; --", "learning_rate=1..", "0.1, 0.2", "acc>"]  # fmt: skip
NUMBERS = [-1, 0, 1, 7, 10**9]
PROGRAMS_WORDS = re.compile(r"Traceback|\b[A-Z]\w*(?:Error|Exception)\b|\[Errno|\bNone\b.*\bNone\b")
# what the widgets of a page are called by AppTest, and how many of them one visit tries
WIDGETS = ("selectbox", "multiselect", "button_group", "toggle", "checkbox", "text_input",
           "text_area", "number_input", "slider", "button")  # fmt: skip


def tab_keys(room):
    """Return the keys under which the tabs of a page keep the open one."""
    keys = set()
    for path in (ROOMS / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "tabs":
                keys |= {k.value.value for k in node.keywords if k.arg == "key"}
    return sorted(keys)


def forget():
    """Empty what the pages keep in memory, so that the files are read again."""
    st.cache_data.clear()
    st.cache_resource.clear()
    index.LISTED.clear()


def address(name, draw, numbers):
    """Return parameters for a page: some name runs or sweeps, others are anything."""
    query = {key: draw.choice(numbers) for key in REFERENCES if draw.random() < 0.8}
    if name in ("run", "sweep"):
        query["id"] = draw.choice(numbers)
    for key in draw.sample(NAMES, 2):
        if key not in query:
            query[key] = draw.choice(TYPED)
    return query


def visit(name, draw, *, numbers=("1",), steps=2, say=lambda words: None):
    """Open a page and do some things there; yield it after each, with what was done."""
    query = address(name, draw, numbers)
    done = [f"{name} {query}"]
    say(done[-1])
    page = open_page(name, **query)
    yield page, done
    for key in tab_keys(name):
        labels = [tab.label for tab in page.tabs]
        if labels:
            label = draw.choice(labels)
            done.append(f"tab {label}")
            say(done[-1])
            page.session_state[key] = label
            page.run()
            yield page, done
    for _ in range(steps):
        acts = [(kind, one) for kind in WIDGETS for one in getattr(page, kind) if not one.disabled]
        if not acts or page.exception:
            return
        kind = draw.choice(sorted({kind for kind, _ in acts}))
        done.append(act(draw.choice([one for k, one in acts if k == kind]), draw))
        say(done[-1])
        page.run()
        yield page, done


def act(widget, draw):
    """Use a widget as a visitor may; return what was done."""
    kind = type(widget).__name__
    if kind == "Button":
        widget.click()
        return f"click {widget.label}"
    if kind in ("TextInput", "TextArea"):
        value = draw.choice(TYPED)
    elif kind == "NumberInput":
        value = draw.choice(NUMBERS)
    elif kind in ("Toggle", "Checkbox"):
        value = not widget.value
    elif kind in ("Slider", "SelectSlider"):
        value = widget.value
    elif kind == "Multiselect" or isinstance(widget.value, list):
        options = list(widget.options)
        widget.set_value(draw.sample(options, min(len(options), draw.randrange(3))))
        return f"choose {widget.label} {widget.value}"
    else:
        if getattr(widget.proto, "accept_new_options", False):
            widget.options.extend(TYPED)
        value = draw.choice(list(widget.options)) if widget.options else None
    widget.set_value(value)
    return f"{kind} {widget.label}: {str(value)[:40]!r}"


def sentences(page):
    """Return everything that a page says to its visitor, except what people or trainers wrote."""
    kinds = (page.markdown, page.caption, page.subheader, page.header, page.error, page.warning,
             page.info, page.toast, page.metric)  # fmt: skip
    return [str(element.value) for kind in kinds for element in kind]


def faults(page, root):
    """Return what is wrong with a page: a traceback, a name of Python's, a path, or nothing."""
    found = [f"{one.value}: {''.join(one.stack_trace)[-900:]}" for one in page.exception]
    said = sentences(page)
    if not said:
        found.append("The page is empty.")
    found += [words for words in said if PROGRAMS_WORDS.search(words)]
    refusals = [str(e.value) for kind in (page.error, page.warning, page.toast) for e in kind]
    return found + [words for words in refusals if str(root) in words]
