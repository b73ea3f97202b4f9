"""Parity with zuko's MAF, and with its inverse, an IAF: the slow directions are compared too, and their gradients."""

import math

import numpy as np
import pytest

import nfedu
from tests.parity.comparison import (
    assert_masked_gradients_are_zero,
    compare_with_torch,
    made_correspondence,
    peer,
    spread_out,
)

torch = peer("torch")
zuko = peer("zuko")
torch.set_default_dtype(torch.float64)
HIDDEN, LAYERS = (12, 7), 3


class Affine(torch.nn.Module):
    """z = (x − μ) e^{−α} (N18) out of zuko's affine map, α = r or c ⊙ tanh(r).

    zuko's own is z = e^a x + m: it is turned round, for μ and α to be the network's outputs as ours are. Its soft clamp
    a / (1 + |a / log slope|) is no clamp at an infinite slope.
    """

    def __init__(self, n, bound):
        super().__init__()
        self.c = None if bound is None else torch.nn.Parameter(torch.empty(n))

    def forward(self, mu, r):
        alpha = r if self.c is None else self.c * torch.tanh(r)
        return zuko.transforms.MonotonicAffineTransform(mu, alpha, slope=math.inf).inv


@pytest.mark.parametrize("kind", [nfedu.MaskedAutoregressive, nfedu.InverseAutoregressive])
@pytest.mark.parametrize("bound", [None, 1.0])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_zuko(n, bound, kind):
    """All weights and biases, in three layers of random orders, and the scales c of bounded α."""
    torch.manual_seed(n)
    flow_t = zuko.flows.MAF(n, transforms=LAYERS, randperm=True, hidden_features=HIDDEN)
    ours, correspondence, theirs = [], [], []
    for transform in flow_t.transform.transforms:
        transform.univariate = Affine(n, bound)
        order = np.argsort(transform.order.numpy())  # theirs says of each coordinate when it comes
        layer = kind(n, HIDDEN, order, bound=bound, rng=np.random.default_rng(0))
        maf = getattr(layer, "maf", layer)
        linears = [m for m in transform.hyper if isinstance(m, torch.nn.Linear)]
        correspondence += made_correspondence(maf, [linear.mask for linear in linears])
        theirs += [p for linear in linears for p in (linear.weight, linear.bias)]
        if bound is not None:
            correspondence.append((maf.log_scale.c, lambda c, order=order: c[order]))
            theirs.append(transform.univariate.c)
        ours.append(layer)
    spread_out(theirs, 0.4)
    if kind is nfedu.InverseAutoregressive:
        flow_t.transform = flow_t.transform.inv
    else:
        ours.reverse()  # their transforms go from x to z, our layers from z to x
    flow = nfedu.Flow(nfedu.StandardNormal(n), ours)
    compare_with_torch(flow, correspondence, theirs, flow_t().log_prob, lambda z: flow_t().transform.inv(z))
    for layer in ours:
        assert_masked_gradients_are_zero(getattr(layer, "maf", layer))
