"""Parity with nflows' rational-quadratic splines, both ways, inside and outside the knots, and the gradients in θ."""

import numpy as np
import pytest

import nfedu
from nfedu.bijections.elementwise.spline import EVEN
from tests.parity.comparison import close, peer

torch = peer("torch")
peer("nflows")


@pytest.mark.parametrize("n", [1, 3])
def test_nflows_spline(n):
    from nflows.transforms.splines import unconstrained_rational_quadratic_spline as theirs

    rng = np.random.default_rng(n)
    layer = nfedu.Spline(n, bins=7, bound=2.0)
    for parameter in layer.parameters().values():
        parameter.value += rng.standard_normal(parameter.value.shape)
    widths, heights, slopes = (
        torch.tensor(p.value, dtype=torch.float64, requires_grad=True) for p in layer.parameters().values()
    )
    y, g_out, g_log = 1.5 * rng.standard_normal((40, n)), rng.standard_normal((40, n)), rng.standard_normal(40)
    for inverse, mine in ((False, layer.x_to_z), (True, layer.z_to_x)):
        out, log_slope = theirs(
            torch.tensor(y),
            *(p.expand(40, *p.shape) for p in (widths, heights, torch.log(torch.expm1(torch.exp(slopes))))),
            inverse=inverse,
            tail_bound=2.0,
            min_bin_width=EVEN / 7,
            min_bin_height=EVEN / 7,
            min_derivative=0.0,
        )
        ours, log_det, backward = mine(y)
        close(ours, out.detach().numpy())
        close(log_det, log_slope.sum(dim=1).detach().numpy())
        for parameter in layer.parameters().values():
            parameter.grad[...] = 0
        backward(g_out, g_log)
        loss = (out * torch.tensor(g_out)).sum() + (log_slope.sum(dim=1) * torch.tensor(g_log)).sum()
        for parameter, gradient in zip(
            layer.parameters().values(), torch.autograd.grad(loss, (widths, heights, slopes)), strict=True
        ):
            close(parameter.grad, gradient.numpy())
