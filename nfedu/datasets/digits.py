"""The 8×8 handwritten digits: 1,797 real images of 64 pixels with 17 grey levels, packaged. See DIGITS.md beside this.

From counts k ∈ {0, …, 16} to a density and back: x = (k + u)/17 with u uniform on [0, 1) fills each level's bin, a flow
with `Logit(64)` as its last layer models x, and the bits of one pixel count all three changes of variables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nfedu.arrays import Array, as_batch, as_generator, as_values, is_whole
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


def dequantise(counts: Array, rng: np.random.Generator, levels: int = LEVELS) -> Array:
    """Return x = (k + u)/L ∈ [0, 1), u uniform: the density of x, times L⁻ⁿ, averages to the probability of k.

    `counts`: whole numbers 0 … L − 1 of any shape, L = `levels`: 17 for the digits, 256 for pictures of 8 bits. Raises
    ValueError for others.
    """
    as_generator(rng, "dequantise")
    return (as_counts(counts, levels, "dequantise") + rng.random(np.shape(counts))) / levels


def as_counts(counts: Any, levels: Any, owner: str) -> Array:
    """Return whole numbers 0 … levels − 1 as an array, or raise ValueError with what was given instead."""
    if not is_whole(levels, 2):
        raise ValueError(f"{owner}: levels = {levels!r}, expected an integer ≥ 2: how many values a count may have")
    masked = isinstance(counts, np.ma.MaskedArray) and np.ma.getmaskarray(counts).any()
    counts = np.asarray(counts)
    if masked or counts.dtype.kind not in "buif":
        raise ValueError(
            f"{owner}: counts of dtype {counts.dtype}{', some masked' if masked else ''}, expected whole numbers"
        )
    if not ((counts >= 0) & (counts < levels) & (counts == np.floor(counts))).all():
        low, high = float(counts.min()), float(counts.max())
        raise ValueError(
            f"{owner}: counts from {low:.6g} to {high:.6g}, expected counts 0, 1, … {levels - 1}, whole numbers "
            f"without noise; levels = {levels} says how many there are"
        )
    return counts


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


def bits_per_pixel(
    flow: Distribution, counts: Array, rng: np.random.Generator, draws: int = 10, levels: int = LEVELS
) -> tuple[float, float]:
    """Return the mean of −log₂ p(k + u)/n over images and `draws` of the noise u, and its standard error over images.

    −log₂ p(k + u) = −log₂ p(x) + n log₂ L since x = (k + u)/L, L = `levels`; the flow's own layers, Logit among them,
    count inside log p(x). By Jensen's inequality the mean bounds the bits of the counts k from above.
    """
    counts = as_batch(counts, np.shape(counts)[-1], "bits_per_pixel", "counts")
    if counts.shape[1] != flow.n:
        raise ValueError(f"bits_per_pixel: the flow has n = {flow.n}, the images have {counts.shape[1]} pixels")
    as_counts(counts, levels, "bits_per_pixel")
    if len(counts) < 2 or not is_whole(draws, 1):
        raise ValueError(
            f"bits_per_pixel: {len(counts)} images, draws = {draws}; expected ≥ 2 images, ≥ 1 draw of noise"
        )
    drawn = [flow.log_prob(dequantise(counts, rng, levels)) for _ in range(draws)]
    log_p = np.mean([as_values(p, (len(counts),), flow, "log_prob").astype(np.float64) for p in drawn], axis=0)
    bits = -log_p / (flow.n * np.log(2)) + np.log2(levels)
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
