import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cifar_core.config import TrainConfig
from cifar_core.models import MODELS
from cifar_core.training.events import StepEvent
from cifar_core.training.setup import prepare
from cifar_core.training.step import compiling, timing, trial
from cifar_core.training.step.pieces import sizes_of_pieces
from cifar_core.training.step.precision import Precision
from cifar_core.training.step.step_plan import (
    StepPlan,
    alternatives,
    by_rule,
    from_record,
    images_at_once,
    why_by_rule,
)
from cifar_core.training.step.trial import TrialTimes, resolve

LONG = 100_000  # steps
LAST, PLANES = "channels_last/float32", "contiguous/float32"


def plan(**parts):
    exact = Precision(key="float32", reason="As requested.", device_type="cpu")
    return StepPlan(**{"memory_format": "channels_last", "precision": exact, **parts})


def decided(config, known, steps=LONG):
    return resolve(config, "cpu", total_steps=steps, num_classes=4, times=known)


@pytest.fixture
def plain_cpu(monkeypatch):
    """A processor that multiplies no short numbers in hardware."""
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)


@pytest.fixture
def no_race(monkeypatch):
    def measured(*_, **__):
        pytest.fail("this was known already")

    monkeypatch.setattr(trial, "measured", measured)


@pytest.mark.parametrize(
    ("first", "second", "wins"),
    [
        ([1.0] * 5, [0.5] * 5, "second"),
        ([1.0] * 5, [0.98] * 5, "first"),  # within the margin
        ([1.0] * 5, [1.0] * 5, "first"),
        ([1.0] * 5, [0.9, 0.9, 0.9, 0.9, 3.0], "second"),  # one disturbed round
        ([1.0] * 5, [0.9, 0.9, 0.9, 1.1, 1.1], "first"),  # two: that may be noise
        ([1.0] * 2, [0.5] * 9, "second"),  # the first was hopeless and left early
    ],
)
def test_a_tie_goes_to_the_simpler_way_and_only_a_clear_win_to_the_other(first, second, wins):
    assert timing.winner({"first": first, "second": second}) == wins


def test_a_race_takes_turns_and_drops_what_is_hopeless():
    clock, turns = [0.0], []
    seconds = {"a": 0.8, "b": 0.9, "slow": 1.6}

    def step(name):
        turns.append(name)
        clock[0] += seconds[name]

    def timer(work):
        before = clock[0]
        work()
        return clock[0] - before

    rounds = timing.time_in_turns({name: lambda name=name: step(name) for name in seconds}, timer)
    assert {name: len(times) for name, times in rounds.items()} == {"a": 3, "b": 3, "slow": 2}
    assert rounds["b"] == pytest.approx([0.9] * 3)
    assert turns[:5] == ["a", "a", "b", "b", "slow"]  # to warm up, once if that is slow
    assert turns[5:] == ["a", "b", "slow", "slow", "b", "a", "a", "b"]


@pytest.mark.parametrize(
    ("settings", "device", "steps", "word"),
    [
        ({}, "cpu", LONG, ""),
        ({}, "cuda:0", LONG, ""),
        ({}, "cpu", 50, "too short"),
        ({"startup": "fast_run"}, "cpu", 50, ""),
        ({"startup": "fast_start"}, "cpu", LONG, "fast start"),
        ({"deterministic": True, "startup": "fast_run"}, "cuda:0", LONG, "deterministic"),
        ({"model": "resnet18_imagenet", "plan": "head"}, "cpu", LONG, "features"),
        ({"model": "resnet18_imagenet", "plan": "full"}, "cpu", LONG, ""),
        ({"model": "resnet18"}, "cpu", LONG, ""),
        ({"model": "vig_b", "startup": "fast_run"}, "cpu", LONG, "would take minutes"),
        ({"model": "vig_b"}, "cuda:0", LONG, ""),
        ({}, "mps", LONG, "NVIDIA"),
        ({"precision": "float32"}, "cpu", LONG, ""),
        ({"precision": "float32", "memory_format": "contiguous"}, "cpu", LONG, "as requested"),
        ({"precision": "float32", "memory_format": "contiguous"}, "cuda:0", LONG, ""),
    ],
)
def test_a_trial_is_made_only_where_there_is_something_to_choose_and_to_gain(
    settings, device, steps, word
):
    reason = why_by_rule(TrainConfig(**settings), device, steps)
    assert bool(reason) == bool(word)
    assert word in reason


