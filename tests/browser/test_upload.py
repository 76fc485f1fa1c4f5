"""Images are uploaded in a browser: dropped, stopped, continued after a break, looked at, named."""

import re
import shutil
import zipfile
from pathlib import Path

import axe
import numpy as np
import pytest
from dashboards import free_port, serving
from PIL import Image
from playwright.sync_api import expect

from app.upload import drop_zone
from cifar_core.data.uploads import arriving, names, sets
from cifar_core.runs import Store

COLORS = {"cat": (200, 80, 60), "dog": (60, 120, 200)}
MEGA = 2**20
OFFLINE = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
SLOW = {**OFFLINE, "offline": False, "uploadThroughput": 4 * MEGA}
FAST = {**OFFLINE, "offline": False}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def url(store, tmp_path_factory):
    with serving(store, tmp_path_factory.mktemp("server") / "log.txt", free_port()) as address:
        yield address


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """Return a folder of two classes, and a file that is not a picture."""
    folder = tmp_path_factory.mktemp("in") / "pets"
    for label, color in COLORS.items():
        (folder / label).mkdir(parents=True)
        for number in range(10):
            picture(folder / label / f"{number}.png", color, number)
    (folder / "readme.txt").write_text("Pets of our street.")
    return folder


def picture(path, color, seed):
    noise = np.random.default_rng(seed).normal(color, 30, (32, 32, 3))
    Image.fromarray(np.clip(noise, 0, 255).astype("uint8")).save(path)


@pytest.fixture(scope="module")
def packed(pets, tmp_path_factory):
    """Return the same as a zip of 40 MB, most of it one file without any order."""
    path = tmp_path_factory.mktemp("in") / "street.zip"
    with zipfile.ZipFile(path, "w") as file:
        for one in sorted(pets.rglob("*.png")):
            file.write(one, one.relative_to(pets.parent))
        file.writestr("pets/noise.bin", np.random.default_rng(0).bytes(40 * MEGA))
    return path


@pytest.fixture
def dialog(visit):
    """Open the dialog; the function loads the page again."""

    def opened():
        tab = visit("/data")
        tab.get_by_role("button", name="Use your own images").click()
        tab.locator(".upload .zone, .upload .now").first.wait_for(state="attached")
        return tab

    return opened


@pytest.fixture
def network(tab):
    """Return what makes the network of the tab slow, fast or lost."""
    session = tab.context.new_cdp_session(tab)
    session.send("Network.enable")
    yield lambda how: session.send("Network.emulateNetworkConditions", how)
    session.detach()


def test_a_folder_is_dropped_looked_at_and_named(dialog, pets, store):
    tab = dialog()
    tab.locator(".upload .folder").set_input_files(pets)
    expect(tab.get_by_role("heading", name="2 classes, 20 images")).to_be_visible()
    tab.get_by_text("Files that are not pictures: 1").click()
    expect(tab.get_by_text("readme.txt").last).to_be_visible()
    tab.get_by_role("button", name="Continue", exact=True).click()
    tab.get_by_label("Name of this set").fill("Pets of our street")
    tab.get_by_label("Name of this set").press("Enter")
    tab.wait_for_url(re.compile("set="))
    expect(tab.get_by_role("heading", name="Pets of our street")).to_be_visible()
    expect(tab.get_by_role("button", name="Train on these images")).to_be_visible()
    assert [(one.name, one.kept, one.files) for one in sets.uploaded(store.root)] == [
        ("pets", True, 21)
    ]


def test_files_with_names_that_no_disk_can_take_are_left_out_of_a_folder(
    dialog, pets, tmp_path, store
):
    folder = tmp_path / "odd pets"
    shutil.copytree(pets, folder)
    deep = folder.joinpath(*"abcdefghijklmnopq")
    deep.mkdir(parents=True)
    (folder / "C: drive").mkdir()
    for path in (deep / "1.png", folder / "cat" / "a\tb.png", folder / "C: drive" / "1.png"):
        picture(path, (9, 9, 9), 0)
    tab = dialog()
    tab.locator(".upload .folder").set_input_files(folder)
    expect(tab.get_by_role("heading", name="2 classes, 20 images")).to_be_visible()
    tab.get_by_text("Files that were left out because of their names: 3").click()
    expect(tab.get_by_text("C: drive/1.png")).to_be_visible()
    (found,) = [one for one in sets.uploaded(store.root) if one.left_out]
    assert (found.left_out, found.files) == (3, 21)
    tab.get_by_role("button", name="Discard").click()
    expect(tab.locator(".upload .zone")).to_be_visible()


NAMES = [
    "a/b.png", "../x", "a/../b", "/etc/x", "C:/x", "c:x", "a\0b", "a\tb", "a\u0085b", "a" * 255,
    "a" * 256, "\u00e9" * 127, "\u00e9" * 128, "/".join("a" * 16), "/".join("a" * 17),
    "/".join(5 * ["b" * 200]), "/".join(["c", *5 * ["b" * 200]]), "a..b/c...", "x:y/C:z", "\u200b",
]  # fmt: skip


