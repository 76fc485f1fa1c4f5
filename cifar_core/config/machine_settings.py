"""Settings of a run: when it stops early, where and how it computes, and its seed."""

from dataclasses import dataclass

from cifar_core.config.groups import MACHINE, STOPPING
from cifar_core.registry import Option, Registry
from cifar_core.settings import Settings, choice, number, switch, text

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
class MachineSettings(Settings):
    """When a run stops early, where it computes, and what makes it repeatable."""

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
        help="0 uses all cores but one, so that the dashboard stays quick. The number is chosen at "
        "the first start and kept on resume, because sums depend on it.",
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
