"""Every layer once: how to build it, in which dimensions. The same tests run on each entry."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import nfedu
from nfedu import Bijection


@dataclass(frozen=True)
class Entry:
    name: str
    build: Callable[[int, np.random.Generator], Bijection]
    dimensions: tuple[int, ...] = (1, 2, 3, 5)


def coupling(**options):
    return lambda n, rng: nfedu.AdditiveCoupling(n, rng=rng, **options)


def four_layers(n, rng):
    return [nfedu.SinhArcsinh(n, 0.3, 0.8), coupling(hidden=(6,))(n, rng), nfedu.Reverse(n), nfedu.Rescale(n, 0.5)]


ENTRIES = [
    Entry("Rescale", lambda n, rng: nfedu.Rescale(n, rng.choice([-1, 1], n) * rng.uniform(0.3, 3, n))),
    Entry("Shift", lambda n, rng: nfedu.Shift(n, rng.standard_normal(n))),
    Entry("Affine", lambda n, rng: nfedu.Affine(n, rng.choice([-1, 1], n) * rng.uniform(0.3, 3, n), 0.7)),
    Entry("Exp", lambda n, rng: nfedu.Exp(n)),
    Entry("SinhArcsinh", lambda n, rng: nfedu.SinhArcsinh(n, rng.standard_normal(n), rng.uniform(0.5, 2, n))),
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
