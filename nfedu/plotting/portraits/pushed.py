"""What a layer makes of z ~ N(0, I): draws, and their exact density by the formula of a flow."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from nfedu.arrays import Array
from nfedu.checks.subject.guard import TookTooLongError, Trouble
from nfedu.checks.subject.subject import Subject
from nfedu.distributions import LOG_2PI
from nfedu.plotting.portraits.regions import Everywhere, LogDensity, Side, sure

DOMAINS = {  # where latents may lie, the wider first
    "": (-np.inf, np.inf),
    "z > 0": (0.0, np.inf),
    "z < 0": (-np.inf, 0.0),
    "−1 < z < 1": (-1.0, 1.0),
    "0 < z < 1": (0.0, 1.0),
    "z > 1": (1.0, np.inf),
}
MOST = 0.9  # of a domain's draws that a layer must take


class Pushed:
    """z ~ N(0, I), or its part in the layer's domain, before and after the layer: draws, and log-densities."""

    def __init__(self, subject: Subject, count: int, rng: np.random.Generator) -> None:
        self.part, few = domain_of(subject)
        self.domain = DOMAINS[self.part]
        sure(subject, "x_to_z", sure(subject, "z_to_x", few)[:, :-1])
        self.exact = subject.n <= 2 and not subject.mixes_rows
        self.z = normals(self.domain, (count, subject.n), rng)
        company = count if subject.mixes_rows else 0
        self.z_to_x = Everywhere(subject, "z_to_x", self.z[:company])
        self.x = self.z_to_x(self.z)[:, :-1]
        self.x_to_z = Everywhere(subject, "x_to_z", self.x[np.isfinite(self.x).all(axis=1)][:company])

    def log_z(self, z: Array) -> Array:
        """Return the latents' log-density, (N,): −½ Σ z_i² − (n/2) log 2π, of the part in the domain."""
        low, high = self.domain
        inside = ((z > low) & (z < high)).all(axis=1)
        log_mass = np.log(ndtr(high) - ndtr(low))  # of N(0, 1) in the domain
        log_normal = -0.5 * (z * z).sum(axis=1) - z.shape[1] * (0.5 * LOG_2PI + log_mass)
        return np.where(inside, log_normal, -np.inf)

    def log_x(self, x: Array) -> Array:
        """Return log p(x) = log p(z(x)) + log|det ∂z/∂x|; −∞ outside the layer's domain."""
        return through(self.x_to_z, self.log_z, x)

    def log_back(self, z: Array) -> Array:
        """Return log p(x(z)) + log|det ∂x/∂z|, of x_to_z(x): `log_z` again, if the two directions belong together."""
        return through(self.z_to_x, self.log_x, z)

    def sides(self, direction: str) -> tuple[Everywhere, Side, Side]:
        """Return a direction's map, and what is before and after it."""
        x = Side("x", self.x, "density of x", self.log_x if self.exact else None)
        if direction == "z_to_x":
            law = "z ~ N(0, I)" + f", {self.part}" * bool(self.part)
            return self.z_to_x, Side("z", self.z, law, self.log_z if self.exact else None), x
        z = self.x_to_z(self.x)[:, :-1]
        return self.x_to_z, x, Side("z", z, "density of z", self.log_back if self.exact else None)


def normals(domain: tuple[float, float], shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Return draws from the part of N(0, 1) in an interval."""
    low, high = ndtr(domain)
    return np.asarray(ndtri(rng.uniform(low, high, shape)))


def domain_of(subject: Subject) -> tuple[str, Array]:
    """Return the name of the widest domain whose latents a layer takes, and some of them, or raise Trouble.

    A layer that takes none is told in its own words: what it does with z ~ N(0, I).
    """
    rng = np.random.default_rng(0)
    for name, ends in DOMAINS.items():
        z = normals(ends, (64, subject.n), rng)
        taken = accepted(subject, z)
        if len(taken) > MOST * len(z):
            return name, taken
    z = normals(DOMAINS[""], (8, subject.n), rng)
    sure(subject, "z_to_x", z)
    return "", z


def accepted(subject: Subject, z: Array) -> Array:
    """Return the latents that the layer maps to finite numbers; raise Trouble when it hangs."""
    try:
        return z[np.isfinite(Everywhere(subject, "z_to_x", z[:0])(z)).all(axis=1)]
    except Trouble as trouble:
        if isinstance(trouble.__cause__, TookTooLongError):
            raise
        return z[:0]


def through(back: Everywhere, log_p: LogDensity, y: Array) -> Array:
    """Return the log-density at y of what has log-density `log_p` before the map that `back` undoes (N6)."""
    found = back(y)
    log_q = log_p(found[:, :-1]) + found[:, -1]  # N6
    return np.where(np.isfinite(log_q), log_q, -np.inf)
