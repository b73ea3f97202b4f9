"""Rung 5: backward against numerical derivatives, for the input and every parameter, from g_out and from g_log_det."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array
from nfedu.checks import diagnosis
from nfedu.checks.derivatives import Derivative
from nfedu.checks.diagnosis import Gradients
from nfedu.checks.jacobians import from_backward
from nfedu.checks.probes import size_of
from nfedu.checks.report import Report
from nfedu.checks.rounding import rounding_of
from nfedu.checks.rungs.contract import gradient_noise
from nfedu.checks.rungs.maps import Leg
from nfedu.checks.subject import Subject

RELATIVE = 1e-11  # of each entry
FLOOR = 1e-12  # of the largest in its row, or of the terms that a sum has
WHOLE = 64  # from this n on, Jacobians are compared along random directions
PROJECTIONS = 3
ENTRIES = 400  # of a parameter whose gradient is wrong, looked at one by one
CALLS = 160  # of backward with unit vectors, to see how


def check_input(
    report: Report, subject: Subject, leg: Leg, rng: np.random.Generator, at: str = "", slack: float = 1.0
) -> bool:
    """Add: the Jacobian that backward multiplies by is the map's, entry by entry, and so is the log-det's gradient.

    `slack` widens the tolerance, for far points where 1 − tanh² and the like have few digits.
    """
    backward = subject.call(leg.direction, leg.start.copy())[2]
    where = subject.place(leg.direction, backward)
    quantity = f"{leg.direction}: input ({leg.numerical.method}){at}"
    N, n = leg.start.shape
    if n > WHOLE:
        return check_input_along(report, subject, leg, rng, quantity, where)

    def both(v: Array) -> Array:
        return stacked(*from_backward(subject, subject.call(leg.direction, v.copy())[2], v.shape))

    given = both(leg.start)
    noise = rounding_of(subject, leg.start, both, rng, times=2 if n <= 16 else 1)
    expected = stacked(leg.numerical.J, leg.numerical.of_log_det)
    unsure = stacked(leg.numerical.unsure, leg.numerical.unsure_log_det)
    unit = leg.unit[:, None]
    largest = (abs(expected) * unit).max(axis=2, keepdims=True)  # of each output, for a unit step
    largest[:, -1] = np.maximum(largest[:, -1], 1)  # a log-det is a sum of terms of size one
    tolerance = slack * (RELATIVE * abs(expected) + FLOOR * largest / unit) + 3 * unsure + noise
    left_out = ~np.isfinite(unsure)
    if left_out.any():
        what = f"{np.count_nonzero(left_out)} of {left_out.size} derivatives of {leg.direction}{at}"
        report.leave_out(f"{what}: kinks or lost digits")
        tolerance = np.where(left_out, np.finfo(float).max, tolerance)
    if (tolerance < np.finfo(float).max).any() and (abs(given - expected) <= tolerance).all():
        return report.compare(5, quantity, given, expected, tolerance, np.maximum(abs(expected), largest / unit))
    found = diagnosis.of_gradient(Gradients(given, expected, tolerance, leg.start), rows=N)
    return report.compare(
        5, quantity, given, expected, tolerance, np.maximum(abs(expected), largest / unit),
        cause=found.cause, words=found.words, where=where,
    )  # fmt: skip


def check_input_along(
    report: Report, subject: Subject, leg: Leg, rng: np.random.Generator, quantity: str, where: str
) -> bool:
    """Add the same for a high dimension: gᵀJ for a few random g, and the log-det's gradient."""
    J, N, n = leg.numerical.J, *leg.start.shape
    unit = leg.unit[:, None]
    scale = (abs(J) * unit).max(axis=2)
    g = rng.standard_normal((PROJECTIONS, N, n)) / np.where(scale > 0, scale, 1.0)
    none, ones = np.zeros(N), np.ones(N)

    def both(v: Array) -> Array:
        backward = subject.call(leg.direction, v.copy())[2]
        rows = [subject.gradients(backward, g_k, none)[0] for g_k in g]
        return np.stack([*rows, subject.gradients(backward, 0 * v, ones)[0]], axis=1)

    given, noise = both(leg.start), rounding_of(subject, leg.start, both, rng, times=1)
    expected = np.concatenate([np.einsum("kNi,Nij->Nkj", g, J), leg.numerical.of_log_det[:, None]], axis=1)
    terms = np.concatenate([np.einsum("kNi,Nij->Nkj", abs(g), abs(J)), abs(leg.numerical.of_log_det)[:, None]], axis=1)
    unsure = np.concatenate(
        [np.einsum("kNi,Nij->Nkj", abs(g), leg.numerical.unsure), leg.numerical.unsure_log_det[:, None]], axis=1
    )
    tolerance = RELATIVE * abs(expected) + FLOOR * (terms + 1 / unit) + 3 * np.nan_to_num(unsure, posinf=1e300) + noise
    found = (
        diagnosis.of_gradient(Gradients(given, expected, tolerance), rows=N)
        if (abs(given - expected) > tolerance).any()
        else None
    )
    cause, words = found or ("", "")
    return report.compare(
        5, quantity, given, expected, tolerance, terms + 1 / unit, cause=cause, words=words, where=where
    )


