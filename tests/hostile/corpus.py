"""Hostile files, made by code: pictures, archives, files of weights and values of the wrong kind.

Where each kind is tested: pictures in test_files.py and tests/data/test_data_images.py (limits,
truncation, modes, orientation); archives in test_files.py, tests/data/test_data_archive.py (escape,
links, bombs) and tests/runs/test_runs_zip.py (zips of runs); weights in test_files.py and
tests/models/test_weights.py (pickles with code, expanded tensors, wrong networks); values of run
files in test_values.py and tests/faults/test_damage.py (every byte damaged); addresses in
test_addresses.py; random damage of everything in test_fuzz.py.
"""

import gzip
import io
import json
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

from PIL import Image, PngImagePlugin


def saved(kind, mode="RGB", size=(24, 16), **options):
    """Return a small picture as the bytes of a file."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(file, kind, **options)
    return file.getvalue()


def exif(**tags):
    """Return EXIF data of tags by number, given as t274=6."""
    data = Image.Exif()
    for name, value in tags.items():
        data[int(name[1:])] = value
    return data.tobytes()


def chunk(kind, data):
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(png, kind, data):
    """Return a PNG with a further chunk after its header."""
    return png[:33] + chunk(kind, data) + png[33:]


def png_of(width, height):
    """Return a PNG whose header says a size and whose pixels are few."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def jpeg_of(width, height):
    """Return a JPEG whose frame header says another size than it has."""
    data = bytearray(saved("JPEG"))
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def gif_of(width, height):
    """Return a GIF whose screen and first frame say another size."""
    data = bytearray(saved("GIF", "P"))
    data[6:10] = struct.pack("<HH", width, height)
    place = data.index(b"\x2c", 13 + 3 * 2)
    data[place + 5 : place + 9] = struct.pack("<HH", width, height)
    return bytes(data)


def tiff_of(width, height):
    """Return a TIFF whose directory says another size."""
    data = bytearray(saved("TIFF"))
    (place,) = struct.unpack("<I", data[4:8])
    for number in range(struct.unpack("<H", data[place : place + 2])[0]):
        entry = place + 2 + 12 * number
        (tag,) = struct.unpack("<H", data[entry : entry + 2])
        if tag in (256, 257):
            size = width if tag == 256 else height
            data[entry + 2 : entry + 12] = struct.pack("<HII", 4, 1, size)
    return bytes(data)


