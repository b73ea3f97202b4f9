"""A training step against its matrix products alone: `OPENBLAS_NUM_THREADS=2 python tests/benchmarks/training_step.py`.

The step is loss, gradient and Adam for 8 additive couplings at n = 64, hidden (256, 256), batch 256, float32. Its
products are the 3 of each conditioner forward and the 6 backward. Both are timed in turn in one run; medians are
compared.
"""

import argparse
import os
from itertools import pairwise
from time import perf_counter

import numpy as np

import nfedu

COUPLINGS, N_DIM, HIDDEN, BATCH = 8, 64, (256, 256), 256


def build(rng):
    layers = [nfedu.AdditiveCoupling(N_DIM, HIDDEN, flip=bool(m % 2), rng=rng) for m in range(COUPLINGS)]
    flow = nfedu.Flow(nfedu.StandardLogistic(N_DIM), [nfedu.Rescale(N_DIM), *layers]).astype(np.float32)
    return flow, rng.standard_normal((BATCH, N_DIM)).astype(np.float32)


def products(rng):
    """Return a function that does the products of all couplings' conditioners, and nothing else."""
    sizes = [N_DIM // 2, *HIDDEN, N_DIM // 2]
    h = [rng.standard_normal((BATCH, size)).astype(np.float32) for size in sizes]
    nets = [[rng.standard_normal(shape).astype(np.float32) for shape in pairwise(sizes)] for _ in range(COUPLINGS)]

    def run():
        for weights in nets:
            for i, W in enumerate(weights):
                _ = h[i] @ W
                _ = h[i].T @ h[i + 1]
                _ = h[i + 1] @ W.T

    return run


def measure(repeats):
    """Return the median seconds of (a step, its products)."""
    rng = np.random.default_rng(0)
    flow, x = build(rng)
    adam, multiply = nfedu.Adam(), products(rng)

    def step():
        flow.nll(x)
        adam.step(flow.theta, flow.grad)

    times = {step: [], multiply: []}
    for repeat in range(repeats + 5):
        for f, seconds in times.items():
            start = perf_counter()
            f()
            if repeat >= 5:  # the first ones warm up
                seconds.append(perf_counter() - start)
    return [float(np.median(seconds)) for seconds in times.values()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    step, multiply = measure(parser.parse_args().repeats)
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "unset")
    print(f"step {1e3 * step:.2f} ms, products {1e3 * multiply:.2f} ms, ratio {step / multiply:.2f}; {threads=}")
