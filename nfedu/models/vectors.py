"""Models of vectors, such as the rows of a table: they start at the Gaussian with the data's mean and covariance.

From z to x: layers at the identity, then `whitening` backwards, which is fixed, then what takes the line to each
column's support. So training can only gain on the Gaussian, as far as its validation rows can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from nfedu.arrays import Array, as_batch, as_dimension, is_whole
from nfedu.bijections import (
    AdditiveCoupling,
    AffineCoupling,
    Bijection,
    Chain,
    InverseAutoregressive,
    MaskedAutoregressive,
    Permute,
    Rescale,
    standardising,
    whitening,
)
from nfedu.distributions import StandardNormal
from nfedu.flow import Flow
from nfedu.models.line import bent, joined, warps


class Size(NamedTuple):
    """How large a model is: how many layers, the widths of their networks, and how finely marginals are bent."""

    layers: int
    hidden: tuple[int, ...]
    bins: int = 0  # of a spline before each layer; 0: two warps in all


def nice(n: int, x: Array | None = None, **options: Any) -> Flow:
    """Return NICE: additive couplings, each coordinate twice as often changed as it passes, and a scale for each.

    Arguments: see `maf`. Source: Dinh, Krueger & Bengio 2014.
    """
    return vector_model(n, x, additive, **options)


def real_nvp(n: int, x: Array | None = None, **options: Any) -> Flow:
    """Return RealNVP: affine couplings of halves, in a new order after each two. Arguments: see `maf`.

    Source: Dinh et al. 2016.
    """
    return vector_model(n, x, affine, **options)


def maf(n: int, x: Array | None = None, **options: Any) -> Flow:
    """Return a MAF for n columns, whose order is reversed from layer to layer: fast densities, slow samples.

    `x`: training rows, (N, n): the model starts at the Gaussian of their mean and covariance, and is smaller when they
    are few; without, it starts at N(0, I). Keywords:

    - `supports`: layers on the data side, such as `Exp` for what is positive; the Gaussian is then that of x with
      these undone.
    - `layers`, `hidden`: how many, and the widths of their networks; `size_for(n, rows)` unless given.
    - `rng`: of the networks.

    Every coordinate is bent by two warps of `SinhArcsinh` and `Affine`, which reach its tails; if rows are enough, also
    by a `Spline` before each layer, which gives it several modes. n = 1: these alone, whatever the kind of model.
    Source: Papamakarios et al. 2017.
    """
    return vector_model(n, x, masked, **options)


def iaf(n: int, x: Array | None = None, **options: Any) -> Flow:
    """Return an IAF: fast samples, slow densities. Arguments: see `maf`. Source: Kingma et al. 2016."""
    return vector_model(n, x, inverse, **options)


def size_for(n: int, rows: int) -> Size:
    """Return a size that so many rows of n columns can teach: what counts is how many rows there are to a column.

    Networks are no narrower than n: else masks would cut dependencies, see `MADE`. Splines learn modes that warps
    cannot, and of few rows the noise, too.
    """
    if rows < 100 * n:
        return Size(2, (max(16, n),))
    bins = 0 if rows < 500 else 8 if rows < 5000 else 16
    if rows < 500 * n:
        return Size(3, (max(32, n),), bins)
    width = max(n, 32 if rows < 5000 else int(np.clip(8 * n, 64, 256)))
    return Size(2 if n == 1 else 6, (width, width), bins)


def vector_model(
    n: int,
    x: Array | None,
    core: Any,
    *,
    supports: Sequence[Bijection] = (),
    layers: int | None = None,
    hidden: Sequence[int] | None = None,
    rng: np.random.Generator,
) -> Flow:
    """Return the flow: N(0, I), the layers of `core` at the identity, the Gaussian of the data, the supports."""
    n = as_dimension(n, "models")
    size = size_for(n, 10_000 if x is None else len(x))
    if layers is not None and not is_whole(layers, 1):
        raise ValueError(f"models: layers = {layers!r}, expected a whole number ≥ 1")
    size = size._replace(layers=layers or size.layers, hidden=size.hidden if hidden is None else tuple(hidden))
    free = (alone if n == 1 else core)(n, size, rng)
    return Flow(StandardNormal(n), [*free, *gaussian_of(n, x, supports), *supports])


def gaussian_of(n: int, x: Array | None, supports: Sequence[Bijection]) -> list[Bijection]:
    """Return the affine map from N(0, I) to the Gaussian of x with the supports undone; none without x.

    With no more than twice as many rows as columns a covariance is mostly noise: deviations alone.
    """
    if x is None:
        return []
    x = as_batch(x, n, "models")
    inner = Chain(supports).values("x_to_z", x)[0] if supports else x
    return [whitening(inner) if len(x) > 2 * n else standardising(inner)]


def alone(n: int, size: Size, rng: np.random.Generator) -> list[Bijection]:
    """Return what bends a single coordinate: warps, or with bins two of them and splines."""
    return bent(n, [[]] * size.layers, size.bins) if size.bins else warps(n, size.layers)


def additive(n: int, size: Size, rng: np.random.Generator) -> list[Bijection]:
    """Return additive couplings in shuffled halves, and a Rescale."""
    return [Rescale(n), *joined(couplings(AdditiveCoupling, n, size, rng))]


def affine(n: int, size: Size, rng: np.random.Generator) -> list[Bijection]:
    """Return affine couplings in shuffled halves, and what bends each coordinate."""
    return bent(n, couplings(AffineCoupling, n, size, rng), size.bins)


def couplings(kind: Any, n: int, size: Size, rng: np.random.Generator) -> list[list[Bijection]]:
    """Return pairs of couplings at the identity, the second with the roles exchanged, then a shuffle."""
    pairs = []
    for _ in range(size.layers):
        pair = [at_identity(kind(n, size.hidden, flip=flip, activation="tanh", rng=rng)) for flip in (False, True)]
        pairs.append([*pair, Permute(rng.permutation(n))] if n > 2 else pair)
    return pairs


def masked(n: int, size: Size, rng: np.random.Generator) -> list[Bijection]:
    """Return MAF layers at the identity, and what bends each coordinate."""
    layers = autoregressive(MaskedAutoregressive, n, size.layers, size.hidden, rng=rng, activation="tanh")
    return bent(n, [[at_identity(layer)] for layer in layers], size.bins)


def inverse(n: int, size: Size, rng: np.random.Generator) -> list[Bijection]:
    """Return IAF layers at the identity, and what bends each coordinate."""
    layers = autoregressive(InverseAutoregressive, n, size.layers, size.hidden, rng=rng, activation="tanh")
    return bent(n, [[at_identity(layer)] for layer in layers], size.bins)


def autoregressive(
    kind: type[MaskedAutoregressive | InverseAutoregressive],
    n: int,
    layers: int,
    hidden: Sequence[int],
    *,
    rng: np.random.Generator,
    **options: Any,
) -> list[Bijection]:
    """Return so many MAF or IAF layers with the order of the coordinates reversed from one to the next.

    `options` go to each of them. Source: Papamakarios et al. 2017.
    """
    forward = np.arange(n)
    return [kind(n, hidden, forward[:: -1 if m % 2 else 1], rng=rng, **options) for m in range(layers)]


def at_identity(layer: Bijection) -> Bijection:
    """Return a coupling or autoregressive layer with its network's last weights at 0: shift and log-scale are 0."""
    last = [p for name, p in layer.parameters().items() if "net.W" in name][-1]
    last.value[...] = 0
    return layer
