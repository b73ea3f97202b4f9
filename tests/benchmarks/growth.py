"""How a training step's time grows with n, layers, width and batch: `python tests/benchmarks/growth.py` (four minutes).

Each is varied alone, from one point in the middle. A step is loss, gradient and Adam in float32, beside its dense
matrix products alone, called in turn on one thread. Time is the processor's, and the fastest call counts, since what
else the machine does only adds. Slopes are fitted to the last three points, where what a call costs whatever its size
has paled.

    --out figures                     draws growth.png there
    --page lessons/BENCHMARKS.md      writes the page's section
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from time import thread_time

if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy: another thread's time would not be seen
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

import nfedu
from nfedu.course import captions
from tests.benchmarks import page
from tests.benchmarks.libraries import ours, products
from tests.benchmarks.peers import Work

MODELS = ("RealNVP", "MAF")
MIDDLE = Work("step", "RealNVP", n=32, layers=4, hidden=256, batch=256)
VARIED = {
    "n": [2**k for k in range(1, 10)],
    "layers": [2**k for k in range(7)],
    "hidden": [2**k for k in range(4, 12)],
    "batch": [4**k for k in range(2, 8)],
}
WORDS = {"n": "dimension n", "layers": "layers", "hidden": "width of both hidden layers", "batch": "rows in a batch"}
LAST = 3  # points that a slope is fitted to
SECONDS = 1.0  # of calls for a point, at least


def a_step(work, rng):
    """Return a function that takes a step, always on the same rows: so short a one that θ stays where it is."""
    flow = nfedu.Flow(nfedu.StandardNormal(work.n), ours.layers(work, rng)).astype(np.float32)
    x = rng.standard_normal((work.batch, work.n)).astype(np.float32)
    adam = nfedu.Adam(1e-9)

    def run():
        flow.nll(x)
        adam.step(flow.theta, flow.grad)

    return run


def measure(work):
    """Return the least seconds of (a step, its products)."""
    rng = np.random.default_rng(0)
    calls = a_step(work, rng), products.build(work, rng)
    least, spent = [np.inf, np.inf], 0.0
    for repeat in range(1000):
        for k, call in enumerate(calls):
            start = thread_time()
            call()
            seconds = thread_time() - start
            least[k] = min(least[k], seconds)
            spent += seconds
        if repeat >= 9 and spent > SECONDS:
            break
    return least


def slope(sizes, seconds):
    """Return p of seconds ∝ sizeᵖ at the large end."""
    return float(np.polyfit(np.log(sizes[-LAST:]), np.log(seconds[-LAST:]), 1)[0])


def draw(times):
    """Return the figure: one panel for what is varied, both models and their products."""
    from matplotlib import pyplot as plt

    from nfedu.plotting import style

    style.use()
    fig, axes = plt.subplots(2, 2, figsize=(9, 6.4), sharey=True)
    for ax, (name, sizes) in zip(axes.flat, VARIED.items(), strict=True):
        for model, color in zip(MODELS, (style.LATENT, style.DATA), strict=True):
            steps, alone = 1e3 * np.array(times[model, name]).T
            ax.plot(sizes, steps, "o-", color=color, markersize=4, label=f"{model}: slope {slope(sizes, steps):.2f}")
            label = f"its products: slope {slope(sizes, alone):.2f}"
            ax.plot(sizes, alone, color=color, linewidth=0.8, label=label)
        ax.axvline(getattr(MIDDLE, name), color="0.8", linestyle=":", zorder=0)
        ax.set(xscale="log", yscale="log", xlabel=WORDS[name], xticks=sizes, xticklabels=sizes)
        ax.minorticks_off()
        ax.legend(frameon=True, framealpha=1, edgecolor="none")  # over the dotted line
    for ax in axes[:, 0]:
        ax.set_ylabel("a step's time, ms")
    return fig


CAPTION = """One of four sizes is varied, the others stay where the dotted lines are. Axes are logarithmic, so that a
slope of 1 is proportional and one of 2 quadratic. Look at the right ends: layers and rows come near 1, the width near
2, n below 1, since the largest of the products, between the hidden layers, does not know it. At the left ends lines are
level, as a call costs its time whatever its size. The thin lines are the step's dense matrix products alone: how far a
thick line lies above its own is what the step does beside multiplying. MAF comes close to its own at large widths,
where blocks that its masks forbid are left out."""


def report(times):
    """Return the page's section: the slopes, and the figure with its caption."""
    rows = ["| slope | " + " | ".join(WORDS[name] for name in VARIED) + " |", "|---" * (len(VARIED) + 1) + "|"]
    for model in MODELS:
        for k, what in enumerate(("step", "products")):
            slopes = [slope(sizes, np.array(times[model, name])[:, k]) for name, sizes in VARIED.items()]
            rows.append(f"| {model}, {what} | " + " | ".join(f"{p:.2f}" for p in slopes) + " |")
    table = "\n".join(rows)
    return f"""
Written by `python tests/benchmarks/growth.py --out figures --page lessons/BENCHMARKS.md`: a training step (loss,
gradient and Adam) in float32, in the processor's time on one thread. One size at a time is varied, from n = {MIDDLE.n},
{MIDDLE.layers} layers, hidden ({MIDDLE.hidden}, {MIDDLE.hidden}), {MIDDLE.batch} rows. Slopes p of time ∝ sizeᵖ, fitted
to the last {LAST} points:

{table}

{page.figure("growth", "A training step's time against dimension, layers, width and batch", CAPTION)}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="a folder for growth.png")
    parser.add_argument("--page", type=Path, help="a Markdown page to write the section to")
    options = parser.parse_args()
    times = {}
    for model in MODELS:
        for name, sizes in VARIED.items():
            times[model, name] = []
            for size in sizes:
                times[model, name].append(measure(replace(MIDDLE, model=model, **{name: size})))
                step, alone = times[model, name][-1]
                line = f"{model}, {name} = {size}: step {1e3 * step:.3g} ms, products {1e3 * alone:.3g} ms"
                print(line, flush=True)
    text = report(times)
    print(text)
    if options.out:
        draw(times).savefig(options.out / "growth.png")
        captions.put(options.out, "growth.png", "Benchmarks", CAPTION)
    if options.page:
        page.put(options.page, "What a step's cost grows with", text)


if __name__ == "__main__":
    main()
