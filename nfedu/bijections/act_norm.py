"""ActNorm: a scale and a shift that the first data start."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Mapped
from nfedu.bijections.normalization import Normalization, statistics
from nfedu.parameters import Parameter, named


class ActNorm(Normalization):
    r"""A scale and a shift for each channel, started so that the first data come out with mean 0 and variance 1.

    z_to_x: x = s z + t,          log|det ∂x/∂z| = (n / channels) Σ_c log s_c
    x_to_z: z = (x − t) / s,      and the negative of that

    Learned: `log_s` = log s and `t`, shapes (channels,), 0 until `Flow.observe` (or `fit`) shows the layer its first
    data; with `started` it has seen them, and later data change nothing. A channel that does not vary keeps s = 1.
    `channels`, n unless given, divides n; ValueError otherwise. Source: Kingma & Dhariwal 2018, section 3.1.
    """

    def __init__(self, n: int, channels: int | None = None, started: bool = False) -> None:
        super().__init__(n, channels)
        self.started = bool(started)
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
        s = np.exp(self.log_s.value)[:, None]
        x = s * z

        def backward(g_x: Array, g_log_det: Array) -> Array:
            g_x = self.by_channel(g_x)
            self.t.grad += g_x.sum(axis=(0, 2))
            self.log_s.grad += (g_x * x).sum(axis=(0, 2)) + self.pixels * g_log_det.sum()
            return (g_x * s).reshape(-1, self.n)

        log_det = np.full(len(z), self.pixels * self.log_s.value.sum())
        return (x + self.t.value[:, None]).reshape(-1, self.n), log_det, backward

    def x_to_z(self, x: Array) -> Mapped:
        """Take off the shift, then the scale; in the mode "observing" set them first, if this has not been done."""
        x = self.by_channel(as_batch(x, self.n, self, "x"))
        if self.mode == "observing" and not self.started:
            mean, variance = statistics(x.astype(np.float64))
            varies = np.ptp(x, axis=(0, 2)) > 0  # the variance of a constant may round to 1e-34
            self.t.value[:], self.log_s.value[:] = mean, 0.5 * np.log(np.where(varies, variance, 1))
            self.started = True
        s = np.exp(self.log_s.value)[:, None]
        z = (x - self.t.value[:, None]) / s

        def backward(g_z: Array, g_log_det: Array) -> Array:
            g_x = self.by_channel(g_z) / s
            self.t.grad -= g_x.sum(axis=(0, 2))
            self.log_s.grad -= (self.by_channel(g_z) * z).sum(axis=(0, 2)) + self.pixels * g_log_det.sum()
            return g_x.reshape(-1, self.n)

        return z.reshape(-1, self.n), np.full(len(x), -self.pixels * self.log_s.value.sum()), backward

    def parameters(self) -> dict[str, Parameter]:
        """Return log s and t."""
        return named(log_s=self.log_s, t=self.t)
