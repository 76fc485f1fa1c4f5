"""Archives as people pack them: inside folders and archives, with odd names and with links."""

import os
import stat
import tarfile
import unicodedata
import zipfile

import pytest
from shapes import PNG, counts, each, make, opened, png, tarred, text, zipped

from cifar_core.data.contents import DAMAGED
from cifar_core.data.sources import limits
from cifar_core.errors import DataError

CATS = ("cat", "dog")
BOTH = {"train": 10, "test": 10}
SET = each(["{train,test}/{cat,dog}"])


def raw(found):
    """Read every picture."""
    given = dict(found.pictures(set(range(len(found.items)))))
    assert len(given) == len(found.items)
    return {item.name: given[i] for i, item in enumerate(found.items)}


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
@pytest.mark.parametrize("top", ["", "pets/", "./", "/data/", "./a/b/"])
def test_archives_may_be_packed_in_any_way_below_any_folder(tmp_path, kind, top):
    files = {top + name: PNG + name.encode() for name in SET}
    path = tmp_path / "pets.any"
    zipped(path, files) if kind == "zip" else tarred(path, files, kind=kind)
    found = opened(path)
    assert (found.classes, counts(found)) == (CATS, BOTH)
    assert {data[len(PNG) :].decode() for data in raw(found).values()} == set(SET)


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_folder_that_holds_one_archive_is_that_archive(tmp_path, pack):
    pack(make(tmp_path / "set", {"README.md": b"x"}) / "pets.zip", SET)
    assert counts(opened(tmp_path / "set")) == BOTH


@pytest.mark.parametrize("outer", [zipped, tarred])
@pytest.mark.parametrize("inner", [zipped, tarred])
@pytest.mark.parametrize("in_folder", [False, True])
def test_an_archive_in_an_archive_is_opened(tmp_path, outer, inner, in_folder):
    path = inner(tmp_path / "inner.zip", {name: PNG + name.encode() for name in SET})
    home = make(tmp_path / "set")
    source = outer(home / "outer.zip", {"inner.zip": path.read_bytes()})
    found = opened(home if in_folder else source)
    assert counts(found) == BOTH
    assert all(data == PNG + name.encode() for name, data in raw(found).items())


def test_archives_beside_each_other_are_like_folders_of_their_names(tmp_path):
    folder = make(tmp_path / "set")
    for part in ("train", "val", "test"):
        zipped(
            folder / f"{part}.zip",
            {f"{c}/{i}.png": PNG + part.encode() for c in CATS for i in range(5)},
        )
    found = opened(folder)
    assert counts(found) == {"train": 10, "val": 10, "test": 10}
    assert all(data == PNG + name.split("/")[0].encode() for name, data in raw(found).items())
    classes = make(tmp_path / "classes")
    for label in CATS:
        tarred(classes / f"{label}.tar.gz", [f"{i}.png" for i in range(5)])
    assert opened(classes).classes == CATS


def test_a_table_beside_archives_gives_the_labels(tmp_path):
    folder = make(
        tmp_path / "set",
        {"train.csv": "id,label\n" + "".join(f"{i},{CATS[i % 2]}\n" for i in range(10))},
    )
    zipped(folder / "train.zip", [f"{i}.png" for i in range(10)])
    zipped(folder / "test.zip", [f"t{i}.png" for i in range(10)])
    assert counts(opened(folder)) == {"train": 8, "test": 2}


def test_archives_beside_pictures_are_left_out(tmp_path):
    folder = make(tmp_path / "set", SET)
    zipped(folder / "old.zip", SET)
    found = opened(folder)
    assert counts(found) == BOTH
    assert (
        "The file old.zip was left out: such files are archives that were not opened." in found.said
    )


def test_backslashes_in_a_zip_are_folders(tmp_path):
    path = zipped(tmp_path / "a.zip", [name.replace("/", "\\") for name in SET])
    assert counts(opened(path)) == BOTH


def test_names_in_a_zip_are_utf8_even_if_it_does_not_say_so(tmp_path):
    name = unicodedata.normalize("NFD", "fée")
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(4):
            archive.writestr(f"dog/{i}.png", PNG)
            archive.writestr(f"f\xe9e/{i}.png", PNG)
    data = path.read_bytes()
    assert data.count("f\xe9e".encode()) == 8
    path.write_bytes(data.replace(b"\x00\x08", b"\x00\x00"))  # the flag
    assert opened(path).classes == ("dog", "fée")
    assert opened(zipped(tmp_path / "b.zip", each([f"{name},dog".join("{}")]))).classes == (
        "dog",
        "fée",
    )


