"""The words by which the folders and files of a set are recognized: one table for every format.

Words are compared without regard to capitals, in Unicode's composed form (NFC).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from cifar_core.data.contents import PartOfSet

WORDS: dict[PartOfSet, tuple[str, ...]] = {
    "train": (
        *("train", "training", "trn", "tr", "trains", "trainset", "traindata", "trainval"),
        *("entrenamiento", "entrainement", "treino", "addestramento"),
    ),
    "val": (
        *("val", "valid", "validation", "validate", "validating", "vali", "vals", "valset"),
        *("dev", "devel", "development", "eval", "evaluation", "evaluate", "validierung"),
        *("validacion", "validacao", "convalida"),
    ),
    "test": (
        *("test", "testing", "tst", "te", "tests", "testset", "testdata", "holdout"),
        *("prueba", "teste", "pruebas"),
    ),
}
PART_OF_WORD: dict[str, PartOfSet] = {word: part for part, words in WORDS.items() for word in words}


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


FILLERS = words(  # words that say nothing about the images
    "a the my all of set sets data dataset datasets split splits subset folder folders dir root "
    "image images img imgs picture pictures pic pics photo photos jpg jpeg jpegs jpegimages png "
    "raw file files sample samples seg labels labeled class classes"
)
CLASS_WORDS = {"class", "classes", "label", "category"}
PICTURES = words(  # endings of files that hold a picture
    "jpg jpeg jpe jfif jif mpo png apng webp bmp dib gif tif tiff ppm pgm pbm pnm avif avifs heic "
    "heif hif jp2 j2k jpf jpx j2c jpc tga ico"
)
TABLES = words("csv tsv tab json jsonl ndjson txt")
ARCHIVES = words("zip tar tgz tbz2 txz")
PACKED = words("7z rar zst tzst lz4 lz lzma z ace arj")
NOT_OPENED = words(  # pictures and documents that are never decoded here
    "svg svgz eps ps ai pdf psd xcf jxl cr2 cr3 nef arw dng orf rw2 raf raw dcm nii exr hdr"
)
FOREIGN = words(  # endings of files that never hold a picture
    "md rst xml html htm yaml yml toml ini cfg log lst names data py ipynb m r js css sh bat npy "
    "npz mat pkl pickle h5 hdf5 pt pth onnx safetensors parquet arrow tfrecord tfrecords db sqlite "
    "cache lock bak tmp part crdownload doc docx odt xls xlsx ods ppt pptx rtf tex bib mp3 wav mp4 "
    "avi mov mkv webm exe dll so url lnk info nfo md5 sha1 sha256 gz bz2 xz xmp aae thm "
    "gitignore gitattributes"
)
FOREIGN_NAMES = words(
    "readme license copying authors changelog notice makefile dockerfile citation manifest "
    "version todo contents index install"
)
JUNK = frozenset(  # files and folders that programs leave behind
    (
        *(".ds_store", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"),
        *("__macosx", ".appledouble", ".lsoverride", ".spotlight-v100", ".trashes", ".trash"),
        *(".fseventsd", ".temporaryitems", ".documentrevisions-v100", ".directory", "picasa.ini"),
        *(
            ".picasa.ini",
            ".picasaoriginals",
            "zbthumbnail.info",
            ".thumbnails",
            ".thumbs",
            "@eadir",
        ),
        *("#recycle", "$recycle.bin", "recycler", "system volume information", "lost+found"),
        *(".ipynb_checkpoints", "__pycache__", ".cache", ".git", ".github", ".svn", ".hg", ".dvc"),
        *(".vscode", ".idea", ".venv", "venv", "node_modules", ".mypy_cache", ".pytest_cache"),
        *(".gitkeep", ".keep", ".nomedia", ".npmrc", ".huggingface", "icon\r"),
    )
)
JUNK_BEGINNINGS = ("._", ".trash-", ".nfs", ".fuse_hidden", "~$")
STARTS = (  # first bytes of pictures, for files whose names say nothing
    *(b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"II+\x00"),
    *(b"\x00\x00\x00\x0cjP", b"\xff\x4f\xff\x51", b"\x00\x00\x01\x00"),
    *(b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"),
)
SHORT = 2  # letters of a word that means a part only where all names beside it do
TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


def composed(name: str) -> str:
    """Return a name in Unicode's composed form, in which equal names are equal texts."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def word_of(name: str) -> str:
    """Return a name as it is compared: without capitals, accents, and space around it."""
    return bare(name).strip().casefold()


