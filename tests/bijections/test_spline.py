"""The spline on its knots, at its ends and beyond; bins that would vanish; the digits of its inverse."""

import numpy as np
import pytest

import nfedu
from nfedu.bijections.elementwise.spline import root


def bent(size, n=2, bins=8, seed=0):
    layer, rng = nfedu.Spline(n, bins), np.random.default_rng(seed)
    for parameter in layer.parameters().values():
        parameter.value += size * rng.standard_normal(parameter.value.shape)
    return layer


def test_knots_lie_on_the_curve_with_their_slopes_and_beyond_the_ends_nothing_moves():
    layer = bent(1.0)
    a, b, d = layer.knots()[0]
    for k in range(9):
        for out, to, sign in ((layer.x_to_z(a[:, k][None]), b, 1), (layer.z_to_x(b[:, k][None]), a, -1)):
            assert out[0][0] == pytest.approx(to[:, k], abs=1e-14)
            assert out[1][0] == pytest.approx(sign * np.log(d[:, k]).sum(), abs=1e-12)
    outside = np.array([[-4.0, 4.0], [-4.1, 1e300], [np.nextafter(4, 5), -7.0]])
    for there in (layer.x_to_z, layer.z_to_x):
        y, log_det, backward = there(outside)
        assert (y == outside).all() and (log_det == 0).all()
        assert (backward(outside, np.ones(3)) == outside).all()
        assert not any(parameter.grad.any() for parameter in layer.parameters().values())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["widths", "heights"])
@pytest.mark.parametrize("k", [0, 3, 7])
def test_no_bin_vanishes(name, k, dtype):
    layer = nfedu.Spline(1, 8)
    getattr(layer, name).value[0, k] -= 800
    layer = nfedu.parameters.cast(layer, dtype)
    y = np.linspace(-5, 5, 2001, dtype=dtype)[:, None]
    with np.errstate(all="raise", under="ignore"):
        for there, back in ((layer.x_to_z, layer.z_to_x), (layer.z_to_x, layer.x_to_z)):
            out, log_det, backward = there(y)
            g = backward(np.ones_like(y), np.ones(len(y), dtype))
            finite = [out, log_det, g, *(parameter.grad for parameter in layer.parameters().values())]
            assert all(np.isfinite(values).all() for values in finite)
            lost = np.exp(np.maximum(-log_det, 0)) * np.finfo(dtype).eps  # what rounding `out` alone makes of y
            assert (abs(back(out)[0] - y)[:, 0] <= 50 * lost).all()


@pytest.mark.parametrize(("dtype", "size", "digits"), [(np.float64, 3.0, 1e-13), (np.float32, 2.0, 1e-5)])
def test_the_inverse_keeps_its_digits_where_slopes_differ_much(dtype, size, digits):
    for seed in range(10):
        knots = nfedu.parameters.cast(bent(size, seed=seed), dtype).knots()[0]
        z = np.linspace(-3.99, 3.99, 2000, dtype=dtype).reshape(-1, 2)
        exact = root(z.astype(np.longdouble), tuple(values.astype(np.longdouble) for values in knots), 4.0)
        assert abs(root(z, knots, 4.0) - exact).max() < digits