def check_parameters(
    report: Report,
    subject: Subject,
    direction: str,
    y: Array,
    out_unit: Array,
    rng: np.random.Generator,
    at: str = "",
    together: bool = False,
    slack: float = 1.0,
) -> bool:
    """Add, for every parameter: its gradient, from g_out alone and from g_log_det alone, along random directions.

    The derivative along a direction v of θ is taken of every output of every row; its sum with g is compared with
    v·grad. `out_unit` are the sizes of the outputs (n,). Only where that fails are the entries looked at, one by one.
    `together` takes directions that move all parameters at once, and looks at single ones where that fails: quicker.
    `slack` widens the tolerance.
    """
    names = [name for name, p in subject.parameters.items() if p.value.size]
    if not names:
        return True
    g_out, g_log_det = rng.standard_normal(y.shape) / out_unit, rng.standard_normal(len(y))
    none = (0 * g_out, 0 * g_log_det)
    backward = subject.call(direction, y.copy())[2]
    halves = [(g_out, none[1]), (none[0], g_log_det)]
    given = [subject.gradients(backward, *half)[1] for half in halves]
    noises = [gradient_noise(subject, direction, y, *half, rng)[1] for half in halves]
    weights = [np.concatenate([g, l[:, None]], axis=1) for g, l in halves]
    where = subject.place(direction, backward)

    def compare(packed: Packed) -> tuple[Derivative, Array, Array, Array, Array]:
        derivative = packed.derivative(direction, y, rng)
        found, expected, tolerance, size = np.zeros((4, 2, PROJECTIONS))
        for k in range(PROJECTIONS):
            v = derivative.scale * rng.choice([-1.0, 1.0], packed.size) * rng.uniform(0.5, 1.5, packed.size)
            D, unsure = derivative.along(v)
            for half in (0, 1):
                found[half, k], expected[half, k], tolerance[half, k], size[half, k] = projected(
                    packed.flat(given[half]), packed.flat(noises[half]), weights[half], v, D, unsure,
                    lambda w: packed.flat(subject.gradients(backward, w[:, :-1], w[:, -1])[1]),
                )  # fmt: skip
        tolerance *= slack
        return derivative, found, expected, tolerance, size

    if together and len(names) > 1:
        derivative, found, expected, tolerance, size = compare(Packed(subject, names))
        if derivative.method == "complex" and (abs(found - expected) <= tolerance).all():
            return report.compare(5, f"{direction}: all parameters (complex){at}", found, expected, tolerance, size)
    ok = True
    for name in names:
        packed = Packed(subject, [name])
        derivative, found, expected, tolerance, size = compare(packed)
        quantity = f"{direction}: {name} ({derivative.method}){at}"
        failure = {}
        if (abs(found - expected) > tolerance).any() or not np.isfinite(found).all():
            ok = False
            entries = entry_by_entry(subject, direction, y, name, derivative, rng)
            cause, words, detail = name_it(entries, len(y))
            failure = {"cause": cause, "words": words, "detail": detail, "where": where}
        report.compare(5, quantity, found, expected, tolerance, size, **failure)
    return ok


class Packed:
    """Some of a layer's parameters as one vector."""

    def __init__(self, subject: Subject, names: list[str]) -> None:
        self.subject = subject
        self.shapes = {name: subject.parameters[name].value.shape for name in names}
        sizes = [subject.parameters[name].value.size for name in names]
        self.ends = np.cumsum(sizes)
        self.size = int(self.ends[-1])

    def flat(self, arrays: dict[str, Array]) -> Array:
        """Return the named arrays behind one another."""
        return np.concatenate([np.ravel(arrays[name]) for name in self.shapes])

    def split(self, vector: Array) -> dict[str, Array]:
        """Return the parts of a vector by name, in their shapes."""
        parts = np.split(vector, self.ends[:-1])
        return {name: part.reshape(shape) for part, (name, shape) in zip(parts, self.shapes.items(), strict=True)}

    def derivative(self, direction: str, y: Array, rng: np.random.Generator) -> Derivative:
        """Return the derivative of a direction's outputs and log-dets at `y` by these parameters."""
        subject = self.subject
        theta = {name: p.value for name, p in subject.parameters.items()}
        whole = {name: value + 0j for name, value in theta.items()}

        def values(vector: Array) -> Array:
            if np.iscomplexobj(vector):
                with subject.holding({**whole, **self.split(vector)}):
                    return subject.values(direction, y + 0j)
            with subject.holding(self.split(vector)):
                return subject.values(direction, y.copy())

        sizes = {name: size_of(theta[name]) for name in self.shapes}
        key = f"{direction}: {' '.join(self.shapes)}"
        derivative = Derivative(values, self.flat(theta), self.flat(sizes), rng, known=subject.analytic.get(key))
        subject.analytic.setdefault(key, derivative.analytic)
        return derivative


