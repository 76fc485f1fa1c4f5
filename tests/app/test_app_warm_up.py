import subprocess
import sys

from pages import open_page

from app import navigation
from cifar_core.errors import DataError

SCRIPT = """
import sys, threading
from app import warm_up

assert "torch" not in sys.modules
warm_up.begin()
warm_up.begin()
(loader,) = [t for t in threading.enumerate() if t.name == "load torch"]
loader.join()
assert {"torch", "torchvision"} <= set(sys.modules)
"""


def test_torch_is_loaded_once_in_the_background():
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=120)


def test_the_frame_stands_while_the_page_is_imported(page_store, monkeypatch):
    def slow(path):
        raise ImportError(path)

    monkeypatch.delitem(sys.modules, "app.screens.new_run.page", raising=False)
    monkeypatch.setattr(navigation, "import_module", slow)
    page = open_page("new_run")
    assert [header.value for header in page.header] == ["New run"]


def test_the_frame_stands_while_the_images_are_unpacked(page_store, monkeypatch):
    def unpacking(*args):
        raise DataError("still unpacking")

    open_page("new_run")  # imported
    monkeypatch.setattr("app.screens.new_run.page.check_draft", unpacking)
    page = open_page("new_run")
    assert [header.value for header in page.header] == ["New run"]
    assert [box.label for box in page.selectbox] == ["Start from"]
