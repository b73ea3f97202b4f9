"""Every layer once: how to build it, in which dimensions. The same tests run on each entry."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

import nfedu
from nfedu import Bijection, masks
from nfedu.bijections.normalization.base import normalizations


@dataclass(frozen=True)
class Entry:
    name: str
    build: Callable[[Any, np.random.Generator], Bijection]
    dimensions: tuple[Any, ...] = (1, 2, 3, 5)  # of points, or shapes of images (channels, height, width)


ORDINARY = (1, 2, 3, 5)
IMAGES = ((1, 2, 2), (2, 2, 2), (1, 4, 4), (2, 3, 5), (3, 4, 4))


def coupling(**options):
    return lambda n, rng: nfedu.AdditiveCoupling(n, rng=rng, **options)


def affine(**options):
    return lambda n, rng: nfedu.AffineCoupling(n, rng=rng, **options)


def image(**options):
    return lambda shape, rng: nfedu.ImageCoupling(shape, filters=3, rng=rng, **options)


def autoregressive(kind=nfedu.MaskedAutoregressive, **options):
    """Layers with a cyclic order: from n = 3 on it is not its own inverse."""
    options = {"hidden": (8, 6), "activation": "tanh", **options}
    return lambda n, rng: kind(n, order=np.roll(np.arange(n), 1), rng=rng, **options)


def on_columns(build):
    """A layer on all columns but the second, last one first: not sorted, so that an order lost would show."""

    def built(n, rng):
        columns = [i for i in range(n) if i != 1][::-1]
        return nfedu.OnColumns(n, build(len(columns), rng), columns)

    return built


def spline(n, rng):
    layer = nfedu.Spline(n, bins=5, bound=2.5)
    for parameter in layer.parameters().values():
        parameter.value += 0.7 * rng.standard_normal(parameter.value.shape)
    return layer


def lower_triangle(n, rng):
    return np.tril(0.3 * rng.standard_normal((n, n)), -1) + np.diag(rng.choice([-1, 1], n) * rng.uniform(0.5, 2, n))


def mint(kind, filters=2):
    return lambda shape, rng: kind(shape, filters=filters, rng=rng)


def in_training(layer):
    for normalization in normalizations(layer):
        normalization.mode = "training"
    return layer


def batch_norm_in_a_chain(n, rng):
    layers = [nfedu.BatchNorm(n), affine(hidden=(6,))(n, rng), nfedu.BatchNorm(n), nfedu.SinhArcsinh(n, 0.3, 0.8)]
    return in_training(nfedu.Chain(layers))


def two_scales(shape, rng):
    squeeze = nfedu.Squeeze(shape)
    half = (squeeze.squeezed[0] // 2, *squeeze.squeezed[1:])
    deeper = [image(mask="channels", flip=flip, blocks=0)(half, rng) for flip in (False, True)]
    return nfedu.Chain([nfedu.FactorOut(prod(shape), deeper), image(mask="channels")(squeeze.squeezed, rng), squeeze])


def four_layers(n, rng):
    return [nfedu.SinhArcsinh(n, 0.3, 0.8), coupling(hidden=(6,))(n, rng), nfedu.Reverse(n), nfedu.Rescale(n, 0.5)]


ENTRIES = [
    Entry("Rescale", lambda n, rng: nfedu.Rescale(n, rng.choice([-1, 1], n) * rng.uniform(0.3, 3, n))),
    Entry("Shift", lambda n, rng: nfedu.Shift(n, rng.standard_normal(n))),
    Entry("Affine", lambda n, rng: nfedu.Affine(n, rng.choice([-1, 1], n) * rng.uniform(0.3, 3, n), 0.7)),
    Entry("Exp", lambda n, rng: nfedu.Exp(n)),
    Entry("Sinh", lambda n, rng: nfedu.Sinh(n)),
    Entry("SinhArcsinh", lambda n, rng: nfedu.SinhArcsinh(n, rng.standard_normal(n), rng.uniform(0.5, 2, n))),
    Entry("Spline", spline),
    Entry("Histogram", lambda n, rng: nfedu.Histogram(n, [-1.0, 0.0, 0.5, 3.0], [3, 1, 2])),
    Entry("Histogram, tail", lambda n, rng: nfedu.Histogram(n, [-0.5, 0.5, 1.5], [6, 2, 2], 3.0)),
    Entry("Logit", lambda n, rng: nfedu.Logit(n)),
    Entry("Logit, margin 0", lambda n, rng: nfedu.Logit(n, margin=0.0)),
    Entry("Reverse", lambda n, rng: nfedu.Reverse(n)),
    Entry("Permute", lambda n, rng: nfedu.Permute(np.roll(np.arange(n), 1))),  # a cycle: not its own inverse
    Entry("Inverse of Permute", lambda n, rng: nfedu.Inverse(nfedu.Permute(np.roll(np.arange(n), 1)))),
    Entry("AdditiveCoupling, relu", coupling(hidden=(6, 5)), (2, 3, 5)),
    Entry("AdditiveCoupling, tanh", coupling(hidden=(6, 5), activation="tanh"), (2, 3, 5)),
    Entry("AdditiveCoupling, softplus", coupling(hidden=(6, 5), activation="softplus"), (2, 3, 5)),
    Entry("AdditiveCoupling, flipped", coupling(hidden=(6,), flip=True), (2, 3, 5)),
    Entry("AdditiveCoupling, d = 1", coupling(hidden=(6,), d=1), (2, 3, 5)),
    Entry("AdditiveCoupling, d = 4 flipped", coupling(hidden=(6,), d=4, flip=True), (5,)),
    Entry("AdditiveCoupling, linear", coupling(hidden=()), (2, 3, 5)),
    Entry("AdditiveCoupling, default", coupling(), (2, 3, 5)),
    Entry("AffineCoupling, relu", affine(hidden=(6, 5)), (2, 3, 5)),
    Entry("AffineCoupling, tanh", affine(hidden=(6, 5), activation="tanh"), (2, 3, 5)),
    Entry("AffineCoupling, flipped", affine(hidden=(6,), flip=True), (2, 3, 5)),
    Entry("AffineCoupling, unbounded", affine(hidden=(6,), bound=None), (2, 3, 5)),
    Entry("AffineCoupling, d = 1", affine(hidden=(6,), d=1), (2, 3, 5)),
    Entry("AffineCoupling, d = 4 flipped", affine(hidden=(6,), d=4, flip=True), (5,)),
    Entry("AffineCoupling, mask", affine(hidden=(6,), mask=[True, False, False, True, False]), (5,)),
    Entry("AdditiveCoupling, mask", coupling(hidden=(6,), mask=[False, True, True, False, True]), (5,)),
    Entry("ImageCoupling, checkerboard", image(), IMAGES),
    Entry("ImageCoupling, flipped, relu", image(flip=True, activation="relu", blocks=1), IMAGES),
    Entry("ImageCoupling, unbounded, softplus", image(bound=None, activation="softplus", blocks=0), IMAGES),
    Entry("ImageCoupling, channels", image(mask="channels"), ((2, 2, 2), (2, 3, 5), (3, 4, 4))),
    Entry("ImageCoupling, channels flipped", image(mask="channels", flip=True), ((2, 2, 2), (2, 3, 5), (3, 4, 4))),
    Entry("ImageCoupling, mask", image(mask=masks.halves(16, 5)), ((1, 4, 4),)),
    Entry("Squeeze", lambda shape, rng: nfedu.Squeeze(shape), ((1, 2, 2), (2, 2, 2), (1, 4, 4), (3, 4, 4), (2, 2, 6))),
    Entry("FactorOut", lambda n, rng: nfedu.FactorOut(n, [nfedu.SinhArcsinh(n - 1, 0.4, 0.7)]), (2, 3, 5)),
    Entry("FixedAffine", lambda n, rng: nfedu.FixedAffine(rng.standard_normal(n), lower_triangle(n, rng))),
    Entry("OnColumns", on_columns(lambda k, rng: nfedu.SinhArcsinh(k, 0.4, 0.7)), (1, 2, 3, 5)),
    Entry("OnColumns, Exp", on_columns(lambda k, rng: nfedu.Exp(k)), (1, 2, 3, 5)),
    Entry("OnColumns, a coupling", on_columns(coupling(hidden=(6,))), (3, 5)),
    Entry("two scales", two_scales, ((1, 2, 2), (2, 2, 2), (1, 4, 4), (3, 4, 4))),
    Entry("ActNorm", lambda n, rng: nfedu.ActNorm(n)),
    Entry("ActNorm, channels", lambda shape, rng: nfedu.ActNorm(prod(shape), shape[0]), IMAGES),
    Entry("BatchNorm", lambda n, rng: nfedu.BatchNorm(n, mean=rng.standard_normal(n), variance=rng.uniform(0.2, 3, n))),
    Entry("BatchNorm, channels", lambda shape, rng: nfedu.BatchNorm(prod(shape), shape[0], mean=0.4), IMAGES),
    Entry("BatchNorm in training", lambda n, rng: in_training(nfedu.BatchNorm(n))),
    Entry("BatchNorm in training, channels", lambda s, rng: in_training(nfedu.BatchNorm(prod(s), s[0])), IMAGES),
    Entry("BatchNorm in training, in a chain", batch_norm_in_a_chain, (2, 3, 5)),
    Entry("MaskedAutoregressive", autoregressive(), ORDINARY),
    Entry("MaskedAutoregressive, naive", autoregressive(method="naive", activation="relu"), ORDINARY),
    Entry("MaskedAutoregressive, jacobi", autoregressive(method="jacobi", activation="softplus"), ORDINARY),
    Entry("MaskedAutoregressive, no hidden layer", autoregressive(hidden=()), ORDINARY),
    Entry("MaskedAutoregressive, three hidden layers", autoregressive(hidden=(7, 5, 9), degrees="random"), ORDINARY),
    Entry("MaskedAutoregressive, unbounded", autoregressive(bound=None, degrees="random"), ORDINARY),
    Entry("MaskedAutoregressive, 64", autoregressive(hidden=(40, 50)), (64,)),
    Entry("MaskedAutoregressive, 64, naive", autoregressive(hidden=(40,), method="naive"), (64,)),
    Entry("MaskedAutoregressive, 64, jacobi", autoregressive(hidden=(40,), method="jacobi"), (64,)),
    Entry("InverseAutoregressive", autoregressive(nfedu.InverseAutoregressive), ORDINARY),
    Entry("InverseAutoregressive, naive", autoregressive(nfedu.InverseAutoregressive, method="naive"), ORDINARY),
    Entry("InverseAutoregressive, jacobi", autoregressive(nfedu.InverseAutoregressive, method="jacobi"), ORDINARY),
    Entry("InverseAutoregressive, 64", autoregressive(nfedu.InverseAutoregressive, hidden=(40, 50)), (64,)),
    Entry("InverseAutoregressive, 64, naive", autoregressive(nfedu.InverseAutoregressive, method="naive"), (64,)),
    Entry("InverseAutoregressive, 64, jacobi", autoregressive(nfedu.InverseAutoregressive, method="jacobi"), (64,)),
    Entry("MintLayer", mint(nfedu.MintLayer), ((1, 2, 2), (2, 2, 2), (1, 4, 4), (2, 3, 5), (3, 4, 4))),
    Entry("MintUnit", mint(nfedu.MintUnit), ((1, 2, 2), (2, 2, 2), (1, 4, 4), (3, 2, 2))),
    Entry("MintUnit, larger", mint(nfedu.MintUnit, filters=1), ((2, 3, 5), (3, 4, 4))),
    Entry("Inverse of SinhArcsinh", lambda n, rng: nfedu.Inverse(nfedu.SinhArcsinh(n, 0.4, 0.7))),
    Entry("Inverse of a coupling", lambda n, rng: nfedu.Inverse(coupling(hidden=(6,))(n, rng)), (2, 3, 5)),
    Entry("Chain", lambda n, rng: nfedu.Chain(four_layers(n, rng)), (2, 3, 5)),
    Entry("Reversible", lambda n, rng: nfedu.Reversible(four_layers(n, rng)), (2, 3, 5)),
]

CASES = [(entry, n) for entry in ENTRIES for n in entry.dimensions]
IDS = [f"{entry.name}, n = {n}" for entry, n in CASES]


def built(entry: Entry, n: int, seed: int = 3) -> Bijection:
    """A layer whose every parameter has been moved away from its starting value."""
    rng = np.random.default_rng(seed)
    layer = entry.build(n, rng)
    for p in layer.parameters().values():
        p.value += 0.3 * rng.standard_normal(p.value.shape)
    return layer


def points(layer: Bijection, count: int = 7, seed: int = 4):
    """Data inside the layer's domain: images of normal latents."""
    return layer.z_to_x(np.random.default_rng(seed).standard_normal((count, layer.n)))[0]
