"""Settings of a run: where and how it computes, and its seed."""

from dataclasses import dataclass

from cifar_core.config.groups import MACHINE, REPEATS
from cifar_core.registry import Option, Registry
from cifar_core.settings import Settings, choice, number, switch, text

PRECISIONS = Registry(
    "precision",
    [
        Option(key="auto", title="Automatic", summary="bfloat16 where it is faster."),
        Option(
            key="float32",
            title="float32",
            summary="Four bytes a number; a GPU that has TF32 rounds to it in convolutions.",
        ),
        Option(
            key="bfloat16", title="bfloat16", summary="Half the bits of float32, the same range."
        ),
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
            summary="Channels last, unless a short trial finds contiguous clearly faster.",
        ),
        Option(
            key="channels_last",
            title="Channels last",
            summary="The colors of a pixel side by side, which most convolutions read fastest.",
        ),
        Option(key="contiguous", title="Contiguous", summary="One color plane after another."),
    ],
)
LOCAL = "local"  # the key of PLACES for this machine
PLACES = Registry(
    "place to run",
    [
        Option(key=LOCAL, title="This machine", summary="The machine that the dashboard runs on."),
        Option(
            key="slurm",
            title="Slurm",
            summary="A Slurm cluster, which chooses a machine for each run.",
        ),
        Option(
            key="ray",
            title="Ray",
            summary="A Ray cluster, which chooses a machine for each run.",
        ),
    ],
)
STARTUPS = Registry(
    "startup",
    [
        Option(
            key="automatic",
            title="Automatic",
            summary="Tries several ways to compute a step for a few seconds and keeps the fastest. "
            "Compiles only on a GPU, and only for runs long enough to repay it.",
        ),
        Option(
            key="fast_start",
            title="Fast start",
            summary="Starts training immediately; nothing is tried or compiled.",
        ),
        Option(
            key="fast_run",
            title="Fast run",
            summary="Also tries a compiled network, which can take a minute at the start.",
        ),
    ],
)


@dataclass(frozen=True, kw_only=True)
class MachineSettings(Settings):
    """Where a run computes, and what makes it repeatable."""

    run_on: str = choice(
        LOCAL,
        PLACES,
        group=MACHINE,
        advanced=True,
        label="Where to run",
        scope="machine",
        several="places",
        help="This machine, or a cluster that an admin of the store has set up.",
    )
    devices: int = number(
        1,
        low=1,
        high=64,
        group=MACHINE,
        advanced=True,
        scope="machine",
        several="devices",
        help="How many devices of one machine share each batch. Each computes an equal part, and "
        "their gradients are averaged; batch norm sees one part at a time, as with images at once.",
    )
    device: str = text(
        "auto",
        group=MACHINE,
        longest=20,
        scope="machine",
        shapes_step=True,
        zero="automatic",
        help="'cpu', 'cuda', 'cuda:1', 'mps', or 'auto' for the fastest.",
    )
    precision: str = choice(
        "auto",
        PRECISIONS,
        group=MACHINE,
        advanced=True,
        scope="machine",
        shapes_step=True,
        decided_at_start=True,
        help="Number format of the forward and backward pass.",
    )
    micro_batch: int = number(
        0,
        low=0,
        high=8192,
        group=MACHINE,
        advanced=True,
        label="Images at once",
        scope="machine",
        shapes_step=True,
        zero="the whole batch",
        help="A larger batch is split into pieces of at most this many images, equal ones if few "
        "do, and their gradients are added up: the same step in less memory, except that batch "
        "norm sees one piece at a time. It limits evaluation too. 0 never splits.",
    )
    memory_format: str = choice(
        "auto",
        MEMORY_FORMATS,
        group=MACHINE,
        advanced=True,
        scope="machine",
        shapes_step=True,
        decided_at_start=True,
        help="The order in which images and filters are stored in memory.",
    )
    startup: str = choice(
        "automatic",
        STARTUPS,
        group=MACHINE,
        advanced=True,
        label="Fast start or fast run",
        scope="machine",
        shapes_step=True,
        help="How much time to spend before the first step on making later steps faster.",
    )
    threads: int = number(
        0,
        low=0,
        high=256,
        group=MACHINE,
        advanced=True,
        label="CPU threads",
        scope="machine",
        shapes_step=True,
        decided_at_start=True,
        zero="all cores but one",
        help="0 uses all cores but one, so that the dashboard stays quick. The number is chosen at "
        "the first start and kept on resume, because sums depend on it.",
    )
    keep_checkpoints: int = number(
        5,
        low=0,
        high=100,
        group=MACHINE,
        advanced=True,
        label="Checkpoints to keep for review",
        scope="machine",
        zero="none",
        help="How many epochs to keep the weights of, evenly spaced, besides the best and the "
        "newest. The Result tab uses them to show how the network learned.",
    )
    deterministic: bool = switch(
        False,
        group=MACHINE,
        advanced=True,
        scope="machine",
        help="Make the results of a GPU repeatable, at some cost in speed.",
    )
    seed: int = number(
        0,
        low=0,
        high=2**31 - 1,
        group=REPEATS,
        scope="sample",
        often_varied=True,
        plural="seeds",
        help="Decides the first weights, the order of the images and the augmentation.",
    )
