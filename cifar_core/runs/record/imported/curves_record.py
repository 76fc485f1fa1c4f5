"""The record of curves.json: which curves of another tool became which of ours, and their notes."""

from typing import Annotated

from msgspec import Meta, Struct

from cifar_core.disk.checks import Number, Scalar, Text, Texts, Whole

NAME = "curves.json"
Settings = Annotated[dict[Text, Scalar], Meta(max_length=1000)]


class CurveRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One curve."""

    name: Text  # in the other tool
    target: Text = ""  # a key of TARGETS
    percent: bool = False  # whether its values were divided by 100
    points: Whole = 0  # in the file
    kept: Whole = 0  # of them, in the rows


class CurvesRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """curves.json: a run of another tool, as far as its files describe it."""

    settings: Settings = {}  # as the other tool names them
    curves: list[CurveRecord] = []
    left_out: Texts = []  # names of the curves that were not imported
    has_steps: bool = True  # False: the numbers of its rows are not optimization steps
    has_epochs: bool = False
    steps_per_epoch: Number = 0  # as a person gave it; 0 if they did not
    notes: Texts = []  # sentences
