"""Central differences at several steps, and how certain each is: rounding, truncation and kinks speak against them."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.plain import EPS
from nfedu.checks.numerics.values import CERTAIN, STEPS, Values
from nfedu.checks.subject.guard import Trouble

CAUTION, ROUGH = 10.0, 1e-8  # central differences are known no better than this, of the derivative and of f in its unit
STAIR = 1e-2  # of a step: wider ones are seen by it


def central(f: Values, v: Array) -> tuple[Array, Array]:
    """Return central differences with the most certain of three steps for each entry, and how certain they are.

    Each step's own doubt counts, and where a larger one differs from a smaller one by more, that: a kink lies
    within the larger. The smallest step shows the rounding that the larger ones have too.
    """
    reach = abs(v) / np.where(f.scale > 0, f.scale, 1.0)  # how many units v goes, at most
    farthest = reach.max(axis=1, keepdims=True) if f.points else reach.max(initial=0.0)
    unit = 1 / np.maximum(farthest, 1e-300)
    best, uncertain = np.zeros(f.here.shape), np.full(f.here.shape, np.inf)
    smaller: list[tuple[Array, Array]] = []
    noise, size = None, 2 * abs(f.here)
    for step in STEPS:
        try:
            with np.errstate(all="ignore"):
                found, unsure, size, noise = extrapolated(f, v, step * unit, unit, noise)
        except Trouble:  # a step out of the domain
            continue
        own = unsure
        for other, doubt in smaller:
            apart = abs(found - other)
            unsure = np.where(np.isfinite(doubt) & (apart > CAUTION * (own + doubt)), unsure + apart, unsure)
            flat = (other == 0) & np.isfinite(own) & (apart > CAUTION * own)  # or within a step of a staircase
            uncertain = np.where(flat, np.maximum(uncertain, apart), uncertain)
        smaller.append((found, own))
        better = unsure < uncertain
        best, uncertain = np.where(better, found, best), np.where(better, unsure, uncertain)
    uncertain = np.where(f.steps | f.kinks, np.inf, uncertain)
    return best, CAUTION * uncertain + ROUGH * (abs(best) + 1e-2 * size / unit)


def extrapolated(f: Values, v: Array, h: Array, unit: Array, noise: Array | None) -> tuple[Array, Array, Array, Array]:
    """Return central differences with steps h and h/2, extrapolated; their doubt; the size of f; its noise.

    The noise is what a smaller step had; without one, the second difference: a smooth function's is far smaller.
    """
    (wide, size, bent), (half, _, less) = f.difference(v, h), f.difference(v, h / 2)
    noise = np.maximum(f.noise, np.fmax(bent, less)) if noise is None else noise
    found = (4 * half - wide) / 3
    apart = abs(wide - half)
    blur = EPS * np.where(v == 0, 0, abs(f.at) / np.maximum(abs(h * v), 1e-300))  # of the step itself
    blur = blur.max(axis=1, keepdims=True) if f.points else blur.max(initial=0.0)
    unsure = apart + (8 * EPS * size + 4 * noise) / h + blur * abs(half)
    if f.points and f.here.shape[1] == f.at.shape[1] + 1:
        unsure[:, -1:] += blur_of(f, found, h, unit)
        unsure[~found[:, :-1].any(axis=1)] = np.inf  # a bijection moves, so these steps are too small to see it
    lost = ~np.isfinite(found) | (blur > CERTAIN) | (apart > CERTAIN * (abs(half) + 1e-6 * size / unit))
    return np.where(np.isfinite(found), found, 0.0), np.where(lost, np.inf, unsure), size, noise


def blur_of(f: Values, found: Array, h: Array, unit: Array) -> Array:
    """Return how uncertain the log-det's difference is since no output has more digits than it has, (N, 1).

    Where x = 1/(1 + e⁻ᶻ) rounds to nearly 1, log(x(1 − x)) is a staircase in z, and stands still for steps within
    one stair. The output that answers best says how wide those are.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        stairs = EPS * abs(f.here[:, :-1] / found[:, :-1])
    width = np.where(found[:, :-1] == 0, np.inf, stairs).min(axis=1, keepdims=True)
    return np.where(width < STAIR * h, 4 * width / h * (abs(found[:, -1:]) + 1 / unit), np.inf)
