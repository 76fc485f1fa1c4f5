"""The tables of the benchmark."""

from collections import Counter
from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

from benchmarks.verdicts import maps
from benchmarks.verdicts.networks import NATURAL, PLANTED, SHAPES, UNTRAINED

Row = dict[str, Any]
KINDS = (NATURAL, SHAPES, PLANTED, UNTRAINED)
GROUPS = (maps.HELD_OUT, maps.BANK, maps.MIRRORED, maps.TURNED, maps.OTHER, maps.STRANGER,
          maps.OTHER_RIGHT, maps.MINUS, maps.OPPOSITE, maps.TRUE, maps.REAL)  # fmt: skip


def report(rows: Sequence[Row]) -> str:
    """Return all tables as Markdown; counts are supported / weak / neither."""
    parts = ["All counts: supported / weak / neither; intervals: Wilson, 95 %, as if maps were "
             "independent, which those of a picture are not."]  # fmt: skip
    parts += [networks(rows)]
    for kind in KINDS:
        chosen = [row for row in rows if row["kind"] == kind]
        if chosen:
            parts += [f"### {kind}", groups(chosen)]
    for kind in KINDS:
        chosen = [r for r in rows if r["kind"] == kind and r["group"] in maps.NEVER_SAW]
        if chosen:
            parts.append(f"- {kind}, never saw the network: {both(chosen)}")
    planted = [r for r in rows if r["kind"] == PLANTED and r["group"] in maps.NEVER_SAW]
    for on in (True, False):
        place = "on the planted patch" if on else "elsewhere"
        part = [r for r in planted if bool(r["on"]) == on]
        parts.append(f"- planted, never saw, its highest window lies {place}: {both(part)}")
    return "\n\n".join(parts)


def networks(rows: Sequence[Row]) -> str:
    """Return a table of the networks."""
    lines = [
        "| network | right | maps | never saw, new | never saw, old |",
        "|---|--:|--:|--:|--:|",
    ]
    for name in dict.fromkeys(row["network"] for row in rows):
        own = [row for row in rows if row["network"] == name]
        never = [row for row in own if row["group"] in maps.NEVER_SAW]
        lines.append(
            f"| {name} | {own[0]['accuracy']:.1%} | {len(own)} | {counts(never, 'new')} | "
            f"{counts(never, 'old')} |"
        )
    return "\n".join(lines)


def groups(rows: Sequence[Row]) -> str:
    """Return a table of the groups of maps, the real ones by method."""
    lines = ["| map | n | new | supported | weak or supported | old rule | old: n |",
             "|---|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
    for group in GROUPS:
        chosen = [row for row in rows if row["group"] == group]
        if group == maps.REAL or group == maps.TRUE:
            for name in dict.fromkeys(row["name"] for row in chosen):
                lines.append(line(f"{group}: {name}", [r for r in chosen if r["name"] == name]))
        elif chosen:
            lines.append(line(group, chosen))
    return "\n".join(lines)


def line(title: str, rows: Sequence[Row]) -> str:
    """Return one line of a table."""
    old = sum(row["old"] is not None for row in rows)
    return (
        f"| {title} | {len(rows)} | {counts(rows, 'new')} | {share(rows, 'new', supported)} | "
        f"{share(rows, 'new', at_least_weak)} | {counts(rows, 'old')} | {old} |"
    )


def both(rows: Sequence[Row]) -> str:
    """Return the shares under both rules in a sentence."""
    return "; ".join(
        f"{rule} {counts(rows, key)}, supported {share(rows, key, supported)}, weak "
        f"{share(rows, key, weak)}"
        for rule, key in (("new", "new"), ("old", "old"))
    )


def supported(label: str) -> bool:
    """Return True for the best label."""
    return label == "supported"


def weak(label: str) -> bool:
    """Return True for the second."""
    return label == "weak"


def at_least_weak(label: str) -> bool:
    """Return True for either."""
    return supported(label) or weak(label)


def counts(rows: Sequence[Row], key: str) -> str:
    """Return how many are supported / weak / neither."""
    found = Counter(row[key] for row in rows if row[key] is not None)
    return (
        f"{found['supported']}/{found['weak']}/{found.total() - found['supported'] - found['weak']}"
    )


def share(rows: Sequence[Row], key: str, of: Callable[[str], bool]) -> str:
    """Return a share with its Wilson interval."""
    labels = [row[key] for row in rows if row[key] is not None]
    n, hits, z = len(labels), sum(map(of, labels)), 1.96
    if not n:
        return "-"
    middle = (hits + z**2 / 2) / (n + z**2)
    half = z * sqrt(hits * (n - hits) / n + z**2 / 4) / (n + z**2)
    return f"{hits / n:.1%} ({max(0.0, middle - half):.1%} to {min(1.0, middle + half):.1%})"
