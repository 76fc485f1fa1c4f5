"""The kinds of findings that curves can show, the most important first."""

from cifar_core.reading.machine.kinds import MACHINE_KINDS
from cifar_core.reading.spec import GOOD, NOTE, TROUBLE, UNKNOWN, WARNING, FindingKind
from cifar_core.registry import Option, Registry

KINDS = Registry(
    "finding",
    [
        FindingKind(
            key="no_number",
            title="Loss is not a number",
            summary="A number overflowed, so that training could not continue.",
            tone=TROUBLE,
            rule="A loss or a gradient is infinite or not a number. A lower rate is advised.",
        ),
        FindingKind(
            key="slowed_down",
            title="Continued at a lower rate",
            summary="A number overflowed, and training continued from an earlier checkpoint with "
            "shorter steps.",
            tone=WARNING,
            rule="The loss or a gradient was not a number, and `retries_diverged` allowed another "
            "attempt; which steps is from the attempts' records.",
        ),
        FindingKind(
            key="dead_start",
            title="Loss not below guessing",
            summary="The loss stays where guessing puts it, at ln K for K equal classes, or above.",
            tone=TROUBLE,
            rule="Over at least an epoch of training the loss never falls 3 % below guessing by "
            "the shares of the classes. A lower rate is advised only if the loss has shot up, a "
            "higher one only if it falls steadily.",
        ),
        FindingKind(
            key="divergence",
            title="Divergence",
            summary="The training loss rises again and stays high.",
            tone=TROUBLE,
            rule="The training loss ends above its lowest level by 25 % of what had been gained "
            "and by 6 noise bands, and no restart of the rate explains it.",
        ),
        FindingKind(
            key="majority",
            title="Only the largest class",
            summary="The network names the largest class whatever it sees, which is right as often "
            "as that class occurs.",
            tone=TROUBLE,
            rule="With uneven classes, over the second half of at least 4 epochs, the validation "
            "accuracy is the share of the largest class, within 0.5 points or 2 standard errors, "
            "and the balanced accuracy exceeds 1 / K by at most 2 points.",
        ),
        FindingKind(
            key="val_at_chance",
            title="Validation at guessing",
            summary="Nothing that was learned from the training images helps with others.",
            tone=TROUBLE,
            rule="Over the second half of at least 4 epochs the validation accuracy exceeds that "
            "of guessing (always naming the largest class) by at most 2 standard errors, and the "
            "validation loss never falls 2 % below guessing, while the training loss does.",
        ),
        FindingKind(
            key="overfitting",
            title="Overfitting",
            summary="The network memorizes the training images: it gets better on them and worse "
            "on others.",
            tone=WARNING,
            rule="The validation loss rises by 3 noise bands and 2 % above its lowest, with a "
            "rising trend (Mann-Kendall, 1 %), while the training loss falls beyond its noise.",
        ),
        *MACHINE_KINDS,
        FindingKind(
            key="gap",
            title="Gap to training",
            summary="The network is much better on its training images than on others.",
            tone=NOTE,
            rule="Training accuracy exceeds validation accuracy by 10 points and 3 standard errors "
            "over the last epochs, without overfitting.",
        ),
        FindingKind(
            key="spikes",
            title="Spikes and noise",
            summary="The loss jumps, or scatters from epoch to epoch.",
            tone=WARNING,
            rule="Two jumps of the validation loss, or one of the training loss, by 6 noise bands "
            "and a quarter of what was gained; or a noise band wider than 8 % of the gain, unless "
            "the rate has come down or will.",
        ),
        FindingKind(
            key="over_confidence",
            title="Over-confidence",
            summary="The loss gets worse while the accuracy gets better: the network is right more "
            "often, and far too confident where it is wrong.",
            tone=NOTE,
            rule="While the validation loss rises as for overfitting, the validation accuracy "
            "rises with a trend (Mann-Kendall, 5 %) and by 2 noise bands.",
        ),
        FindingKind(
            key="rate_too_low",
            title="Slow descent in a line",
            summary="The loss falls in a nearly straight line and has not come far.",
            tone=WARNING,
            rule="The training loss bends less than 15 % away from a straight line, falls beyond "
            "its noise, and ends above 60 % of where it began, which was not far below guessing. A "
            "higher rate is advised only if no schedule moved it.",
        ),
        FindingKind(
            key="underfitting",
            title="Underfitting",
            summary="Training has come to rest at a low accuracy, and validation is as good.",
            tone=WARNING,
            rule="The training loss is flat for the last quarter and at least 4 epochs while the "
            "rate is above a fifth of its peak, at under 80 % of the way from guessing to "
            "perfect, with a gap to validation of at most 3 points. Not said of a run that mixes "
            "its images.",
        ),
        FindingKind(
            key="too_short",
            title="Still getting better",
            summary="Validation was still getting better when training ended.",
            tone=WARNING,
            rule="The validation loss falls over the last quarter, at least 5 epochs (4 in a run "
            "of 4) and all after the last drop of the rate, with a trend "
            "(Mann-Kendall, 2 %), by 3 noise bands and 1 %; if the rate had come down to nearly "
            "0 by then, by 2 noise bands, and only with a gap to validation of at "
            "most 3 points. More epochs are advised only if the planned ones were done "
            "and training is not 10 points ahead.",
        ),
        FindingKind(
            key="stopped_early",
            title="Stopped early",
            summary="Training ended before the planned number of epochs.",
            tone=NOTE,
            rule="The run is over with fewer epochs than planned; how it ended is from its status.",
        ),
        FindingKind(
            key="plateau",
            title="Plateau",
            summary="Validation gets neither better nor worse.",
            tone=NOTE,
            rule="The validation loss changes by less than 2.5 noise bands (1 if with a trend, "
            "Mann-Kendall, 5 %), or 2 % of its fall since the first epoch, over at least 4 epochs "
            "and an eighth of the run.",
        ),
        FindingKind(
            key="rise_and_fall",
            title="Rise and fall",
            summary="Validation got worse for a while and then better again. Where it ends lower "
            "than before, this is called double descent.",
            tone=NOTE,
            rule="The validation loss, averaged over 3 epochs, rises and falls again by 4 noise "
            "bands and a tenth of its fall since the first epoch, over at least 3 epochs.",
        ),
        FindingKind(
            key="rate_drop",
            title="Faster after a lower rate",
            summary="After a drop of the rate, validation left its trend for the better.",
            tone=GOOD,
            rule="After a drop of the rate to 70 % or less the validation loss lies 3 standard "
            "errors below the lowest descent (exponential, power law or straight line) that agrees "
            "with the 8 epochs before.",
        ),
        FindingKind(
            key="rate_drop_idle",
            title="No change after a lower rate",
            summary="After a drop of the rate, validation did not leave its trend for the better.",
            tone=NOTE,
            rule="After a drop of the rate, with at least 2 epochs to see, no gain of 3 standard "
            "errors.",
        ),
        FindingKind(
            key="rate_end",
            title="Faster while the rate fell",
            summary="The schedule lowered the rate, and validation fell faster than its trend.",
            tone=GOOD,
            rule="At the end the validation loss lies 3 standard errors below the lowest descent "
            "(exponential, power law or straight line) that agrees with the 8 epochs before the "
            "rate fell below half its peak.",
        ),
        FindingKind(
            key="uneven",
            title="Uneven classes",
            summary="One class has many more images than another, so accuracy alone says little.",
            tone=NOTE,
            rule="The largest class has at least twice the training images of the smallest.",
        ),
        FindingKind(
            key="val_below_train",
            title="Validation better than training",
            summary="Training is measured while the weights still change, and with any "
            "augmentation, mixed images, dropout or label smoothing; validation is not.",
            tone=NOTE,
            rule="The validation loss lies below the training loss of the same time, beyond the "
            "noise, in 60 % of the epochs.",
        ),
        FindingKind(
            key="fast_descent",
            title="Fast descent",
            summary="The first and steepest part, in which the network learns what is easy.",
            tone=GOOD,
            rule="The training loss bends more than 25 % away from a straight line; the descent "
            "ends at the knee, where it is farthest from it (Kneedle).",
        ),
        FindingKind(
            key="cannot_tell",
            title="Inconclusive",
            summary="The curves do not allow a conclusion.",
            tone=UNKNOWN,
            rule="Fewer than 5 epochs, fewer than 500 validation images, no validation, or noise "
            "larger than all changes.",
        ),
    ],
)

PHASES = Registry(
    "phase",
    [
        Option(key="chance", title="At chance", summary="Nothing has been learned."),
        Option(key="fast_descent", title="Fast descent", summary="The steepest part."),
        Option(key="descent", title="Slow descent", summary="Training and validation get better."),
        Option(
            key="stall",
            title="Validation stalls",
            summary="Training still gets better, validation does not.",
        ),
        Option(key="plateau", title="Plateau", summary="Neither gets better nor worse."),
        Option(
            key="overfitting",
            title="Overfitting",
            summary="Training gets better, validation worse.",
        ),
        Option(
            key="setback",
            title="Setback",
            summary="The training loss rises, for example because the rate does.",
        ),
        Option(key="divergence", title="Divergence", summary="The loss rises and stays high."),
    ],
)