def test_a_short_format_is_tried_against_float32_only_where_the_hardware_has_it(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    config = TrainConfig()
    keys = [each.key for each in alternatives(config, by_rule(config, "cpu"))]
    assert keys == ["channels_last/bfloat16", "contiguous/bfloat16", LAST, PLANES]
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    keys = [each.key for each in alternatives(config, by_rule(config, "cpu"))]
    assert keys == [LAST, PLANES]


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ({"memory_format": "contiguous"}, [PLANES]),
        ({"memory_format": "channels_last"}, [LAST]),
        ({"precision": "bfloat16"}, ["channels_last/bfloat16", "contiguous/bfloat16"]),
    ],
)
def test_what_was_asked_for_is_respected(plain_cpu, settings, keys):
    config = TrainConfig(**settings)
    assert [each.key for each in alternatives(config, by_rule(config, "cpu"))] == keys


@pytest.mark.parametrize(
    ("last", "planes", "chosen", "words"),
    [
        (0.1, 0.2, "channels_last", "measured 2 times as fast as contiguous on this CPU"),
        (0.2, 0.1, "contiguous", "measured 2 times as fast as channels last on this CPU"),
        (0.1, 0.1, "channels_last", "nothing else was clearly faster"),
    ],
)
def test_on_a_cpu_the_faster_memory_order_is_taken_and_never_compiled(
    plain_cpu, no_race, last, planes, chosen, words
):
    known = TrialTimes(formats={LAST: [last] * 5, PLANES: [planes] * 5})
    plan, after = decided(TrainConfig(), known)
    assert (plan.memory_format, plan.compiled, after) == (chosen, False, known)
    assert words in plan.sentence
    assert "compiling is for GPUs." in plan.sentence


@pytest.mark.parametrize(("compiled", "wins"), [(0.05, True), (0.099, False), (0.3, False)])
def test_a_fast_run_is_compiled_only_if_that_is_measurably_faster(
    plain_cpu, no_race, compiled, wins
):
    key = f"{LAST}/compiled"
    known = TrialTimes(
        formats={LAST: [0.1] * 5, PLANES: [0.2] * 5},
        compiling={LAST: [0.1] * 5, key: [compiled] * 5},
    )
    plan, _ = decided(TrainConfig(startup="fast_run"), known)
    assert plan.compiled is wins
    assert f"compiled, it is {0.1 / compiled:.2g} times as fast" in plan.sentence


@pytest.mark.parametrize(
    ("model", "device", "batch_size", "images"),
    [
        ("simple_cnn", "cpu", 128, 128),
        ("simple_cnn", "cpu", 8192, 387),
        ("resnet18", "cpu", 128, 32),
        ("resnet18", "cpu", 8, 8),
        ("resnet18", "cuda:0", 2048, 2048),
    ],
)
def test_a_large_network_is_tried_on_fewer_images_at_once_on_a_cpu(
    model, device, batch_size, images
):
    config = TrainConfig(model=model, batch_size=batch_size)
    assert images_at_once(config, device) == images


def test_a_gpu_compiles_by_itself_only_for_a_long_run():
    config = TrainConfig()
    assert "too short to repay" in trial.why_uncompiled(config, "cuda:0", 100.0)
    assert trial.why_uncompiled(config, "cuda:0", 1000.0) == ""
    assert "GPUs" in trial.why_uncompiled(config, "cpu", 1e6)
    assert trial.why_uncompiled(TrainConfig(startup="fast_run"), "cpu", 1.0) == ""


def test_a_trial_measures_every_way_and_leaves_the_random_numbers_alone(plain_cpu):
    torch.manual_seed(5)
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    taken = []

    def timer(step):
        step()
        taken.append(step)
        return 1.0  # all alike

    config = TrainConfig(batch_size=4, startup="automatic")
    plan, races = resolve(
        config, "cpu", total_steps=LONG, num_classes=3, times=TrialTimes(), timer=timer
    )
    assert taken
    assert list(races.formats) == [LAST, PLANES]
    assert plan.memory_format == "channels_last"
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])


def test_a_trial_takes_images_of_the_runs_size_and_no_more_memory_for_larger_ones(monkeypatch):
    seen = []
    prepared = trial.prepare
    monkeypatch.setattr(trial, "prepare", lambda config, images, *more, **how: (
        seen.append(images.train.pixels) or prepared(config, images, *more, **how)))  # fmt: skip
    for side in (32, 128):
        config = TrainConfig(batch_size=8, image_size=side)
        trial.measured(config, "cpu", [plan()], num_classes=3, timer=lambda step: step() or 1.0)
    _, large = seen
    assert large.shape[1:] == (128, 128, 3)
    assert len(trial.random_images(512, 10).train) == 17 * 512 + 20  # 16 batches and some
    assert len(trial.random_images(64, 10, 224).train) == 3 * 64 + 20  # two batches and some


def test_a_trial_of_a_gradual_plan_takes_steps_in_which_everything_learns():
    config = TrainConfig(
        model="mobilenet_v2_imagenet", plan="gradual", head_epochs=1, resolution=32, batch_size=4
    )
    trainer = prepare(config, trial.random_images(4, 2), "cpu").trainer
    steps = trial.endless(trainer)
    for _ in range(trainer.steps_per_epoch + 1):  # also over the end of the epoch
        next(steps)
    assert all(weight.requires_grad for weight in trainer.model.parameters())
    assert trainer.progress.epoch == 1


