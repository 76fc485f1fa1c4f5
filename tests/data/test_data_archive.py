import gzip
import io
import os
import stat
import tarfile
import zipfile

import pytest

from cifar_core.data.sources import limits
from cifar_core.data.sources.archive import entries
from cifar_core.errors import DataError


def tar_of(path, *members, kind="w:gz"):
    """A tar of (TarInfo, contents)."""
    with tarfile.open(path, kind) as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def member(name, data=b"x", **fields):
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def all_of(path):
    return {
        entry.name: b"" if entry.is_folder else entry.read()
        for entry in entries(path)
        if not entry.why
    }


@pytest.mark.parametrize("name", ["../evil", "/../evil", "train/../../evil", "C:/../evil"])
def test_names_that_lead_out_of_an_archive_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(name, b"x")
    for path in (tmp_path / "a.zip", tar_of(tmp_path / "a.tar.gz", member(name))):
        with pytest.raises(DataError, match="which leads outside it"):
            all_of(path)


@pytest.mark.parametrize("name", ["/a/evil", "//a/evil", "C:/a/evil", "C:\\a\\evil"])
def test_absolute_names_are_made_relative(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(name, b"x")
    assert all_of(tmp_path / "a.zip") == {"a/evil": b"x"}
    if ":" not in name:
        assert all_of(tar_of(tmp_path / "a.tar.gz", member(name))) == {"a/evil": b"x"}


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_devices_in_a_tar_are_left_out(tmp_path, kind):
    trap = member("train/cat/0.png", b"", type=kind)
    packed = tar_of(tmp_path / "a.tar.gz", trap, member("train/cat/1.png"))
    assert [entry.why for entry in entries(packed)] == ["are pipes or devices", ""]
    assert all_of(packed) == {"train/cat/1.png": b"x"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd", "train/cat/1.png"])
def test_links_in_a_tar_are_named_but_never_followed_here(tmp_path, kind, target):
    trap = member("train/cat/0.png", b"", type=kind, linkname=target)
    (entry,) = entries(tar_of(tmp_path / "a.tar.gz", trap))
    assert bool(entry.why) != bool(entry.link)
    assert not entry.link.startswith(("/", ".."))
    with pytest.raises(DataError, match=r"train/cat/0.png', which is not a plain file"):
        entry.read()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd", "1.png", "x" * 9999])
def test_links_in_a_zip_are_named_but_never_followed_here(tmp_path, target):
    link = zipfile.ZipInfo("train/cat/0.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(link, target)
    (entry,) = entries(tmp_path / "a.zip")
    assert entry.link == ("train/cat/1.png" if target == "1.png" else "")
    with pytest.raises(DataError, match=r"train/cat/0.png', which is not a plain file"):
        entry.read()


def test_an_encrypted_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("train/cat/0.png", b"x")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag in the list of contents
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match="is encrypted"):
        all_of(tmp_path / "a.zip")


def test_a_file_too_large_for_a_picture_is_never_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 2**20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("train/cat/0.png", bytes(2**20 + 1))
    big = tar_of(tmp_path / "a.tar.gz", member("train/cat/0.png", bytes(2**20 + 1)))
    for path in (tmp_path / "a.zip", big):
        for entry in entries(path):
            assert entry.why == "are larger than 64 MB"
            with pytest.raises(DataError, match="far too large for an image"):
                entry.read()


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 24, 25, 60])
def test_a_file_is_read_in_pieces_as_far_as_it_is_wanted(monkeypatch, length):
    monkeypatch.setattr(limits, "FIRST_BYTES", 8)
    monkeypatch.setattr(limits, "NEXT_BYTES", 16)
    asked = []

    class Watched(io.BytesIO):
        def read(self, size):
            asked.append(size)
            return super().read(size)

    data = bytes(range(length))
    for most in (1, 8, 24, 1000):
        assert limits.read_at_most(Watched(data), most) == data[:most]
    assert max(asked) <= 16


def test_a_huge_header_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 50_000)
    long_name = member("train/" + 60_000 * "a")
    with pytest.raises(DataError, match="a header of 0 MB, which no valid archive has"):
        all_of(tar_of(tmp_path / "a.tar.gz", long_name))


def test_many_moderate_files_are_refused_in_sum(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_TOTAL_BYTES", 10_000)
    files = [member(f"train/cat/{i}.png", bytes(3000)) for i in range(4)]
    with pytest.raises(DataError, match="unpacks to more than"):
        all_of(tar_of(tmp_path / "a.tar.gz", *files))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for info, data in files:
            packed.writestr(info.name, data)
    with pytest.raises(DataError, match="unpacks to more than"):
        all_of(tmp_path / "a.zip")


def test_too_many_entries_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ENTRIES", 3)
    path = tar_of(tmp_path / "a.tar.gz", *[member(f"{i}", b"") for i in range(4)])
    with pytest.raises(DataError, match="more than 3 entries"):
        all_of(path)


def noise(count):
    return bytes(i * i % 251 for i in range(count))


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:xz", "w:bz2"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_truncated_tar_is_noticed_wherever_it_was_cut(tmp_path, kind, share):
    whole = tar_of(tmp_path / "a", *[member(f"{i}", noise(5000)) for i in range(9)], kind=kind)
    assert len(all_of(whole)) == 9
    data = whole.read_bytes()
    whole.write_bytes(data[: int(share * len(data))])
    with pytest.raises(DataError, match=r"a is damaged or cut short"):
        all_of(whole)


def test_a_plain_tar_cut_between_two_files_is_noticed(tmp_path):
    whole = tar_of(tmp_path / "a", member("0", noise(512)), member("1", noise(512)), kind="w")
    whole.write_bytes(whole.read_bytes()[:1024])
    with pytest.raises(DataError, match="its end mark is missing"):
        all_of(whole)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_zip_is_noticed(tmp_path, share):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("0", noise(5000))
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data[: int(share * len(data))])
    with pytest.raises(DataError, match="is damaged or cut short"):
        all_of(tmp_path / "a.zip")


def test_a_flipped_bit_is_noticed(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("0", noise(5000))
    for path in (tmp_path / "a.zip", tar_of(tmp_path / "a.tar.gz", member("0", noise(5000)))):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        with pytest.raises(DataError, match="is damaged or cut short"):
            all_of(path)


def test_what_is_no_archive_is_refused_with_what_is_expected(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(b"hello"))
    (tmp_path / "a.zip").write_text("hello")
    with pytest.raises(DataError, match="damaged"):
        all_of(tmp_path / "a.tar.gz")
    with pytest.raises(DataError, match=r"neither a folder nor a tar.*a folder for each class"):
        all_of(tmp_path / "a.zip")
    with pytest.raises(DataError, match=r"nothing at .*missing"):
        all_of(tmp_path / "missing")


def test_a_folder_may_hold_links_but_pipes_are_passed_over(tmp_path):
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "round").symlink_to(tmp_path)
    found = all_of(tmp_path)
    assert found == {"real": b"x", "link": b"x"}
    reasons = {entry.name: entry.why for entry in entries(tmp_path) if entry.why}
    assert reasons == {
        "pipe": "are pipes or devices",
        "round": "are links to a folder that they lie in",
    }


def test_only_as_much_may_be_unpacked_as_pictures_can_shrink(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "FREE_BYTES", 10_000)
    path = tar_of(tmp_path / "a.tar.gz", *[member(f"{i}.png", bytes(9000)) for i in range(9)])
    with pytest.raises(DataError, match="unpacks to more than"):
        all_of(path)