def webp_of(width, height):
    """Return an extended WebP whose canvas says another size."""
    data = bytearray(saved("WEBP", "RGBA", exif=exif(t270="x")))
    place = data.index(b"VP8X") + 12
    data[place : place + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def tiff_in_itself():
    """Return a TIFF whose next picture is itself."""
    data = bytearray(saved("TIFF"))
    (place,) = struct.unpack("<I", data[4:8])
    end = place + 2 + 12 * struct.unpack("<H", data[place : place + 2])[0]
    data[end : end + 4] = struct.pack("<I", place)
    return bytes(data)


def icon_of_many_pixels():
    """Return an icon whose directory says 32 x 32, and whose picture is a large PNG."""
    head = struct.pack("<HHHBBBBHHII", 0, 1, 1, 32, 32, 0, 0, 1, 32, 1000, 22)
    return head + png_of(12_000, 12_000)


def tiff_of_one_huge_tile():
    """Return a small TIFF that says it consists of one tile of 60,000 x 60,000 pixels."""
    data = bytearray(saved("TIFF"))
    for unneeded, side in ((278, 322), (284, 323)):
        entry = data.index(struct.pack("<HH", unneeded, 3 if unneeded == 284 else 4))
        data[entry : entry + 12] = struct.pack("<HHII", side, 3, 1, 60_000)
    return bytes(data)


def animation(kind, frames):
    """Return an animated picture of many frames."""
    pictures = [Image.new("RGB", (64, 64), (n % 256, n // 256, 0)) for n in range(frames)]
    file = io.BytesIO()
    pictures[0].save(file, kind, save_all=True, append_images=pictures[1:])
    return file.getvalue()


def text_bomb():
    """Return a PNG whose packed text unpacks to 60 MB."""
    packed = zlib.compress(bytes(60_000_000), 9)
    return with_chunk(saved("PNG"), b"zTXt", b"Comment\0\0" + packed)


def profile_bomb():
    """Return a PNG whose packed colour profile unpacks to 60 MB."""
    packed = zlib.compress(bytes(60_000_000), 9)
    return with_chunk(saved("PNG"), b"iCCP", b"profile\0\0" + packed)


def png_with_text():
    """Return a PNG with a script where its comment is."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "<script>alert(1)</script>")
    return saved("PNG", pnginfo=info)


def zip_of(*members):
    """Return a zip of (name or ZipInfo, contents)."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members:
            packed.writestr(name, data)
    return file.getvalue()


def tar_of(*members, mode="w:gz"):
    """Return a tar of (name, contents)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, format=tarfile.PAX_FORMAT) as packed:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    return file.getvalue()


PICTURES = {  # that can be shown, however odd
    "cmyk jpeg": lambda: saved("JPEG", "CMYK"),
    "palette gif": lambda: saved("GIF", "P"),
    "grey with alpha": lambda: saved("PNG", "LA"),
    "black and white": lambda: saved("PNG", "1"),
    "black and white tiff": lambda: saved("TIFF", "1", compression="group4"),
    "sixteen bits": lambda: saved("PNG", "I;16"),
    "ycbcr tiff": lambda: saved("TIFF", "YCbCr"),
    "orientation 9": lambda: saved("JPEG", exif=exif(t274=9)),
    "orientation 0": lambda: saved("JPEG", exif=exif(t274=0)),
    "exif of noise": lambda: saved("JPEG", exif=b"Exif\0\0" + bytes(range(256)) * 20),
    "profile of noise": lambda: saved("JPEG", icc_profile=bytes(range(256)) * 4000),
    "script in a comment": png_with_text,
    "a thousand frames of gif": lambda: animation("GIF", 1000),
    "frames of webp": lambda: animation("WEBP", 50),
    "frames of png": lambda: animation("PNG", 50),
    "tiff in itself": tiff_in_itself,
    "picture and zip": lambda: saved("PNG") + zip_of(("train/a.txt", b"x")),
    "picture and script": lambda: saved("GIF", "P") + b"<script>alert(1)</script>",
    "one pixel": lambda: saved("PNG", size=(1, 1)),
    "icon": lambda: saved("ICO"),
    "jpeg of 9000 x 3000": lambda: jpeg_of(9_000, 3_000),  # gray where nothing is stored
}
NO_PICTURES = {  # to be refused
    **{
        f"{name} of {width} x {height}": lambda make=make, size=(width, height): make(*size)
        for name, make in (("png", png_of), ("jpeg", jpeg_of), ("gif", gif_of),
                           ("tiff", tiff_of), ("webp", webp_of))
        for width, height in ((16_000, 16_000), (9_000, 6_000))
        if name != "jpeg" or width > 9_000  # which is decoded at a fraction of its size
    },
    "png of the largest number": lambda: png_of(2**31 - 1, 2**31 - 1),
    "png without width": lambda: png_of(0, 10),
    "gif of 65535": lambda: gif_of(65_535, 65_535),
    "tiff of 4 billion": lambda: tiff_of(2**32 - 1, 2**32 - 1),
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "pdf": lambda: b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>",
    "postscript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
    "icon of many pixels": icon_of_many_pixels,
    "tiff of one huge tile": tiff_of_one_huge_tile,
    "video": lambda: b"\0\0\0\x18ftypmp42" + bytes(100),
    "heic of nothing": lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400),
    "only a beginning": lambda: b"\x89PNG\r\n\x1a\n",
    "zeros": lambda: bytes(5000),
    "a zip": lambda: zip_of(("a", b"x")),
    "half floats": lambda: saved("TIFF", "F"),
    "packed text": text_bomb,
    "packed profile": profile_bomb,
}  # fmt: skip

LONG = "a" * 300
NAMES = ["train/cat/\0.png", f"train/cat/{LONG}.png", "train/cat/CON.png", "train/cat/\u202egnp.x",
         "train/\U0001f408/0.png", "train/cat/a\nb.png", "train/cat/-rf.png", "train/cat/ .png",
         "/".join(["d"] * 100) + "/0.png", "train/cat/<b>0.png"]  # fmt: skip
ARCHIVES = {
    **{f"zip of {name[:20]!r}": lambda name=name: zip_of((name, b"x" * 90)) for name in NAMES},
    **{f"tar of {name[:20]!r}": lambda name=name: tar_of((name, b"x" * 90)) for name in NAMES},
    "the same name twice": lambda: tar_of(("train/cat/0.png", b"x"), ("train/cat/0.png", b"y")),
    "thousands of members": lambda: zip_of(*((f"train/cat/{n}.png", b"") for n in range(5000))),
    "a zip in a zip": lambda: zip_of(("train/cat/0.png", zip_of(("x", bytes(10**6))))),
    "an empty name": lambda: zip_of(("x", b"x")).replace(b"\x01\x00\x00\x00x", b"\x00\x00\x00\x00"),
    "zeros packed by 1000": lambda: zip_of(("train/cat/0.png", bytes(80 * 2**20))),
    "tar of zeros": lambda: tar_of(("train/cat/0.png", bytes(80 * 2**20))),
    "pax header of 70 MB": lambda: pax_bomb(),
    "no end": lambda: tar_of(("train/cat/0.png", b"x" * 9000), mode="w:")[:5000],
}


def pax_bomb():
    """Return a small tar whose first header is 70 MB of zeros."""
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 70 * 2**20
    return gzip.compress(info.tobuf() + bytes(info.size), 6)


def head_of(values, length=None, body=64):
    """Return a safetensors file with this head, which may lie about its length."""
    head = values if isinstance(values, bytes) else json.dumps(values).encode()
    return struct.pack("<Q", len(head) if length is None else length) + head + bytes(body)


def tensor(shape, start=0, end=64, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


HEADS = {  # of safetensors files, none of which is one
    "nothing": lambda: b"",
    "a list": lambda: head_of(b"[1, 2]"),
    "longer than the file": lambda: head_of({"a": tensor([16])}, 10**6),
    "of 2**63 bytes": lambda: head_of({"a": tensor([16])}, 2**63),
    "of 50 MB": lambda: head_of(b"[" + b"[]," * (50 * 10**6 // 3) + b"[]]"),
    "nested": lambda: head_of(b'{"a":' * 100_000),
    "shape of words": lambda: head_of({"a": tensor("16")}),
    "negative shape": lambda: head_of({"a": tensor([-16, -1])}),
    "shape of fractions": lambda: head_of({"a": tensor([1.5])}),
    "a number of 9,000 digits": lambda: head_of(b'{"a":{"shape":[' + b"9" * 9000 + b"]}}"),
    "no shape": lambda: head_of({"a": {"dtype": "F32"}}),
}

WRONG = [None, [], {}, "x", "", -1, 10**400, 1e308, float("nan"), float("-inf"), True, 2**64,
         "\ud800", "\0", "<script>alert(1)</script>", "../../etc/passwd", [[[[[[[[]]]]]]]],
         {"a": {"b": [None]}}, "y" * 200_000, [0] * 200]  # fmt: skip
TEXTS = {  # whole contents of a file that should be a JSON object
    "nested lists": "[" * 100_000,
    "nested objects": '{"a":' * 100_000,
    "a huge number": '{"a":' + "9" * 9000 + "}",
    "a list": "[1, 2]",
    "a string": '"x"',
    "null": "null",
    "nothing": "",
    "not a text": b"\xff\xfe\0{",
    "many small lists": "[" + "[]," * 5_000_000 + "[]]",
}


def write(path, content):
    """Write a text or bytes to a path whose folder may be missing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
