"""ActNorm: a scale and a shift that the first data start."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Mapped
from nfedu.bijections.normalization import Normalization, statistics
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
        mean, sigma = self.in_type_of(z, self.mean), self.in_type_of(z, self.deviation)
        s = np.exp(self.log_s.value)[:, None]
        y = s * z

        def backward(g_x: Array, g_log_det: Array) -> Array:
            g_y = self.by_channel(g_x) * sigma
            self.t.grad += g_y.sum(axis=(0, 2))
            self.log_s.grad += (g_y * y).sum(axis=(0, 2)) + self.pixels * g_log_det.sum()
            return (g_y * s).reshape(-1, self.n)

        x = mean + sigma * (y + self.t.value[:, None])
        return x.reshape(-1, self.n), np.full(len(z), self.log_scale()), backward

    def x_to_z(self, x: Array) -> Mapped:
        """Take off the shift, then the scale; in the mode "observing" set them first, if this has not been done."""
        x = self.by_channel(as_batch(x, self.n, self, "x"))
        if self.mode == "observing" and not self.started:
            self.start_at(x)
        mean, sigma = self.in_type_of(x, self.mean), self.in_type_of(x, self.deviation)
        s = np.exp(self.log_s.value)[:, None]
        u = self.in_own_type((x - mean) / sigma, self.t)
        z = (u - self.t.value[:, None]) / s

        def backward(g_z: Array, g_log_det: Array) -> Array:
            g_u = self.by_channel(g_z) / s
            self.t.grad -= g_u.sum(axis=(0, 2))
            self.log_s.grad -= (self.by_channel(g_z) * z).sum(axis=(0, 2)) + self.pixels * g_log_det.sum()
            return (g_u / sigma).reshape(-1, self.n)

        return z.reshape(-1, self.n), np.full(len(x), -self.log_scale()), backward

    def start_at(self, x: Array) -> None:
        """Hold the first data's mean and deviation, (N, channels, pixels)."""
        self.mean, variance = statistics(x.astype(np.float64))
        varies = np.ptp(x, axis=(0, 2)) > 0  # the variance of a constant may round to 1e-34
        self.deviation = np.sqrt(np.where(varies, variance, 1))
        self.started = True

    def log_scale(self) -> Any:
        """Return log|det ∂x/∂z|, the same for all rows."""
        return self.pixels * (self.log_s.value.sum() + self.in_type_of(self.log_s.value, np.log(self.deviation)).sum())

    def parameters(self) -> dict[str, Parameter]:
        """Return log s and t."""
        return named(log_s=self.log_s, t=self.t)
