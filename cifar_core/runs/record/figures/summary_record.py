"""The record of summary.json: what a run, or a rate search, has achieved so far."""

from msgspec import Struct

from cifar_core.disk.checks import LongText, Number, Numbers, Text, Whole


class FeaturesDone(Struct, frozen=True, kw_only=True):
    """How many of the features that a head reads are computed."""

    done: Number = 0  # images
    total: Number = 0
    kept: Number = 0  # of those done, from an earlier run or attempt
    seconds: Number = 0.0


class SuggestedRate(Struct, frozen=True, kw_only=True):
    """The result of a rate search, as in `rate_search.events.Suggestion`."""

    advice: Text = "none"  # take the rate, keep your own, or none
    rate: Number | None = None
    low: Number = 0.0
    high: Number = 0.0
    plateau_low: Number = 0.0
    plateau_high: Number = 0.0
    divisor: Number = 0.0
    usual_rate: Number = 0.0
    own_rate: Number = 0.0
    verdict: LongText = ""
    steps: Whole = 0
    epochs: Number = 0.0


class Summary(Struct, frozen=True, kw_only=True):
    """summary.json: the best and the latest values of a run. None: not measured."""

    attempt: Whole = 0  # that wrote this; 0 in those of earlier versions
    total_steps: Whole = 0
    step: Whole = 0
    epochs_done: Whole = 0
    phase: Text | None = None  # of a rate search
    images_per_second: Number | None = None
    last_train_loss: Number | None = None
    last_train_accuracy: Number | None = None
    last_val_loss: Number | None = None
    last_val_accuracy: Number | None = None
    best_val_accuracy: Number | None = None  # these of the best epoch, by the run's measure
    best_val_balanced_accuracy: Number | None = None
    best_val_macro_f1: Number | None = None
    best_val_loss: Number | None = None
    best_epoch: Whole | None = None
    history: Numbers = []  # validation accuracy of each epoch
    sparkline: Numbers = []  # the same, thinned
    test_accuracy: Number | None = None
    test_loss: Number | None = None
    test_plain_accuracy: Number | None = None  # from the unchanged images
    test_balanced_accuracy: Number | None = None  # each class with equal weight
    test_macro_f1: Number | None = None
    test_images: Whole = 0
    test_views: Text = "plain"  # a key of TEST_VIEWS
    end: Text = ""  # why its training ended, a key of ENDS; empty before, and if not known
    features: FeaturesDone | None = None
    suggestion: SuggestedRate | None = None
    seconds: Number | None = None  # spent training, over all attempts
    eta_seconds: Number | None = None
