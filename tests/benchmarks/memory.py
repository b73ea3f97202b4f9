"""What evaluation and a training step hold in memory: `python tests/benchmarks/memory.py` (Linux; five minutes).

Each number comes from a process of its own. `call` is what the resident memory rises by during the call, beyond the
input, which is there before, and the result; `total` is what it rises by since nfedu was imported: with data,
parameters and gradients. Memory that is free but kept when the call begins is given back first, so that it cannot be
taken unnoticed. Errors of gradients are relative, of the whole vector, against extended precision (80 bits).

    --out figures                     draws reversible.png there
    --page lessons/BENCHMARKS.md      writes the page's section
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

import nfedu
from nfedu.course import captions
from tests.benchmarks import page

DEPTHS = (8, 16, 32, 64)
WAYS = ("plain", "reversible")
DTYPES = ("float32", "float64")
ACTIVATIONS = ("tanh", "relu")
MB = 1e6


@dataclass(frozen=True)
class Work:
    """What is measured: a task of a flow of affine couplings with two hidden layers, on so many rows."""

    task: str
    n: int
    layers: int
    hidden: int
    rows: int
    way: str = "plain"
    activation: str = "relu"
    threads: int = 1


EVALUATION = {
    (task, threads): Work(task, 2, 8, 64, 1_000_000, threads=threads)
    for task in ("log_prob", "sample")
    for threads in (1, 2)
}
TRAINING = {(way, depth): Work("nll", 64, depth, 256, 4096, way) for way in WAYS for depth in DEPTHS}
GRADIENTS = {
    (activation, depth): Work("gradients", 64, depth, 256, 512, activation=activation)
    for activation in ACTIVATIONS
    for depth in DEPTHS
}


def measured(work):
    """Return what a new process measures of some work."""
    command = [sys.executable, __file__, "--measure", json.dumps(asdict(work))]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def measure(work):
    """Return the bytes of a task's call, and in total; or the gradients' errors by dtype and way."""
    return errors_of_gradients(work) if work.task == "gradients" else peak_of(work)


def peak_of(work):
    """Return what the resident memory rises by, in bytes, when a task is done for the first time in this process."""
    imported = resident("VmRSS")
    flow, x = made(work)
    calls = {
        "log_prob": lambda x: flow.log_prob(x, threads=work.threads),
        "sample": lambda x: flow.sample(len(x), np.random.default_rng(2), threads=work.threads),
        "nll": flow.nll,
    }
    calls[work.task](x[:100])  # what is made once, such as threads
    return rise(lambda: calls[work.task](x)) | {"total": resident("VmHWM") - imported}


def rise(call):
    """Return how far the resident memory rises during a call, beyond the array that it returns, in bytes."""
    ctypes.CDLL(None).malloc_trim(0)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is from here on: getrusage's begins with the parent's
    result = call()
    return {"call": resident("VmHWM") - before - np.asarray(result).nbytes}


def resident(entry):
    """Return this process's resident memory in bytes: now (VmRSS), or at most (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(f"{entry}:")[1].split()[0])


def made(work):
    """Return the flow of some work, and its rows."""
    rng = np.random.default_rng(0)
    options = {"hidden": (work.hidden, work.hidden), "activation": work.activation, "rng": rng}
    couplings = [nfedu.AffineCoupling(work.n, flip=bool(m % 2), **options) for m in range(work.layers)]
    flow = nfedu.Flow(nfedu.StandardNormal(work.n), couplings, reversible=work.way == "reversible")
    return flow, np.random.default_rng(1).standard_normal((work.rows, work.n))


def errors_of_gradients(work):
    """Return by precision and way ‖g − g₈₀‖ / ‖g₈₀‖, at the same parameters and rows, and whether it was refused."""
    flow, x = made(work)
    flow, x = flow.astype(np.float32), x.astype(np.float32)  # what all can hold
    extended = flow.astype(np.longdouble)
    extended.nll(x)
    errors = {}
    for dtype in DTYPES:
        for way in WAYS:
            twin = flow.astype(dtype)
            twin.reversible = way == "reversible"
            refused = is_refused(twin, x)
            error = np.linalg.norm(twin.grad - extended.grad) / np.linalg.norm(extended.grad)
            errors[f"{way}, {dtype}"] = float(error), refused
    return errors


def is_refused(flow, x):
    """Set the flow's gradient; return whether Reversible has to be told to put up with what it rebuilds."""
    try:
        flow.nll(x)
    except ValueError:
        flow.bijection.tolerance = np.inf
        flow.nll(x)
        return True
    return False


