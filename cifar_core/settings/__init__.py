"""Settings that explain themselves: one declaration is checked, saved, drawn and documented."""

from cifar_core.settings.declaration import (
    Rule,
    Settings,
    choice,
    counted,
    label_of,
    names_of,
    number,
    rule_of,
    shown,
    switch,
    text,
)

__all__ = [
    "Rule",
    "Settings",
    "choice",
    "counted",
    "label_of",
    "names_of",
    "number",
    "rule_of",
    "shown",
    "switch",
    "text",
]
