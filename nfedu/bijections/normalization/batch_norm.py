"""BatchNorm as a flow layer: its statistics are part of the map, and of its derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Mapped
from nfedu.bijections.normalization.base import Normalization, observed, statistics, unit_of
from nfedu.parameters import Parameter, named


class BatchNorm(Normalization):
    r"""Standardise each channel by a mean m and a variance v, then scale by e^γ and shift by β.

    x_to_z: z = e^γ (x − m)/√(v+ε) + β,          log|det ∂z/∂x| = (n / channels) Σ_c [γ_c − ½ log(v_c + ε)]
    z_to_x: x = (z − β) e^{−γ} √(v+ε) + m,       and the negative of that

    In evaluation m and v are held: `mean` and `variance`, those of the data that `Flow.observe` saw last; `fit` shows
    it the whole training set, at the θ that it validates and at the one that it keeps. In training x→z takes them from
    the batch (N ≥ 2). The log-det then is that of each row's map at these m and v (Dinh et al. 2016, equation 18): the
    map of the whole batch has none, since it forgets m, and v up to ε. Gradients do run through m and v.

    ε_c = `epsilon` · unit_c is measured in the units of the data: `unit` is the variance of the first data observed,
    and before that the `variance` given (1 where it is 0); with `started` it stays.

    Learned: `gamma` and `beta`, (channels,). `channels`, n unless given, divides n; `epsilon` > 0, `variance` ≥ 0;
    ValueError otherwise. Sources: Ioffe & Szegedy 2015; Papamakarios et al. 2017, equations 19–21.
    """

    held = ("mean", "variance", "unit")

    def __init__(
        self,
        n: int,
        channels: int | None = None,
        epsilon: float = 1e-5,
        mean: Any = 0.0,
        variance: Any = 1.0,
        unit: Any = None,
        started: bool = False,
    ) -> None:
        super().__init__(n, channels, started)
        if not 0 < epsilon < np.inf:
            raise ValueError(f"BatchNorm: epsilon = {epsilon}, expected a number > 0: it keeps 1/√(v+ε) finite")
        self.epsilon = float(epsilon)
        self.mean, self.variance = self.per_channel(mean, "mean"), self.per_channel(variance, "variance")
        if (self.variance < 0).any():
            raise ValueError(f"BatchNorm: variance = {variance}, expected {self.channels} finite numbers ≥ 0")
        self.unit = unit_of(self.variance) if unit is None else self.per_channel(unit, "unit", positive=True)
        self.gamma = Parameter(np.zeros(self.channels))
        self.beta = Parameter(np.zeros(self.channels))

    @property
    def mixes_rows(self) -> bool:
        """Whether a row's z depends on the other rows: in training."""
        return self.mode == "training"

    def z_to_x(self, z: Array) -> Mapped:
        """Undo the normalization, by the statistics held."""
        self.refuse_to_observe()
        z = self.by_channel(as_batch(z, self.n, self, "z"))
        mean, floored = self.mean.astype(z.dtype), (self.variance + self.epsilon * self.unit).astype(z.dtype)
        log_s = 0.5 * np.log(floored) - self.gamma.value
        s = np.exp(log_s)[:, None]
        centred = (z - self.beta.value[:, None]) * s

        def backward(g_x: Array, g_log_det: Array) -> Array:
            g_x = self.by_channel(g_x)
            self.beta.grad -= (g_x * s).sum(axis=(0, 2))
            self.gamma.grad -= (g_x * centred).sum(axis=(0, 2)) + self.pixels * g_log_det.sum()
            return (g_x * s).reshape(-1, self.n)

        return (centred + mean[:, None]).reshape(-1, self.n), np.full(len(z), self.pixels * log_s.sum()), backward

    def x_to_z(self, x: Array) -> Mapped:
        """Normalize: by the batch's own statistics in training, otherwise by those held."""
        x = self.by_channel(as_batch(x, self.n, self, "x"))
        if self.mode != "evaluation" and len(x) < 2:
            raise ValueError(
                f"BatchNorm: a batch of 1 row when {self.mode}, expected at least 2, since one has no variance; "
                "raise batch_size, or evaluate"
            )
        if self.mode == "observing":
            self.mean, self.variance = observed(x)
            self.unit, self.started = self.unit if self.started else unit_of(self.variance), True
        held = self.mean.astype(x.dtype), self.variance.astype(x.dtype)
        mean, variance = statistics(x) if self.mixes_rows else held
        floored = variance + (self.epsilon * self.unit).astype(x.dtype, copy=False)
        r = 1 / np.sqrt(floored)[:, None]
        e = np.exp(self.gamma.value)[:, None]
        u = self.in_own_type((x - mean[:, None]) * r, self.gamma)
        log_det = self.pixels * self.in_own_type(self.gamma.value - 0.5 * np.log(floored), self.gamma).sum()
        from_batch = self.mixes_rows

        def backward(g_z: Array, g_log_det: Array) -> Array:
            g_z = self.by_channel(g_z)
            self.beta.grad += g_z.sum(axis=(0, 2))
            self.gamma.grad += (g_z * e * u).sum(axis=(0, 2)) + self.pixels * g_log_det.sum()
            g_u = g_z * e
            if from_batch:  # ∂m/∂x = 1/M, ∂v/∂x = 2(x − m)/M, M numbers in a channel: they reach u and the log-det
                through_mean = g_u.mean(axis=(0, 2), keepdims=True)
                through_variance = (g_u * u).mean(axis=(0, 2), keepdims=True) + g_log_det.mean()
                g_u = g_u - through_mean - u * through_variance
            return (g_u * r).reshape(-1, self.n)

        return (e * u + self.beta.value[:, None]).reshape(-1, self.n), np.full(len(x), log_det), backward

    def parameters(self) -> dict[str, Parameter]:
        """Return γ and β."""
        return named(gamma=self.gamma, beta=self.beta)