def test_a_compiler_that_fails_costs_only_a_sentence(plain_cpu, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("No C++ compiler was found.") from None

    monkeypatch.setattr(compiling, "compiler", broken)
    known = TrialTimes(formats={LAST: [0.1] * 5, PLANES: [0.2] * 5})
    config = TrainConfig(startup="fast_run", batch_size=4)
    plan, after = decided(config, known)
    assert (plan.compiled, after) == (False, known)
    assert plan.reason.endswith("; compiling failed (No C++ compiler was found).")


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten())


def same(network, **_):
    return network


def failing(*, after=0, backward=False):
    """A compiler whose network gives up after some passes, when it has run or in backward."""

    def compiler(network, **_):
        passes = []

        def forward(images):
            passes.append(len(images))
            logits = network(images)
            if len(passes) <= after:
                return logits
            if not backward:
                raise RuntimeError("inductor: no kernel")
            return Unsound.apply(logits)

        return forward

    return compiler


class Unsound(torch.autograd.Function):
    """Stands for an output that is written over before its backward pass."""

    @staticmethod
    def forward(context, logits):
        return logits.clone()

    @staticmethod
    def backward(context, gradient):
        raise RuntimeError("inductor: no kernel")


@pytest.mark.parametrize(
    ("compiler", "works"),
    [
        (same, True),
        (failing(), False),
        (failing(after=1), False),  # while a CUDA graph is recorded
        (failing(after=2, backward=True), False),  # in its first replay
    ],
)
def test_rehearsing_a_compiled_step_changes_nothing_whether_it_works_or_not(
    monkeypatch, compiler, works
):
    monkeypatch.setattr(compiling, "compiler", compiler)
    network, untouched = small_network(), small_network()
    state = torch.get_rng_state()
    forward, found = compiling.ready(network, plan(compiled=True), [4], 32)
    assert found.compiled is works
    assert ("inductor: no kernel" in found.sentence) is not works
    assert torch.equal(state, torch.get_rng_state())
    for (name, tensor), other in zip(
        network.state_dict().items(), untouched.state_dict().values(), strict=True
    ):
        assert torch.equal(tensor, other), name
    assert all(weight.grad is None for weight in network.parameters())
    assert forward is network


def test_every_size_is_rehearsed_as_often_as_a_graph_needs_to_be_replayed(monkeypatch):
    seen = []

    def compiler(network, **_):
        return lambda images: seen.append(images.shape[::2]) or network(images)

    monkeypatch.setattr(compiling, "compiler", compiler)
    compiling.ready(small_network(), plan(compiled=True), [5, 5, 4], 48)
    assert seen == [(5, 48), (4, 48)] * 3


@pytest.mark.parametrize(
    ("kind", "pieces", "mode"),
    [("cuda", [16], "reduce-overhead"), ("cuda", [8, 8], None), ("cpu", [16], None)],
)
def test_gradients_that_are_added_up_do_not_lie_in_the_memory_of_a_cuda_graph(kind, pieces, mode):
    exact = Precision(key="float32", reason="", device_type=kind)
    assert compiling.options(plan(compiled=True, precision=exact), pieces).get("mode") == mode


@pytest.mark.parametrize(
    ("micro_batch", "batch_size", "sizes"),
    [
        (0, 512, [512]),
        (512, 512, [512]),
        (600, 512, [512]),
        (200, 512, [128] * 4),  # three would be of two sizes
        (30, 100, [25] * 4),
        (100, 250, [50] * 5),
        (40, 127, [32, 32, 32, 31]),  # cannot be divided
        (2, 5, [2, 2, 1]),  # only into single images
        (1, 3, [1, 1, 1]),
    ],
)
def test_pieces_are_of_one_size_where_the_batch_can_be_divided(micro_batch, batch_size, sizes):
    assert sizes_of_pieces(micro_batch, batch_size) == sizes


def trained(monkeypatch, compiler=None, dataset=None, **settings):
    """Train for an epoch, compiled if there is a compiler; return the trainer and its losses."""
    if compiler:
        monkeypatch.setattr(compiling, "compiler", compiler)
    config = TrainConfig(batch_size=8, epochs=1, precision="float32", **settings)
    made = plan(compiled=bool(compiler))
    dataset = dataset or trial.random_images(8, 3)
    one = prepare(config, dataset, "cpu", plan=made).trainer
    return one, [event.loss for event in one.run() if isinstance(event, StepEvent)]


