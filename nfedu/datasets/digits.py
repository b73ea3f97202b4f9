"""The 8×8 handwritten digits: 1,797 real images of 64 pixels with 17 grey levels, packaged. See DIGITS.md beside this.

From counts k ∈ {0, …, 16} to a density and back: x = (k + u)/17 with u uniform on [0, 1) fills each level's bin, a flow
with `Logit(64)` as its last layer models x, and the bits of one pixel count all three changes of variables.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from nfedu.arrays import Array, as_batch, as_generator
from nfedu.distributions import Distribution
from nfedu.storage import read_arrays

LEVELS = 17
FILE = Path(__file__).with_name("digits.npz")


class Split(NamedTuple):
    """Images (N, 64) of counts 0 … 16, rows of the 8×8 image one after the other, and the digits they show (N,)."""

    images: Array
    labels: Array


class Digits(NamedTuple):
    """The fixed split: 1257 images to learn from, 180 to choose by, 360 to be measured on, once."""

    train: Split
    validation: Split
    test: Split


def digits(path: str | Path = FILE) -> Digits:
    """Return the digits, split by the permutation of default_rng(0); ValueError when the file is missing or damaged."""
    images, labels = read_arrays(path, "images", "labels")
    images = images.reshape(-1, 64)
    order = np.random.default_rng(0).permutation(len(images))
    return Digits(*(Split(images[rows], labels[rows]) for rows in np.split(order, [1257, 1437])))


def dequantise(counts: Array, rng: np.random.Generator) -> Array:
    """Return x = (k + u)/17 ∈ [0, 1), u uniform: the density of x, times 17⁻⁶⁴, averages to the probability of k."""
    as_generator(rng, "dequantise")
    return (counts + rng.random(np.shape(counts))) / LEVELS


def shifted(counts: Array, rng: np.random.Generator, share: float = 0.3) -> Array:
    """Return a copy of the images (N, 64) of which some have been moved by a pixel: more images to learn from.

    A `share` of them move sideways, half of these each way; those whose ink would leave the picture stay. (None of the
    digits could move up or down: their ink reaches from the top row to the bottom.) For training alone: likelihoods
    are measured on images as they are.
    """
    as_generator(rng, "shifted")
    if not 0 <= share <= 1:
        raise ValueError(f"shifted: share = {share}, expected 0 ≤ share ≤ 1, of the images")
    images = np.array(as_batch(counts, 64, "shifted", "counts")).reshape(-1, 8, 8)
    draw = rng.random(len(images))
    for step, edge, drawn in ((1, 7, draw < share / 2), (-1, 0, draw >= 1 - share / 2)):
        moved = drawn & ~images[:, :, edge].any(axis=1)
        images[moved] = np.roll(images[moved], step, axis=2)
    return images.reshape(-1, 64)


def bits_per_pixel(flow: Distribution, counts: Array, rng: np.random.Generator, draws: int = 10) -> tuple[float, float]:
    """Return the mean of −log₂ p(k + u)/n over images and `draws` of the noise u, and its standard error over images.

    −log₂ p(k + u) = −log₂ p(x) + n log₂ 17 since x = (k + u)/17; the flow's own layers, Logit among them, count inside
    log p(x). By Jensen's inequality the mean bounds the bits of the counts k from above.
    """
    counts = as_batch(counts, np.shape(counts)[-1], "bits_per_pixel", "counts")
    if counts.shape[1] != flow.n:
        raise ValueError(f"bits_per_pixel: the flow has n = {flow.n}, the images have {counts.shape[1]} pixels")
    if not (np.isin(counts, np.arange(LEVELS))).all():
        raise ValueError("bits_per_pixel: expected counts 0, 1, … 16, as datasets.digits() gives them, without noise")
    if len(counts) < 2 or draws < 1:
        raise ValueError(
            f"bits_per_pixel: {len(counts)} images, draws = {draws}; expected ≥ 2 images, ≥ 1 draw of noise"
        )
    log_p = np.mean([flow.log_prob(dequantise(counts, rng)).astype(np.float64) for _ in range(draws)], axis=0)
    bits = -log_p / (flow.n * np.log(2)) + np.log2(LEVELS)
    return float(bits.mean()), float(bits.std(ddof=1) / np.sqrt(len(bits)))


def slant(x: Array) -> Array:
    """Return how far the ink moves sideways from a row to the next, (N,): a regression of column on row."""
    images, (row, column) = x.reshape(-1, 8, 8), np.mgrid[:8, :8]
    mass = images / images.sum(axis=(1, 2), keepdims=True)
    row = row - (mass * row).sum(axis=(1, 2), keepdims=True)
    return (mass * row * column).sum(axis=(1, 2)) / (mass * row**2).sum(axis=(1, 2))


def ink(x: Array) -> Array:
    """Return the mean of each picture's pixels, (N,)."""
    return x.mean(axis=1)
