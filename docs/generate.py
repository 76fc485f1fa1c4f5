"""Writes every page, and every part of a page, that is made from the program: `make docs`."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from cifar_core.config import presets
from cifar_core.explain import SALIENCY
from cifar_core.models import MODELS
from cifar_core.models import table as models
from cifar_core.optim import OPTIMIZERS
from cifar_core.optim import table as optimizers
from cifar_core.schedules import SCHEDULES
from cifar_core.terminal import settings

ROOT = Path(__file__).parent.parent
COUNTS = {  # what the README counts, by the word after the number
    "networks": MODELS,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
    "presets": presets.PRESETS,
    "saliency methods": SALIENCY,
}
BESIDE = {  # folders that are not packages
    "models_store": "what the program keeps: runs, data, weights",
    "benchmarks": "side-by-side measurements, and RESULTS.md",
    "docs": "architecture, glossary, one page for each screen, settings, terminal",
    "tests": "what must stay true, in the same rooms",
}
NAMED_ONLY = "app/pages"  # its rooms have their pages' names
MAP = re.compile(r"(?<=## Where things are\n\n```\n).*?(?=```)", re.DOTALL)


def readme() -> str:
    """Return README.md with the map and the counts as they should be."""
    text = (ROOT / "README.md").read_text("utf-8")
    for word, entries in COUNTS.items():
        text = re.sub(rf"\d+ {word}", f"{len(entries)} {word}", text)
    return MAP.sub(lambda _: "\n".join(rooms()) + "\n", text)


def rooms() -> Iterator[str]:
    """Yield a line for each package of the program, from its docstring, then the other folders."""
    for top in ("app", "cifar_core"):
        yield from branch(ROOT / top)
    yield from (line(0, name, what) for name, what in BESIDE.items())


def branch(package: Path, depth: int = 0) -> Iterator[str]:
    """Yield the line of a package, and those of the packages in it."""
    inner = sorted(path.parent for path in package.glob("*/__init__.py"))
    what = first_sentence(package / "__init__.py")
    if package.relative_to(ROOT).as_posix() == NAMED_ONLY:
        yield line(depth, package.name, f"{what}: {', '.join(path.name for path in inner)}")
        return
    yield line(depth, package.name, what)
    for path in inner:
        yield from branch(path, depth + 1)


def first_sentence(module: Path) -> str:
    """Return the first sentence of a module's docstring, to stand after a name."""
    docstring = ast.get_docstring(ast.parse(module.read_text("utf-8"))) or ""
    sentence = re.split(r"[.;](?:\s|$)", docstring.replace("\n", " "))[0]
    return sentence[:1].lower() + sentence[1:]


def line(depth: int, name: str, what: str) -> str:
    """Return a line of the map."""
    return f"{'  ' * depth + name + '/':<21}{what}"


PAGES: dict[str, Callable[[], str]] = {
    "README.md": readme,
    "docs/models.md": models.markdown,
    "docs/optimizers.md": optimizers.markdown,
    "docs/settings.md": settings.markdown,
}

if __name__ == "__main__":
    for name, text in PAGES.items():
        (ROOT / name).write_text(text(), "utf-8")
