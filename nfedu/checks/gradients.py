"""Rung 5: backward against numerical derivatives, for the input and every parameter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Bijection
from nfedu.checks import diagnosis
from nfedu.checks.contract import zero_gradients
from nfedu.checks.derivatives import METHODS, trusted_method
from nfedu.checks.report import Report, relative_error, worst_entry
from nfedu.parameters import cast

GRADIENT = {"complex": 1e-11, "central": 1e-6}
ENTRIES = 400  # a parameter with more entries is checked along random directions, entry by entry only if that fails
PROJECTIONS = 3
LEAST = 1e-3  # a gradient smaller than this is compared with this: terms that cancel leave their rounding

Losses = Callable[[Array], Array]  # array of some quantity → (two numbers): Σ g_out·out and Σ g_log_det·log_det


def check_gradients(report: Report, layer: Bijection, direction: str, y: Array, rng: np.random.Generator) -> None:
    """Add rung 5 for one direction at `y`: the loss is Σ g_out·out + Σ g_log_det·log_det, both g random, none zero."""
    twin = cast(layer, np.complex128)
    g_out, g_log_det = rng.standard_normal(y.shape), rng.standard_normal(len(y))

    def losses(called: Bijection, v: Array) -> Array:
        out, log_det, _ = getattr(called, direction)(v)
        return np.stack([(g_out * out).sum(), (g_log_det * log_det).sum()])

    zero_gradients(layer)
    g_in = getattr(layer, direction)(y)[2](g_out, g_log_det)
    of_input = lambda v: losses(twin if np.iscomplexobj(v) else layer, v)  # noqa: E731
    compare_gradient(report, f"{direction}: input", g_in, of_input, y, rng, g_out)

    for name, p in layer.parameters().items():
        p_twin = twin.parameters()[name]

        def of_parameter(value: Array, p=p, p_twin=p_twin) -> Array:  # type: ignore[no-untyped-def]
            called, parameter, v = (twin, p_twin, y + 0j) if np.iscomplexobj(value) else (layer, p, y)
            kept, parameter.value = parameter.value, value
            try:
                return losses(called, v)
            finally:
                parameter.value = kept

        compare_gradient(report, f"{direction}: {name}", p.grad, of_parameter, p.value, rng)


def compare_gradient(
    report: Report,
    quantity: str,
    given: Array,
    losses: Losses,
    at: Array,
    rng: np.random.Generator,
    g_out: Array | None = None,
) -> None:
    """Add one comparison of `given` with the numerical derivative of Σ losses at `at`."""
    method = trusted_method(losses, at, rng)
    derivative, quantity = METHODS[method], f"{quantity} ({method})"
    if at.size > ENTRIES:
        v = rng.standard_normal((PROJECTIONS, *at.shape))  # v·∇L ~ N(0, |∇L|²) for a random direction v
        differences = [(v_k * given).sum() - derivative(losses, at, v_k).sum() for v_k in v]
        error = np.abs(differences).max() / (np.linalg.norm(given) or 1.0)
        if error <= GRADIENT[method]:
            report.add(5, f"{quantity}, projected", error, GRADIENT[method])
            return
    parts = np.zeros((2, *at.shape))
    for index in np.ndindex(at.shape):
        e = np.zeros(at.shape)
        e[index] = 1
        parts[(slice(None), *index)] = derivative(losses, at, e)
    expected = parts.sum(axis=0)
    error = relative_error(given, expected, LEAST)
    y = None if g_out is None else at
    words = "" if error <= GRADIENT[method] else diagnosis.of_gradient(given, parts[0], parts[1], g_out, y)
    report.add(5, quantity, error, GRADIENT[method], worst_entry(given, expected), words)
