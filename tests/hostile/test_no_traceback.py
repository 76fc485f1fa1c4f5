"""No page, tab, dialog or command ends in a traceback, whatever became of the files of the store.

`make test` meets each page with each file, several of them damaged at once; `make fuzz` meets each
page with each file and each damage alone.
"""

import os
import random
import shutil
from urllib.error import URLError

import pytest
import whole_store
from commands import commands, line
from PIL import Image
from visits import PAGES, PEOPLE, faults, forget, visit
from whole_store import DAMAGES, as_an_owner, make_writable

from cifar_core import data
from cifar_core.__main__ import main
from cifar_core.disk import lock
from cifar_core.errors import CifarError
from cifar_core.runs.record import records

IS_LONG = os.environ.get("CIFAR_FUZZ") == "long"
TOGETHER = 1 if IS_LONG else 20  # files damaged at once
STEPS = 3 if IS_LONG else 1  # widgets used after a page and one of its tabs were opened
SEED = int(os.environ.get("CIFAR_SEED", "0"))
KEPT = ("data", ".executor.lock")  # of the folder that stands for the store


@pytest.fixture(scope="module")
def template(tmp_path_factory, decoded):
    """Return a store in which every kind of file exists."""
    root = tmp_path_factory.mktemp("template") / "store"
    root.mkdir()
    (root / "data").symlink_to(decoded)
    data.load("synthetic", root)  # here, as a page would take too long
    whole_store.build(root)
    return root


@pytest.fixture
def place(page_store, template, monkeypatch):
    """Return the root of a store that may be damaged, on a machine that starts and fetches nothing.

    `restored` fills it.
    """

    def refuse(*_, **__):
        raise CifarError("It took too long.")

    def unreachable(*_, **__):
        raise URLError(OSError(-2, "Name or service not known"))

    for name in ("cifar_core.background.processes", "cifar_core.data.sources.fetch"):
        monkeypatch.setattr(f"{name}.start_detached", lambda *_, **__: None)
    monkeypatch.setattr("cifar_core.background.child.call", refuse)
    monkeypatch.setattr("urllib.request.OpenerDirector.open", unreachable)
    yield page_store.root
    make_writable(page_store.root)
    for name in ("download.json", "download.lock"):  # `data` is shared with the tests of pages
        (page_store.root / "data" / name).unlink(missing_ok=True)


def restored(root, template):
    """Fill the store with whole files again."""
    make_writable(root)
    for path in root.iterdir():
        if path.name not in KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(template, root, ignore=shutil.ignore_patterns(*KEPT), dirs_exist_ok=True)
    forget()


def rounds(template, draw):
    """Yield the damages of one visit after another: {file: damage}; over all, every file."""
    names = whole_store.kinds(template)
    ways = DAMAGES if IS_LONG else (None,)
    for way in ways:
        left = draw.sample(names, len(names))
        while left:
            some, left = left[:TOGETHER], left[TOGETHER:]
            yield {name: way or draw.choice(DAMAGES) for name in some}


def damaged(root, damages):
    """Damage files; return the damages in words, and numbers of runs or sweeps that have some."""
    for name, damage in damages.items():
        if (root / name).exists() and os.access(root / name, os.W_OK):
            damage(root / name)
    words = ", ".join(f"{name} {damage.__name__}" for name, damage in damages.items())
    inside = [name.split("/")[1].split("-")[0] for name in damages if name.count("/")]
    return words, [number for number in inside if number in "12"] or ["1"]


@pytest.mark.parametrize("page", PAGES)
def test_no_page_ends_in_a_traceback_over_damaged_files(place, template, page, monkeypatch):
    draw = random.Random(f"{SEED} {page}")
    for damages in rounds(template, draw):
        restored(place, template)
        what, numbers = damaged(place, damages)
        person = draw.choice(PEOPLE)
        monkeypatch.setattr("app.session.person", lambda person=person: person)
        numbers = [draw.choice(numbers)] * 4 + ["1", "1,5,6", "3", "nan"]
        with as_an_owner():
            for shown, done in visit(page, draw, numbers=numbers, steps=STEPS):
                assert not faults(shown, place), (what, person.name, done)


@pytest.mark.parametrize("words", [" ".join(words) for words, of in commands()
                                   if any(a.dest == "store" for a in of._actions)])  # fmt: skip
def test_no_command_ends_in_a_traceback_over_damaged_files(
    place, template, words, tmp_path, capsys
):
    draw = random.Random(f"{SEED} {words}")
    of = next(of for names, of in commands() if " ".join(names) == words)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.new("RGB", (40, 40), "red").save(pictures / "red.png")
    places = {"pictures": pictures, "out": tmp_path / "out.html", "root": place}
    for number, damages in enumerate(rounds(template, draw)):
        if number == 2 and not IS_LONG:
            break
        restored(place, template)
        what, _ = damaged(place, damages)
        command = [*line(words.split(), of, draw, places), "--store", str(place)]
        with as_an_owner():
            try:
                code = main(command)
            except SystemExit as end:  # the parser did not understand it
                code = end.code
        said = "".join(capsys.readouterr())
        assert code in (0, 1, 2), (what, command, said)
        assert "Traceback" not in said, (what, command)
        assert "[Errno" not in said, (what, command)


def test_the_store_has_every_kind_of_file_that_a_run_can_have(template):
    names = {name.rpartition("/")[2] for name in whole_store.kinds(template)}
    assert {name for name in records.RECORDS if name not in names} == set()


def test_permissions_count_in_a_block(tmp_path):
    path = tmp_path / "a"
    path.touch()
    path.chmod(0)
    with as_an_owner(), pytest.raises(PermissionError):
        path.read_text()
    descriptor = lock.take(tmp_path / "lock")
    os.close(descriptor)
