"""Checkpoints: all that training needs to go on as if it had never stopped, bit for bit."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from nfedu import storage
from nfedu.arrays import Array
from nfedu.bijections.normalization.base import Normalization, normalizations
from nfedu.flow import Flow
from nfedu.training.averaging import RunningMean
from nfedu.training.optimizers import Optimizer, belongs_to

FORMAT = "nfedu training 3"


@dataclass
class History:
    """What happened in training: losses in nats per point, one entry an epoch.

    `train` is the mean over the epoch's batches, each at the theta of its step; `validation` is that of the theta, or
    running mean, at the end of the epoch; `start` that before the first step. `best` and `best_epoch` belong to the
    theta that was kept: the least validation loss, −1 being the epoch of `start`, or without validation the last
    training loss. `interrupted`: Ctrl-C ended it.
    """

    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    start: float = np.inf
    best: float = np.inf
    best_epoch: int = -1
    steps: int = 0
    seconds: float = 0.0
    interrupted: bool = False


@dataclass
class Run:
    """A training under way: the flow, the running mean of its theta, the theta to keep, and all that changes them.

    The optimizer's state is what its attributes hold: arrays, numbers and strings.
    """

    flow: Flow
    x: Array
    optimizer: Optimizer
    rng: np.random.Generator
    average: float
    settings: dict[str, Any]  # of `fit`: whatever else decides where training goes
    path: str | Path | None = None

    def __post_init__(self) -> None:
        self.history, self.mean = History(), RunningMean(self.flow.theta, self.average)
        self.best = self.flow.theta.copy()
        self.seed = seed_of(self.rng)
        self.identity = {
            "layers": settings_of(self.flow),
            "parameters": {name: list(p.value.shape) for name, p in self.flow.parameters().items()},
            "dtype": self.flow.dtype.name,
            "optimizer": type(self.optimizer).__name__,
            "generator": type(self.rng.bit_generator).__name__,
            "data": [len(self.x), crc32(self.x.tobytes())],
            **self.settings,
        }

    def begin(self, seen: Array) -> None:
        """Go to where the file says, if there is one; show `seen` to the normalization layers."""
        resumed = self.path is not None and Path(self.path).exists()
        if resumed:
            self.resume(self.path)  # type: ignore[arg-type]
        self.flow.observe(seen)
        if not resumed:
            self.mean.theta[:] = self.best[:] = self.flow.theta

    def count_step(self) -> None:
        """Take in the θ that a step has led to; end here if Ctrl-C has asked for it."""
        self.history.steps += 1
        self.mean.add(self.flow.theta, self.history.steps)
        if self.history.interrupted:
            raise KeyboardInterrupt

    def save(self) -> None:
        """Write the run to its `.npz` file, if it has one, whole or not at all."""
        if self.path is None:
            return
        state = {key: value for key, value in vars(self.optimizer).items() if key != "learning_rate"}
        arrays = {f"optimizer.{key}": value for key, value in state.items() if isinstance(value, np.ndarray)}
        numbers = {key: value for key, value in state.items() if not isinstance(value, np.ndarray)}
        text: dict[str, Any] = {"numbers": numbers, "arrays": list(arrays), "identity": self.identity}
        text |= {"seed": self.seed, "rng": self.rng.bit_generator.state, "history": asdict(self.history)}
        for name, layer, key in self.held():
            arrays[name] = getattr(layer, key)
        own = {"theta": self.flow.theta, "mean": self.mean.theta, "best": self.best}
        storage.write_arrays(
            self.path, format=np.array(FORMAT), run=np.array(json.dumps(text, default=plain)), **own, **arrays
        )

    def resume(self, path: str | Path) -> None:
        """Go to where the file says; ValueError when it is damaged, or of another flow, optimizer or data."""
        kind, text, theta, mean, best = storage.read_arrays(path, "format", "run", "theta", "mean", "best")
        if str(kind) != FORMAT:
            raise ValueError(f"cannot resume from {path}: its format is {kind}, expected {FORMAT!r}")
        saved = json.loads(str(text))
        mine = json.loads(json.dumps(self.identity, default=plain))
        differ = [key for key in mine if saved["identity"].get(key) != mine[key]]
        if differ:
            other = f"other {', '.join(differ)}"
            if saved["seed"] != self.seed:
                other += f", and with seed {saved['seed']}, not {self.seed}"
            raise ValueError(
                f"cannot resume from {path}: it was made with {other}; ask for the same, "
                "or name another file to start anew"
            )
        held = self.held()
        arrays = storage.read_arrays(path, *saved["arrays"])
        observed = storage.read_arrays(path, *(name for name, *_ in held))  # all is read before anything is changed
        for name, value in zip(saved["arrays"], arrays, strict=True):
            setattr(self.optimizer, name.removeprefix("optimizer."), value)
        for name, value in saved["numbers"].items():
            setattr(self.optimizer, name, value)
        belongs_to(self.optimizer, self.flow.theta)
        self.rng.bit_generator.state = saved["rng"]
        self.history = History(**{**saved["history"], "interrupted": False})
        self.flow.theta[:], self.mean.theta[:], self.best[:] = theta, mean, best
        for (_, layer, key), value in zip(held, observed, strict=True):
            setattr(layer, key, value)
            layer.started = True  # in the run that is resumed

    def held(self) -> list[tuple[str, Normalization, str]]:
        """Return what normalization layers hold from data: the name in the file, the layer, its attribute."""
        layers = enumerate(normalizations(self.flow.bijection))
        return [(f"normalization{i}.{key}", layer, key) for i, layer in layers for key in layer.held]


def seed_of(rng: np.random.Generator) -> str:
    """Return the seed that a generator was given, for people; a long number if it was given none."""
    sequence = getattr(rng.bit_generator, "seed_seq", None)
    return str(getattr(sequence, "entropy", "unknown"))


def settings_of(flow: Flow) -> Any:
    """Return what the layers are and how they were set up, apart from what θ and data decide; names, if that is all."""
    layers = flow.bijection.bijections
    held = {type(layer).__name__: (*layer.held, "started") for layer in normalizations(flow.bijection)}
    kept = flow.theta.copy()
    try:
        flow.theta[:] = 1  # a scale or a shift is an argument that θ decides
        return without(storage.describe(layers), held)
    except ValueError:  # a layer of somebody's own that does not keep its arguments
        return [type(layer).__name__ for layer in layers]
    finally:
        flow.theta[:] = kept


def without(description: Any, held: dict[str, tuple[str, ...]]) -> Any:
    """Return a description of layers without the arguments that those of some classes hold from data."""
    if isinstance(description, list):
        return [without(item, held) for item in description]
    if not isinstance(description, dict):
        return description
    left_out = held.get(description["class"], ())
    arguments = {key: without(value, held) for key, value in description["args"].items() if key not in left_out}
    return {"class": description["class"], "args": arguments}


def plain(value: Any) -> Any:
    """Return a NumPy array or number as what JSON has; a generator takes lists back for arrays."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"a training with {value!r} in its state cannot be saved; expected arrays, numbers and strings")
