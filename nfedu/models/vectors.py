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
from nfedu.models.line import warps


class Size(NamedTuple):
    """How large a model is: how many layers, and the widths of their networks."""

    layers: int
    hidden: tuple[int, ...]


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

    n = 1: a stack of `SinhArcsinh` and `Affine`, whatever the kind of model. Source: Papamakarios et al. 2017.
    """
    return vector_model(n, x, masked, **options)


def iaf(n: int, x: Array | None = None, **options: Any) -> Flow:
    """Return an IAF: fast samples, slow densities. Arguments: see `maf`. Source: Kingma et al. 2016."""
    return vector_model(n, x, inverse, **options)


def size_for(n: int, rows: int) -> Size:
    """Return a size that so many rows of n columns can teach: what counts is how many rows there are to a column.

    Networks are no narrower than n: else masks would cut dependencies, see `MADE`.
    """
    if rows < 100 * n:
        return Size(2, (max(16, n),))
    if rows < 500 * n:
        return Size(3, (max(32, n),))
    width = max(n, 32 if rows < 5000 else int(np.clip(8 * n, 64, 256)))
    return Size(6, (width, width))


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
    count, widths = layers or size.layers, size.hidden if hidden is None else tuple(hidden)
    free = warps(n, count) if n == 1 else core(n, count, widths, rng)
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


def additive(n: int, count: int, hidden: Sequence[int], rng: np.random.Generator) -> list[Bijection]:
    """Return additive couplings in shuffled halves, and a Rescale."""
    return [Rescale(n), *couplings(AdditiveCoupling, n, 2 * count, hidden, rng)]


def affine(n: int, count: int, hidden: Sequence[int], rng: np.random.Generator) -> list[Bijection]:
    """Return affine couplings in shuffled halves, and warps of each coordinate."""
    return [*warps(n, 2), *couplings(AffineCoupling, n, 2 * count, hidden, rng)]


def couplings(kind: Any, n: int, count: int, hidden: Sequence[int], rng: np.random.Generator) -> list[Bijection]:
    """Return couplings at the identity: roles exchanged from one to the next, coordinates shuffled after each two."""
    layers: list[Bijection] = []
    for m in range(count):
        layers.append(at_identity(kind(n, hidden, flip=bool(m % 2), activation="tanh", rng=rng)))
        if m % 2 and n > 2:
            layers.append(Permute(rng.permutation(n)))
    return layers


def masked(n: int, count: int, hidden: Sequence[int], rng: np.random.Generator) -> list[Bijection]:
    """Return MAF layers at the identity, and warps of each coordinate."""
    return [*warps(n, 2), *map(at_identity, autoregressive(MaskedAutoregressive, n, count, hidden, rng=rng, **TANH))]


def inverse(n: int, count: int, hidden: Sequence[int], rng: np.random.Generator) -> list[Bijection]:
    """Return IAF layers at the identity, and warps of each coordinate."""
    return [*warps(n, 2), *map(at_identity, autoregressive(InverseAutoregressive, n, count, hidden, rng=rng, **TANH))]


TANH = {"activation": "tanh"}


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
