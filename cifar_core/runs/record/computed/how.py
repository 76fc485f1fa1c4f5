"""The parts of environment.json on the steps of a run and on its images."""

from msgspec import Struct

from cifar_core.disk.checks import ClassCounts, ClassNames, Text, Whole


class StepRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How steps are computed, as `StepPlan.record` returns it."""

    memory_format: Text = ""
    precision: Text = ""
    compiled: bool = False
    compiled_evaluation: bool = False
    reason: Text = ""
    sentence: Text = ""
    precision_reason: Text = ""


class DataRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The images of a run."""

    title: Text = ""
    kind: Text = ""
    source: Text = ""
    note: Text = ""
    fingerprint: Text = ""
    classes: ClassNames = []
    train_images: Whole = 0
    val_images: Whole = 0
    test_images: Whole = 0
    train_counts: ClassCounts = []  # images of each class; empty in records of earlier versions
    val_counts: ClassCounts = []
    test_counts: ClassCounts = []
    side: Whole = 32  # pixels a side of the images; always 32 in earlier versions
    stored: Whole = 32  # of those that are kept for random crops
    fit: Text = "crop"  # a key of FITS
    size_reason: Text = ""  # one sentence
    fingerprint_at_32: Text = ""  # "" if `side` is 32: of the same images at that size

    @property
    def usual_fingerprint(self) -> str:
        """The fingerprint of the same images at 32 pixels, which is equal at all sizes."""
        return self.fingerprint_at_32 or self.fingerprint