# three passes are the rehearsal
@pytest.mark.parametrize("micro_batch", [0, 4])
@pytest.mark.parametrize("broken", [failing(after=8), failing(after=8, backward=True)])
def test_a_compiled_step_that_fails_later_is_taken_uncompiled_like_all_after_it(
    monkeypatch, broken, micro_batch
):
    settings = {"model": "simple_cnn", "micro_batch": micro_batch}
    plain, losses = trained(monkeypatch, **settings)
    one, same_losses = trained(monkeypatch, broken, **settings)
    assert one.plan == plan().uncompiled("inductor: no kernel")
    assert same_losses == losses
    for weight, other in zip(one.trained, plain.trained, strict=True):
        assert torch.equal(weight, other)


def test_an_error_that_comes_again_uncompiled_is_not_the_compilers(monkeypatch):
    monkeypatch.setattr(compiling, "compiler", same)
    one = prepare(
        TrainConfig(batch_size=8, precision="float32"),
        trial.random_images(8, 3),
        "cpu",
        plan=plan(compiled=True),
    ).trainer

    def lost(*_):
        raise RuntimeError("CUDA error: the launch timed out")

    one.model.register_forward_pre_hook(lost)
    with pytest.raises(RuntimeError, match="timed out"):
        next(one.run())
    assert one.plan == plan(compiled=True)


def test_a_trial_whose_compiled_steps_fail_takes_the_plan_uncompiled(plain_cpu, monkeypatch):
    known = TrialTimes(formats={LAST: [0.1] * 5, PLANES: [0.2] * 5})
    config = TrainConfig(startup="fast_run", batch_size=4)
    monkeypatch.setattr(compiling, "compiler", failing(after=4))  # in its second real step
    found, after = decided(config, known)
    assert found.reason.endswith("; compiling failed (inductor: no kernel).")
    assert (found.compiled, after) == (False, known)

    def full(*_):
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(trial, "time_in_turns", full)
    monkeypatch.setattr(compiling, "compiler", same)
    found, after = decided(config, known)
    assert found.reason.endswith("; compiling failed (CUDA error: out of memory).")
    assert (found.compiled, after) == (False, known)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("MPS backend out of memory (allocated: 8 GB)"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        MemoryError(),
    ],
)
def test_a_trial_that_needs_more_memory_than_is_free_is_not_made(plain_cpu, monkeypatch, error):
    def full(*_, **__):
        raise error

    monkeypatch.setattr(trial, "measured", full)
    found, after = decided(TrainConfig(), TrialTimes())
    assert found.sentence.endswith("by rule, because a trial needs more memory than is free.")
    assert after == TrialTimes()


def test_an_error_of_a_trial_that_is_no_want_of_memory_is_raised(plain_cpu, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(trial, "measured", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        decided(TrainConfig(), TrialTimes())


def test_a_step_is_timed_on_the_gpu_that_computes_it(monkeypatch):
    current, seen = [0], []

    class Event:
        def __init__(self, **_):
            pass

        def record(self):
            seen.append(current[-1])

        def synchronize(self):
            pass

        def elapsed_time(self, _):
            return 20.0

    @contextmanager
    def device(name):
        current.append(int(name.removeprefix("cuda:")))
        yield
        current.pop()

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "device", device)
    timer = timing.timer_of("cuda:1")
    assert timer(lambda: seen.append(current[-1])) == 0.02
    assert seen == [1, 1, 1]


def test_a_plan_is_the_same_after_it_was_written_down():
    made = plan(memory_format="contiguous", compiled=True, reason="measured.")
    assert from_record(made.record(), "cpu") == made
    assert made.sentence == "Contiguous, float32, compiled: measured."


def test_in_the_contiguous_plan_no_layer_sees_channels_last_images(images):
    seen = []
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    network[1].register_forward_hook(lambda m, args, out: seen.append(out.is_contiguous()))
    placed = plan(memory_format="contiguous").place(network, "cpu")
    placed(images.contiguous(memory_format=torch.channels_last))
    assert seen == [True]


@pytest.mark.parametrize("key", [k for k, spec in MODELS.items() if spec.input_size == 32])
def test_no_network_has_the_convolution_that_onednn_computes_outside_its_memory(key):
    """Strided 1 x 1 with few channels, channels-last: uxlfoundation/oneDNN#6035."""
    with torch.device("meta"):
        network = TrainConfig(model=key).build_model(10)
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            assert max(module.stride) == 1 or module.in_channels // module.groups >= 16


def test_an_uncompiled_plan_never_reaches_the_compiler(monkeypatch):
    monkeypatch.setattr(compiling, "compiler", lambda *_, **__: pytest.fail("was compiled"))
    network = small_network()
    assert compiling.ready(network, plan(), [4], 32) == (network, plan())


def test_importing_the_trainer_does_not_import_the_compiler():
    code = (
        "import sys, cifar_core.training.step.trial\n"
        "sys.exit(bool({'torch._dynamo', 'torch._inductor'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
