"""Rung 5, parameters: the gradient that backward adds to each, against numerical derivatives along directions of θ."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.diagnosis.gradient import of_gradient
from nfedu.checks.diagnosis.versions import Gradients
from nfedu.checks.numerics.derivative import Derivative
from nfedu.checks.numerics.matrices import BLUR, numerical_jacobians
from nfedu.checks.numerics.rounding import gradient_noise
from nfedu.checks.numerics.units import size_of, spread
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.gradients import FLOOR, RELATIVE
from nfedu.checks.subject.subject import Subject

PROJECTIONS = 3
ENTRIES = 400  # of a parameter whose gradient is wrong, looked at one by one
FEWEST, SECONDS = 36, 1.5  # but no fewer, and for no longer
CALLS = 160  # of backward with unit vectors, to see how


def check_parameters(
    report: Report,
    subject: Subject,
    direction: str,
    y: Array,
    out_unit: Array,
    rng: np.random.Generator,
    at: str = "",
    slack: float = 1.0,
) -> bool:
    """Add, for every parameter: its gradient, from g_out alone and from g_log_det alone, along random directions.

    The derivative along a direction v of θ is taken of every output of every row; its sum with g is compared with
    v·grad. `out_unit` are the sizes of the outputs (n,). Directions that move all parameters at once come first; where
    that fails, or needs central differences, each parameter on its own; and of a wrong one the entries, one by one.
    `slack` widens the tolerance.
    """
    names = [name for name, p in subject.parameters.items() if p.value.size]
    if not names:
        return True
    halves = Halves(subject, direction, y, out_unit, rng, slack)
    if len(names) > 1:
        derivative = Packed(subject, names).derivative(direction, y, rng)
        numbers = halves.along_random(Packed(subject, names), derivative, rng)
        if derivative.method == "complex" and not wrong(numbers):
            return compare(report, f"{direction}: all parameters (complex){at}", numbers)
    ok = True
    for name in names:
        packed = Packed(subject, [name])
        derivative = packed.derivative(direction, y, rng)
        unknown = ~np.isfinite(derivative.along(derivative.values.scale)[1])
        if unknown.any():
            what = f"{np.count_nonzero(unknown)} of {unknown.size} derivatives of {direction} by {name}{at}"
            report.leave_out(f"{what}: kinks or lost digits")
        if unknown.all():
            if derivative.values.steps.any() and not at and report.ok:
                words = f"moves of {name} by 1e-9 and 1e-7 are answered in steps, as float32 makes them on the way"
                ok &= report.fail(5, f"{direction}: {name}", "precision", words, where=subject.place(direction))
            continue
        numbers = halves.along_random(packed, derivative, rng)
        if wrong(numbers):  # or the complex step is, along these directions
            derivative.cautious = True
            halves.find_blur()
            derivative.values.noise[:, -1] += halves.blur
            numbers = halves.along_random(packed, derivative, rng)
        failure = {}
        if wrong(numbers):
            ok = False
            start = time.process_time()
            entry = halves.wrong_entry(packed, derivative, rng)
            one = (time.process_time() - start) / max(1, packed.size.bit_length())  # seconds for a derivative
            most = int(np.clip(SECONDS / max(one, 1e-6), FEWEST, ENTRIES))
            block = block_around(entry, subject.parameters[name].value.shape, most)
            entries = entry_by_entry(halves, name, derivative, block, rng)
            cause, words, detail = name_it(entries, block, len(y))
            if cause == "factor" and halves.added_twice(name):
                cause, words = "grad-doubled", f"the same gradient is added twice to {name}.grad"
            failure = {"cause": cause, "words": words, "detail": detail, "where": halves.where}
        compare(report, f"{direction}: {name} ({derivative.method}){at}", numbers, **failure)
    return ok


Numbers = tuple[Array, Array, Array, Array]  # found, expected, tolerance, size


def wrong(numbers: Numbers) -> bool:
    """Return whether some found number is not what is expected."""
    found, expected, tolerance, _ = numbers
    return not bool((abs(found - expected) <= tolerance).all())


def compare(report: Report, quantity: str, numbers: Numbers, **failure: str) -> bool:
    """Add the comparison."""
    found, expected, tolerance, size = numbers
    return report.compare(5, quantity, found, expected, tolerance, size, **failure)


class Halves:
    """A call's backward, asked with (g_out, 0) and with (0, g_log_det): what it adds to each parameter's gradient."""

    def __init__(
        self, subject: Subject, direction: str, y: Array, out_unit: Array, rng: np.random.Generator, slack: float
    ) -> None:
        self.subject, self.direction, self.y, self.slack = subject, direction, y, slack
        self.backward = subject.call(direction, y.copy())[2]
        self.where = subject.place(direction, self.backward)
        g_out, g_log_det = rng.standard_normal(y.shape) / out_unit, rng.standard_normal(len(y))
        pairs = [(g_out, 0 * g_log_det), (0 * g_out, g_log_det)]
        self.weights = [np.concatenate([g, of_log_det[:, None]], axis=1) for g, of_log_det in pairs]
        self.given = [self.of(weight) for weight in self.weights]
        self.noise = [gradient_noise(subject, direction, y, *pair, rng)[1] for pair in pairs]
        self.blur = np.zeros(len(y))  # of the rows, found out before anything is accused

    def of(self, weight: Array) -> dict[str, Array]:
        """Return what backward adds to each gradient, for g_out and g_log_det side by side, (N, n + 1)."""
        return self.subject.gradients(self.backward, weight[:, :-1], weight[:, -1])[1]

    def find_blur(self) -> None:
        """Find out in which rows the map rounds so much that what is computed from its output has few digits."""
        if not (self.blur.any() or self.subject.mixes_rows):
            unit = np.broadcast_to(spread(self.y), self.y.shape)
            numerical = numerical_jacobians(self.subject, self.direction, self.y, unit, np.random.default_rng(0))
            blur = numerical.blur(self.subject.values(self.direction, self.y.copy())[:, :-1], unit)
            self.blur = np.minimum(blur.max(axis=1), 1.0)

    def differentiated(self, derivative: Derivative, v: Array) -> tuple[Array, Array]:
        """Return the derivative along `v`, (N, n + 1), and its uncertainty, that which the map's rounding makes too."""
        D, unsure = derivative.along(v)
        unsure = unsure + BLUR * self.blur[:, None] * abs(D)
        return D, np.where(BLUR * self.blur[:, None] < 1, unsure, np.inf)

    def along_random(self, packed: Packed, derivative: Derivative, rng: np.random.Generator) -> Numbers:
        """Return both halves along a few random directions."""
        draws = [derivative.values.scale * signs(packed.size, rng) for _ in range(PROJECTIONS)]
        columns = [self.along(packed, derivative, v) for v in draws]
        found, expected, tolerance, size = (np.stack(part, axis=1) for part in zip(*columns, strict=True))
        return found, expected, tolerance, size

    def along(self, packed: Packed, derivative: Derivative, v: Array) -> Numbers:
        """Return v·grad, Σ weight·D, how far they may differ and what size they are, for each half.

        Rows and outputs without a derivative are left out: backward is not asked about them either.
        """
        D, unsure = self.differentiated(derivative, v)
        known = np.isfinite(unsure)
        numbers = np.zeros((4, 2))
        for half, weight in enumerate(self.weights):
            given = packed.flat(self.given[half] if known.all() else self.of(np.where(known, weight, 0)))
            weight, doubt = np.where(known, weight, 0), np.where(known, unsure, 0)
            found, expected = float((v * given).sum()), float((weight * D).sum())
            size = float((abs(weight) * abs(D)).sum()) + float((abs(v) * abs(given)).sum())
            tolerance = RELATIVE * (abs(expected) + abs(found)) + FLOOR * (size + 1)
            tolerance += 3 * float((abs(weight) * doubt).sum()) + float((abs(v) * packed.flat(self.noise[half])).sum())
            numbers[:, half] = found, expected, self.slack * tolerance, size or 1.0
        return numbers[0], numbers[1], numbers[2], numbers[3]

    def wrong_entry(self, packed: Packed, derivative: Derivative, rng: np.random.Generator) -> int:
        """Return the index of an entry that is wrong, by halving: where a direction fails, one of its halves does."""
        low, high = 0, packed.size
        while high - low > 1:
            middle = (low + high) // 2
            v = np.zeros(packed.size)
            v[low:middle] = (derivative.values.scale * signs(packed.size, rng))[low:middle]
            low, high = (low, middle) if wrong(self.along(packed, derivative, v)) else (middle, high)
        return low

    def added_twice(self, name: str) -> bool:
        """Return whether one call of backward adds the same array twice to a parameter's grad."""
        p = self.subject.parameters[name]
        kept, counted = p.grad, np.zeros_like(p.value).view(Counted)
        counted.added = []
        p.grad = counted
        try:
            weight = self.weights[0] + self.weights[1]
            self.subject.call_backward(self.backward, weight[:, :-1].copy(), weight[:, -1].copy())
        finally:
            p.grad = kept
        added = [a for a in counted.added if a.any()]
        return any(np.array_equal(a, b) for i, a in enumerate(added) for b in added[:i])


