"""The program and its documents speak plain American English: a list of turns that jar in it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
FEWEST_WORDS = 3  # shorter strings are keys and names


class Pattern(NamedTuple):
    """A turn that jars, what to write instead, and a sentence on each side of the border."""

    name: str
    regex: str  # a space stands for any single white space
    advice: str
    caught: str
    passes: str


PATTERNS = [
    Pattern(
        "is no X",
        r"(?<!there )(?<!here )\b(?:is|are|was|were) no "
        r"(?!longer|more|less|better|worse|fewer|greater|larger|smaller|higher|lower|faster|"
        r"slower|later|earlier|wider|narrower|different|one\b|doubt)",
        "negate the verb: 'is not a tag', 'is not a number'",
        "'{word}' is no tag.",
        "There is no run; it is no longer the best and no better than chance.",
    ),
    Pattern(
        "told",
        r"\btold\b(?! apart)",
        "'said', 'reported', 'recognized', 'asked', or 'distinguished from'",
        "Whether a loss diverges is told from its trend.",
        "Adam and Yogi cannot be told apart.",
    ),
    Pattern(
        "tell whether",
        r"\btells? (?:whether|if|how|what|which|where|when|why|more|of|nothing|little)\b(?! apart)|"
        r"\btells? (?:[\w{}'-]+ ){1,8}from\b|\b(?:can|cannot|may|could|no longer|to) tell[.,;:)]",
        "'Whether ...', 'Return True if ...', 'says', 'shows', 'distinguishes'",
        "Stop the process; tell whether there was one.",
        "Tell the executor to look for work; it tells two classes apart.",
    ),
    Pattern(
        "so many",
        r"\b(?<!among )(?<!being )(?<!with )(?<!from )so many\b(?![^.;:]*\bthat\b)|"
        r"\b(?:after|for|at most|at least|trash|wait|take|had) so long\b|"
        r"\b(?:at least|not|is) so (?:sure|often)\b(?![^.;:]*\bthat\b)",
        "name the quantity: 'at most N images', 'up to this many', 'that long', 'that confident'",
        "Stop after so many epochs without a better accuracy.",
        "So many runs wait that some are late; among so many tests one may fail.",
    ),
    Pattern(
        "whoever",
        r"\b(?:whoever|whosoever|whomever|somebody|nobody)(?:'s)?\b",
        "'anyone who', 'the person who', 'someone', 'no one', or the passive",
        "Whoever opens the page may start runs.",
        "Anyone who opens the page may start runs; no one else can.",
    ),
    Pattern(
        "old words",
        r"\banew\b|\bmend(?:s|ed|ing)?\b|\bfor want of\b|\bby heart\b|\bin place of\b|"
        r"\b(?:held|holds?|holding) (?:[\w{}]+ ){0,3}against\b|\blooked at\b|"
        r"\b(?:go|goes|going|went|gone) on (?:from|with|after|where|exactly|by itself)\b",
        "'again', 'fix', 'for lack of', 'memorizes', 'instead of', 'compared with', 'viewed', "
        "'continues from'",
        "The download goes on from there, and the page is drawn anew.",
        "The download continues from there; the page is drawn again, with all in place.",
    ),
    Pattern(
        "less for minus",
        r"\b(?:training|validation|insertion|deletion|accuracy|features|loss|score)[,*]* less "
        r"(?!than|often|likely|sure|of|so\b)|\bless (?:those|the others')\b",
        "'minus'",
        "Training less validation accuracy, in points.",
        "The training loss less often rises; it bends less than 15 %.",
    ),
    Pattern(
        "British spelling",
        r"\b\w*(?:colour|behaviour|favour|neighbour|honour|flavour)\w*\b|"
        r"\b(?:learnt|spelt|burnt|whilst|grey\w*|centred?|centres|metres?|fibres?|licence\w*|"
        r"defence|judgement\w*|artefact\w*|programme|analysed?|analysing)\b|"
        r"\b(?:optim|organ|normal|recogn|memor|initial|regular|general|minim|maxim|visual|summar|"
        r"standard|synchron|random|quant|serial|parametr|penal|util|special|final|real|custom|"
        r"orthogonal|local|categor|token|vector|central|stabil)"
        r"is(?:e|es|ed|er|ers|ing|ation|ations)\b|"
        r"\b\w*(?:label|model|level|travel|cancel|signal|total)l(?:ed|ing)\b",
        "American spelling, as in torch: 'color', 'learned', 'normalize', 'center', 'gray'",
        "The colour of a neighbour is normalised, and learnt.",
        "The color of a neighbor is normalized and rises, as promised by four precise analyses.",
    ),
    Pattern(
        "headless clause",
        r"(?:(?-i:\bWhat)|[.;:] what) (?:is|was|are|were|has been|had been|can be|"
        r"cannot be|differs|stays|explodes|grows|varies|waits) "
        r"(?:(?!that|when|which|who|before|after|while|if)[\w{}'-]+ ){1,5}?"
        r"(?:is|are|stays?|was|were|goes|falls|can|cannot|must|has|have|waits?|counts?|comes?|may|"
        r"becomes?|will|takes?|makes?|gets?|follows?)\b(?![^.]*\?)|\bthat which\b",
        "name the thing: 'Frozen layers stay as they were'",
        "What is locked stays exactly as it was.",
        "What is a run that was killed? The page says what is kept, and what differs.",
    ),
    Pattern(
        "wrong plural",
        r"\b(?!\w*epochs\b)\w+(?:[cs]h|x|[^aeious\W]s)s\b",
        "the right plural: 'searches', 'batches', 'views'",
        "2 searchs and 3 viewss are missing.",
        "2 searches over 3 epochs and 4 classes miss the loss by less.",
    ),
]


class Text(NamedTuple):
    """A text of the program or its documents, and the line where it begins."""

    path: Path
    line: int
    words: str


def texts_of_code(path: Path) -> Iterator[Text]:
    """Yield the strings of a module that hold a few words, docstrings too; {} stands for values."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    parts = {id(value) for n in nodes if isinstance(n, ast.JoinedStr) for value in n.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            values = [v.value if isinstance(v, ast.Constant) else "{}" for v in node.values]
            yield Text(path, node.lineno, "".join(map(str, values)))
        elif isinstance(node, ast.Constant) and id(node) not in parts and type(node.value) is str:
            yield Text(path, node.lineno, node.value)


