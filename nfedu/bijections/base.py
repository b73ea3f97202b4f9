"""The contract of a layer, and the two ways to build a bijection out of others: Chain and Inverse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nfedu.arrays import Array, NonFiniteError, as_batch
from nfedu.parameters import Parameter, named
from nfedu.printing import call_of

Backward = Callable[[Array, Array], Array]
Mapped = tuple[Array, Array, Backward]
ONE_PASS = ("one pass", "one pass")


class Bijection:
    """An invertible, differentiable map between a latent z and data x of the same dimension n (N5): equations (M2).

    x = f(z), z = h(x): f takes latents, h = f⁻¹ takes data (M11).
    Four promises, for a batch of N points in rows:

    - `z_to_x(z)` returns `x, log_det, backward`, with log_det = log|det ∂x/∂z|, shape (N,);
    - `x_to_z(x)` returns `z, log_det, backward`, with log_det = log|det ∂z/∂x|, shape (N,);
    - `backward(g_out, g_log_det)` takes the loss's gradient with respect to the two outputs, shapes (N, n) and (N,),
      *adds* each parameter's gradient to its `grad`, and returns the gradient with respect to the input, (N, n) (B1);
    - `parameters()` returns the Parameters by dotted name, in a fixed order.

    A call keeps no state in the layer: whatever `backward` needs lives in the closure, so several calls can be alive at
    once. Call `backward` before θ or the arrays that came with it are changed. Inputs are never modified.
    `checks.check_bijection(layer, x)` holds a layer to all of this. To be saved, a layer keeps each argument of its
    constructor in an attribute of the same name; `load(path, classes=[YourLayer])` then builds it again.
    """

    n: int

    def z_to_x(self, z: Array) -> Mapped:
        """Map latents to data."""
        raise NotImplementedError(f"{type(self).__name__} has no z_to_x")

    def x_to_z(self, x: Array) -> Mapped:
        """Map data to latents."""
        raise NotImplementedError(f"{type(self).__name__} has no x_to_z")

    def parameters(self) -> dict[str, Parameter]:
        """Return the Parameters by dotted name, in a fixed order; none unless the layer says so."""
        return {}

    def parts(self) -> Sequence[Bijection]:
        """Return the bijections that this one is made of; none unless it is a container."""
        return ()

    def __repr__(self) -> str:
        return call_of(self)

    @property
    def directions(self) -> tuple[str, str]:
        """What z_to_x and x_to_z take: "one pass", unless some part takes more."""
        taken = [getattr(part, "directions", ONE_PASS) for part in self.parts()]
        z_to_x, x_to_z = (
            next((words for words in way if words != "one pass"), "one pass")
            for way in zip(ONE_PASS, *taken, strict=True)
        )
        return z_to_x, x_to_z

    @property
    def mixes_rows(self) -> bool:
        """Whether a row's z depends on the batch's other rows: no, unless some part's does (BatchNorm in training)."""
        return any(getattr(part, "mixes_rows", False) for part in self.parts())

    def jacobian_pattern(self) -> tuple[Array, Array] | None:
        """Return what ∂x/∂z and ∂z/∂x must hold whatever θ is, (n, n) each, NaN where anything may stand; or None.

        Where it is a triangle, the determinant is the product of the diagonal (N9).
        """
        return None


