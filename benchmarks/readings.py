"""How many sentences of the reading are right: constructed runs of many kinds, and real ones.

python -m benchmarks.readings [--half design|report] [--seeds 12] [--wrong]

Every finding, every headline and everything advised counts as one sentence. Its rules are in
`judge`; the labels in `labeled_curves` (by construction) and `tests/judging/real_runs/labels.json`
(given by looking at the curves). With --wrong, the sentences that are wrong are printed.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.labeled_curves import (
    FAMILIES,
    Labeled,
    Labels,
    constructed,
    extra,
    situation_of,
)
from cifar_core.reading import Finding, Reading, Trial, read
from cifar_core.reading.curves import Curves

REAL = Path(__file__).parent.parent / "tests" / "judging" / "real_runs"
CAUSES = re.compile(
    r"too large|too small|over-regularized|due to|because (?!training is measured)|"
    r"\bpa(?:ys|id) off|would be faster|would get further|rate is high|rate looks|"
    r"would show them|so the rate|caused"
)
ENDINGS = ("stopped", "failed")
HEADLINES = {  # words at the beginning of a headline -> the kind that must be true
    "The loss stopped being a number": "no_number",
    "It has not begun to learn": "dead_start",
    "The training loss is far above guessing": "dead_start",
    "The training loss diverged": "divergence",
    "Validation stays at guessing": "val_at_chance",
    "It memorizes": "gap",
    "It is much better on its training images": "gap",
    "It overfits": "overfitting",
    "It learns": "rate_too_low",
    "It underfits": "underfitting",
    "It was too short": "too_short",
    "Validation was still getting better": "too_short",
    "The loss is": "spikes",
    "The loss jumps": "spikes",
    "It has leveled off": "plateau",
}
FLAT = 3.0  # noise bands that a plateau's true loss may move by
SLIGHT = 0.03  # share of all that was gained that it may move by, however small the noise
SETS = ("first", "second")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One sentence, and why it is wrong; empty if it is right."""

    run: str
    kind: str  # of the finding; "headline" or "advice"
    sentence: str
    wrong: str


def judge(run: Labeled, reading: Reading) -> Iterator[Verdict]:
    """Yield each sentence with what is wrong with it."""
    for finding in reading.findings:
        yield verdict(run, finding.kind, finding.sentence, wrong_finding(run, finding))
        for trial in finding.trials:
            yield verdict(run, "advice", f"{trial.label}: {trial.why}", wrong_advice(run, trial))
    yield verdict(run, "headline", reading.headline, wrong_headline(run, reading))


def verdict(run: Labeled, kind: str, sentence: str, wrong: str) -> Verdict:
    """Return the verdict on a sentence, which must not name a cause that was not tested."""
    cause = CAUSES.search(sentence)
    wrong = wrong or (f"names a cause: {cause[0].strip()}" if cause else "")
    return Verdict(run=run.name, kind=kind, sentence=sentence, wrong=wrong)


def allowed(labels: Labels) -> set[str]:
    """Return the kinds of which a sentence may speak."""
    return {kind for must in labels.must for kind in must.split("|")} | labels.may


def wrong_finding(run: Labeled, finding: Finding) -> str:
    """Return what is wrong with a finding, in words."""
    kind, labels, situation = finding.kind, run.labels, run.situation
    if impossible(finding.sentence):
        return "impossible number"
    if kind == "stopped_early":
        planned = situation.epochs > len(run.curves.epoch)
        failed = situation.state == "failed" and "stopped" in finding.sentence
        return "" if planned and not failed else "ended otherwise"
    if kind == "cannot_tell":
        return wrong_doubt(run, finding)
    if kind == "val_below_train":
        return wrong_below(run)
    if kind == "too_short" and "Too short" in finding.sentence and situation.state in ENDINGS:
        return "it did not end because its epochs were over"
    if kind not in allowed(labels):
        return "not so"
    if kind == "overfitting" and labels.onset is not None:
        off = abs(finding.span.start - labels.onset)
        return "" if off <= max(2.5, 0.15 * len(run.curves.epoch)) else "begins elsewhere"
    if kind == "plateau":
        return wrong_plateau(run, finding)
    return ""


def impossible(sentence: str) -> bool:
    """Return True if a sentence has a number that cannot be."""
    return bool(re.search(r"± ?0\.0 points|better than training, by \d{2,}", sentence))


