"""The ladder on every layer of the registry, and what the registry itself promises."""

import inspect

import numpy as np
import pytest

import nfedu
from nfedu import bijections, checks
from tests.registry import CASES, ENTRIES, IDS, built, points


@pytest.mark.parametrize(("entry", "n"), CASES, ids=IDS)
def test_ladder(entry, n):
    layer = built(entry, n)
    report = checks.check_bijection(layer, points(layer)).raise_if_failed()
    assert {check.rung for check in report.checks} >= {1, 2, 3, 5}
    for check in report.checks:  # the bars of the project, whatever the checker's own are
        if ", latents" in check.quantity:  # far out, where digits may be lost rightly
            continue
        assert check.error <= {1: 1e-12, 2: 1e-12, 3: 1e-10, 4: 1e-12, 5: 1e-11}[check.rung], check
    assert all(check.error == 0 for check in report.checks if "exact zeros" in check.quantity)
    near = [check.quantity for check in report.checks if ", latents" not in check.quantity]
    assert not any("central" in quantity for quantity in near), "the complex step must reach every path"


@pytest.mark.parametrize(("entry", "n"), CASES, ids=IDS)
def test_float32_stays_float32(entry, n):
    layer = nfedu.parameters.cast(built(entry, n), np.float32)
    x = points(layer).astype(np.float32)
    for direction in ("x_to_z", "z_to_x"):
        out, log_det, backward = getattr(layer, direction)(x if direction == "x_to_z" else layer.x_to_z(x)[0])
        g_in = backward(np.ones_like(out), np.ones_like(log_det))
        assert {out.dtype, log_det.dtype, g_in.dtype} == {np.dtype(np.float32)}


def test_every_layer_is_in_the_registry():
    built_classes = {type(entry.build(entry.dimensions[-1], np.random.default_rng(0))) for entry in ENTRIES}
    public = {c for c in vars(bijections).values() if inspect.isclass(c)} - {nfedu.Bijection}
    assert built_classes == public


def test_every_layer_promises_its_jacobian():
    for entry in ENTRIES:
        layer = entry.build(entry.dimensions[-1], np.random.default_rng(0))
        if not isinstance(layer, nfedu.Chain) or isinstance(layer, nfedu.Affine):
            assert layer.jacobian_pattern() is not None, entry.name


def test_an_eight_layer_flow_agrees_with_a_random_complex_step_projection():
    rng = np.random.default_rng(0)
    layers = [nfedu.AdditiveCoupling(6, (32, 32), flip=bool(i % 2), activation="tanh", rng=rng) for i in range(6)]
    flow = nfedu.Flow(nfedu.StandardLogistic(6), [nfedu.Rescale(6), *layers, nfedu.Logit(6)])
    flow.theta += 0.2 * rng.standard_normal(flow.theta.size)
    x, v = rng.random((50, 6)), rng.standard_normal(flow.theta.size)
    flow.nll(x)
    twin = flow.astype(complex)
    twin.theta += 1e-30j * v
    assert v @ flow.grad == pytest.approx(-twin.log_prob(x).mean().imag / 1e-30, rel=1e-11)