class Chain(Bijection):
    """x = f⁽ᴹ⁾∘…∘f⁽¹⁾(z): the layers in the order in which z meets them; their log-dets add (N7, M3)."""

    def __init__(self, bijections: Sequence[Bijection]) -> None:
        self.bijections = list(bijections)
        if not self.bijections:
            raise ValueError("Chain: got no bijections, expected at least one")
        strangers = [f for f in self.bijections if isinstance(f, type) or not hasattr(f, "x_to_z")]
        if strangers:
            hint = "; that is a class: call it, with n" if isinstance(strangers[0], type) else ""
            raise ValueError(f"Chain: {strangers[0]!r} is no bijection; expected layers with z_to_x and x_to_z{hint}")
        dimensions = [layer.n for layer in self.bijections]
        if len(set(dimensions)) > 1:
            raise ValueError(f"Chain: the layers have dimensions n = {dimensions}; a flow keeps one n throughout (N5)")
        self.n = dimensions[0]

    def __len__(self) -> int:
        return len(self.bijections)

    def __getitem__(self, k: Any) -> Any:
        return self.bijections[k]

    def z_to_x(self, z: Array) -> Mapped:
        """Go through the layers from z to x."""
        return compose(self.steps("z_to_x"), as_batch(z, self.n, self, "z"))

    def x_to_z(self, x: Array) -> Mapped:
        """Go through the layers from x to z: the last one is undone first."""
        return compose(self.steps("x_to_z"), as_batch(x, self.n, self, "x"))

    def steps(self, direction: str) -> list[tuple[str, Callable[[Array], Mapped]]]:
        """Return the layers' maps, each with its name, in the order in which that direction meets them."""
        steps: list[tuple[str, Callable[[Array], Mapped]]] = []
        for m, layer in enumerate(self.bijections):
            if type(layer) is Chain:  # its layers are ours, so that nothing is kept of them either
                inner = layer.steps(direction)
                inner = inner if direction == "z_to_x" else inner[::-1]
                steps += [(f"layer {m}.{name.removeprefix('layer ')}", step) for name, step in inner]
            else:
                steps.append((f"layer {m}", getattr(layer, direction)))
        return steps if direction == "z_to_x" else steps[::-1]

    def values(self, direction: str, y: Array) -> tuple[Array, Array]:
        """Return what a direction makes of `y`, and its log-dets; no backward: each layer's is dropped at once."""
        log_det: Any = 0
        for step in self.steps(direction):
            y, log_det_m, _ = take(step, y)
            log_det = log_det + log_det_m  # N7
        return y, log_det

    def parts(self) -> Sequence[Bijection]:
        """Return the layers."""
        return self.bijections

    def parameters(self) -> dict[str, Parameter]:
        """Return all layers' parameters, the layer's position in front of each name: `3.net.W0`."""
        return named(**{str(m): layer for m, layer in enumerate(self.bijections)})


def compose(steps: Sequence[tuple[str, Callable[[Array], Mapped]]], y: Array) -> Mapped:
    """Apply the maps one after the other; add their log-dets; chain their backwards in reverse."""
    log_dets: list[Array] = []
    backwards: list[Backward] = []
    for step in steps:
        y, log_det_m, backward_m = take(step, y)
        log_dets.append(log_det_m)
        backwards.append(backward_m)

    def backward(g_y: Array, g_log_det: Array) -> Array:
        for backward_m in reversed(backwards):
            g_y = backward_m(g_y, g_log_det)  # every layer's log-det enters the sum with weight one
        return g_y

    return y, np.sum(log_dets, axis=0), backward  # N7


def take(step: tuple[str, Callable[[Array], Mapped]], y: Array) -> Mapped:
    """Apply a map; say in which step it was that a number stopped being finite."""
    name, apply = step
    try:
        return apply(y)
    except NonFiniteError as error:
        raise NonFiniteError(f"{name}: {error}") from error


class Inverse(Bijection):
    """A bijection with its two directions exchanged: f⁻¹ where f was, and f where f⁻¹ was."""

    def __init__(self, bijection: Bijection) -> None:
        self.bijection = bijection
        self.n = bijection.n

    @property
    def directions(self) -> tuple[str, str]:
        """The other's two, exchanged."""
        z_to_x, x_to_z = getattr(self.bijection, "directions", ONE_PASS)
        return x_to_z, z_to_x

    def z_to_x(self, z: Array) -> Mapped:
        """Apply the other's x_to_z."""
        return self.bijection.x_to_z(z)

    def x_to_z(self, x: Array) -> Mapped:
        """Apply the other's z_to_x."""
        return self.bijection.z_to_x(x)

    def parts(self) -> Sequence[Bijection]:
        """Return the other."""
        return [self.bijection]

    def parameters(self) -> dict[str, Parameter]:
        """Return the other's parameters, `bijection.` in front of each name."""
        return named(bijection=self.bijection)

    def jacobian_pattern(self) -> tuple[Array, Array] | None:
        """Return the other's two patterns, exchanged."""
        pattern = self.bijection.jacobian_pattern()
        return None if pattern is None else pattern[::-1]
