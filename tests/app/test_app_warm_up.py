import importlib
import subprocess
import sys
from types import ModuleType

import pytest
from pages import open_page

from app import navigation, warm_up
from cifar_core.errors import DataError

SCRIPT = """
import sys, threading
from app import warm_up

warm_up.PAUSE = 0
warm_up.in_memory = lambda package: {in_memory}
assert "torch" not in sys.modules
warm_up.begin()
warm_up.begin()
(loader,) = [t for t in threading.enumerate() if t.name == "load torch"]
loader.join()
assert {{"torch", "torchvision"}} <= set(sys.modules)
"""


@pytest.mark.parametrize("in_memory", [True, False])
def test_torch_is_loaded_once_in_the_background(in_memory):
    script = SCRIPT.format(in_memory=in_memory)
    subprocess.run([sys.executable, "-c", script], check=True, timeout=240)


def test_a_file_that_was_just_written_is_in_memory_as_far_as_the_system_says(tmp_path):
    file = tmp_path / "library.so"
    file.write_bytes(bytes(1 << 20))
    assert warm_up.share_in_memory(file) in (0.0, 1.0)


def test_a_package_that_is_not_there_is_not_in_memory():
    assert not warm_up.in_memory("no_such_package")


def test_the_frame_stands_while_the_page_is_imported(page_store, monkeypatch):
    def slow(path):
        raise ImportError(path)

    monkeypatch.delitem(sys.modules, "app.screens.train.page", raising=False)
    monkeypatch.setattr(navigation, "import_module", slow)
    page = open_page("train")
    assert [header.value for header in page.header] == ["Train"]


def test_the_frame_stands_while_the_images_are_unpacked(page_store, monkeypatch):
    def unpacking(*args):
        raise DataError("still unpacking")

    open_page("train")  # imported
    monkeypatch.setattr("app.screens.train.page.check_draft", unpacking)
    page = open_page("train")
    assert [header.value for header in page.header] == ["Train"]
    assert [box.label for box in page.menu_button] == ["Settings from"]


def test_a_page_that_another_visitor_is_importing_is_waited_for(page_store, monkeypatch):
    whole = importlib.import_module("app.screens.data.page")
    half = ModuleType("app.screens.data.page")  # as it is in sys.modules during an import

    def finished(path):
        monkeypatch.setitem(sys.modules, path, whole)

    monkeypatch.setitem(sys.modules, "app.screens.data.page", half)
    monkeypatch.setattr(navigation, "import_module", finished)
    page = open_page("data")
    assert not page.exception
    assert [header.value for header in page.header] == ["Data"]
