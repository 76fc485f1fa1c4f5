"""Explains why one class rather than another: the score is then the lead over the other class."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor, nn

from cifar_core.explain.spec import Subject


class Leads(nn.Module):
    """A classifier whose scores [N, K] are the logits minus the logit of one rival class."""

    def __init__(self, model: nn.Module, rival: int) -> None:
        super().__init__()
        self.model = model
        self.rival = rival

    def forward(self, images: Tensor) -> Tensor:
        """Return the leads [N, K] over the rival; its own is 0."""
        logits = self.model(images)
        return logits - logits[:, self.rival : self.rival + 1]


@dataclass(frozen=True)
class Contrast(Subject):
    """A subject whose scores are leads. Methods linear in the score give a difference of maps.

    That holds for input x gradient, integrated gradients, DeepLift, HiResCAM, occlusion and RISE;
    the others explain the lead just as they explain a score.
    """

    whole: Subject | None = None

    @cached_property
    def prepared(self) -> nn.Module | None:
        """The subject's own prepared copy with the rival's logit subtracted."""
        assert self.whole is not None
        assert isinstance(self.model, Leads)
        copy = self.whole.prepared
        return None if copy is None else Leads(copy, self.model.rival)


def contrast(subject: Subject, rival: int) -> Contrast:
    """Return the subject whose scores are the leads over the rival class."""
    leads = Leads(subject.model, rival)
    return Contrast(
        leads, subject.layer, subject.refusals, subject.draw, subject.side, whole=subject
    )
