"""`python -m nfedu check FILE.py:CLASS` runs the check ladder on anybody's layer."""

import argparse
import importlib.util
import inspect
import sys
from pathlib import Path

import numpy as np

from nfedu.bijections.base import Bijection
from nfedu.checks import check_bijection


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return 0 when all is well, 1 when a check fails, 2 when the question makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m nfedu", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="judge a layer: contract, round trip, log-det, structure, gradients")
    check.add_argument("layer", metavar="FILE.py:CLASS", help="a class with z_to_x, x_to_z and parameters")
    check.add_argument("--n", type=int, help="the dimension to build it in, if it asks: its default, or 3")
    check.add_argument("--points", type=int, default=7, help="how many points to check it at (7)")
    check.add_argument("--seed", type=int, default=0, help="of the points, the gradients and the layer's own rng (0)")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    try:
        layer = build(find_class(options.layer), options.n, rng)
        z = rng.standard_normal((options.points, layer.n))
        report = check_bijection(layer, data_for(layer, z), rng=rng)
    except ValueError as error:
        print(f"nfedu check: {error}", file=sys.stderr)
        return 2
    print(report)
    return 0 if report.ok else 1


def find_class(place: str) -> type[Bijection]:
    """Return the class that FILE.py:CLASS names, or raise ValueError."""
    path, _, name = place.rpartition(":")
    if not path or not Path(path).is_file():
        hint = f"; there is no file {path}" if path else ""
        hint = f"; add the class, as in {place}:MyLayer" if Path(place).is_file() else hint
        raise ValueError(f"{place!r} names no file and class; expected FILE.py:CLASS{hint}")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file; expected FILE.py:CLASS")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(Path(path).resolve().parent))  # so that the file's own imports work
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the file does when it is imported
        raise ValueError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if not isinstance(found, type):
        classes = [k for k, v in vars(module).items() if inspect.isclass(v) and v.__module__ == module.__name__]
        raise ValueError(f"{path} has no class {name!r}; it has {classes}")
    return found  # any class with the contract's methods will do


def build(layer: type[Bijection], n: int | None, rng: np.random.Generator) -> Bijection:
    """Call the constructor, with `n` and `rng` where it asks for them, or raise ValueError."""
    wanted = inspect.signature(layer).parameters
    offered = {"n": 3 if n is None else n, "rng": rng}
    if n is None and "n" in wanted and wanted["n"].default is not inspect.Parameter.empty:
        del offered["n"]  # its own default
    others = [k for k, p in wanted.items() if k not in offered and p.default is p.empty and p.kind not in (2, 4)]
    if others:
        raise ValueError(
            f"{layer.__name__} needs the argument {others[0]!r}; give it a default, only n and rng are passed"
        )
    built = layer(**{k: v for k, v in offered.items() if k in wanted})
    missing = [k for k in ("n", "z_to_x", "x_to_z", "parameters") if not hasattr(built, k)]
    if missing:
        raise ValueError(f"{layer.__name__} has no {missing[0]!r}; nfedu.Bijection describes what a layer must have")
    return built


def data_for(layer: Bijection, z: np.ndarray) -> np.ndarray:
    """Return data inside the layer's domain: its own images of z, or z itself where it cannot make any."""
    try:
        x = np.asarray(layer.z_to_x(z.copy())[0])
    except Exception:  # the report will say what is wrong
        return z
    return x if x.shape == z.shape and x.dtype == z.dtype and np.isfinite(x).all() else z


if __name__ == "__main__":
    sys.exit(main())
