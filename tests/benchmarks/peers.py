"""The same work in nfedu and in other libraries, in one run: `python tests/benchmarks/peers.py` (extra "peers").

Each library lives in a process of its own, which waits while the others work. For every work each library is asked in
turn, several rounds; a round's time is the median of its calls, the table shows the median of the rounds. Models are
of the same shape, in float32: affine couplings or masked autoregressive layers with two hidden layers of ReLU units;
for images our models, and the same ones in PyTorch. A step is loss, gradient and Adam, always on the same rows; PyTorch
runs as it is written, with its fused Adam, FlowJAX compiled. Ratios are the fastest library's time over ours: above 1
we are ahead.
"""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from math import isqrt
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from tests.benchmarks import page

ROOT = Path(__file__).parents[2]
LIBRARIES = {
    "nfedu": ("ours", "numpy"),
    "FlowJAX": ("flow_jax", "flowjax"),
    "zuko": ("with_zuko", "zuko"),
    "nflows": ("with_nflows", "nflows"),
    "normflows": ("with_normflows", "normflows"),
    "PyTorch": ("with_torch", "torch"),
    "products": ("products", "numpy"),
}
IMAGES = {"image_real_nvp": (14, 24), "mint_net": (8, 16)}  # layers, and filters of the first
SECONDS = 1.0  # of calls in a round
SECTION = """
Written by `python tests/benchmarks/peers.py --out lessons/BENCHMARKS.md`, in one run on one machine (extra `peers`).
A cell is the median over the rounds of a round's median, in milliseconds; the last column is the fastest other
library's time over ours, with its spread over the rounds: above 1 we are ahead. A step is loss, gradient and Adam, in
float32. "products" are the dense matrix products of a step alone, by NumPy. Our `log_prob` is called with as many
threads as there are cores, and so are our steps for images. PyTorch's libraries run as they are written, with
PyTorch's fused Adam; FlowJAX is compiled. `image_real_nvp` and `mint_net` are those of `nfedu.models`, and under
"PyTorch" the same models written in it: with the same weights they have the same densities and gradients, see
`tests/parity/test_images.py`.

{table}
"""


@dataclass(frozen=True)
class Work:
    """What is timed: a task with a model of so many layers, hidden units (twice) and dimensions, on so many rows.

    Models of images are those of `nfedu.models`, as they are, at the size that n says: n = height · width.
    """

    task: str
    model: str
    n: int
    layers: int
    hidden: int
    batch: int

    @property
    def is_of_images(self):
        return self.model in IMAGES

    @property
    def shape(self):
        side = isqrt(self.n)
        return 1, side, side

    def points(self, rng):
        """Return rows to work on: noise, uniform where they stand for pixels."""
        draw = rng.random if self.is_of_images else rng.standard_normal
        return draw((self.batch, self.n)).astype(np.float32)

    def __str__(self):
        return f"{self.model} {self.task}, ({self.n}, {self.layers}, {self.hidden}), {self.batch:,}"


STEPS = [(2, 8, 64, 256), (2, 8, 128, 1024), (8, 8, 128, 256), (64, 8, 256, 256), (64, 5, 512, 256)]
WORKS = [Work("step", model, *size) for model in ("RealNVP", "MAF") for size in STEPS]
WORKS += [
    Work("log_prob", model, *size, 10_000) for model in ("RealNVP", "MAF") for size in [(8, 8, 128), (64, 8, 256)]
]
WORKS += [Work("sample", "MAF", 64, 5, 256, 1000), Work("sample", "MAF", 64, 5, 512, 100)]
WORKS += [Work("sample", "MAF", 784, 1, 1024, 100)]
WORKS += [Work("step", model, n, *IMAGES[model], 100) for model in IMAGES for n in (64, 784)]


def serve(library):
    """Time what the lines of standard input ask for; print the median seconds of a call, or null."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(os.environ["OMP_NUM_THREADS"])])  # XLA looks at this
    module = importlib.import_module(f"tests.benchmarks.libraries.{LIBRARIES[library][0]}")
    built = {}
    for line in sys.stdin:
        work = Work(**json.loads(line))
        if work not in built:
            built.clear()
            built[work] = module.build(work, np.random.default_rng(0))
            for _ in range(2 if built[work] else 0):
                built[work]()
        seconds = []
        while built[work] and (len(seconds) < 3 or sum(seconds) < SECONDS):
            start = perf_counter()
            built[work]()
            seconds.append(perf_counter() - start)
        print(json.dumps(float(np.median(seconds)) if seconds else None), flush=True)


class Worker:
    """A library in a process of its own."""

    def __init__(self, library, threads):
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        environment = {**os.environ, **{name: str(threads) for name in names}, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, __file__, "--serve", library]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.library = library
        self.process = subprocess.Popen(command, text=True, env=environment, **pipes)

    def seconds(self, work):
        """Return the median seconds of one round, None where the library has no such model."""
        print(json.dumps(asdict(work)), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.library} ended while it was asked for {work}")
        return json.loads(answer)


def measure(works, libraries, rounds, threads):
    """Return for each work and library its rounds' seconds."""
    workers = {library: Worker(library, threads) for library in libraries}
    for work in works:
        times = {library: [] for library in libraries}
        for _ in range(rounds):
            for library, worker in workers.items():
                seconds = worker.seconds(work)
                if seconds is not None:
                    times[library].append(seconds)
        yield work, times


def kernels():
    """Return which of its kernels NumPy's BLAS has chosen for this processor: a factor of two lies between them."""
    from threadpoolctl import threadpool_info

    return ", ".join(f"{info['internal_api']} {info['architecture']}" for info in threadpool_info())


def row_of(work, times):
    """Return a row of the table: milliseconds, and the ratio with its spread over the rounds."""
    peers = [library for library in times if library not in ("nfedu", "products") and times[library]]
    ours = times.get("nfedu", [])
    ratios = [min(times[p][k] for p in peers) / seconds for k, seconds in enumerate(ours)] if peers else []
    cells = [page.milliseconds(np.median(t)) if t else "–" for t in times.values()]
    spread = f"{np.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})" if ratios else "–"
    return f"| {work} | " + " | ".join(cells) + f" | {spread} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", choices=LIBRARIES, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, help="a Markdown page to write the section to, as lessons/BENCHMARKS.md")
    parser.add_argument("--only", default="", help="works whose name holds this")
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve)
    works = [work for work in WORKS if options.only in str(work)]
    versions = {library: version(LIBRARIES[library][1]) for library in options.libraries}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {options.threads} threads; products by {kernels()}"
    lines = [
        f"{machine}; Python {platform.python_version()}; "
        + ", ".join(f"{library} ({LIBRARIES[library][1]} {number})" for library, number in versions.items()),
        "",
        "| work: (n, layers, hidden), rows; ms | " + " | ".join(options.libraries) + " | fastest / ours |",
        "|---" * (len(options.libraries) + 2) + "|",
    ]
    print("\n".join(lines), flush=True)
    for work, times in measure(works, options.libraries, options.rounds, options.threads):
        lines.append(row_of(work, times))
        print(lines[-1], flush=True)
    if options.out:
        page.put(options.out, "Beside other libraries", SECTION.format(table="\n".join(lines)))
    return None


if __name__ == "__main__":
    main()
