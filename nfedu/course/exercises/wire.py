"""Two ends of a wire: what a judge asks of an answer, and the answer of the judge's functions, as lines of JSON.

An answer is somebody's code. Numbers, text, and lists of them are copied; anything else, a function, a layer, stays
where it is, and the other side gets a `Remote` that stands for it. Nothing that arrives can run code here, as a pickle
could: so an answer cannot change its judge, nor say that it has passed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from nfedu.checks.subject.guard import Trouble

Message = dict[str, Any]
KINDS = "biufc"  # of arrays: booleans and numbers
LARGEST = 30_000_000  # bytes of an array


class Remote:
    """A function or an object of the other side: it can be called, and its public attributes can be read."""

    def __init__(self, end: End, index: int, kind: str) -> None:
        self._end, self._index, self._kind = end, index, kind

    def __call__(self, *arguments: Any) -> Any:
        """Call it there."""
        return self._end.ask("call", self, *arguments)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._end.ask("get", self, name)


class End:
    """One end: `ask` the other side for something; `handle` what it asks, by `serve`, a function for each question."""

    def __init__(self, serve: dict[str, Callable[..., Any]]) -> None:
        self.serve = serve
        self.exports: list[Any] = []
        self.transport: Callable[[Message], Message]

    def ask(self, what: str, *arguments: Any) -> Any:
        """Return the other side's answer; raise Trouble where it is an exception."""
        reply = self.transport({"ask": what, "arguments": [self.encode(a) for a in arguments]})
        if "trouble" in reply:
            words, where, cause = (str(part) for part in reply["trouble"])
            raise Trouble(words, where, cause)
        return self.decode(reply["value"])

    def handle(self, message: Message) -> Message:
        """Return the reply to a question."""
        try:
            question = self.serve.get(str(message["ask"]))
            if question is None:
                raise Trouble(f"asked for {message['ask']!r}, which is not to be had")
            return {"value": self.encode(question(*[self.decode(a) for a in message["arguments"]]))}
        except Trouble as trouble:
            return {"trouble": [trouble.words, trouble.where, trouble.cause]}
        except Exception as problem:
            return {"trouble": [f"raised {type(problem).__name__}: {problem}", "", "raises"]}

    def encode(self, value: Any) -> Any:
        """Return a value as JSON can hold it."""
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, Remote):
            return {"yours": value._index}
        if isinstance(value, list | tuple):
            return {type(value).__name__ if type(value) in (list, tuple) else "tuple": [self.encode(v) for v in value]}
        if isinstance(value, dict) and all(type(key) is str for key in value):
            return {"dict": {key: self.encode(v) for key, v in value.items()}}
        if isinstance(value, np.ndarray | np.number | np.bool_ | complex) and np.asarray(value).dtype.kind in KINDS:
            array = np.ascontiguousarray(value)
            if array.nbytes > LARGEST:
                raise Trouble(f"returned an array of shape {array.shape}: too large to be judged")
            data = base64.b64encode(array.tobytes()).decode()
            return {"array": data, "dtype": array.dtype.str, "shape": list(np.shape(value))}
        self.exports.append(value)
        kind = value if isinstance(value, type) else type(value)
        return {"object": len(self.exports) - 1, "kind": f"{kind.__module__}.{kind.__qualname__}"}

    def decode(self, value: Any) -> Any:
        """Undo `encode`."""
        if not isinstance(value, dict):
            return value
        if "yours" in value:
            return self.exports[value["yours"]]
        if "list" in value:
            return [self.decode(v) for v in value["list"]]
        if "tuple" in value:
            return tuple(self.decode(v) for v in value["tuple"])
        if "dict" in value:
            return {key: self.decode(v) for key, v in value["dict"].items()}
        if "array" in value:
            dtype = np.dtype(str(value["dtype"]))
            if dtype.kind not in KINDS:
                raise Trouble(f"an array of {dtype}, expected numbers", cause="shape")
            return np.frombuffer(base64.b64decode(value["array"]), dtype).reshape(value["shape"]).copy()
        return Remote(self, int(value["object"]), str(value["kind"]))


def connected(one: End, other: End) -> None:
    """Join two ends in one process, each a function call away from the other."""
    one.transport, other.transport = other.handle, one.handle