class Counted(np.ndarray):
    """A gradient that remembers what is added to it."""

    added: list[Array]

    def __array_finalize__(self, base: Any) -> None:
        self.added = getattr(base, "added", [])

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]
        self.added.append(np.array(other))
        return super().__iadd__(other)


def signs(size: int, rng: np.random.Generator) -> Array:
    """Return numbers of either sign, none of them small."""
    return rng.choice([-1.0, 1.0], size) * rng.uniform(0.5, 1.5, size)


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


def block_around(entry: int, shape: tuple[int, ...], most: int) -> list[Array]:
    """Return for each axis of a parameter the indices to look at, at most `most` in all, `entry`'s among them."""
    block = [np.arange(length) for length in shape]
    place = np.unravel_index(entry, shape) if shape else ()
    while np.prod([len(axis) for axis in block], initial=1) > most:
        longest = max(range(len(block)), key=lambda a: len(block[a]))
        axis, half = block[longest], max(1, len(block[longest]) // 2)
        block[longest] = axis[:half] if place[longest] in axis[:half] else axis[half:]
    return block


def entry_by_entry(
    halves: Halves, name: str, derivative: Derivative, block: list[Array], rng: np.random.Generator
) -> Gradients:
    """Return both versions of a parameter's derivatives, for some rows and outputs, and a block of entries."""
    value = halves.subject.parameters[name].value
    N, n = halves.y.shape
    outputs = np.arange(n + 1) if n <= 12 else np.append(rng.choice(n, 12, replace=False), n)
    rows = np.arange(N)[: max(3, CALLS // len(outputs))]
    shape = tuple(len(axis) for axis in block)
    given, expected, unsure = np.zeros((3, len(rows), len(outputs), *shape))
    for a, r in enumerate(rows):
        for b, k in enumerate(outputs):
            weight = np.zeros((N, n + 1))
            weight[r, k] = 1
            of_one = halves.of(weight)[name]
            given[a, b] = of_one[np.ix_(*block)] if block else of_one
    for index in np.ndindex(shape):
        place = tuple(int(axis[i]) for axis, i in zip(block, index, strict=True))
        v = np.zeros(value.size)
        v[int(np.ravel_multi_index(place, value.shape)) if place else 0] = 1
        D, U = halves.differentiated(derivative, v)
        expected[:, :, *index], unsure[:, :, *index] = D[np.ix_(rows, outputs)], U[np.ix_(rows, outputs)]
    largest = abs(expected).max(axis=tuple(range(2, expected.ndim)), keepdims=True) if shape else abs(expected)
    tolerance = 1e-9 * abs(expected) + 1e-10 * largest + 3 * np.where(np.isfinite(unsure), unsure, 1e300) + 1e-14
    return Gradients(given, expected, tolerance, block=block)


def name_it(g: Gradients, block: list[Array], rows: int) -> tuple[str, str, str]:
    """Return cause, words and the worst entry of a parameter's wrong gradient."""
    if not g.wrong.any():
        return "wrong-term", "wrong along random directions, in entries or rows not looked at one by one", ""
    cause, words = of_gradient(g, rows)
    error = np.where(g.wrong, abs(g.given - g.expected), 0)
    r, k, *index = (int(i) for i in np.unravel_index(np.argmax(error), error.shape))
    place = [int(axis[i]) for axis, i in zip(block, index, strict=True)]
    output = "log_det" if k == g.given.shape[1] - 1 else f"output {k}"
    got, right = g.given[r, k, *index], g.expected[r, k, *index]
    ratio = f", ratio {got / right:.6g}" if right else ""
    return cause, words, f"worst: entry {place}, for {output} of row {r}: got {got:.9g}, expected {right:.9g}{ratio}"