def wrong_plateau(run: Labeled, finding: Finding) -> str:
    """Return why a stretch is not flat."""
    if finding.span.start < run.labels.flat_from - 0.5:
        return "flat from a later epoch on"
    if run.true_val is None:
        return ""
    inside = (run.curves.epoch >= finding.span.start) & (run.curves.epoch <= finding.span.end)
    steady = np.lib.stride_tricks.sliding_window_view(np.pad(run.true_val[inside], 1, "edge"), 3)
    moved = float(np.ptp(np.median(steady, axis=1)))  # without single jumps
    limit = max(FLAT * run.sigma, SLIGHT * float(np.ptp(run.true_val)))
    return "" if moved <= limit else f"it moves by {moved:.3f}"


def wrong_below(run: Labeled) -> str:
    """Return why validation is not better than training, with a median over the epochs."""
    curves = run.curves
    means = [
        np.nanmean(curves.train_loss[(curves.step_epoch > e - 1) & (curves.step_epoch <= e)])
        for e in curves.epoch
    ]
    sane = float(np.median(means)) < 3 * np.log(run.situation.classes)
    return "" if sane and np.median(np.array(means) - curves.val_loss) > 0 else "not so"


def wrong_doubt(run: Labeled, finding: Finding) -> str:
    """Return why a doubt is unfounded."""
    if "scatter" in finding.sentence:
        return "" if "cannot_tell" in allowed(run.labels) else "trends are visible"
    if "images validate" in finding.sentence:
        return "" if run.situation.val_images < 500 else "there are enough"
    return "" if len(run.curves.epoch) < 5 else "there are enough epochs"


def wrong_advice(run: Labeled, trial: Trial) -> str:
    """Return why something advised is against the run."""
    labels, settings = run.labels, run.situation.settings
    if all(settings.get(name) == value for name, value in trial.changes.items()):
        return "the value that it has"
    for name, value in trial.changes.items():
        if name == "learning_rate":
            up = value > settings["learning_rate"]
            if up and labels.rate != "low":
                return "a higher rate"
            if not up and labels.rate == "low":
                return "a lower rate"
            if not up and not labels.calm:
                return "a lower rate"
        elif name == "epochs":
            more = value > settings["epochs"]
            early = more and run.situation.state in ENDINGS
            if early or not (labels.longer if more else labels.shorter):
                return "more epochs" if more else "fewer epochs"
        elif name in ("clip_norm", "schedule") and not labels.calm:
            return "calming"
        elif name == "model" and not labels.larger:
            return "a larger network"
        elif (
            name in ("flip", "cutout", "weight_decay", "label_smoothing") and not labels.regularize
        ):
            return "regularizing"
    return ""


def wrong_headline(run: Labeled, reading: Reading) -> str:
    """Return why a headline is wrong: its first words, or its best epoch."""
    words = reading.headline
    kind = next((k for start, k in HEADLINES.items() if words.startswith(start)), "")
    if kind and kind not in allowed(run.labels):
        return "not so"
    if "went wrong" in words and (run.labels.must & BAD or run.situation.state == "failed"):
        return "something went wrong"
    if "overfits from epoch" in words and run.labels.onset is not None:
        said = float(re.findall(r"from epoch (\d+)", words)[0])
        if abs(said - run.labels.onset) > max(2.5, 0.15 * len(run.curves.epoch)):
            return "begins elsewhere"
    return ""


BAD = {
    "no_number",
    "dead_start",
    "divergence",
    "overfitting",
    "val_at_chance",
    "spikes",
    "majority|uneven",
    "underfitting",
    "rate_too_low",
    "rise_and_fall",
    "dead_start|divergence",
}


def missed(run: Labeled, reading: Reading) -> list[str]:
    """List what must be said and was not."""
    said = {finding.kind for finding in reading.findings}
    return [must for must in sorted(run.labels.must) if not said & set(must.split("|"))]


def real_runs(which: str = "", folder: Path = REAL) -> Iterator[Labeled]:
    """Yield the real runs with their labels, those of one set or all.

    The "first" set showed what to fix; the "second" was trained and labeled after that.
    """
    given = json.loads((folder / "labels.json").read_text("utf-8"))
    for name, values in given.items():
        if which and values["set"] != which:
            continue
        words = {k: v for k, v in values.items() if k not in ("must", "may", "seen", "set")}
        labels = Labels(
            must=frozenset(values.get("must", "").split()),
            may=frozenset(values.get("may", "").split()),
            **words,
        )
        yield real_run(folder / f"{name}.json", labels)


