"""The findings as JSON, as a table in Markdown, and what failed in plain lines."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.gpu.section import Finding, Section, findings_of

VERDICTS = {True: "PASS", False: "FAIL", None: ""}
HEAD = "| section | what | figure | target | verdict |\n|---|---|---|---|---|"


def write(folder: Path, sections: Sequence[Section], took: Mapping[str, float]) -> None:
    """Write results.json and results.md into the folder."""
    found = {section.key: findings_of(folder, section.key) for section in sections}
    kept: dict[str, Any] = {
        "at": time.time(),
        "sections": {
            key: {"seconds": took.get(key), "findings": [asdict(finding) for finding in findings]}
            for key, findings in found.items()
        },
    }
    (folder / "results.json").write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    (folder / "results.md").write_text(table(sections, found) + "\n", "utf-8")


def progress(folder: Path, section: Section, seconds: float) -> str:
    """Say in a line that a section is over, and how many of its findings passed and failed."""
    verdicts = [finding.passed for finding in findings_of(folder, section.key)]
    counts = f"{verdicts.count(True)} passed, {verdicts.count(False)} failed"
    return f"{section.title}: {counts}, {seconds:.0f} s"


def table(sections: Sequence[Section], found: Mapping[str, Sequence[Finding]]) -> str:
    """Return all findings as a table, ready for benchmarks/RESULTS.md."""
    rows = [
        f"| {section.title} | {finding.name} | {cell(finding.value)} | {finding.target} "
        f"| {VERDICTS[finding.passed]} |"
        for section in sections
        for finding in found[section.key]
    ]
    return "\n".join([HEAD, *rows])


def cell(text: str) -> str:
    """Return a text that stays within its cell."""
    return " ".join(text.replace("|", "/").split())


def failures(folder: Path, sections: Sequence[Section]) -> list[str]:
    """Return a line for each finding that failed."""
    return [
        f"FAIL {section.key}: {finding.name}: {finding.value} (should be: {finding.target}; "
        f"see {folder / section.key}.txt)"
        for section in sections
        for finding in findings_of(folder, section.key)
        if finding.passed is False
    ]
