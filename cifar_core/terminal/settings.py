"""settings, presets: everything that `train --set` and `train --preset` understand."""

from argparse import Namespace
from dataclasses import Field, fields
from typing import Any

from cifar_core.terminal.output import add_json, show


def add(commands: Any) -> None:
    """Add the commands of this module."""
    settings = commands.add_parser("settings", help="list every setting with its range")
    settings.add_argument("--markdown", action="store_true", help="print the page docs/settings.md")
    add_json(settings)
    settings.set_defaults(command=list_settings)
    presets = commands.add_parser("presets", help="list the presets")
    add_json(presets)
    presets.set_defaults(command=list_presets)


def list_settings(arguments: Namespace) -> int:
    """Print one line for each setting of a run."""
    from cifar_core.config import TrainConfig

    if arguments.markdown:
        print(markdown(), end="")
        return 0
    rows = [
        {
            "setting": f.name,
            "default": str(f.default),
            "allowed": allowed(f),
            "meaning": f.metadata["rule"].help,
        }
        for f in fields(TrainConfig)
    ]
    show(rows, arguments.json)
    return 0


def allowed(setting: Field[Any]) -> str:
    """Return the values that a setting may have, in a few words."""
    rule = setting.metadata["rule"]
    if rule.among is not None:
        return ", ".join(rule.among)
    if rule.type == "switch":
        return "yes, no"
    if rule.type == "text":
        return "text"
    if rule.type == "integer":
        return f"{rule.low:,} to {rule.high:,}"
    return f"{rule.low:g} to {rule.high:g}"


def markdown() -> str:
    """Return the page docs/settings.md."""
    from cifar_core.config import GROUPS, TrainConfig

    lines = [
        "# Every setting of a run",
        "",
        "`make docs` writes this page from the declarations in `cifar_core/config/`.",
    ]
    for group in GROUPS:
        lines += ["", f"## {group}", "", "| setting | default | allowed | meaning |"]
        lines += ["|---|---|---|---|"]
        for f in fields(TrainConfig):
            rule = f.metadata["rule"]
            if rule.group == group:
                lines.append(f"| `{f.name}` | {f.default} | {allowed(f)} | {rule.help} |")
    return "\n".join(lines) + "\n"


def list_presets(arguments: Namespace) -> int:
    """Print one line for each preset."""
    from cifar_core.config.presets import PRESETS

    rows = [
        {
            "preset": preset.key,
            "title": preset.title,
            "summary": preset.summary,
            "settings": ", ".join(f"{k}={v}" for k, v in preset.values.items()),
        }
        for preset in PRESETS.values()
    ]
    show(rows, arguments.json)
    return 0