def real_run(path: Path, labels: Labels) -> Labeled:
    """Return one real run from its file."""
    kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
    steps = {name: np.array(values, float) for name, values in kept["steps"].items()}
    epochs = {name: np.array(values, float) for name, values in kept["epochs"].items()}
    more = extra(epochs["val_balanced_accuracy"])
    if more:
        more["val_macro_f1"] = epochs["val_macro_f1"]
    curves = Curves(
        step=steps["step"],
        step_epoch=steps["step"] / kept["steps_per_epoch"],
        train_loss=steps["loss"],
        train_accuracy=steps["accuracy"],
        learning_rate=steps["learning_rate"],
        epoch_step=epochs["step"],
        epoch=epochs["epoch"],
        val_loss=epochs["val_loss"],
        val_accuracy=epochs["val_accuracy"],
        **more,
    )
    situation = situation_of(
        kept["settings"],
        tuple(kept["val_counts"]),
        kept["state"],
        kept["reason"],
        kept["pretrained"],
    )
    return Labeled(name=kept["name"], curves=curves, situation=situation, labels=labels)


def half(name: str, seeds: int) -> Iterator[Labeled]:
    """Yield the constructed runs of a half: "design" has the even seeds, "report" the odd ones."""
    first = {"design": 0, "report": 1}[name]
    for family in FAMILIES:
        for seed in range(first, first + 2 * seeds, 2):
            yield constructed(family, seed)


@dataclass(frozen=True, kw_only=True)
class Score:
    """How many sentences about some runs are right, and what was missed."""

    runs: int
    verdicts: tuple[Verdict, ...]
    missed: tuple[tuple[str, str], ...]  # run, kind
    musts: int

    @property
    def right(self) -> float:
        """Share of the sentences that are right."""
        return sum(not v.wrong for v in self.verdicts) / max(1, len(self.verdicts))

    @property
    def against(self) -> int:
        """How many pieces of advice are against the run."""
        return sum(bool(v.wrong) for v in self.verdicts if v.kind == "advice")

    @property
    def causes(self) -> int:
        """How many sentences name a cause that was not tested."""
        return sum(v.wrong.startswith("names a cause") for v in self.verdicts)


def score(runs: Iterable[Labeled]) -> Score:
    """Read runs and judge every sentence."""
    verdicts, lost, musts, count = list[Verdict](), list[tuple[str, str]](), 0, 0
    for run in runs:
        reading = read(run.curves, run.situation)
        verdicts += judge(run, reading)
        lost += [(run.name, kind) for kind in missed(run, reading)]
        musts, count = musts + len(run.labels.must), count + 1
    return Score(runs=count, verdicts=tuple(verdicts), missed=tuple(lost), musts=musts)


def line(title: str, result: Score) -> str:
    """Return a row of the table."""
    total = len(result.verdicts)
    said = 1 - len(result.missed) / max(1, result.musts)
    advice = sum(v.kind == "advice" for v in result.verdicts)
    return (
        f"| {title} | {result.runs} | {total} | {result.right:.1%} | {result.against} of "
        f"{advice} | {result.causes} | {said:.1%} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=["design", "report"], default="report")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--wrong", action="store_true", help="print what is wrong")
    parser.add_argument("--only", choices=["constructed", "real"], default=None)
    arguments = parser.parse_args()
    print(
        "| set | runs | sentences | right | advice against the run | untested causes | "
        "what must be said is |\n|---|--:|--:|--:|--:|--:|--:|"
    )
    results = []
    if arguments.only != "real":
        results.append(
            (f"constructed, {arguments.half} half", score(half(arguments.half, arguments.seeds)))
        )
    if arguments.only != "constructed" and (REAL / "labels.json").exists():
        results += [(f"real, {which} set", score(real_runs(which))) for which in SETS]
    for title, result in results:
        print(line(title, result))
    for _, result in results if arguments.wrong else []:
        show(result)


def show(result: Score) -> None:
    """Print the sentences that are wrong, and what is missing."""
    for v in result.verdicts:
        if v.wrong:
            print(f"{v.run} [{v.kind}] {v.sentence}\n    WRONG: {v.wrong}")
    for name, kind in result.missed:
        print(f"{name}: nothing of {kind}")
    print(Counter(v.kind for v in result.verdicts if v.wrong))


if __name__ == "__main__":
    main()
