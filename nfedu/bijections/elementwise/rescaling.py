"""Rescaling and shifting each coordinate: NICE's last layer, and with it the affine maps of a line."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Chain, Mapped
from nfedu.bijections.elementwise.base import Elementwise
from nfedu.parameters import Parameter, named


class Rescale(Elementwise):
    r"""NICE's rescaling: stretch each coordinate by a factor of its own (N13).

    z_to_x: x_i = s_i z_i,       log|det ∂x/∂z| = Σ log|s_i|
    x_to_z: z_i = x_i / s_i,     log|det ∂z/∂x| = −Σ log|s_i|

    So log p_X(x) *loses* Σ log|s_i|. Dinh et al. (2014, section 3.3) scale on the way x→z instead: theirs gains it.
    Learned: `log_s` = log|s|, shape (n,), slope 1 in the log-det (B6); the sign stays as given: s_i ≠ 0 (M10).
    `s`: a number or (n,); a ValueError when one is 0.
    """

    def __init__(self, n: int, s: Any = 1.0) -> None:
        super().__init__(n)
        s = self.per_coordinate(s, "s")
        if (s == 0).any():
            raise ValueError(
                f"{type(self).__name__}: s[{np.argmin(abs(s))}] = 0, expected s_i ≠ 0: a map that multiplies by 0 "
                "cannot be undone (M10); give every coordinate a scale, 1.0 to leave it alone"
            )
        self.sign = np.sign(s)
        self.log_s = Parameter(np.log(abs(s)))

    @property
    def s(self) -> Array:
        """The scale factors, (n,)."""
        return self.sign.astype(self.log_s.value.dtype) * np.exp(self.log_s.value)

    def z_to_x(self, z: Array) -> Mapped:
        """Multiply by s."""
        z, s = as_batch(z, self.n, self, "z"), self.s
        x = s * z  # N13

        def backward(g_x: Array, g_log_det: Array) -> Array:
            self.log_s.grad += (g_x * x).sum(axis=0) + g_log_det.sum()
            return g_x * s

        return x, np.full(len(z), self.log_s.value.sum()), backward  # N13, M10

    def x_to_z(self, x: Array) -> Mapped:
        """Divide by s."""
        x, s = as_batch(x, self.n, self, "x"), self.s
        z = x / s  # N13

        def backward(g_z: Array, g_log_det: Array) -> Array:
            self.log_s.grad -= (g_z * z).sum(axis=0) + g_log_det.sum()
            return g_z / s

        return z, np.full(len(x), -self.log_s.value.sum()), backward  # N13, M10

    def parameters(self) -> dict[str, Parameter]:
        """Return log|s|."""
        return named(log_s=self.log_s)


class Shift(Elementwise):
    """x_i = z_i + t_i, log|det| = 0 both ways.

    Learned: `t` / `unit`, shape (n,), so that a step is the same step in other units of x. `t`, and `unit` > 0: numbers
    or (n,).
    """

    def __init__(self, n: int, t: Any = 0.0, unit: Any = 1.0) -> None:
        super().__init__(n)
        self.unit = self.per_coordinate(unit, "unit")
        if (self.unit <= 0).any():
            raise ValueError(f"{type(self).__name__}: unit = {unit}, expected numbers > 0: what a shift is measured in")
        self.shift = Parameter(self.per_coordinate(t, "t") / self.unit)

    @property
    def t(self) -> Array:
        """The shifts, (n,)."""
        return self.shift.value * self.unit.astype(self.shift.value.dtype)

    def z_to_x(self, z: Array) -> Mapped:
        """Add t."""
        z = as_batch(z, self.n, self, "z")

        def backward(g_x: Array, g_log_det: Array) -> Array:
            self.shift.grad += g_x.sum(axis=0) * self.unit
            return g_x

        return z + self.t, np.zeros(len(z), z.dtype), backward

    def x_to_z(self, x: Array) -> Mapped:
        """Subtract t."""
        x = as_batch(x, self.n, self, "x")

        def backward(g_z: Array, g_log_det: Array) -> Array:
            self.shift.grad -= g_z.sum(axis=0) * self.unit
            return g_z

        return x - self.t, np.zeros(len(x), x.dtype), backward

    def parameters(self) -> dict[str, Parameter]:
        """Return t, in its units."""
        return named(t=self.shift)


class Affine(Chain):
    """x_i = s_i z_i + t_i, as the chain Rescale, then Shift: log|det ∂x/∂z| = Σ log|s_i|.

    Learned: log|s| and t / `unit`, where the unit of x is |s| as given, unless another is.
    """

    def __init__(self, n: int, s: Any = 1.0, t: Any = 0.0, unit: Any = None) -> None:
        self.scale = Rescale(n, s)
        self.shift = Shift(n, t, abs(np.asarray(s, float)) if unit is None else unit)
        super().__init__([self.scale, self.shift])

    @property
    def s(self) -> Array:
        """The scales, (n,)."""
        return self.scale.s

    @property
    def t(self) -> Array:
        """The shifts, (n,)."""
        return self.shift.t

    @property
    def unit(self) -> Array:
        """What the shifts are measured in, (n,)."""
        return self.shift.unit

    def jacobian_pattern(self) -> tuple[Array, Array] | None:
        """Return that of Rescale."""
        return self.scale.jacobian_pattern()
