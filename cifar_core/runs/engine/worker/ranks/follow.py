"""What the ranks other than the first do: train as it does, and leave all else to it.

They write no file of the run and read no request of a person. The first rank has opened, decoded
and tried everything before they begin, so that nothing is done twice.
"""

from typing import TYPE_CHECKING

from cifar_core.runs.engine.worker.base_worker import FEATURES, OPENED
from cifar_core.runs.engine.worker.good_checkpoint import go_to
from cifar_core.runs.engine.worker.planned_ends import PlannedEnds
from cifar_core.runs.engine.worker.ranks.meter import meter_of
from cifar_core.runs.family import teachers as family
from cifar_core.runs.prepare.image_size import Decision
from cifar_core.runs.prepare.kept_features import keep_features
from cifar_core.runs.record import checkpoints
from cifar_core.runs.record.records import AttemptResult
from cifar_core.runs.record.status import RunStatus
from cifar_core.runs.results.reading import situation_of

if TYPE_CHECKING:
    from cifar_core.runs.engine.worker.training_worker import Worker

CHECKPOINT, BEST = "checkpoint", "best"  # what the first rank tells, besides what opening needs
LIKE_THE_FIRST = AttemptResult(outcome="stopped", message="Ended like the first rank.")


def follow(worker: "Worker") -> AttemptResult:
    """Train, and classify the test images, until the first rank ends."""
    open_as_told(worker)
    if told(worker, FEATURES)["are_there"] and train(worker):
        classify_test_images(worker)
    return LIKE_THE_FIRST


def told(worker: "Worker", key: str) -> dict[str, object]:
    """Wait for what the first rank tells."""
    values: dict[str, object] = worker.group.told(key, lambda: worker.terminated)
    return values


def open_as_told(worker: "Worker") -> None:
    """Load the images, build the trainer and restore the checkpoint, as the first rank did."""
    from cifar_core import data
    from cifar_core.data.sizing import Sizing
    from cifar_core.training.setup import prepare
    from cifar_core.training.step.step_plan import from_record

    place = str(told(worker, CHECKPOINT)["path"])
    opened = worker.group.told(OPENED, lambda: worker.terminated)
    run, device = worker.run, worker.plan.device
    worker.size = Decision(sizing=Sizing(**opened["sizing"]), reason="")
    worker.dataset = data.load(opened["source"], run.store_root, worker.size.sizing)
    began = worker.load_weights(fresh=not place)
    worker.setup = prepare(
        worker.config, worker.dataset, device, began.pretrained,
        from_record(opened["step_plan"], device),
        fresh=not place, begun=began.begun,
        teachers=family.open_teachers(run, worker.dataset.classes), ranks=worker.group.ranks,
    )  # fmt: skip
    worker.trainer, worker.test = worker.setup.trainer, worker.setup.test
    path = run.path / place
    go_to(
        worker.trainer,
        run,
        checkpoints.info(path, checkpoints.manifest_of(path), "") if place else None,
    )


def train(worker: "Worker") -> bool:
    """Follow the trainer's events; return False if the attempt ends before the test."""
    from cifar_core.training.events import EpochEvent, Tick

    group, store = worker.group, worker.run.store_root
    for _ in keep_features(worker.setup, worker.dataset.fingerprint, store, lambda _: None):
        pass  # they are there already
    situation = situation_of(worker.run, RunStatus(state="running"))
    planned = PlannedEnds(worker.config, situation, [], group.agree)
    meter = meter_of(worker)
    for event in planned.until_end(worker.trainer.run(), lambda: 0.0):
        if isinstance(event, Tick):
            if group.agree(worker.terminated):
                return False
            meter.after_batch(event)
        elif isinstance(event, EpochEvent) and group.agree(False):
            return False
    return True


def classify_test_images(worker: "Worker") -> None:
    """Classify this rank's part of the test images, with the weights that the first rank names."""
    from cifar_core.training.evaluate import evaluate_test
    from cifar_core.training.events import Tick

    name = str(told(worker, BEST)["name"])
    path = worker.run.path / "checkpoints" / name
    worker.trainer.model.load_state_dict(checkpoints.load_model(path))
    for event in evaluate_test(
        worker.trainer.learner, worker.test, worker.trainer.precision, step=0, epoch=0,
        views=worker.run.config.test_views, ranks=worker.group.ranks,
    ):  # fmt: skip
        if isinstance(event, Tick) and worker.group.agree(worker.terminated):
            return
