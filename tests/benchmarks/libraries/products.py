"""The matrix products of a step alone, dense: one forward and two backward of each layer of each network."""

from itertools import pairwise

import numpy as np


def build(work, rng):
    if work.task != "step" or work.is_of_images:
        return None
    inputs, outputs = (work.n // 2, 2 * (work.n - work.n // 2)) if work.model == "RealNVP" else (work.n, 2 * work.n)
    sizes = [inputs, work.hidden, work.hidden, outputs]
    random = lambda *shape: rng.standard_normal(shape).astype(np.float32)  # noqa: E731
    h = [random(work.batch, size) for size in sizes]
    nets = [[random(*shape) for shape in pairwise(sizes)] for _ in range(work.layers)]

    def run():
        for weights in nets:
            for i, W in enumerate(weights):
                _ = h[i] @ W
                _ = h[i].T @ h[i + 1]
                _ = h[i + 1] @ W.T

    return run