def member(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_links_in_a_tar_stand_for_its_members(tmp_path):
    files = {f"pets/{name}": PNG + name.encode() for name in SET}
    found = opened(tarred(
        tmp_path / "a.tar", files,
        member("pets/train/cat/soft.png", tarfile.SYMTYPE, "0.png"),
        member("pets/train/cat/up.png", tarfile.SYMTYPE, "../dog/1.png"),
        member("pets/train/dog/hard.png", tarfile.LNKTYPE, "pets/train/dog/2.png"),
        member("pets/train/cat/out.png", tarfile.SYMTYPE, "/etc/passwd"),
        member("pets/train/cat/up2.png", tarfile.SYMTYPE, "../../../../etc/passwd"),
        member("pets/train/cat/none.png", tarfile.SYMTYPE, "none2.png"),
        kind="w",
    ))  # fmt: skip
    assert counts(found) == {"train": 13, "test": 10}
    data = raw(found)
    assert data["pets/train/cat/soft.png"] == files["pets/train/cat/0.png"]
    assert data["pets/train/cat/up.png"] == files["pets/train/dog/1.png"]
    assert data["pets/train/dog/hard.png"] == files["pets/train/dog/2.png"]
    reasons = {one.why: len(one.names) for one in found.ignored}
    assert reasons == {
        "are links that lead out of the archive": 2,
        "are links to files that are not pictures of the archive": 1,
    }


def test_a_link_to_a_folder_of_a_tar_stands_for_its_pictures(tmp_path):
    path = tmp_path / "a.tar"
    make(tmp_path / "set" / "all", each(["{cat,dog}"]))
    (tmp_path / "set" / "train").mkdir()
    for label in CATS:
        (tmp_path / "set" / "train" / label).symlink_to(f"../all/{label}")
    with tarfile.open(path, "w") as archive:
        archive.add(tmp_path / "set", "pets")
    assert len(raw(opened(path))) >= 10


def test_links_in_a_zip_stand_for_its_members(tmp_path):
    path = tmp_path / "a.zip"
    zipped(path, SET)
    with zipfile.ZipFile(path, "a") as archive:
        for name, target in (("train/cat/soft.png", "0.png"), ("train/cat/out.png", "/etc/passwd")):
            link = zipfile.ZipInfo(name)
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, target)
    found = opened(path)
    assert counts(found) == {"train": 11, "test": 10}
    assert len(raw(found)) == 21


def test_of_two_members_with_one_name_the_later_one_counts(tmp_path):
    path = zipped(tmp_path / "a.zip", dict.fromkeys(SET, PNG + b"first"))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(SET[0], PNG + b"second")
    found = opened(path)
    assert counts(found) == BOTH
    assert raw(found)[SET[0]] == PNG + b"second"


def test_large_files_in_an_archive_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 2**20)
    for pack in (zipped, tarred):
        found = opened(
            pack(
                tmp_path / pack.__name__,
                {**dict.fromkeys(SET, PNG), "train/cat/x.png": bytes(2**20 + 1)},
            )
        )
        assert counts(found) == BOTH
        assert "such files are larger than 64 MB" in text(found)


def test_a_large_file_in_a_folder_is_not_read_into_memory(tmp_path, monkeypatch):
    folder = make(tmp_path / "set", SET)
    with (folder / "train" / "cat" / "x.png").open("wb") as file:
        os.truncate(file.fileno(), limits.MAX_FILE_BYTES + 100)
    found = opened(folder)
    index = next(i for i, item in enumerate(found.items) if item.name.endswith("x.png"))
    ((_, data),) = found.pictures({index})
    assert len(data) == limits.MAX_FILE_BYTES + 1


def test_a_bomb_of_archives_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "FREE_BYTES", 5000)
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/0.png", bytes(10**6))
    with pytest.raises(DataError, match="unpacks to more than"):
        opened(inner)


def test_damage_in_the_middle_is_noticed_when_the_pictures_are_read(tmp_path):
    path = zipped(tmp_path / "a.zip", dict.fromkeys(SET, png(64) * 3))
    found = opened(path)
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    pictures = raw(found)
    assert [name for name, one in pictures.items() if one == DAMAGED] == ["train/cat/0.png"]
    assert pictures["train/dog/0.png"] == png(64) * 3
