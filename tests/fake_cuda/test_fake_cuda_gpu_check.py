"""The sections of `benchmarks.gpu` that compute in their own process, on the fake device."""

import time

from fake_device import DEVICE, fake_cuda

from benchmarks.gpu.section import Bench
from benchmarks.gpu.sections import deterministic, gradients, speed
from benchmarks.gpu.sections.ways import way
from cifar_core.training.step.trial import random_images


def bench_in(folder):
    return Bench(section="one", device=DEVICE, data="synthetic:400", folder=folder, store=folder,
                 ends=time.monotonic() + 60, seeds=1)  # fmt: skip


def test_the_gradients_of_each_step_are_compared_on_the_cpu(tmp_path):
    one = way(bench_in(tmp_path), "simple_cnn", 16, "channels_last", "float32")
    with fake_cuda():
        found, failure = gradients.gradients(one.in_pieces())
    assert failure == ""
    assert len(found) == gradients.STEPS
    assert not any(gradient.is_cuda for gradient in found)


def test_deterministic_weights_are_compared_on_the_cpu(tmp_path):
    with fake_cuda():
        weights, _ = deterministic.trained(bench_in(tmp_path), "simple_cnn_dropout")
    assert not any(weight.is_cuda for weight in weights)


def test_every_uncompiled_way_takes_steps(tmp_path):
    images = random_images(16, 10)
    groups = list(speed.groups(bench_in(tmp_path), "simple_cnn", 8))
    ways = [one for group in groups[:2] for one in group]
    assert len(ways) == 9
    with fake_cuda():
        for one in ways:
            step = one.step_of(one.trainer(images))
            step()
            step()
