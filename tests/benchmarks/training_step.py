"""A training step against its matrix products: `OPENBLAS_NUM_THREADS=2 python tests/benchmarks/training_step.py`.

The step is loss, gradient and Adam in float32. Two models: NICE, 8 additive couplings at n = 64, hidden (256, 256),
batch 256; and the convolutional RealNVP of lesson 04, batch 100. The products are those that the step cannot do
without: one forward and two backward of each layer of each conditioner. Step and products are timed in turn in one run;
medians are compared.
"""

import argparse
import os
from itertools import pairwise
from time import perf_counter

import numpy as np

import nfedu

COUPLINGS, N_DIM, HIDDEN, BATCH = 8, 64, (256, 256), 256


def random(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def nice(rng):
    layers = [nfedu.AdditiveCoupling(N_DIM, HIDDEN, flip=bool(m % 2), rng=rng) for m in range(COUPLINGS)]
    flow = nfedu.Flow(nfedu.StandardLogistic(N_DIM), [nfedu.Rescale(N_DIM), *layers]).astype(np.float32)
    return flow, random(rng, BATCH, N_DIM)


def products_of_nice(flow, rng):
    return dense_products([N_DIM // 2, *HIDDEN, N_DIM // 2], COUPLINGS, BATCH, rng)


def dense_products(sizes, networks, batch, rng):
    """Return a function that does the products of so many dense networks of these widths, and nothing else."""
    h = [random(rng, batch, size) for size in sizes]
    nets = [[random(rng, *shape) for shape in pairwise(sizes)] for _ in range(networks)]

    def run():
        for weights in nets:
            for i, W in enumerate(weights):
                _ = np.dot(h[i], W)
                _ = h[i].T @ h[i + 1]
                _ = h[i + 1] @ W.T

    return run


def real_nvp(rng):
    return nfedu.models.image_real_nvp(rng=rng).astype(np.float32), rng.random((100, 64), np.float32)


def products_of_real_nvp(flow, rng):
    """Return a function that does the products of all convolutions: 3 each way, of one of three rows of the kernel."""
    stages = []
    for net in (layer.net for layer in couplings(flow.bijection)):
        _, H, W = net.shape
        for convolution in (net.first, *net.inner, net.last):
            C, D = convolution.K.value.shape[2:]
            pixels, row = H * 100 * W, 100 * W  # of all images, of one of their rows
            rows, g, g_rows = random(rng, pixels, 3 * C), random(rng, pixels, D), random(rng, pixels, 3 * D)
            stages.append((row, rows, g, g_rows, random(rng, 3 * C, D), random(rng, 3 * D, C)))

    def run():
        for row, rows, g, g_rows, K, turned in stages:
            whole, upper, lower = slice(None), slice(-row), slice(row, None)
            for here, there in ((whole, whole), (upper, lower), (lower, upper)):
                _ = rows[here] @ K
                _ = rows[here].T @ g[there]
                _ = g_rows[here] @ turned

    return run


def couplings(bijection):
    if isinstance(bijection, nfedu.ImageCoupling):
        return [bijection]
    return [layer for part in bijection.parts() for layer in couplings(part)]


MODELS = {"NICE": (nice, products_of_nice), "convolutional RealNVP": (real_nvp, products_of_real_nvp)}


def measure(model, repeats):
    """Return the median seconds of (a step, its products)."""
    rng = np.random.default_rng(0)
    build, products = MODELS[model]
    flow, x = build(rng)
    adam, multiply = nfedu.Adam(), products(flow, rng)

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
    parser.add_argument("--repeats", type=int, default=100)
    repeats = parser.parse_args().repeats
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "unset")
    for model in MODELS:
        step, multiply = measure(model, repeats)
        times = f"step {1e3 * step:.2f} ms, products {1e3 * multiply:.2f} ms"
        print(f"{model}: {times}, ratio {step / multiply:.2f}; {threads=}")