def projected(
    given: Array, noise: Array, weight: Array, v: Array, D: Array, unsure: Array, again: Callable[[Array], Array]
) -> tuple[float, float, float, float]:
    """Return v·grad, Σ weight·D, how far they may differ and what size they are; rows without a derivative left out."""
    known = np.isfinite(unsure)
    if not known.all():  # backward must not be asked about them either
        weight, unsure = np.where(known, weight, 0), np.where(known, unsure, 0)
        given = again(weight)
    size = float((abs(weight) * abs(D)).sum())
    expected, found = float((weight * D).sum()), float((v * given).sum())
    parts = float((abs(v) * abs(given)).sum())
    tolerance = RELATIVE * (abs(expected) + abs(found)) + FLOOR * (size + parts + 1e-6 * abs(weight).max(initial=0))
    tolerance += 3 * float((abs(weight) * unsure).sum()) + float((abs(v) * noise).sum())
    return found, expected, tolerance, size + parts or 1.0


def entry_by_entry(
    subject: Subject, direction: str, y: Array, name: str, derivative: Derivative, rng: np.random.Generator
) -> tuple[Gradients, list[Array]]:
    """Return both versions of a parameter's derivatives for some rows, outputs and entries, and which entries.

    They are all of a small parameter's, else those of a block.
    """
    value = subject.parameters[name].value
    N, n = y.shape
    outputs = np.arange(n + 1) if n <= 12 else np.append(rng.choice(n, 12, replace=False), n)
    rows = np.arange(N)[: max(3, CALLS // len(outputs))]
    backward = subject.call(direction, y.copy())[2]
    block = block_of(value.shape)
    entries = [tuple(int(i) for i in index) for index in np.ndindex(tuple(len(axis) for axis in block))]
    shape = tuple(len(axis) for axis in block)
    given = np.zeros((len(rows), len(outputs), *shape))
    for a, r in enumerate(rows):
        for b, k in enumerate(outputs):
            w = np.zeros((N, n + 1))
            w[r, k] = 1
            of_one = subject.gradients(backward, w[:, :-1], w[:, -1])[1][name]
            given[a, b] = of_one[np.ix_(*block)] if block else of_one
    expected, unsure = np.zeros((2, *given.shape))
    for index in entries:
        place = tuple(int(axis[i]) for axis, i in zip(block, index, strict=True))
        D, U = derivative.entry((int(np.ravel_multi_index(place, value.shape)) if place else 0,))
        expected[(slice(None), slice(None), *index)] = D[np.ix_(rows, outputs)]
        unsure[(slice(None), slice(None), *index)] = U[np.ix_(rows, outputs)]
    largest = (
        abs(expected).max(axis=tuple(range(2, expected.ndim)), keepdims=True) if expected.ndim > 2 else abs(expected)
    )
    tolerance = 1e-9 * abs(expected) + 1e-10 * largest + 3 * np.where(np.isfinite(unsure), unsure, 1e300) + 1e-14
    return Gradients(given, expected, tolerance), block


def block_of(shape: tuple[int, ...]) -> list[Array]:
    """Return for each axis of a parameter the indices to look at, at most ENTRIES entries in all."""
    block = [np.arange(length) for length in shape]
    while np.prod([len(axis) for axis in block], initial=1) > ENTRIES:
        longest = max(range(len(block)), key=lambda a: len(block[a]))
        block[longest] = block[longest][: max(1, len(block[longest]) // 2)]
    return block


def name_it(entries: tuple[Gradients, list[Array]], rows: int) -> tuple[str, str, str]:
    """Return cause, words and the worst entry of a parameter's wrong gradient."""
    g, block = entries
    if not g.wrong.any():
        return "wrong-term", "wrong along random directions, in entries or rows not looked at one by one", ""
    cause, words = diagnosis.of_gradient(g, rows)
    error = np.where(g.wrong, abs(g.given - g.expected), 0)
    r, k, *index = (int(i) for i in np.unravel_index(np.argmax(error), error.shape))
    place = [int(axis[i]) for axis, i in zip(block, index, strict=True)]
    output = "log_det" if k == g.given.shape[1] - 1 else f"output {k}"
    got, right = g.given[(r, k, *index)], g.expected[(r, k, *index)]
    ratio = f", ratio {got / right:.6g}" if right else ""
    return cause, words, f"worst: entry {place}, for {output} of row {r}: got {got:.9g}, expected {right:.9g}{ratio}"


def stacked(J: Array, of_log_det: Array) -> Array:
    """Return ∂out/∂in (N, n, n) and ∂log_det/∂in (N, n) as one (N, n + 1, n)."""
    return np.concatenate([J, of_log_det[:, None]], axis=1)
