"""`nfedu plot`: one picture of anybody's layer, or of a model of a table."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nfedu.checks.subject.guard import Trouble, quiet
from nfedu.checks.subject.subject import Subject
from nfedu.command import layers, tables, writing
from nfedu.command.numbers import whole
from nfedu.command.writing import Target
from nfedu.plotting.portraits.agreement import compare_jacobians
from nfedu.plotting.portraits.portrait import portrait
from nfedu.plotting.portraits.pushed import domain_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DESCRIPTION = """Draw a layer: the image of a grid, the density of z ~ N(0, I) before and after, and two Jacobians: that
which backward multiplies by, and that of the map, by central differences, with what they differ by.

A cell is grey where the entry is exactly 0; one of the difference is pale and without a number where the two differ by
rounding only; × marks a derivative that differences could not measure, at a kink or the edge of the domain.

Or draw a model that `fit` has written: data against samples by pairs of columns; for two columns the plane layer by
layer, for one the warp; the training curve."""

EXAMPLES = """examples:
  nfedu plot my_layer.py:Cube --n 2                      writes Cube.png
  nfedu plot my_layer.py:Cube --n 5 --pair 2 4           the plane of two of five coordinates
  nfedu plot my_layer.py:Cube --direction x_to_z --out inverse.svg
  nfedu plot people.model.npz people.csv                 a model beside its data; writes people.model.png
  nfedu plot nfedu:MintUnit --with shape=1,4,4           a class of a package, with more for its constructor

exit code: 0 the picture is written, also one of a wrong layer; 2 there is nothing to draw"""

MARKED = {".png": "Software", ".svg": "Creator", ".pdf": "Creator"}  # where each says what has drawn it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `plot` takes: what is for either, what only a layer, and what only a model has."""
    layers.add_place(parser, "a layer, FILE.py:CLASS or package.module:CLASS, or MODEL, a .npz that `fit` has written")
    tables.add_file(parser, optional=True)
    writing.add_out(parser, "PICTURE", "where to write it: .png, .svg or .pdf (CLASS.png or MODEL.png)")
    told = "two coordinates of a layer, or columns of a model, from 1 (1 2; of a model all)"
    parser.add_argument("--pair", nargs=2, type=whole, metavar=("I", "J"), help=told)
    layers.add_seed(parser, "of what is drawn at random (0)")
    of_layer = parser.add_argument_group("of a layer")
    layers.add_arguments(of_layer)
    told = "which way (z_to_x)"
    of_layer.add_argument("--direction", choices=("z_to_x", "x_to_z"), default="z_to_x", help=told)
    of_model = parser.add_argument_group("of a model's DATA")
    tables.add_reading(of_model)
    parser.set_defaults(others={"layer": given_in(of_model), "model": given_in(of_layer)})


def given_in(group: argparse._ArgumentGroup) -> list[argparse.Action]:
    """Return the arguments of a group."""
    return list(group._group_actions)


def run(options: argparse.Namespace) -> int:
    """Draw the picture and say what is in it; ValueError, of one line, when there is nothing to draw."""
    place = Path(options.layer)
    is_layer = place.suffix != ".npz" and (place.suffix == ".py" or not place.is_file())
    return run_layer(options) if is_layer else run_model(options)


def check_options(options: argparse.Namespace, kind: str, other: str) -> None:
    """Raise ValueError for an argument that would be passed over in silence."""
    for action in options.others[kind]:
        if getattr(options, action.dest) != action.default:
            raise ValueError(f"{action.option_strings[0]} is for a {other}, and {options.layer} is a {kind}")


def run_model(options: argparse.Namespace) -> int:
    """Draw a model of a table."""
    from nfedu.plotting.style import use
    from nfedu.plotting.tables import COLUMNS, table_portrait

    use()
    model = tables.model_of(Path(options.layer))
    check_options(options, "model", "layer")
    out = target_of(options, Path(options.layer).stem)
    data = None if options.data is None else tables.data_for(model, options)
    pair = pair_of(options, model.table.n) if options.pair else None
    write(table_portrait(model, data, tables.seed_of(options), pair), out)
    names = model.names if pair is None else [model.names[i] for i in pair]
    rest = f"; the first {COLUMNS} of {len(names)} columns, --pair shows two others" * (len(names) > COLUMNS)
    print(f"{out}: {', '.join(names[:COLUMNS])}; {'samples' if data is None else 'data against samples'}{rest}")
    return 0


def run_layer(options: argparse.Namespace) -> int:
    """Draw a layer and say what its Jacobians say."""
    check_options(options, "layer", "model")
    if options.data is not None:
        raise ValueError(f"{options.data}: data belong to a model, a .npz file; a layer takes --points FILE.npy")
    with contextlib.redirect_stdout(sys.stderr), quiet():  # what the learner's file prints is not ours
        try:
            layer = built(options)
            out = target_of(options, type(layer).__name__)
            domain_of(Subject(layer))  # a layer that hangs does it here, once
            x = layers.data_for(layer, options)
            found = compare_jacobians(layer, x, options.direction)
            pair = pair_of(options, layer.n) if layer.n > 1 else (0, 1)
            figure = portrait(layer, x, pair, options.direction, found)
        except Trouble as trouble:
            raise ValueError(layers.told(trouble)) from trouble
        write(figure, out)
    print(f"{out}: {type(layer).__name__}, n = {layer.n}, {options.direction}; Jacobians: {found}")
    return 0


def built(options: argparse.Namespace) -> Any:
    """Return the layer, or raise ValueError, also when it is not of the dimension that was asked for."""
    if options.n and len(options.n) > 1:
        raise ValueError(f"--n {' '.join(map(str, options.n))}: expected one dimension, for one picture")
    n = options.n[0] if options.n else None
    build = layers.Builder(layers.find(options.layer), layers.literals(options.options), options.seed)
    if n is not None and not build.takes_n:
        raise ValueError(f"--n {n}: the constructor takes no n")
    layer = build(n)
    return layer


def pair_of(options: argparse.Namespace, n: int) -> tuple[int, int]:
    """Return which two coordinates are asked for, from 0; ValueError where there are none such."""
    i, j = options.pair or (1, 2)
    if not (1 <= i <= n and 1 <= j <= n) or i == j:
        raise ValueError(f"--pair {i} {j}: expected two different coordinates of 1 … {n}")
    return i - 1, j - 1


def target_of(options: argparse.Namespace, name: str) -> Target:
    """Return where the picture is to be written; ValueError where it cannot be, before anything is drawn."""
    out = options.out or Path(f"{name}.png")
    if out.suffix not in MARKED:
        raise ValueError(f"--out {out} cannot be written: expected a name that ends in {', '.join(MARKED)}")
    given = [("model", Path(options.layer)), ("data", options.data)]
    return writing.target(out, options, given, writing.is_picture)


def write(figure: Figure, out: Target) -> None:
    """Write the picture, whole or not at all, with what says that it is ours."""
    form = out.path.suffix
    with out.whole() as temporary:
        figure.savefig(temporary, format=form[1:], metadata={MARKED[form]: writing.MARK})