def draw(training, gradients):
    """Return the figure: memory against depth, and the gradients' errors against depth."""
    from matplotlib import pyplot as plt

    from nfedu.plotting import style

    style.use()
    colors, dashes = {"plain": style.DATA, "reversible": style.LATENT}, {"tanh": "-", "relu": ":"}
    sizes = {"plain": 8, "reversible": 4}  # so that one is seen below the other
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    for way in WAYS:
        megabytes = [training[way, depth]["call"] / MB for depth in DEPTHS]
        left.plot(DEPTHS, megabytes, "o-", color=colors[way], label=f"{way}, during the step")
    held = [2 * 8 * made(TRAINING["plain", depth])[0].theta.size / MB for depth in DEPTHS]
    left.plot(DEPTHS, held, color=style.TRUTH, linewidth=0.8, label="parameters and gradients")
    left.set(ylabel="MB", title="memory of a training step", ylim=(8, 20_000))
    for way, activation, dtype in product(WAYS, ACTIVATIONS, DTYPES):
        errors, refused = np.array([gradients[activation, depth][f"{way}, {dtype}"] for depth in DEPTHS]).T
        label = f"{way}, {activation}" if dtype == DTYPES[0] else None
        look = {"color": colors[way], "markersize": sizes[way], "linewidth": sizes[way] / 2.5}
        right.plot(DEPTHS, errors, "o", linestyle=dashes[activation], label=label, **look)
        right.plot(DEPTHS, np.where(refused, errors, np.nan), "o", color="white", markersize=2.5)
    for dtype in DTYPES:
        end = DEPTHS[-1], gradients["tanh", DEPTHS[-1]][f"plain, {dtype}"][0]
        right.annotate(dtype, end, (8, 0), textcoords="offset points", va="center")
    right.set(ylabel="relative error", title="error of its gradient", ylim=(1e-17, 1))
    for ax in (left, right):
        ax.set(xscale="log", yscale="log", xlabel="couplings", xticks=DEPTHS, xticklabels=DEPTHS)
        ax.minorticks_off()
    left.legend(loc="upper left")
    right.legend(ncols=2, loc="center")
    return fig


CAPTION = """Left: what a training step of {:,} rows holds beyond its data, parameters and gradients. Plain
backpropagation keeps every layer's activations: twice the depth, twice the memory. The reversible mode rebuilds them,
and its line is level; then the parameters and their gradients (thin), which are there anyway, become most of what is
held.
Right: what rebuilding costs in accuracy. With tanh (solid) blue lies on orange: a gradient as good as the plain one.
With ReLU (dotted) two things differ: a rounding error that carries a unit over its kink makes a jump, in either mode;
and 64 such couplings, still untrained, stretch some points a thousandfold, so that going back loses their digits.
Hollow: the reversible mode notices that in float32 and refuses (drawn as if it had not)."""


def report(evaluation, training, gradients):
    """Return the page's section: the numbers, and the figure with its caption."""
    work = EVALUATION["log_prob", 1]
    step, few = TRAINING["plain", DEPTHS[0]], GRADIENTS["tanh", DEPTHS[0]].rows
    alt, caption = "A training step's memory, and its gradient's error, against depth", CAPTION.format(step.rows)
    return f"""
Written by `python tests/benchmarks/memory.py --out figures --page lessons/BENCHMARKS.md`. A number is how far the
resident memory of a process of its own rises: during the call, beyond its input and its result; and in total since
nfedu was imported, with data, result, parameters and gradients. All in float64 unless said otherwise.

Evaluation of {work.rows:,} rows, n = {work.n}, {work.layers} affine couplings, hidden ({work.hidden}, {work.hidden}):

{table_of_evaluation(evaluation)}

A training step (loss and gradient) of {step.rows:,} rows, n = {step.n}, hidden ({step.hidden}, {step.hidden}), against
the number of affine couplings. What the reversible mode is for is the call; in total, parameters and gradients count
too, and grow with depth in any mode. Errors are relative, of the whole gradient of {few} rows, against extended
precision:

{table_of_steps(training, gradients)}

{page.figure("reversible", alt, caption)}
"""


def table_of_evaluation(evaluation):
    """Return the peaks of evaluation as a table."""
    rows = ["| task | threads | the call, MB | in total, MB |", "|---|---|---|---|"]
    for (task, threads), peak in evaluation.items():
        rows.append(f"| `{task}` | {threads} | {peak['call'] / MB:.0f} | {peak['total'] / MB:.0f} |")
    return "\n".join(rows)


def table_of_steps(training, gradients):
    """Return peaks and errors of training steps against depth as a table, with the deepest's over the shallowest's."""
    rows = [f"| | {' | '.join(map(str, DEPTHS))} | last / first |", "|---" * (len(DEPTHS) + 2) + "|"]
    for kind, words in (("call", "the call"), ("total", "in total")):
        for way in WAYS:
            peaks = [training[way, depth][kind] / MB for depth in DEPTHS]
            cells = " | ".join(f"{peak:.0f}" for peak in peaks)
            rows.append(f"| {way}: {words}, MB | {cells} | {peaks[-1] / peaks[0]:.2f} |")
    for activation, dtype, way in product(ACTIVATIONS, DTYPES, WAYS):
        results = [gradients[activation, depth][f"{way}, {dtype}"] for depth in DEPTHS]
        cells = [f"{error:.1e}{' (refused)' * refused}" for error, refused in results]
        rows.append(f"| {way}: error, {activation}, {dtype} | {' | '.join(cells)} | |")
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="a folder for reversible.png")
    parser.add_argument("--page", type=Path, help="a Markdown page to write the section to")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(Work(**json.loads(options.measure)))))
        return
    results = [{key: measured(work) for key, work in works.items()} for works in (EVALUATION, TRAINING, GRADIENTS)]
    text = report(*results)
    print(text)
    if options.out:
        draw(*results[1:]).savefig(options.out / "reversible.png")
        caption = CAPTION.format(TRAINING["plain", DEPTHS[0]].rows)
        captions.put(options.out, "reversible.png", "Benchmarks", caption)
    if options.page:
        page.put(options.page, "Memory", text)


if __name__ == "__main__":
    main()
