"""Parameters: the arrays that a model learns, and all of them packed into one vector theta with one gradient.

After `pack`, every `Parameter.value` and `Parameter.grad` is a view into two flat vectors. An optimizer is then a few
in-place vector operations, a checkpoint is one array, and `scipy.optimize.minimize` needs no adapter.
"""

import copy
from typing import Any, Protocol, TypeVar

import numpy as np

from nfedu.arrays import COMPUTED, Array


class Parameter:
    """An array to be learned (`value`) and the gradient of the loss with respect to it (`grad`, a sum: B4)."""

    def __init__(self, value: Any) -> None:
        value = np.array(value)
        self.value: Array = value if value.dtype.char in COMPUTED else value.astype(np.float64)
        self.grad: Array = np.zeros_like(self.value)
        self.packed = False

    def __deepcopy__(self, memo: dict[int, Any]) -> "Parameter":
        """Copy the numbers, not the views: the copy belongs to no flow."""
        twin = Parameter(self.value)
        twin.grad[...] = self.grad
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the numbers alone: where they arrive, they belong to no flow, and have no gradient yet."""
        return Parameter, (self.value,)

    def __repr__(self) -> str:
        return f"Parameter(shape={self.value.shape}, dtype={self.value.dtype})"


class HasParameters(Protocol):
    """Anything with parameters: a network, a layer, a flow."""

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters by dotted name, in a fixed order."""


def named(**parts: Parameter | HasParameters) -> dict[str, Parameter]:
    """Return the parameters of `parts` by dotted name, in the order given: a part's own ones become `part.name`."""
    names: dict[str, Parameter] = {}
    for part, content in parts.items():
        if isinstance(content, Parameter):
            names[part] = content
        else:
            names |= {f"{part}.{name}": p for name, p in content.parameters().items()}
    return names


def pack(parameters: dict[str, Parameter], dtype: Any = np.float64) -> tuple[Array, Array]:
    """Move all parameters into one vector; return (theta, grad), of which each value and grad is now a view.

    Raises ValueError when a parameter is a view into another flow's theta already: moving it would cut that flow off.
    """
    taken = [name for name, p in parameters.items() if p.packed]
    if taken:
        raise ValueError(f"{taken[0]} already belongs to a Flow; build this one from copy.deepcopy(layers)")
    if len({id(p) for p in parameters.values()}) < len(parameters):
        raise ValueError(
            "a parameter appears twice in this flow; give each position a layer of its own (copy.deepcopy)"
        )
    theta = np.concatenate([np.zeros(0, dtype), *(p.value.ravel().astype(dtype) for p in parameters.values())])
    grad = np.zeros_like(theta)
    start = 0
    for p in parameters.values():
        stop = start + p.value.size
        shape = p.value.shape
        p.value, p.grad, p.packed = theta[start:stop].reshape(shape), grad[start:stop].reshape(shape), True
        start = stop
    return theta, grad


Module = TypeVar("Module", bound=HasParameters)


def cast(module: Module, dtype: Any) -> Module:
    """Return a copy of a network or layer with its parameters in `dtype` (float32, float64, complex128), grads zero."""
    twin = copy.deepcopy(module)
    for p in twin.parameters().values():
        p.value = p.value.astype(dtype)
        p.grad = np.zeros_like(p.value)
    return twin
