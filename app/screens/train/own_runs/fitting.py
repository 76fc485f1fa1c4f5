"""Whether the weights of a run fit the network of a draft, and what of them."""

from dataclasses import dataclass, replace

from app import boundary
from app.screens.train.draft import Draft
from app.screens.train.own_runs.chosen import Chosen
from cifar_core.runs.family import start_from
from cifar_core.runs.family.start_from import Fit


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """What is known of weights that a draft is to start from."""

    chosen: Chosen
    epoch: float | None = None  # of the checkpoint; None if it is gone
    fit: Fit | None = None  # None while the images are not open, or a setting is wrong
    problem: str = ""  # why the draft cannot start from them

    @property
    def words(self) -> str:
        """The weights in a few words, as in: the weights of #12 Simple CNN, epoch 8; new head."""
        words = f"the weights of {self.chosen.title}"
        if self.epoch is not None:
            words += f", epoch {self.epoch:g}"
        return f"{words}; new head" if self.fit and self.fit.new_head else words


def fitting(chosen: Chosen | None, draft: Draft) -> Fitting | None:
    """Compare the weights that a draft starts from, if any, with its network and its classes."""
    if chosen is None:
        return None
    epoch = None
    try:
        info = chosen.info
        epoch = info.epoch
        if draft.config is None or draft.images is None:
            return Fitting(chosen=chosen, epoch=epoch)
        sized = replace(draft.config, image_size=draft.side)
        fit = start_from.fit(chosen.run, info, sized, draft.images.classes)
    except boundary.REFUSED as error:
        return Fitting(chosen=chosen, epoch=epoch, problem=str(error))
    return Fitting(chosen=chosen, epoch=epoch, fit=fit, problem=fit.refused)
