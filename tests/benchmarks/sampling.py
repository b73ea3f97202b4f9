"""Three ways to sample from a MAF, and its density pass: `OPENBLAS_NUM_THREADS=2 python tests/benchmarks/sampling.py`.

Batch 100, float32, one layer: n = 64 with hidden (512, 512), n = 784 with hidden (1024, 1024). All are timed in one
run; medians, of two for the naive way, since it takes seconds.
"""

import argparse
import os
from time import perf_counter

import numpy as np

import nfedu
from nfedu.networks import counting
from nfedu.parameters import cast

SIZES = {64: (512, 512), 784: (1024, 1024)}


def measure(n, repeats):
    """Return the median seconds of each way and of the density pass, and the multiply-adds in dense passes."""
    rng = np.random.default_rng(0)
    layer = cast(nfedu.MaskedAutoregressive(n, SIZES[n], rng=rng), np.float32)
    z = rng.standard_normal((100, n)).astype(np.float32)
    dense = 100 * sum(W.value.size for W in layer.net.weights)
    x = layer.z_to_x(z)[0]
    seconds, work = {}, {}
    for way in ("density", "cached", "jacobi", "naive"):
        layer.method = way if way != "density" else layer.method
        times = []
        for _ in range(2 if way == "naive" else repeats):
            start = perf_counter()
            with counting() as count:
                layer.x_to_z(x) if way == "density" else layer.z_to_x(z)
            times.append(perf_counter() - start)
        seconds[way], work[way] = float(np.median(times)), count.multiply_adds / dense
    return seconds, work


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "unset")
    for n, hidden in SIZES.items():
        seconds, work = measure(n, repeats)
        print(f"n = {n}, hidden {hidden}, batch 100, {threads=}")
        for way in seconds:
            faster = f"{seconds['naive'] / seconds[way]:8.1f} times faster than naive"
            print(f"  {way:<8} {1e3 * seconds[way]:9.2f} ms {work[way]:8.2f} dense passes {faster}")
        print(f"  cached / density: {seconds['cached'] / seconds['density']:.2f}")
