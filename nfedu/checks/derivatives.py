"""Numerical derivatives that know nothing of the code they judge: the complex step and central differences.

The complex step: f(x + ih) = f(x) + ih f'(x) + O(h²), so f'(x) = Im f(x + ih)/h. Nothing is subtracted, nothing
cancels, and h may be 1e-30: the derivative comes out to machine precision (Squire & Trapp 1998; B9). It needs f to be
complex-analytic along the branch taken. Central differences, (f(x + h) − f(x − h))/2h, need only real numbers; the
best h balances truncation, h²|f'''|/6, against rounding, ε|f|/h: with h ≈ (3ε)^⅓ max(1, |x|) ten digits are right.

`Derivative` is what the rungs use: it takes the complex step where that agrees with central differences, and otherwise
these, at two steps: their difference says how far they can be trusted, and where they disagree, as across a kink, that
the number is to be left out (B11).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.subject.guard import Trouble

EPS = float(np.finfo(np.float64).eps)
COMPLEX_STEP = 1e-30
CENTRAL_STEP = (3 * EPS) ** (1 / 3)
STEPS = (CENTRAL_STEP / 1000, CENTRAL_STEP / 30, CENTRAL_STEP)  # in an input's scale: a large one may cross a kink
FAMILIAR = 1e-3  # and where it was right elsewhere, it takes this much to doubt it
AGREE = 1e-8  # complex step and central differences are the same number when they agree to this, or to what is certain
KINK = 1000.0  # times rounding: a bend that is no accident
STACKED = 1500  # rows of points that are differentiated at once
CAUTION, ROUGH = 10.0, 1e-8  # central differences are known no better than this, of the derivative and of f in its unit
STAIR = 1e-2  # of a step: wider ones are seen by it
CERTAIN = 1e-5  # central differences at two steps that differ by more say nothing

Function = Callable[[Array], Array]


def complex_step(f: Function, x: Array, direction: Array) -> Array:
    """Return the derivative of `f` at `x` along `direction`, an array of x's shape; f must accept complex arrays."""
    return f(x + 1j * COMPLEX_STEP * direction).imag / COMPLEX_STEP


def central_difference(f: Function, x: Array, direction: Array) -> Array:
    """Return the derivative of `f` at `x` along `direction`, with the step that suits the entries it changes."""
    moved = direction != 0
    scale = max(1.0, abs(x[moved]).max(initial=0.0)) / max(abs(direction).max(), np.finfo(float).tiny)
    h = CENTRAL_STEP * scale
    return (f(x + h * direction) - f(x - h * direction)) / (2 * h)


METHODS = {"complex": complex_step, "central": central_difference}


def gradient(f: Callable[[Array], float], x: Array, method: str = "complex") -> Array:
    """Return ∂f/∂x of a number f(x), entry by entry, in the shape of `x`."""
    derivative = METHODS[method]
    result = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        direction = np.zeros(x.shape)
        direction[index] = 1
        result[index] = derivative(f, x, direction)  # type: ignore[arg-type]
    return result


def jacobians(f: Function, x: Array, method: str = "complex") -> Array:
    """Return the Jacobian of `f` at every row of a batch `x` (N, n), as (N, outputs, n): what N3 takes the det of.

    f maps (N, n) to (N, outputs), each row on its own: then one evaluation, or for method = "central" two, gives a
    column of all N Jacobians.
    """
    columns = []
    for j in range(x.shape[1]):
        direction = np.zeros(x.shape)
        direction[:, j] = 1
        columns.append(METHODS[method](f, x, direction))
    return np.stack(columns, axis=2)


