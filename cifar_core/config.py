"""The settings of a training run."""

from dataclasses import dataclass

from torch import nn

from cifar_core.data.augment import FLIP_MODES, PADDING_MODES
from cifar_core.models import MODELS
from cifar_core.optim import OPTIMIZERS
from cifar_core.registry import Option, Registry
from cifar_core.schedules import SCHEDULES, is_milestones
from cifar_core.settings import Settings, choice, number, switch, text
from cifar_core.transfer import TRANSFER_PLANS
from cifar_core.views import TEST_VIEWS

DATA, NETWORK, OPTIMISATION = "Data", "Network", "Optimisation"
STOPPING, MACHINE = "Stopping", "Machine and reproducibility"

PRECISIONS = Registry(
    "precision",
    [
        Option(key="auto", title="Automatic", summary="bfloat16 where the device gains by it."),
        Option(key="float32", title="float32", summary="Full precision everywhere."),
        Option(key="bfloat16", title="bfloat16", summary="Half the bits, the same range."),
        Option(
            key="float16",
            title="float16",
            summary="For older GPUs without bfloat16; the loss is scaled.",
        ),
    ],
)
MEMORY_FORMATS = Registry(
    "memory format",
    [
        Option(
            key="auto",
            title="Automatic",
            summary="Channels last, unless a short trial finds the other clearly faster.",
        ),
        Option(
            key="channels_last",
            title="Channels last",
            summary="The colours of a pixel side by side, as most convolutions read them fastest.",
        ),
        Option(key="contiguous", title="Contiguous", summary="One colour plane after another."),
    ],
)
STARTUPS = Registry(
    "startup",
    [
        Option(
            key="automatic",
            title="Automatic",
            summary="Tries the ways to compute a step for a few seconds and keeps the fastest; "
            "compiles only on a GPU, for runs long enough to repay it.",
        ),
        Option(
            key="fast_start",
            title="Fast start",
            summary="Trains at once, as the rules say; nothing is tried out or compiled.",
        ),
        Option(
            key="fast_run",
            title="Fast run",
            summary="Also tries the network compiled, which can take a minute at the start.",
        ),
    ],
)


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Settings):
    """Everything that decides how one run trains; saved as config.json beside its weights."""

    data: str = text(
        "auto",
        group=DATA,
        help="Where the images are: 'synthetic', a folder, an archive, or 'auto'.",
    )
    train_fraction: float = number(
        1.0,
        low=0.001,
        high=1.0,
        group=DATA,
        help="Share of the training images to use, taken evenly from every class.",
    )
    val_fraction: float = number(
        0.1,
        low=0.01,
        high=0.5,
        group=DATA,
        label="Validation share",
        help="Share of the training images kept aside to choose the best epoch.",
    )
    split_seed: int = number(
        0,
        low=0,
        high=2**31 - 1,
        group=DATA,
        advanced=True,
        help="Decides which images are kept aside; keep it when comparing runs.",
    )
    crop_padding: int = number(
        4,
        low=0,
        high=8,
        group=DATA,
        help="Shift each image by up to so many pixels, drawn anew every epoch; 0 turns it off.",
    )
    flip: bool = switch(
        True,
        group=DATA,
        label="Mirror",
        help="Mirror each image left to right, half of the time.",
    )
    flip_mode: str = choice(
        "random",
        FLIP_MODES,
        group=DATA,
        advanced=True,
        label="Mirror when",
        help="Whether chance decides anew in every epoch, or each image takes turns.",
    )
    padding_mode: str = choice(
        "black",
        PADDING_MODES,
        group=DATA,
        advanced=True,
        label="Border",
        help="What fills the border that a shift uncovers.",
    )
    color_jitter: float = number(
        0.0,
        low=0.0,
        high=1.0,
        group=DATA,
        advanced=True,
        label="Colour jitter",
        help="Change brightness, contrast and saturation of each image by up to this share, drawn "
        "anew every epoch; 0 turns it off.",
    )
    cutout: int = number(
        0,
        low=0,
        high=24,
        group=DATA,
        advanced=True,
        help="Blank out a square of so many pixels a side, placed anew every epoch; 0 turns it "
        "off.",
    )
    model: str = choice("simple_cnn", MODELS, group=NETWORK, help="The architecture to train.")
    dropout: float = number(
        0.3,
        low=0.0,
        high=0.9,
        group=NETWORK,
        used_by="model",
        help="Share of the last features that is set to zero at each training step.",
    )
    resolution: int = number(
        128,
        low=32,
        high=384,
        group=NETWORK,
        used_by="model",
        help="Pixels a side that images are enlarged to. Costs grow with its square: 96 to 128 "
        "on a CPU; 224, as in pretraining, on a GPU.",
    )
    plan: str = choice(
        "head",
        TRANSFER_PLANS,
        group=NETWORK,
        used_by="model",
        label="Transfer plan",
        help="What is trained of a pretrained network; all else stays frozen.",
    )
    cached_views: int = number(
        2,
        low=0,
        high=20,
        group=NETWORK,
        used_by="plan",
        help="Augmented views of each image whose features are computed once and kept; 0 "
        "computes them anew in every epoch, which takes as many times longer as there are epochs.",
    )
    head_epochs: int = number(
        2,
        low=1,
        high=1000,
        group=NETWORK,
        used_by="plan",
        help="Epochs in which the head learns alone, before everything does.",
    )
    backbone_rate: float = number(
        0.1,
        low=0.0001,
        high=1.0,
        group=NETWORK,
        used_by="plan",
        log_scale=True,
        label="Backbone's share of the rate",
        help="What the learning rate is multiplied by for the pretrained layers.",
    )
    optimizer: str = choice(
        "sgd", OPTIMIZERS, group=OPTIMISATION, help="How gradients become weight updates."
    )
    learning_rate: float = number(
        0.1,
        low=1e-6,
        high=10.0,
        group=OPTIMISATION,
        log_scale=True,
        help="The largest step size used; the schedule multiplies it.",
    )
    momentum: float = number(
        0.9,
        low=0.0,
        high=0.999,
        group=OPTIMISATION,
        used_by="optimizer",
        advanced=True,
        help="Share of the last update that is carried into the next.",
    )
    nesterov: bool = switch(
        True,
        group=OPTIMISATION,
        used_by="optimizer",
        advanced=True,
        label="Nesterov momentum",
        help="Take the gradient where the momentum is about to lead.",
    )
    beta1: float = number(
        0.9,
        low=0.0,
        high=0.9999,
        group=OPTIMISATION,
        used_by="optimizer",
        advanced=True,
        help="Memory of the mean gradient.",
    )
    beta2: float = number(
        0.999,
        low=0.0,
        high=0.99999,
        group=OPTIMISATION,
        used_by="optimizer",
        advanced=True,
        help="Memory of the squared gradient.",
    )
    adamw_share: float = number(
        0.2,
        low=0.001,
        high=10.0,
        group=OPTIMISATION,
        used_by="optimizer",
        advanced=True,
        log_scale=True,
        label="AdamW's share of the rate",
        help="What the learning rate is multiplied by for biases, norms and the last layer, which "
        "AdamW trains.",
    )
    schedule: str = choice(
        "one_cycle",
        SCHEDULES,
        group=OPTIMISATION,
        help="How the learning rate changes during the run.",
    )
    warmup_epochs: float = number(
        1.0,
        low=0.0,
        high=100.0,
        group=OPTIMISATION,
        used_by="schedule",
        help="Epochs in which the rate rises from 0.",
    )
    step_epochs: int = number(
        10,
        low=1,
        high=500,
        group=OPTIMISATION,
        used_by="schedule",
        help="Epochs between two drops of the rate.",
    )
    step_factor: float = number(
        0.1,
        low=0.01,
        high=0.99,
        group=OPTIMISATION,
        used_by="schedule",
        help="What the rate is multiplied by at each drop.",
    )
    milestones: str = text(
        "50, 75",
        group=OPTIMISATION,
        used_by="schedule",
        label="Drops at (% of the run)",
        help="Where the rate drops, in percent of the run, with commas between.",
    )
    plateau_epochs: int = number(
        3,
        low=0,
        high=100,
        group=OPTIMISATION,
        used_by="schedule",
        label="Patience of the rate",
        help="Epochs without a lower validation loss that are waited for before the rate drops.",
    )
    decay_power: float = number(
        1.0,
        low=0.1,
        high=10.0,
        group=OPTIMISATION,
        used_by="schedule",
        help="Shape of the fall: 1 is a straight line, 2 falls faster at first.",
    )
    restart_epochs: int = number(
        5,
        low=1,
        high=500,
        group=OPTIMISATION,
        used_by="schedule",
        label="Epochs to the first restart",
        help="Epochs until the first jump back to the peak rate.",
    )
    restart_growth: int = number(
        2,
        low=1,
        high=10,
        group=OPTIMISATION,
        used_by="schedule",
        label="Growth of the period",
        help="How many times longer each period is than the one before.",
    )
    peak_at: float = number(
        0.25,
        low=0.01,
        high=0.99,
        group=OPTIMISATION,
        used_by="schedule",
        advanced=True,
        label="Peak at",
        help="Share of the run after which the rate is at its peak.",
    )
    start_share: float = number(
        0.04,
        low=0.0001,
        high=1.0,
        group=OPTIMISATION,
        used_by="schedule",
        advanced=True,
        label="Rate at the start",
        help="The first rate, as a share of the peak rate.",
    )
    cosine_rise: bool = switch(
        False,
        group=OPTIMISATION,
        used_by="schedule",
        advanced=True,
        help="Rise along a cosine in place of a straight line.",
    )
    end_share: float = number(
        0.0,
        low=0.0,
        high=1.0,
        group=OPTIMISATION,
        used_by="schedule",
        advanced=True,
        label="Rate at the end",
        help="The last rate, as a share of the peak rate.",
    )
    cycle_epochs: float = number(
        4.0,
        low=0.1,
        high=500.0,
        group=OPTIMISATION,
        used_by="schedule",
        label="Epochs of a cycle",
        help="Epochs from one low point of the rate to the next.",
    )
    cycle_base: float = number(
        0.25,
        low=0.0,
        high=1.0,
        group=OPTIMISATION,
        used_by="schedule",
        label="Lowest rate of a cycle",
        help="The lowest rate of a cycle, as a share of the peak rate.",
    )
    cycle_decay: float = number(
        0.1,
        low=0.0001,
        high=1.0,
        group=OPTIMISATION,
        used_by="schedule",
        label="Height of the last cycle",
        help="How high the cycles still are at the end of the run, as a share of the first.",
    )
    cycle_momentum: bool = switch(
        False,
        group=OPTIMISATION,
        used_by="schedule",
        advanced=True,
        help="Let the momentum fall while the rate rises, and rise while it falls.",
    )
    lowest_momentum: float = number(
        0.85,
        low=0.0,
        high=0.999,
        group=OPTIMISATION,
        used_by="schedule",
        advanced=True,
        help="The momentum where the rate is highest, if it is cycled.",
    )
    epochs: int = number(
        15, low=1, high=1000, group=OPTIMISATION, help="Passes over the training images."
    )
    batch_size: int = number(
        128, low=2, high=8192, group=OPTIMISATION, help="Images per optimization step."
    )
    weight_decay: float = number(
        5e-4,
        low=0.0,
        high=0.5,
        group=OPTIMISATION,
        log_scale=True,
        help="Pull of the weights towards 0; norms and biases are left alone.",
    )
    label_smoothing: float = number(
        0.0,
        low=0.0,
        high=0.5,
        group=OPTIMISATION,
        advanced=True,
        help="Share of the target spread evenly over all classes.",
    )
    clip_norm: float = number(
        0.0,
        low=0.0,
        high=1000.0,
        group=OPTIMISATION,
        advanced=True,
        label="Gradient clipping",
        help="Largest allowed length of the gradient; 0 does not clip.",
    )
    ema_epochs: float = number(
        0.0,
        low=0.0,
        high=100.0,
        group=OPTIMISATION,
        advanced=True,
        label="Averaged weights",
        help="Validate, test and explain with the average of the recent weights, in which those "
        "of so many epochs ago count half; 0 takes the last weights.",
    )
    test_views: str = choice(
        "plain",
        TEST_VIEWS,
        group=OPTIMISATION,
        advanced=True,
        help="How the test images are shown when training is over; the accuracy on the images as "
        "they are is reported beside it. Validation always takes them as they are.",
    )
    patience: int = number(
        0,
        low=0,
        high=1000,
        group=STOPPING,
        label="Early stopping patience",
        help="Stop after so many epochs without a better validation accuracy; 0 never does.",
    )
    min_delta: float = number(
        0.0,
        low=0.0,
        high=0.5,
        group=STOPPING,
        advanced=True,
        label="Smallest improvement",
        help="A gain in validation accuracy below this does not count as better.",
    )
    device: str = text(
        "auto",
        group=MACHINE,
        longest=20,
        help="'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'. Automatic takes the fastest there is.",
    )
    precision: str = choice(
        "auto",
        PRECISIONS,
        group=MACHINE,
        advanced=True,
        help="Number format of the forward and backward pass.",
    )
    micro_batch: int = number(
        0,
        low=0,
        high=8192,
        group=MACHINE,
        advanced=True,
        label="Images at once",
        help="A larger batch is cut into equal pieces of at most so many images, whose gradients "
        "are added up: the same step in less memory, but that batch norm sees one piece at a "
        "time. Evaluation computes no more at once either. 0 never cuts.",
    )
    memory_format: str = choice(
        "auto",
        MEMORY_FORMATS,
        group=MACHINE,
        advanced=True,
        help="The order in which images and filters lie in memory.",
    )
    startup: str = choice(
        "automatic",
        STARTUPS,
        group=MACHINE,
        advanced=True,
        label="Fast start or fast run",
        help="How much time to spend before the first step on making all later ones faster.",
    )
    threads: int = number(
        0,
        low=0,
        high=256,
        group=MACHINE,
        advanced=True,
        label="CPU threads",
        help="0 takes all cores but one, so that the dashboard stays quick, and a single one while "
        "other programs keep them busy. A number stays, and so do the sums that depend on it.",
    )
    keep_checkpoints: int = number(
        5,
        low=0,
        high=100,
        group=MACHINE,
        advanced=True,
        label="Checkpoints to look back at",
        help="How many epochs' weights to keep, evenly spaced from the first epoch on, besides the "
        "checkpoints of the best and the newest: the Evaluate page shows with them how the network "
        "learned.",
    )
    deterministic: bool = switch(
        False,
        group=MACHINE,
        advanced=True,
        help="Ask the GPU for repeatable sums, at some cost; the CPU repeats itself anyway.",
    )
    seed: int = number(
        0,
        low=0,
        high=2**31 - 1,
        group=MACHINE,
        help="Decides the first weights, the order and the augmentation. Same seed, same run.",
    )

    @property
    def computes_on(self) -> int:
        """How many pixels a side the network enlarges its images to, if it does."""
        spec = MODELS[self.model]
        return self.resolution if "resolution" in spec.uses else spec.input_size

    def build_model(self, num_classes: int) -> nn.Module:
        """Build the network with fresh weights; it maps images [N, 3, H, W] to logits [N, K]."""
        spec = MODELS[self.model]
        # the plan says what is trained of a network, which is built the same for all of them
        parts = {name: getattr(self, name) for name in spec.uses if name != "plan"}
        return spec.build(num_classes, **parts)

    def conflicts(self) -> dict[str, str]:
        """Find settings that are each in range but cannot go together."""
        problems = {}
        if self.optimizer == "sgd" and self.nesterov and self.momentum == 0:
            problems["nesterov"] = (
                "nesterov is on, but momentum is 0 and there is nothing to look ahead along. "
                "Turn nesterov off or set momentum, for example to 0.9."
            )
        problems |= schedule_conflicts(self)
        used = MODELS[self.model].uses
        if "plan" in used and self.plan == "gradual" and self.head_epochs >= self.epochs:
            problems["head_epochs"] = (
                f"head_epochs is {self.head_epochs}, but the run has only {self.epochs} epochs, so "
                f"nothing but the head would learn. Choose fewer than {self.epochs}, or the plan "
                "'head'."
            )
        if (
            "plan" in used
            and self.plan == "head"
            and self.cached_views
            and (self.test_views != "plain")
        ):
            problems["test_views"] = (
                f"test_views is '{self.test_views}', but with the plan 'head' the features of the "
                "test images are computed once, as they are. Choose 'plain', or set cached_views "
                "to 0."
            )
        if "resolution" in used and self.resolution % (step := MODELS[self.model].patch):
            fitting = round(self.resolution / step) * step
            problems["resolution"] = (
                f"resolution is {self.resolution}, but {MODELS[self.model].title} cuts images "
                f"into patches of {step} pixels. Choose a multiple of {step}, such as {fitting}."
            )
        return problems