def bare(name: str) -> str:
    """Return a name without accents."""
    if name.isascii():
        return name
    parts = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def tokens(name: str) -> list[str]:
    """Return the words of a name: 'trainLabels_2017' gives train, labels, 2017."""
    return [token.casefold() for token in TOKEN.findall(bare(name))]


def part_of(name: str) -> PartOfSet | None:
    """Return the part that a folder's, file's or cell's name means; None if it means none.

    Words that say nothing may stand beside the part's word, as in 'Training Data' or 'train2017'.
    """
    if part := PART_OF_WORD.get(word_of(name)):
        return part
    words = [token for token in tokens(name) if token not in FILLERS and not token.isdigit()]
    return PART_OF_WORD.get(words[0]) if len(words) == 1 and len(words[0]) > SHORT else None


def parts_among(names: Iterable[str]) -> dict[str, PartOfSet]:
    """Return the part of each folder that means one, by the names of folders beside each other.

    Names that differ in the part's word alone, as in 'asl_train' and 'asl_test', mean parts too.
    """
    names = list(names)
    found = {name: part for name in names if (part := part_of(name))}
    if len(found) < len(names):  # 'tr' and 'te' beside 'en' are languages
        found = {name: part for name, part in found.items() if len(name) > SHORT}
    shapes: dict[str, tuple[tuple[str, ...], PartOfSet]] = {}
    for name in names:
        words = tokens(name)
        parts = [word for word in words if word in PART_OF_WORD and len(word) > SHORT]
        if name not in found and len(parts) == 1:
            shape = tuple("*" if word == parts[0] else word for word in words)
            shapes[name] = shape, PART_OF_WORD[parts[0]]
    several = Counter(shape for shape, _ in set(shapes.values()))
    return found | {name: part for name, (shape, part) in shapes.items() if several[shape] > 1}


def says_nothing(name: str) -> bool:
    """Return True for a folder's name such as 'images' or 'data', which cannot be a class."""
    words = tokens(name)
    return (
        bool(words)
        and all(word in FILLERS or word.isdigit() for word in words)
        and not all(word.isdigit() for word in words)
    )


def are_versions(names: Iterable[str]) -> bool:
    """Return True for folders that are hardly classes, since their contents are alike.

    One says nothing, as 'images' beside 'masks', or they differ in a number alone, as 'fold1' and
    'fold2'; but 'class 1' and 'class 2' are classes.
    """
    names = list(names)
    said = [[token for token in tokens(name) if not token.isdigit()] for name in names]
    if any(set(words) & CLASS_WORDS for words in said) or any(map(part_of, names)):
        return False
    same = len(said) > 1 and bool(said[0]) and all(words == said[0] for words in said)
    return same or any(words and set(words) <= FILLERS for words in said)


def is_junk(name: str) -> bool:
    """Return True for the name of a file or folder that a program left behind."""
    word = name.casefold()
    return word in JUNK or word.startswith(JUNK_BEGINNINGS)


def ending_of(name: str) -> str:
    """Return what follows the last dot of a file's name, without capitals; "" if nothing does."""
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem else ""


def is_picture_start(start: bytes) -> bool:
    """Return True if a file with these first bytes, 16 or more, is a picture."""
    boxed = start[4:8] == b"ftyp" and start[8:12] in (b"avif", b"avis", b"heic", b"heix", b"mif1")
    return start.startswith(STARTS) or start[8:12] == b"WEBP" or boxed