class Derivative:
    """Derivatives of `f` at `at` along any direction, each entry with its uncertainty: infinite where none is known.

    f takes an array of at's shape, the points (N, n) or a parameter, and returns (N, m). `scale`, of at's shape or
    broadcast to it, is what a unit step is for each entry. `method` says for each of the m outputs whether the complex
    step lets its derivative through; it is tried along one random direction. `points` says that row i of the result
    depends on row i of `at` alone.
    """

    def __init__(
        self,
        f: Function,
        at: Array,
        scale: Array,
        rng: np.random.Generator,
        points: bool = False,
        known: Array | None = None,
    ) -> None:
        self.f, self.at, self.scale = f, at, np.broadcast_to(scale, at.shape)
        self.points = points
        self.cautious = False  # whether to hold the complex step against central differences each time
        self.here = f(at)
        self.noise = self._noise(rng)
        v = self.scale * rng.choice([-1.0, 1.0], at.shape) * rng.uniform(0.5, 1.5, at.shape)
        self.steps, self.kinks = self._has_steps(v, rng), self._kinks(v)
        self.analytic, self.doubtful = self._analytic(v, AGREE if known is None else FAMILIAR)
        if known is not None:
            self.analytic &= known
            self.doubtful |= ~known

    @property
    def method(self) -> str:
        """One word for all outputs: "complex", or "central" when some needed it."""
        return "complex" if self.analytic.all() else "central"

    def along(self, v: Array) -> tuple[Array, Array]:
        """Return the derivative along `v`, (N, m), and its uncertainty."""
        if not self.analytic.any():
            return self._central(v)
        try:
            found = np.array(self._complex(v))
        except Trouble:
            return self._central(v)
        uncertain = np.where(np.isfinite(found), 0.0, np.inf)
        doubtful = self.doubtful
        if self.cautious or doubtful.any():
            other, unsure = self._central(v)
            if self.cautious:
                doubtful = doubtful | (abs(found - other) > 3 * unsure + AGREE * abs(other))
                doubtful |= ~np.isfinite(unsure) & self.steps.any()  # it may be cut off with the other digits
            found, uncertain = np.where(doubtful, other, found), np.where(doubtful, unsure, uncertain)
        return np.where(np.isfinite(found), found, 0.0), uncertain

    def entry(self, index: tuple[int, ...]) -> tuple[Array, Array]:
        """Return the derivative along one entry of `at`."""
        v = np.zeros(self.at.shape)
        v[index] = 1
        return self.along(v)

    def jacobian(self) -> tuple[Array, Array]:
        """Return, for points `at` (N, n) in rows of their own, ∂f/∂at (N, m, n) and its uncertainty: many at once."""
        N, n = self.at.shape
        m = len(self.analytic)
        found, unsure = np.zeros((2, N, m, n))
        stack = copy.copy(self)
        width = max(1, min(n, STACKED // N))
        for start in range(0, n, width):
            columns = np.arange(start, min(start + width, n))
            v = np.zeros((len(columns), N, n))
            v[np.arange(len(columns)), :, columns] = 1
            stack.at = np.tile(self.at, (len(columns), 1))
            stack.scale = np.tile(self.scale, (len(columns), 1))
            stack.here, stack.noise, stack.kinks, stack.doubtful = (
                np.tile(a, (len(columns), 1)) for a in (self.here, self.noise, self.kinks, self.doubtful)
            )
            for whole, part in zip((found, unsure), stack.along(v.reshape(-1, n)), strict=True):
                whole[:, :, columns] = part.reshape(len(columns), N, m).transpose(1, 2, 0)
        return found, unsure

    def _complex(self, v: Array) -> Array:
        """Return the derivative by the complex step, which is small beside what it moves: 1e-70 for 1e-40."""
        size = np.where(v == 0, np.inf, np.where(self.at == 0, 1.0, abs(self.at)))
        least = size.min(axis=1, keepdims=True) if self.points else size.min(initial=np.inf)
        least = np.where(np.isfinite(least), least, 1.0)
        shrink = 2.0 ** np.floor(np.log2(np.maximum(least, 1e-200)))  # a power of two: 0 and 1 come out as 0 and 1
        return complex_step(self.f, self.at, v * shrink) / shrink

    def _central(self, v: Array) -> tuple[Array, Array]:
        """Return central differences with the most certain of three steps for each entry, and how certain they are.

        Each step's own doubt counts, and where a larger one differs from a smaller one by more, that: a kink lies
        within the larger. The smallest step shows the rounding that the larger ones have too.
        """
        reach = abs(v) / np.where(self.scale > 0, self.scale, 1.0)  # how many units v goes, at most
        farthest = reach.max(axis=1, keepdims=True) if self.points else reach.max(initial=0.0)
        unit = 1 / np.maximum(farthest, 1e-300)
        best, uncertain = np.zeros(self.here.shape), np.full(self.here.shape, np.inf)
        smaller: list[tuple[Array, Array]] = []
        noise, size = None, 2 * abs(self.here)
        for step in STEPS:
            try:
                with np.errstate(all="ignore"):
                    found, unsure, size, noise = self._extrapolated(v, step * unit, unit, noise)
            except Trouble:  # a step out of the domain
                continue
            own = unsure
            for other, doubt in smaller:
                apart = abs(found - other)
                unsure = np.where(np.isfinite(doubt) & (apart > CAUTION * (own + doubt)), unsure + apart, unsure)
                flat = (other == 0) & np.isfinite(own) & (apart > CAUTION * own)  # or within a step of a staircase
                uncertain = np.where(flat, np.maximum(uncertain, apart), uncertain)
            smaller.append((found, own))
            better = unsure < uncertain
            best, uncertain = np.where(better, found, best), np.where(better, unsure, uncertain)
        uncertain = np.where(self.steps | self.kinks, np.inf, uncertain)
        return best, CAUTION * uncertain + ROUGH * (abs(best) + 1e-2 * size / unit)

    def _extrapolated(self, v: Array, h: Array, unit: Array, noise: Array | None) -> tuple[Array, Array, Array, Array]:
        """Return central differences with steps h and h/2, extrapolated; their doubt; the size of f; its noise.

        The noise is what a smaller step had; without one, the second difference: a smooth function's is far smaller.
        """
        (wide, size, bent), (half, _, less) = self._difference(v, h), self._difference(v, h / 2)
        noise = np.maximum(self.noise, np.fmax(bent, less)) if noise is None else noise
        found = (4 * half - wide) / 3
        apart = abs(wide - half)
        blur = EPS * np.where(v == 0, 0, abs(self.at) / np.maximum(abs(h * v), 1e-300))  # of the step itself
        blur = blur.max(axis=1, keepdims=True) if self.points else blur.max(initial=0.0)
        unsure = apart + (8 * EPS * size + 4 * noise) / h + blur * abs(half)
        if self.points and self.here.shape[1] == self.at.shape[1] + 1:
            unsure[:, -1:] += self._blur(found, h, unit)
            unsure[~found[:, :-1].any(axis=1)] = np.inf  # a bijection moves, so these steps are too small to see it
        lost = ~np.isfinite(found) | (blur > CERTAIN) | (apart > CERTAIN * (abs(half) + 1e-6 * size / unit))
        return np.where(np.isfinite(found), found, 0.0), np.where(lost, np.inf, unsure), size, noise

    def _blur(self, found: Array, h: Array, unit: Array) -> Array:
        """Return how uncertain the log-det's difference is since no output has more digits than it has, (N, 1).

        Where x = 1/(1 + e⁻ᶻ) rounds to nearly 1, log(x(1 − x)) is a staircase in z, and stands still for steps within
        one stair. The output that answers best says how wide those are.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            stairs = EPS * abs(self.here[:, :-1] / found[:, :-1])
        width = np.where(found[:, :-1] == 0, np.inf, stairs).min(axis=1, keepdims=True)
        return np.where(width < STAIR * h, 4 * width / h * (abs(found[:, -1:]) + 1 / unit), np.inf)

    def _noise(self, rng: np.random.Generator) -> Array:
        """Return what rounding does to the values of f, from a move by an ulp or two, (N, m); at least an ulp of 1.

        Of 1 for the last, the log-det: a sum of logarithms near 0 has the rounding of what the logarithms are taken of.
        """
        noise = np.zeros(self.here.shape)
        noise[:, -1] = 4 * EPS
        ulps = 2 * EPS * np.where(self.at == 0, self.scale, abs(self.at))
        for _ in range(2):
            try:
                change = abs(self.f(self.at + ulps * rng.uniform(-1, 1, self.at.shape)) - self.here)
            except Trouble:  # at the edge of the domain
                continue
            noise = np.maximum(noise, np.where(np.isfinite(change), change, 0.0))
        return noise

    def _has_steps(self, v: Array, rng: np.random.Generator) -> Array:
        """Return for each output whether it answers small moves, in most rows, as a staircase does.

        So float32 does, or an iteration that stops early. It has no derivative. Where one direction makes suspicious,
        two more are tried.
        """
        moves, off = self._answers(v)
        for _ in range(2 if off.any() else 0):
            more = self._answers(v * rng.uniform(0.3, 1.5, v.shape))
            moves, off = moves | more[0], off | more[1]
        return np.asarray(off.sum(axis=0) > 0.5 * np.maximum(moves.sum(axis=0), 0.6 * len(off)))

    def _answers(self, v: Array) -> tuple[Array, Array]:
        """Return which entries move with `v`, and which of them do so in steps.

        A move by 1e-9 changes nothing, where one by 1e-6 does; or moves by 1e-7 go unequally there and back, and not
        because the function bends: that goes with h².
        """
        try:
            far, near = (self.f(self.at + h * v) - self.here for h in (1e-6, 1e-9))
            bent = [self._difference(v, np.array(h))[2] for h in (4e-7, 2e-7, 1e-7, 0.5e-7)]
        except Trouble:  # out of the domain
            nothing = np.zeros(self.here.shape, dtype=bool)
            return nothing, nothing
        rounding = np.maximum(EPS * abs(self.here), self.noise)  # whose steps everything has
        moves = abs(far) > np.maximum(1e-4 * abs(far).max(axis=0), KINK**2 * rounding)
        moves &= abs(far) < 1e-3 * (
            abs(self.here) + abs(self.here).mean(axis=0)
        )  # else 1e-6 of a unit is no small move
        flat = abs(near) < np.minimum(1e-4 * abs(far), KINK * rounding)
        seen = np.maximum(1e-3 * abs(far), KINK * rounding)
        uneven = np.any([(more > seen) & (more < 3 * less) for more, less in pairwise(bent)], axis=0)
        return moves, moves & (flat | uneven)

    def _kinks(self, v: Array) -> Array:
        """Return the entries with a kink right at the point: the second difference goes with h, not with h²."""
        h = np.array(STEPS[0])
        try:
            (slope, size, bent), (_, _, less) = self._difference(v, h), self._difference(v, h / 2)
        except Trouble:  # out of the domain
            return np.zeros(self.here.shape, dtype=bool)
        sure = KINK * np.maximum(self.noise, EPS * size) + CERTAIN * h * abs(slope)
        return np.asarray((abs(bent - 2 * less) < 0.1 * bent) & (bent > sure))

    def _difference(self, v: Array, h: Array) -> tuple[Array, Array, Array]:
        """Return the central difference, the size of the two values that it subtracts, and the second difference."""
        above, below = self.f(self.at + h * v), self.f(self.at - h * v)
        return (above - below) / (2 * h), abs(above) + abs(below), abs((above - self.here) + (below - self.here))

    def _analytic(self, v: Array, agree: float) -> tuple[Array, Array]:
        """Return for which outputs the complex step is right, and all entries (N, m) in which it is not to be used.

        It is right where certain central differences do not contradict it in more than a few rows.
        """
        central, uncertain = self._central(v)
        nowhere = np.zeros(central.shape[1], dtype=bool), np.ones(central.shape, dtype=bool)
        try:
            with np.errstate(all="ignore"):
                found = self._complex(v)
        except Trouble:  # code that was never meant for complex numbers
            return nowhere
        if found.shape != central.shape:
            return nowhere
        certain = np.isfinite(uncertain)
        size = abs(central) + uncertain
        least = 1e-6 * size.max(axis=0, where=certain, initial=0.0)  # what rounding leaves where terms cancel
        wrong = certain & ~(abs(found - central) <= agree * np.maximum(size, least) + 10 * uncertain)
        bad = ~np.isfinite(found) & certain
        fits = (wrong | bad).sum(axis=0) <= 0.3 * np.maximum(certain.sum(axis=0), 1)
        analytic = fits & ~bad.all(axis=0) & ~self.steps
        return analytic, wrong | bad | self.kinks | ~analytic