def schedule_conflicts(config: TrainConfig) -> dict[str, str]:
    """Find settings of the schedule that cannot go together, or that make no sense as a text."""
    problems = {}
    used = SCHEDULES[config.schedule].uses
    if "warmup_epochs" in used and config.warmup_epochs >= config.epochs:
        problems["warmup_epochs"] = (
            f"warmup_epochs is {config.warmup_epochs:g}, but the run has only {config.epochs} "
            f"epochs. Choose fewer than {config.epochs} (default 1)."
        )
    if "milestones" in used and not is_milestones(config.milestones):
        problems["milestones"] = (
            f"milestones is {config.milestones!r}, but it must be percentages of the run between "
            "0 and 100 with commas between them, such as '50, 75'."
        )
    if "cycle_momentum" in used and config.cycle_momentum:
        optimizer = OPTIMIZERS[config.optimizer]
        if not (name := optimizer.momentum_setting):
            problems["cycle_momentum"] = (
                f"cycle_momentum is on, but {optimizer.title} has no momentum that can be "
                "changed during a run. Turn it off or choose another optimizer, such as SGD."
            )
        elif config.lowest_momentum > getattr(config, name):
            problems["lowest_momentum"] = (
                f"lowest_momentum is {config.lowest_momentum:g}, but {name}, from which it comes "
                f"down, is {getattr(config, name):g}. Choose at most that."
            )
    return problems
