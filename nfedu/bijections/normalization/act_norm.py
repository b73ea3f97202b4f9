"""ActNorm: a scale and a shift that the first data start."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Mapped
from nfedu.bijections.normalization.base import Normalization, observed, unit_of
from nfedu.parameters import Parameter, named


class ActNorm(Normalization):
    r"""A scale and a shift for each channel, started so that the first data come out with mean 0 and variance 1.

    z_to_x: x = m + σ (s z + t),      log|det ∂x/∂z| = (n / channels) Σ_c [log s_c + log σ_c]
    x_to_z: z = ((x − m)/σ − t) / s,  and the negative of that

    Held: `mean` = m and `deviation` = σ of the first data that `Flow.observe` (or `fit`) shows the layer, (channels,),
    0 and 1 before; with `started` it has seen them, and later data change nothing. A channel that does not vary keeps
    σ = 1. Learned: `log_s` = log s and `t`, (channels,), from 0: in units of σ, so that a step is the same whatever
    the units of the data. `channels`, n unless given, divides n, `deviation` > 0; ValueError otherwise.
    Source: Kingma & Dhariwal 2018, section 3.1.
    """

    held = ("mean", "deviation")

    def __init__(
        self, n: int, channels: int | None = None, started: bool = False, mean: Any = 0.0, deviation: Any = 1.0
    ) -> None:
        super().__init__(n, channels, started)
        self.mean = self.per_channel(mean, "mean")
        self.deviation = self.per_channel(deviation, "deviation", positive=True)
        self.log_s = Parameter(np.zeros(self.channels))
        self.t = Parameter(np.zeros(self.channels))

    @property
    def needs_data(self) -> bool:
        """Whether it has not started yet."""
        return not self.started

    def z_to_x(self, z: Array) -> Mapped:
        """Scale, then shift."""
        self.refuse_to_observe()
        z = self.by_channel(as_batch(z, self.n, self, "z"))
        mean, sigma, s = self.constants(z)
        scale, shift = sigma * s, mean + sigma * self.t.value
        y = scale[:, None] * z

        def backward(g_x: Array, g_log_det: Array) -> Array:
            g_x = self.by_channel(g_x)
            self.t.grad += sigma * g_x.sum(axis=(0, 2))
            self.log_s.grad += (g_x * y).sum(axis=(0, 2)) + self.pixels * g_log_det.sum()
            return (g_x * scale[:, None]).reshape(-1, self.n)

        return (y + shift[:, None]).reshape(-1, self.n), np.full(len(z), self.pixels * np.log(scale).sum()), backward

    def x_to_z(self, x: Array) -> Mapped:
        """Take off the shift, then the scale; in the mode "observing" set them first, if this has not been done."""
        x = self.by_channel(as_batch(x, self.n, self, "x"))
        if self.mode == "observing" and not self.started:
            self.start_at(x)
        mean, sigma, s = self.constants(x)
        scale = sigma * s
        z = self.in_own_type((x - mean[:, None]) / scale[:, None], self.t)
        z -= (self.t.value / s)[:, None]  # now: beside a mean of many σ, t would lose its digits

        def backward(g_z: Array, g_log_det: Array) -> Array:
            g_z = self.by_channel(g_z)
            self.t.grad -= g_z.sum(axis=(0, 2)) / s
            self.log_s.grad -= (g_z * z).sum(axis=(0, 2)) + self.pixels * g_log_det.sum()
            return (g_z / scale[:, None]).reshape(-1, self.n)

        log_det = self.in_own_type(-self.pixels * np.log(scale).sum(), self.t)
        return z.reshape(-1, self.n), np.full(len(x), log_det), backward

    def constants(self, y: Array) -> tuple[Array, Array, Array]:
        """Return m and σ for each channel, in the type of `y`, and s."""
        mean, sigma = (held.astype(y.dtype, copy=False) for held in (self.mean, self.deviation))
        return mean, sigma, np.exp(self.log_s.value)

    def start_at(self, x: Array) -> None:
        """Hold the first data's mean and deviation, (N, channels, pixels)."""
        self.mean, variance = observed(x)
        self.deviation = np.sqrt(unit_of(variance))
        self.started = True

    def parameters(self) -> dict[str, Parameter]:
        """Return log s and t."""
        return named(log_s=self.log_s, t=self.t)
