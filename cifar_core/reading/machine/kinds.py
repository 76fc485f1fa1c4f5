"""The kinds of findings about the machine; none is said before a minute of training was seen."""

from cifar_core.reading.spec import WARNING, FindingKind

MACHINE_KINDS = [
    FindingKind(
        key="memory_grows",
        title="Memory grows",
        summary="The run holds ever more memory. If it takes all, the system ends the run.",
        tone=WARNING,
        rule="While the run trains, over the last hour of training, at least 10 minutes and none "
        "of the first 5: the memory that it holds rises from each quarter to the next, by 2 % of "
        "all memory in total, and at that pace what is free will not last until its planned end.",
    ),
    FindingKind(
        key="disk_fills",
        title="Disk fills up",
        summary="Something writes to the disk with the runs. On a full disk training pauses.",
        tone=WARNING,
        rule="While the run trains, over the last hour of training, at least 10 minutes and none "
        "of the first 5: the free space falls from each quarter to the next, and at that pace it "
        "will not last until the run's planned end.",
    ),
    FindingKind(
        key="gpu_hot",
        title="GPU too hot",
        summary="The GPU lowers its clocks so that it gets no hotter, and computes more slowly. "
        "Better cooling or a lower limit of its power makes it steady.",
        tone=WARNING,
        rule="Over the last 10 minutes of training, or all of it when the run is over, the driver "
        "names heat as the reason for lower clocks in 10 % of the time. A limit of power does not "
        "count.",
    ),
    FindingKind(
        key="gpu_idle",
        title="GPU mostly idle",
        summary="The GPU waits for the CPU, which prepares the images and hands out the work.",
        tone=WARNING,
        rule="Over the last 10 minutes of training, or all of it when the run is over, a GPU of "
        "the run computes at most 40 % of the time. Startup, trials, the first 10 seconds and "
        "validation do not count.",
    ),
    FindingKind(
        key="gpu_shared",
        title="GPU used by others",
        summary="Another program has memory of this GPU, and takes computing time when it "
        "computes.",
        tone=WARNING,
        rule="Over half of the last 10 minutes of training, or of all of it when the run is over, "
        "other programs that compute on the GPU hold 5 % of its memory. Not known where the "
        "driver does not list this run among its programs.",
    ),
    FindingKind(
        key="cpu_shared",
        title="CPUs used by others",
        summary="Other programs, other runs included, take the cores that this run could use.",
        tone=WARNING,
        rule="Over the last 10 minutes of training, or all of it when the run is over, on average "
        "95 % of the machine's cores are busy, a quarter of them for others, and the run gets less "
        "than 85 % of its threads, or on a GPU of one core.",
    ),
    FindingKind(
        key="swapping",
        title="Machine swaps",
        summary="The machine moves memory to its disk and back, which is many times slower than "
        "memory. Fewer images at once or fewer programs need less.",
        tone=WARNING,
        rule="Over the last 10 minutes of training, or all of it when the run is over, more than "
        "1 MB a second is swapped in 20 % of the time.",
    ),
]