def slips(text: Text) -> Iterator[str]:
    """Yield each turn of a text that jars, with its file, line, rule and advice."""
    if len(text.words.split()) < FEWEST_WORDS:
        return
    words = re.sub(r"```.*?```", lambda m: "\n" * m[0].count("\n"), text.words, flags=re.DOTALL)
    words = re.sub(r"`[^`\n]*`|\]\([^)]*\)|https?://\S+", "x", words)  # code and addresses
    words = re.sub(r"[ \t]*\n[ \t]*", "\n", words)
    for pattern in PATTERNS:
        for match in re.finditer(pattern.regex.replace(" ", r"\s"), words, re.IGNORECASE):
            around = words[max(0, match.start() - 40) : match.end() + 40].replace("\n", " ")
            line = text.line + words[: match.start()].count("\n")
            place = f"{text.path.relative_to(ROOT)}:{line}"
            yield f"{place}: {pattern.name}: '{match[0]}' in '{around}'. Write {pattern.advice}"


def rooms() -> list[Path]:
    """Return every folder with modules, so that a failure names one."""
    return sorted(
        {path.parent for top in ("app", "cifar_core") for path in (ROOT / top).rglob("*.py")}
    )


@pytest.mark.parametrize("room", rooms(), ids=lambda room: str(room.relative_to(ROOT)))
def test_the_program_speaks_plain_english(room):
    jarring = [
        slip for path in sorted(room.glob("*.py")) for text in texts_of_code(path)
        for slip in slips(text)
    ]  # fmt: skip
    assert not jarring, "\n" + "\n".join(jarring)


PAGES = [
    ROOT / "README.md",
    ROOT / "models_store" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_documents_speak_plain_english(page):
    jarring = list(slips(Text(page, 1, page.read_text("utf-8"))))
    assert not jarring, "\n" + "\n".join(jarring)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_each_pattern_catches_the_slip_and_lets_right_english_pass(pattern):
    (place, *_) = slips(Text(ROOT / "a.md", 7, "A line.\n\n" + pattern.caught))
    assert place.startswith("a.md:9: ")
    assert pattern.name in place
    assert list(slips(Text(ROOT / "a.md", 1, pattern.passes))) == []


BESIDE_TICKS = (
    "charts.py",
    "pictures.py",
    "export_loader.py",
    "curve_charts.py",
    "disturbances.py",
)


def test_percentages_in_sentences_have_one_form():
    """They are written by numbers.percent, with a space; plots have formats of their own."""
    ours = [
        path
        for folder in ("app", "cifar_core")
        for path in (ROOT / folder).rglob("*.py")
        if path.name not in BESIDE_TICKS
    ]
    found = {
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in ours
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"(?<![%{])\{[^{}]*:\.\d%\}", line)
    }
    assert found == set()
