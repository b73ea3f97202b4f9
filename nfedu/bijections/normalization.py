"""Normalization as flow layers: ActNorm learns a scale and a shift that data start, BatchNorm takes them from a batch.

Both see data through a *mode*, an attribute that `Flow.observe` and `fit` set and put back:

- "evaluation", the default: a fixed affine map, each row on its own;
- "training": BatchNorm's x→z uses the statistics of the batch it is given. They depend on every row, so `backward`
  differentiates through them. Its z→x undoes the statistics held, those of the last observation;
- "observing": what x→z is given is where the statistics to be held, and ActNorm's start, come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch, as_dimension
from nfedu.bijections.base import Bijection, Mapped
from nfedu.parameters import Parameter, named

MODES = ("evaluation", "training", "observing")


class Normalization(Bijection):
    """What both share: a mode, and `channels` groups of neighbouring coordinates that share their statistics."""

    def __init__(self, n: int, channels: int | None) -> None:
        self.n = as_dimension(n, self)
        self.channels = self.n if channels is None else channels
        whole = isinstance(self.channels, int | np.integer) and not isinstance(self.channels, bool)
        if not whole or self.channels < 1 or self.n % self.channels:
            raise ValueError(
                f"{type(self).__name__}: channels = {channels} with n = {n}, expected a divisor of n, "
                "the first number of the shape (channels, height, width)"
            )
        self.pixels = self.n // self.channels
        self._mode = "evaluation"

    @property
    def mode(self) -> str:
        """One of MODES; a ValueError when it is set to something else."""
        return self._mode

    @mode.setter
    def mode(self, mode: str) -> None:
        if mode not in MODES:
            raise ValueError(f"{type(self).__name__}: mode = {mode!r}, expected one of {', '.join(MODES)}")
        self._mode = mode

    @property
    def needs_data(self) -> bool:
        """Whether an observation would change the layer."""
        return True

    def refuse_to_observe(self) -> None:
        """Raise ValueError in the mode "observing": data come from the x side."""
        if self.mode == "observing":
            raise ValueError(
                f"{type(self).__name__}: asked to observe on its way z→x, as inside Inverse; expected x→z, where the "
                "data come from: put the layer in without Inverse"
            )

    def by_channel(self, y: Array) -> Array:
        """Return (N, n) as (N, channels, pixels)."""
        return y.reshape(len(y), self.channels, self.pixels)

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return zeros off the diagonal: with the statistics held, both are affine maps of each coordinate."""
        pattern = np.where(np.eye(self.n), np.nan, 0.0)
        return pattern, pattern


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


class BatchNorm(Normalization):
    r"""Standardise each channel by a mean m and a variance v, then scale by e^γ and shift by β.

    x_to_z: z = e^γ (x − m)/√(v+ε) + β,          log|det ∂z/∂x| = (n / channels) Σ_c [γ_c − ½ log(v_c + ε)]
    z_to_x: x = (z − β) e^{−γ} √(v+ε) + m,       and the negative of that

    In evaluation m and v are held: `mean` and `variance`, those of the data that `Flow.observe` saw last; `fit` shows
    it the whole training set, at the θ that it validates and at the one that it keeps. In training x→z takes them from
    the batch (N ≥ 2). The log-det then is that of each row's map at these m and v (Dinh et al. 2016, equation 18): the
    map of the whole batch has none, since it forgets m, and v up to ε. Gradients do run through m and v.

    Learned: `gamma` and `beta`, (channels,). `channels`, n unless given, divides n; ε = `epsilon` > 0, `variance` ≥ 0;
    ValueError otherwise. Sources: Ioffe & Szegedy 2015; Papamakarios et al. 2017, equations 19–21.
    """

    def __init__(
        self, n: int, channels: int | None = None, epsilon: float = 1e-5, mean: Any = 0.0, variance: Any = 1.0
    ) -> None:
        super().__init__(n, channels)
        if not 0 < epsilon < np.inf:
            raise ValueError(f"BatchNorm: epsilon = {epsilon}, expected a number > 0: it keeps 1/√(v+ε) finite")
        self.epsilon = float(epsilon)
        given = [np.asarray(value, float) for value in (mean, variance)]
        right = [np.isfinite(value).all() and value.shape in ((), (self.channels,)) for value in given]
        if not (all(right) and (given[1] >= 0).all()):
            raise ValueError(
                f"BatchNorm: mean = {mean}, variance = {variance}, expected {self.channels} finite numbers each, "
                "the variance ≥ 0, or one for all channels"
            )
        self.mean, self.variance = (np.broadcast_to(value, self.channels).copy() for value in given)
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
        mean, variance = self.mean.astype(z.dtype), self.variance.astype(z.dtype)
        log_s = 0.5 * np.log(variance + self.epsilon) - self.gamma.value
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
            self.mean, self.variance = statistics(x.astype(np.float64))
        held = self.mean.astype(x.dtype), self.variance.astype(x.dtype)
        mean, variance = statistics(x) if self.mixes_rows else held
        r = 1 / np.sqrt(variance + self.epsilon)[:, None]
        e = np.exp(self.gamma.value)[:, None]
        u = (x - mean[:, None]) * r
        log_det = self.pixels * (self.gamma.value - 0.5 * np.log(variance + self.epsilon)).sum()
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


def statistics(x: Array) -> tuple[Array, Array]:
    """Return the mean and the variance of each channel of (N, channels, pixels), over rows and pixels."""
    mean = x.mean(axis=(0, 2))
    return mean, ((x - mean[:, None]) ** 2).mean(axis=(0, 2))


def normalizations(bijection: Bijection) -> list[Normalization]:
    """Return the normalization layers in a bijection, at whatever depth."""
    parts = bijection.parts() if isinstance(bijection, Bijection) else ()
    inner = [layer for part in parts for layer in normalizations(part)]
    return [bijection, *inner] if isinstance(bijection, Normalization) else inner


@contextmanager
def in_mode(mode: str, bijection: Bijection) -> Iterator[None]:
    """Set the mode of all normalization layers in a bijection; put their own back at the end."""
    layers = normalizations(bijection)
    kept = [layer.mode for layer in layers]
    try:
        for layer in layers:
            layer.mode = mode
        yield
    finally:
        for layer, own in zip(layers, kept, strict=True):
            layer.mode = own
