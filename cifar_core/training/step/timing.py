"""Times a few ways of computing the same step in turns, and finds the clearly fastest."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median

import torch

Step = Callable[[], object]
Timer = Callable[[Step], float]  # runs the step; returns its seconds
Rounds = dict[str, list[float]]  # by name, simplest first: seconds a step in each round

WARM_STEPS, WARM_SECONDS = 2, 1.0  # the first step also reserves memory and loads kernels
LEAST_ROUNDS, MOST_ROUNDS = 3, 9
BUDGET_SECONDS = 3.0  # after which no new round begins
CHUNK_SECONDS = 0.05  # shorter steps are timed several at a time
HOPELESS = 1.5  # times as slow as the fastest: not tried again
MARGIN = 1.03  # times as fast as a simpler way; otherwise the simpler one stays


def timer_of(device: str) -> Timer:
    """Return the timer for a device.

    On a CPU it measures the CPU time of this process, which other programs hardly change; on a
    GPU it uses the GPU's own clock.
    """
    return partial(cuda_seconds, device) if device.startswith("cuda") else cpu_seconds


def cpu_seconds(step: Step) -> float:
    """Return the CPU seconds of this process that a step takes, over all threads."""
    start = time.process_time()
    step()
    return time.process_time() - start


def cuda_seconds(device: str, step: Step) -> float:
    """Return the seconds between a step's first and last moment on a GPU, such as "cuda:1"."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    with torch.cuda.device(device):  # an event is recorded on the current GPU, unless told
        start.record()
        step()
        end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1000


def time_in_turns(steps: Mapping[str, Step], timer: Timer) -> Rounds:
    """Time the steps in turns, in alternating order, so that changes in load affect all equally."""
    once = [warm(step, timer) for step in steps.values()]
    chunk = max(1, round(CHUNK_SECONDS / max(min(once), 1e-6)))
    rounds: Rounds = {name: [] for name in steps}
    running, spent, done = list(steps), 0.0, 0
    while done < MOST_ROUNDS and (done < LEAST_ROUNDS or spent < BUDGET_SECONDS):
        for name in running[:: 1 if done % 2 == 0 else -1]:
            seconds = timer(partial(repeat, steps[name], chunk))
            rounds[name].append(seconds / chunk)
            spent += seconds
        fastest = min(median(rounds[name]) for name in running)
        done += 1
        if done > 1:
            running = [name for name in running if median(rounds[name]) < HOPELESS * fastest]
    return rounds


def warm(step: Step, timer: Timer) -> float:
    """Take a step, or a few if it is quick, and return the time of the last."""
    for _ in range(WARM_STEPS):
        if (seconds := timer(step)) > WARM_SECONDS:
            break
    return seconds


def repeat(step: Step, times: int) -> None:
    """Take a step `times` times."""
    for _ in range(times):
        step()


def winner(rounds: Rounds) -> str:
    """Return the fastest name; a later one wins only if it is clearly faster.

    So a tie within the noise always has the same result: the one that comes first.
    """
    champion, *others = rounds
    for other in others:
        if clearly_faster(rounds[other], rounds[champion]):
            champion = other
    return champion


def clearly_faster(times: list[float], others: list[float]) -> bool:
    """Return True if the first is faster by the margin at the median, and in 4 rounds of 5."""
    gains = ratios(times, others)
    return median(gains) > MARGIN and gains[len(gains) // 5] > 1


def ratio(rounds: Rounds, slower: str, faster: str) -> float:
    """Return how many times as fast the second is as the first, at the median."""
    return median(ratios(rounds[faster], rounds[slower]))


def ratios(times: list[float], others: list[float]) -> list[float]:
    """Compare two round by round, as far as both ran: how many times as fast the first is."""
    return sorted(other / own for own, other in zip(times, others, strict=False))
