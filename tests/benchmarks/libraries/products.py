"""The matrix products of a step alone, dense: one forward and two backward of each layer of each network."""

from tests.benchmarks.training_step import dense_products


def build(work, rng):
    if work.task != "step" or work.is_of_images:
        return None
    inputs, outputs = (work.n // 2, 2 * (work.n - work.n // 2)) if work.model == "RealNVP" else (work.n, 2 * work.n)
    return dense_products([inputs, work.hidden, work.hidden, outputs], work.layers, work.batch, rng)
