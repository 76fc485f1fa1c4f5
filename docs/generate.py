"""Writes every page, part of a page or table that is made from the program: `make docs`."""

import ast
import re
from collections.abc import Callable, Iterator, Sized
from functools import partial
from pathlib import Path

from cifar_core.config.presets import PRESETS
from cifar_core.config.transfer_plans import TRANSFER_PLANS
from cifar_core.data.augmentation.effects import EFFECTS
from cifar_core.data.augmentation.policies import POLICIES
from cifar_core.data.published import table as published
from cifar_core.data.published.downloads import from_torchvision
from cifar_core.data.published.places import PUBLISHED
from cifar_core.explain import SALIENCY
from cifar_core.models import MODELS
from cifar_core.models import table as models
from cifar_core.optim import OPTIMIZERS
from cifar_core.optim import table as optimizers
from cifar_core.proposals import networks
from cifar_core.reading.finding_kinds import KINDS
from cifar_core.schedules import SCHEDULES
from cifar_core.terminal import settings
from cifar_core.timm_names import SUGGESTIONS

ROOT = Path(__file__).parent.parent
COUNTS: dict[str, Sized] = {  # what the README counts, by the word after the number
    "networks": MODELS,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
    "presets": PRESETS,
    "saliency methods": SALIENCY,
    "published sets": PUBLISHED,
}
BESIDE = {  # folders that are not packages
    "models_store": "what the program keeps: runs, data, weights",
    "benchmarks": "side-by-side measurements, and RESULTS.md",
    "docs": "architecture, glossary, one page for each screen, settings, terminal",
    "tests": "what must stay true, in the same rooms",
}
TITLES = "cifar_core/titles.py"
NAMED_ONLY = "app/screens"  # its rooms have their pages' names


def page(name: str) -> str:
    """Return a page with its counts and generated parts as they should be."""
    text = (ROOT / name).read_text("utf-8")
    for word, entries in COUNTS.items() if name == "README.md" else ():
        text = re.sub(rf"\d+ {word}", f"{len(entries)} {word}", text)
    for part, lines in PARTS[name].items():
        begin, end = f"<!-- {part}: written by `make docs` -->", f"<!-- end of {part} -->"
        before, _, rest = text.partition(begin)
        text = "\n".join([before + begin, *lines(), end + rest.partition(end)[2]])
    return text


def titles() -> str:
    """Return the module of titles with those of the registries."""
    text = (ROOT / TITLES).read_text("utf-8")
    before, begin, rest = text.partition("TITLES = {\n")
    specs = (spec for registry in (MODELS, OPTIMIZERS, SCHEDULES) for spec in registry.values())
    lines = [f'    "{spec.key}": "{spec.title}",\n' for spec in specs]
    return "".join([before, begin, *lines, "}\n", rest.partition("}\n")[2]])


def findings() -> Iterator[str]:
    """Yield the table of all that the reading of a run's curves can say."""
    yield from ("| finding | what it means | when it is reported |", "|---|---|---|")
    yield from (f"| {kind.title} | {kind.summary} | {kind.rule} |" for kind in KINDS.values())


def plans() -> Iterator[str]:
    """Yield the table of transfer plans."""
    yield from ("| plan | what it trains |", "|---|---|")
    yield from (f"| {plan.title} | {plan.summary} |" for plan in TRANSFER_PLANS.values())


def suggestions() -> Iterator[str]:
    """Yield the table of the networks of timm that the Train page suggests."""
    yield from ("| key | network | weights | license | pretrained on |", "|---|---|--:|---|---|")
    yield from (
        f"| `{one.key}` | {one.title} | {one.megabytes} MB | {one.license} | {one.pretrained_on} |"
        for one in SUGGESTIONS.values()
    )


def effects() -> Iterator[str]:
    """Yield the table of effects, in the order in which they change an image."""
    yield from ("| effect | settings | what it does |", "|---|---|---|")
    for effect in EFFECTS.values():
        names = ", ".join(f"`{name}`" for name in effect.uses)
        yield f"| {linked(effect.title, effect.paper)} | {names} | {effect.summary} |"


def policies() -> Iterator[str]:
    """Yield the table of augmentation policies."""
    yield from ("| policy | settings | what it does |", "|---|---|---|")
    for policy in POLICIES.values():
        names = ", ".join(f"`{name}`" for name in policy.uses)
        yield f"| {linked(policy.title, policy.paper)} | {names} | {policy.summary} |"


def linked(title: str, address: str) -> str:
    """Return a title as a link, if it has an address."""
    return f"[{title}]({address})" if address else title


def methods() -> Iterator[str]:
    """Yield the table of saliency methods."""
    yield from ("| method | the question that it answers |", "|---|---|")
    yield from (f"| [{spec.title}]({spec.paper}) | {spec.summary} |" for spec in SALIENCY.values())


def rooms() -> Iterator[str]:
    """Yield a line for each package of the program, from its docstring, then the other folders."""
    yield "```"
    for top in ("app", "cifar_core"):
        yield from branch(ROOT / top)
    yield from (line(0, name, what) for name, what in BESIDE.items())
    yield "```"


def branch(package: Path, depth: int = 0) -> Iterator[str]:
    """Yield the line of a package, and those of the packages in it."""
    inner = sorted(path.parent for path in package.glob("*/__init__.py"))
    what = first_sentence(package / "__init__.py")
    if package.relative_to(ROOT).as_posix() == NAMED_ONLY:
        yield line(depth, package.name, f"{what}: {', '.join(path.name for path in inner)}")
        inner = [path for path in inner if any(path.glob("*/__init__.py"))]  # pages with tabs
        for path in inner:
            yield from branch(path, depth + 1)
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


PARTS: dict[str, dict[str, Callable[[], Iterator[str]]]] = {
    "README.md": {"rooms": rooms},
    "docs/augmentation.md": {"effects": effects, "policies": policies},
    "docs/page-predict.md": {"methods": methods},
    "docs/reading.md": {"findings": findings},
    "docs/transfer.md": {"plans": plans, "timm": suggestions},
}
PAGES: dict[str, Callable[[], str]] = {
    "cifar_core/data/published/known.json": partial(from_torchvision.written, PUBLISHED),
    "cifar_core/proposals/networks.json": networks.written,
    "docs/models.md": models.markdown,
    "docs/optimizers.md": optimizers.markdown,
    "docs/published-sets.md": published.markdown,
    "docs/settings.md": settings.markdown,
    TITLES: titles,
    **{name: partial(page, name) for name in PARTS},
}

if __name__ == "__main__":
    for name, text in PAGES.items():
        (ROOT / name).write_text(text(), "utf-8")
