"""How far layers are from their promises, measured apart from `nfedu check`: `python probe.py COMMAND ...` prints JSON.

A command is what follows `python -m nfedu check`. For each, the worst error of every promise, relative where large.
"""

import argparse
import ast
import importlib
import json
import shlex
import sys
from collections import defaultdict

import numpy as np

ROWS, STEP = 3, 1e-5


def build(command):
    """Return the layer that a command names, its parameters moved away from where they start."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("--n", type=int)
    parser.add_argument("--with", action="append", default=[], dest="options")
    asked = parser.parse_args(shlex.split(command))
    module, name = asked.target.split(":")
    options = {key: ast.literal_eval(value) for key, value in (option.split("=", 1) for option in asked.options)}
    if asked.n:
        options["n"] = asked.n
    rng = np.random.default_rng(0)
    layer = getattr(importlib.import_module(module), name)(**options, rng=rng)
    for p in layer.parameters().values():
        p.value += 0.3 * rng.standard_normal(p.value.shape)
    return layer


def errors(layer):
    """Return the worst error of each promise over both directions, infinite for a wrong shape."""
    worst = defaultdict(float)
    for direction in ("z_to_x", "x_to_z"):
        for promise, got, wanted in comparisons(layer, direction):
            fits = np.shape(got) == np.shape(wanted)
            error = np.max(abs(got - wanted)) / (1 + np.max(abs(wanted))) if fits else np.inf
            worst[promise] = max(worst[promise], float(error))
    return worst


def comparisons(layer, direction):
    """Yield (promise, what one direction gives, what it should)."""
    apply, undo = layer.z_to_x, layer.x_to_z
    if direction == "x_to_z":
        apply, undo = undo, apply
    rng = np.random.default_rng(1)
    y, g, l = rng.standard_normal((ROWS, layer.n)), rng.standard_normal((ROWS, layer.n)), rng.standard_normal(ROWS)
    out, log_det, backward = apply(y)
    yield "inverse", undo(out)[0], y
    yield "rows", np.concatenate([apply(row[None])[0] for row in y]), out

    J = np.stack([derivative(lambda y: apply(y)[0], y, e) for e in np.eye(layer.n)], axis=2)  # ∂out_i/∂y_j
    yield "log-det", log_det, np.linalg.slogdet(J)[1]
    promised = layer.jacobian_pattern()
    if promised is not None:
        promised = np.broadcast_to(promised[direction == "x_to_z"], J.shape)
        yield "mask", J, np.where(np.isnan(promised), J, promised)

    def loss(y):
        out, log_det, _ = apply(y)
        return (g * out).sum() + (l * log_det).sum()

    def loss_with(p, value):
        kept, p.value[...] = p.value.copy(), value
        result = loss(y)
        p.value[...] = kept
        return result

    for p in layer.parameters().values():
        p.grad[...] = 1.0  # what `backward` is to add to
    g_y = backward(g, l)
    entries = np.eye(y.size).reshape(-1, *y.shape)
    yield "input gradient", g_y, np.reshape([derivative(loss, y, e) for e in entries], y.shape)
    for name, p in layer.parameters().items():
        along = rng.standard_normal(p.value.shape)
        expected = derivative(lambda value, p=p: loss_with(p, value), p.value.copy(), along)
        yield name, ((p.grad - 1) * along).sum(), expected


def derivative(f, y, along):
    """Return the derivative of f at y in a direction, by central differences."""
    return (f(y + STEP * along) - f(y - STEP * along)) / (2 * STEP)


if __name__ == "__main__":
    print(json.dumps([errors(build(command)) for command in sys.argv[1:]]))
