"""A real trainer that the kernel grants little memory: limited_trainer.py RUN ATTEMPT MEGABYTES."""

import resource
import sys

from cifar_core.runs.engine.worker.attempt import main
from cifar_core.runs.engine.worker.training_worker import Worker
from cifar_core.runs.prepare import memory
from cifar_core.training import setup  # noqa: F401 - the program itself is not what is limited

memory.forbid_more_than(memory.peak_megabytes() + float(sys.argv[3]))
soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
resource.setrlimit(resource.RLIMIT_DATA, (soft, soft))  # for the processes that it starts too
main(Worker, *sys.argv[1:3])