def test_the_browser_leaves_out_the_names_that_the_server_does(visit):
    script = (Path(drop_zone.__file__).parent / "transfer.js").read_text("utf-8")
    tab = visit("/data")
    found = tab.evaluate(f"(given) => {{ {script}; return given.map(isOdd); }}", NAMES)
    assert found == [names.kept_path(name) is None for name in NAMES]


def test_an_upload_is_stopped_and_continues_after_the_page_was_loaded_again(
    dialog, network, packed, store
):
    tab = dialog()
    network(SLOW)
    tab.locator(".upload .files").set_input_files(packed)
    expect(tab.locator(".upload .text")).to_contain_text("MB per second")
    tab.get_by_role("button", name="Cancel").click()
    expect(tab.get_by_text(re.compile(r"Stopped at .* of 4\d MB"))).to_be_visible()
    tab.get_by_role("button", name="Continue", exact=True).click()
    tab.wait_for_function("() => labUploads.transfer?.have > 8e6")

    tab.get_by_role("button", name="Close").click()  # it goes on behind the closed dialog
    before = tab.evaluate("labUploads.transfer.sent")
    tab.wait_for_function(f"() => labUploads.transfer.sent > {before}")
    dialog()  # loads the page again, so that the browser forgets the file
    (upload,) = arriving.arriving(store.root)
    assert upload.reached.bytes >= 8e6
    line = tab.locator(".upload .line").filter(has_text="street")
    expect(line).to_contain_text(re.compile(r"street: [\d.]+ of 4\d MB are there"))
    with tab.expect_file_chooser() as chooser:
        line.get_by_role("button", name="Continue").click()
    other = packed.with_name("other.zip")
    other.write_bytes(b"PK")
    chooser.value.set_files(other)
    expect(tab.get_by_text("These are not the files of street")).to_be_visible()
    line.get_by_role("button", name="Continue").click()
    tab.locator(".upload .files").set_input_files(packed)
    expect(tab.get_by_role("heading", name="2 classes, 20 images")).to_be_visible(timeout=60_000)
    (found,) = [one for one in sets.uploaded(store.root) if one.file]
    assert Path(found.source(store.root)).read_bytes() == packed.read_bytes()
    tab.get_by_role("button", name="Discard").click()
    expect(tab.locator(".upload .zone")).to_be_visible()
    assert [one.name for one in sets.uploaded(store.root) if one.file] == []


def test_a_lost_connection_is_waited_for(dialog, network, packed):
    tab = dialog()
    network(SLOW)
    tab.locator(".upload .files").set_input_files(packed)
    tab.wait_for_function("() => labUploads.transfer?.have > 8e6")
    network(OFFLINE)
    expect(tab.locator(".upload .text")).to_contain_text("The connection is lost. Trying again.")
    network(FAST)
    expect(tab.get_by_role("heading", name="2 classes, 20 images")).to_be_visible(timeout=60_000)
    tab.get_by_role("button", name="Discard").click()
    expect(tab.locator(".upload .zone")).to_be_visible()


def test_pictures_are_put_into_classes_by_name(dialog, pets, store):
    tab = dialog()
    tab.get_by_role("radio", name="Pictures of one class").click()
    expect(tab.get_by_role("button", name="Choose files")).to_be_disabled()
    for label in COLORS:
        box = tab.get_by_role("combobox", name="Class")
        box.fill(label)
        box.press("Enter")
        expect(tab.get_by_text(f"Drop pictures of {label} here")).to_be_visible()
        tab.locator(".upload .files").set_input_files(sorted((pets / label).iterdir()))
        expect(tab.get_by_text(f"10 pictures came to {label}.")).to_be_visible()
    tab.get_by_role("button", name="Look at this set").click()
    expect(tab.get_by_role("heading", name="2 classes, 20 images")).to_be_visible()
    folder = arriving.home(store.root) / "My-pictures"
    assert {path.name: len(list(path.iterdir())) for path in folder.iterdir()} == {
        "cat": 10, "dog": 10
    }  # fmt: skip


def test_nothing_serious_is_found_in_the_dialog_on_a_phone(tab, dialog, pets):
    tab.set_viewport_size({"width": 400, "height": 800})
    dialog()
    tab.locator(".upload button").last.focus()
    look(tab)
    tab.locator(".upload .files").set_input_files(next((pets / "cat").iterdir()))
    tab.get_by_text("These pictures lie in no folder").wait_for()
    look(tab)


def look(tab):
    """Find nothing serious once the dialog has come to rest."""
    tab.wait_for_timeout(500)
    assert axe.problems(tab) == set()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
