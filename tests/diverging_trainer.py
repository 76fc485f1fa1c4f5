"""A real trainer whose loss is no number above a rate: diverging_trainer.py RUN ATTEMPT RATE."""

import sys

from cifar_core.runs.engine.worker.attempt import main
from cifar_core.runs.engine.worker.training_worker import Worker
from cifar_core.training.trainer import Trainer

highest, train_step = float(sys.argv[3]), Trainer._train_step


def diverge(self, images, labels, rate, *, reports):
    if rate > highest and self.step > 12:
        next(self.model.parameters()).data.fill_(float("nan"))
    train_step(self, images, labels, rate, reports=reports)


Trainer._train_step = diverge
main(Worker, *sys.argv[1:3])
