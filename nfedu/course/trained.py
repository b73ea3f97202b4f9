"""Long trainings: with `--full` three seeds each; their weights and numbers are kept, for the pictures of every run.

A file in `lessons/trained/` holds θ in float32, compressed, and the test figure that it reached; a row of
`lessons/RESULTS.md` says what all seeds reached. What a lesson claims rests on the shorter training that it runs
itself; its samples come from these weights, and it says so.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nfedu.course.lesson import Lesson, number_of
from nfedu.flow import Flow
from nfedu.storage import read_arrays
from nfedu.training import DigitsRun

ROOT = Path(__file__).resolve().parents[2]
SEEDS = (0, 1, 2)
HEAD = """# Results of the long trainings

Three trainings each, with seeds 0, 1 and 2, of the same length, on one BLAS thread, made by `--full` runs. The first ±
is the spread over seeds (their standard deviation), the second the standard error over the test images, or over
samples, of the training that is best on the validation data (the student: by that KL itself, so its mean over seeds is
the figure to quote); its weights are kept in `lessons/trained/`. The digits are split into 1,257 images to train on,
180 for validation and 360 to test. The last column is what models of the same kind in PyTorch were reported to reach on
the same split; they were not trained here.

"""
COLUMNS = ("model", "test, mean ± over seeds", "± over images", "weights", "seconds a training", "lesson", "PyTorch")


class Outcome(NamedTuple):
    """How one long training ended: the figure by which seeds are compared, the test figure, its error, seconds."""

    score: float
    test: float
    error: float
    seconds: float

    @classmethod
    def of(cls, run: DigitsRun) -> "Outcome":
        """Return that of a training on the digits: compared by validation images, in bits per pixel."""
        return cls(run.validation[0], *run.test, run.history.seconds)


def long_training(
    lesson: Lesson,
    model: str,
    build: Callable[[np.random.Generator], Flow],
    train: Callable[[Flow, np.random.Generator], Outcome],
    unit: str = "bits per pixel",
    peer: float | None = None,
) -> Flow:
    """Return the flow that `build` makes with the weights of its long training; with `--full` train them first.

    Of three seeds the best `score` is kept. `peer` is what the same kind of model reached elsewhere, for the table.
    """
    if lesson.length == "full":
        flows, outcomes = [], []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            flows.append(build(rng))
            outcomes.append(train(flows[-1], rng))
            print(f"  {model}, seed {seed}: {outcomes[-1].test:.3f} {unit}", flush=True)
        best = int(np.argmin([outcome.score for outcome in outcomes]))
        keep(model, flows[best], outcomes[best])
        tests = np.array([outcome.test for outcome in outcomes])
        record(
            ROOT / "lessons" / "RESULTS.md",
            model,
            f"{tests.mean():.3f} ± {tests.std(ddof=1):.3f} {unit}",
            f"± {outcomes[best].error:.3f}",
            f"{flows[best].theta.size:,}",
            f"{np.median([outcome.seconds for outcome in outcomes]):.0f}",
            number_of(lesson.title),
            "–" if peer is None else f"{peer:.3f}",
        )
        if peer is not None:
            words = f"{model}, mean of three long trainings, {unit}; at most what the PyTorch model reached"
            lesson.claim("N8", words, tests.mean(), peer, "fit")
    return with_weights(model, build(np.random.default_rng(0)), unit)


def with_weights(model: str, flow: Flow, unit: str = "bits per pixel") -> Flow:
    """Give a flow the weights of a model's long training, say so, and return it."""
    path = file_of(model)
    theta, test = read_arrays(path, "theta", "test")
    if theta.shape != flow.theta.shape:
        raise ValueError(
            f"{path} holds {theta.size} weights, the model has {flow.theta.size}; run the lesson with --full"
        )
    flow.theta[:] = theta
    where = path.relative_to(ROOT).as_posix()
    print(f"  {model}: pictures are of its long training, {where}, which reached {test:.3f} {unit}", flush=True)
    return flow


def keep(model: str, flow: Flow, outcome: Outcome) -> None:
    """Write a model's weights, compressed: those that a mask holds at 0 take no room."""
    path = file_of(model)
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, theta=flow.theta.astype(np.float32), test=np.array(outcome.test))


def file_of(model: str) -> Path:
    """Return the file of a model's weights, named after it: "RealNVP, MLP" is real_nvp_mlp, say."""
    return ROOT / "lessons" / "trained" / (re.sub(r"\W+", "_", model).lower() + ".npz")


def record(path: Path, *row: str) -> None:
    """Write a row of the table of results, in place of the one of the same model."""
    lines = path.read_text().split("\n") if path.exists() else []
    rows = [line for line in lines if line.startswith("| ") and line.count(" | ") == len(row) - 1]
    rows = [line for line in rows if not line.startswith((f"| {COLUMNS[0]} |", f"| {row[0]} |"))]
    table = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", *sorted([*rows, f"| {' | '.join(row)} |"])]
    path.write_text(HEAD + "\n".join(table) + "\n")
