"""The end of a training: the test images are classified once, with the best epoch's weights."""

from typing import TYPE_CHECKING

from cifar_core.errors import CheckpointError
from cifar_core.runs.engine.worker.log import say
from cifar_core.runs.engine.worker.ranks.follow import BEST
from cifar_core.runs.record import checkpoints
from cifar_core.runs.record.records import AttemptResult
from cifar_core.runs.record.summary import in_words
from cifar_core.statistics.class_shares import are_uneven

if TYPE_CHECKING:
    from cifar_core.runs.engine.worker.training_worker import Worker


def classify_test_images(worker: "Worker") -> AttemptResult:
    """Classify the test images with the weights of the best epoch; return how the run ended."""
    from cifar_core.training.evaluate import KeptLogits, evaluate_test
    from cifar_core.training.events import TestEvent

    info, logits = load_best(worker), KeptLogits()
    say(f"Testing with the weights of epoch {info.epoch:g} ({info.name}).")
    for event in evaluate_test(
        worker.trainer.learner,
        worker.test,
        worker.trainer.precision,
        step=worker.trainer.step,
        epoch=round(info.epoch),
        views=worker.run.config.test_views,
        kept=logits,
        ranks=worker.group.ranks,
    ):
        if isinstance(event, TestEvent):
            worker.keep_predictions("test", info.name, logits)
            worker.keep(event)
        elif result := worker.attend():
            return result
    worker.wait_for_space(worker.rows.sync)
    uneven = are_uneven(worker.run.environment.data.train_counts)
    words = in_words(worker.summary, worker.run.settings, uneven=uneven)
    return AttemptResult(outcome="finished", message=words)


def load_best(worker: "Worker") -> checkpoints.CheckpointInfo:
    """Load the weights of the best epoch, or of the next best if those are damaged."""
    for info in checkpoints.best_first(worker.run.checkpoints()):
        try:
            weights = checkpoints.load_model(info.path)
        except CheckpointError as error:
            say(str(error))
        else:
            worker.trainer.model.load_state_dict(weights)
            worker.group.tell(BEST, {"name": info.name})
            return info
    raise CheckpointError(f"No checkpoint of run {worker.run.id} can be read.")
