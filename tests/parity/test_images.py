"""Parity: our models of images with PyTorch's convolutions, autograd and the same weights: log-densities, gradients.

Needs the extra "peers". It is these twins that the benchmarks time.
"""

import numpy as np
import pytest

from nfedu import models

torch = pytest.importorskip("torch", reason="needs the extra: pip install -e '.[peers]'")
from tests.benchmarks.libraries import with_torch  # noqa: E402


@pytest.mark.parametrize("name", with_torch.MODELS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28)])
def test_the_models_of_images_are_those_in_pytorch(name, shape):
    rng = np.random.default_rng(0)
    flow, theirs = getattr(models, name)(shape, rng=rng), with_torch.MODELS[name](shape).double()
    flow.theta += 0.05 * rng.standard_normal(flow.theta.size)
    with_torch.take_weights(theirs, flow)
    x = rng.random((3, flow.n))
    log_p = theirs.log_prob(torch.as_tensor(x))
    np.testing.assert_allclose(flow.log_prob(x), log_p.detach().numpy(), rtol=1e-12)
    (-log_p.mean()).backward()
    flow.nll(x)
    ours = flow.parameters()
    for name, p in with_torch.named(theirs).items():
        expected = with_torch.as_ours(name, p.grad).numpy().reshape(ours[name].grad.shape)
        np.testing.assert_allclose(ours[name].grad, expected, rtol=0, atol=1e-11 * abs(expected).max(), err_msg=name)
