"""A normalizing flow: a base distribution and the bijection that carries it to the data (N6)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nfedu import bijections as bijections_module
from nfedu import distributions, storage
from nfedu.arrays import COMPUTED, Array, as_batch, as_values
from nfedu.bijections.base import Bijection, Chain, Mapped
from nfedu.bijections.normalization.base import Normalization, in_mode, normalizations
from nfedu.bijections.reversible import Reversible
from nfedu.distributions import Distribution
from nfedu.memory import keep_freed_memory
from nfedu.parameters import Parameter, cast, pack
from nfedu.precision import warn_of_lost_digits
from nfedu.printing import table
from nfedu.threads import as_threads, over_threads

ROWS = 1024  # of a piece in evaluation


class Flow:
    """X = f_θ(Z), Z ~ base: log p_X(x) = log p_Z(f_θ⁻¹(x)) + log|det ∂f_θ⁻¹(x)/∂x| (N6), exact for every x (N1).

    `bijections` are given in the order in which z meets them on its way to x; one bijection or several. All their
    parameters are moved into `theta`, their gradients into `grad` (flat vectors): a layer belongs to one flow only.
    `reversible`: backpropagation rebuilds each layer's input instead of keeping it, so that memory does not grow with
    depth, for more time. May be set at any time. See `Reversible`, which refuses a flow that loses digits.
    A flow has the methods of a distribution (`log_prob`, `sample`, `score`) and those of a bijection. `print` shows its
    layers, `flow[k]` is one of them.
    """

    def __init__(
        self,
        base: Distribution,
        bijections: Bijection | Sequence[Bijection],
        dtype: Any = np.float64,
        reversible: bool = False,
    ) -> None:
        if not hasattr(base, "log_prob"):
            raise ValueError(f"Flow: base = {base!r} has no log_prob; expected Flow(base, bijections), in this order")
        if isinstance(base, type) or not hasattr(base, "n"):
            raise ValueError(f"Flow: base = {base!r}, expected a distribution with its dimension, as StandardNormal(2)")
        self.base = base
        layers = [bijections] if isinstance(bijections, Bijection) else bijections
        self.bijection = Reversible(layers) if reversible else Chain(layers)
        self.n = self.bijection.n
        if base.n != self.n:
            raise ValueError(f"Flow: the base has n = {base.n}, the bijections n = {self.n}; give both the same n (N5)")
        self.dtype = np.dtype(dtype)
        if self.dtype.char not in COMPUTED:
            raise ValueError(f"Flow: dtype = {self.dtype}, expected float32, float64, longdouble or complex128")
        self._theta, self._grad = pack(self.parameters(), self.dtype)
        keep_freed_memory()

    def __repr__(self) -> str:
        layers = len(self.bijection.bijections)
        return f"Flow({type(self.base).__name__}, n = {self.n}, {layers} layers, {self.theta.size} parameters)"

    def __str__(self) -> str:
        return f"{self!r}\n{table(self.bijection.bijections)}"

    def __len__(self) -> int:
        return len(self.bijection)

    def __getitem__(self, k: Any) -> Any:
        return self.bijection[k]

    @property
    def theta(self) -> Array:
        """All parameters, one vector. To assign is to copy into it, so that the layers see it; ValueError if short."""
        return self._theta

    @theta.setter
    def theta(self, theta: Array) -> None:
        copy_into(self._theta, theta, "theta")

    @property
    def grad(self) -> Array:
        """The gradient of the last `nll` in theta, of the same shape. To assign is to copy into it."""
        return self._grad

    @grad.setter
    def grad(self, grad: Array) -> None:
        copy_into(self._grad, grad, "grad")

    @property
    def reversible(self) -> bool:
        """Whether backpropagation rebuilds the layers' inputs instead of keeping them."""
        return isinstance(self.bijection, Reversible)

    @reversible.setter
    def reversible(self, reversible: bool) -> None:
        if reversible != self.reversible:
            self.bijection = (Reversible if reversible else Chain)(self.bijection.bijections)

    def log_prob(self, x: Array, threads: int = 1) -> Array:
        """Return log p_X(x) in nats for each row, (N,); pieces of the rows may go over several threads."""

        def log_p(x: Array) -> Array:
            z, log_det = self.bijection.values("x_to_z", x)
            return self._base_log_prob(z) + log_det  # N6

        return self._by_rows(log_p, self._cast(x, "x"), as_threads(threads, "log_prob"))

    def sample(self, count: int, rng: np.random.Generator, threads: int = 1) -> Array:
        """Draw `count` points x = f_θ(z), z ~ base, (count, n); the same ones however many threads there are."""
        z = self._cast(self.base.sample(count, rng), "z")
        return self._by_rows(lambda z: self.bijection.values("z_to_x", z)[0], z, as_threads(threads, "sample"))

    def sample_and_log_prob(self, count: int, rng: np.random.Generator, threads: int = 1) -> tuple[Array, Array]:
        """Draw what `sample` draws, and return it with its log-densities, (count,), at the cost of the samples."""
        z = self._cast(self.base.sample(count, rng), "z")

        def both(z: Array) -> Array:
            x, log_det = self.bijection.values("z_to_x", z)
            return np.column_stack((x, self._base_log_prob(z) - log_det))  # N6, with x = f(z)

        joined = self._by_rows(both, z, as_threads(threads, "sample_and_log_prob"))
        return joined[:, :-1], joined[:, -1]

    def score(self, x: Array) -> Array:
        """Return d log p_X/dx, (N, n); leaves `grad` as it is."""
        z, _, backward = self.x_to_z(x)
        kept = self.grad.copy()
        score = backward(self.base.score(z), np.ones(len(z), self.dtype))
        self.grad[:] = kept
        return score

    def nll(self, x: Array, weights: Array | None = None) -> float:
        """Return the mean negative log-likelihood in nats per point, and set `grad` to its gradient in θ (N8).

        With `weights`, (N,), row i counts w_i times: −Σ w_i log p(x_i) / N.
        Up to the data's entropy this is their KL divergence from the model, and that of their latents from the base
        (N24), both sides mapped by the same f_θ⁻¹ (M12).
        """
        z, log_det, backward = self.x_to_z(x)
        log_p = self._base_log_prob(z) + log_det  # N8
        N = len(z)
        self.grad[:] = 0
        if weights is None:
            backward(-self.base.score(z) / N, np.full(N, -1 / N, self.dtype))
            return -log_p.mean()
        share = as_values(weights, (N,), self, "weights").astype(self.dtype) / N
        backward(-self.base.score(z) * share[:, None], -share)
        return -(share * log_p).sum()

    def observe(self, x: Array) -> None:
        """Show x to the normalization layers, if any: ActNorm starts at its first data, BatchNorm takes statistics."""
        if any(layer.needs_data for layer in normalizations(self.bijection)):
            with in_mode("observing", self.bijection):
                self.x_to_z(x)

    def z_to_x(self, z: Array) -> Mapped:
        """Return x, log|det ∂x/∂z|, backward: the generative direction."""
        return self.bijection.z_to_x(self._cast(z, "z"))

    def x_to_z(self, x: Array) -> Mapped:
        """Return z, log|det ∂z/∂x|, backward: the inference direction."""
        return self.bijection.x_to_z(self._cast(x, "x"))

    def parameters(self) -> dict[str, Parameter]:
        """Return all Parameters by dotted name, the layer's position first: `3.net.W0`."""
        return self.bijection.parameters()

    def jacobian_pattern(self) -> tuple[Array, Array] | None:
        """Return what the bijection promises of its Jacobians."""
        return self.bijection.jacobian_pattern()

    def name_of(self, index: int) -> str:
        """Return what entry `index` of theta is called: `3.net.W0[5, 2]`."""
        for name, p in self.parameters().items():
            if index < p.value.size:
                position = ", ".join(str(i) for i in np.unravel_index(index, p.value.shape))
                return f"{name}[{position}]"
            index -= p.value.size
        raise IndexError(f"theta has {self.theta.size} entries")

    def astype(self, dtype: Any) -> Flow:
        """Return a copy that computes in `dtype`: float32 (fast), float64 (exact), complex128 (complex step).

        A PrecisionWarning tells how much float32 loses, where that is more than rounding, as in steep stacks.
        """
        twin = type(self)(copy.deepcopy(self.base), cast(self.bijection, dtype).bijections, dtype, self.reversible)
        if self.dtype == np.float64 and twin.dtype == np.float32:
            warn_of_lost_digits(twin, self)
        return twin

    def sharing_theta(self) -> Flow:
        """Return a copy whose parameters are views into this flow's `theta`, with a `grad` of its own."""
        twin = self.astype(self.dtype)
        twin._theta = self._theta
        for own, shared in zip(twin.parameters().values(), self.parameters().values(), strict=True):
            own.value = shared.value
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the flow is made of, `grad` left out: where that arrives, it is packed anew."""
        return type(self), (self.base, self.bijection.bijections, self.dtype, self.reversible)

    def __deepcopy__(self, memo: dict[int, Any]) -> Flow:
        return self.astype(self.dtype)

    def save(self, path: str | Path, **beside: Array) -> None:
        """Write the flow to one `.npz` file, whole or not at all: what it is built of, and theta. See `storage`.

        `beside`: arrays to keep in the same file, by names of their own.
        """
        if self.dtype.kind == "c":
            raise ValueError("Flow: a complex flow is a tool for checks and cannot be saved; save flow.astype(float)")
        parts = {"base": self.base, "bijections": self.bijection.bijections, "dtype": self.dtype.name}
        parts |= {"reversible": True} if self.reversible else {}
        storage.write(path, {key: storage.describe(part) for key, part in parts.items()}, self.theta, **beside)

    def _base_log_prob(self, z: Array) -> Array:
        return as_values(self.base.log_prob(z), (len(z),), self.base, "log_prob")

    def _by_rows(self, f: Callable[[Array], Array], y: Array, threads: int) -> Array:
        """Return f(y), ROWS rows at a time: what lies between stays in the cache, and its memory does not grow."""
        observing = any(layer.mode == "observing" for layer in normalizations(self.bijection))
        rows = len(y) if observing or self.bijection.mixes_rows else ROWS

        def piece(start: int) -> Array:
            try:
                return f(y[start : start + rows])
            except ValueError as error:
                if rows >= len(y):
                    raise
                raise type(error)(f"in the {rows} rows from row {start} on: {error}") from error

        return np.concatenate(over_threads(piece, range(0, len(y), rows), threads))

    def _cast(self, y: Array, letter: str) -> Array:
        y = as_batch(y, self.n, self, letter)
        if y.dtype.kind == "c" and self.dtype.kind != "c":
            raise ValueError(f"Flow: {letter} is complex, the flow is {self.dtype}; use flow.astype(complex)")
        if letter == "x" and isinstance(self.bijection.bijections[-1], Normalization):
            return y  # in the precision of the data, until the layer has taken their offset away
        return y.astype(self.dtype, copy=False)


def copy_into(vector: Array, values: Array, name: str) -> None:
    """Copy `values` into `vector`, which layers hold views of; ValueError unless they have its shape."""
    if np.shape(values) != vector.shape:
        raise ValueError(f"Flow: {name} has shape {np.shape(values)}, expected {vector.shape}, all parameters in order")
    vector[:] = values


def load(path: str | Path, classes: Sequence[type] | type = ()) -> Flow:
    """Return the flow that `Flow.save` wrote to `path`; `classes` are your own layers, if it has any.

    Raises ValueError when the file is missing, truncated, damaged or not a flow, or a class is unknown.
    """
    classes = [classes] if isinstance(classes, type) else classes
    description, theta = storage.read(path)
    known = {**vars(bijections_module), **vars(distributions), **{c.__name__: c for c in classes}}
    flow = storage.rebuild_flow(path, Flow, description, known)
    if theta.shape != flow.theta.shape or not np.isfinite(theta).all():
        raise ValueError(
            f"cannot load {path}: its theta has {theta.size} entries, the flow it describes {flow.theta.size}, "
            "all of which must be finite; save the flow again"
        )
    flow.theta[:] = theta
    return flow
