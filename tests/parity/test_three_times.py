"""The book's page "From nfedu to PyTorch and JAX": its three files agree with each other, and with nfedu's layer."""

from runpy import run_path

import numpy as np
import pytest

import nfedu
from tests.conftest import ROOT
from tests.parity.comparison import close, peer

CODE = ROOT / "lessons" / "pages" / "code"
OURS = run_path(str(CODE / "coupling_numpy.py"))


@pytest.fixture(params=[2, 3, 5])
def problem(request):
    """Points, and a coupling of nfedu's with the weights that are given to all three."""
    rng = np.random.default_rng(request.param)
    layer = nfedu.AffineCoupling(request.param, (7,), bound=None, activation="tanh", rng=rng)
    for parameter in layer.parameters().values():
        parameter.value[...] = 0.4 * rng.standard_normal(parameter.value.shape)
    return rng.standard_normal((11, layer.n)), layer, [p.value.copy() for p in layer.parameters().values()]


def assert_same(ours, theirs):
    """Loss, gradient by x and gradients by theta."""
    close(ours[0], theirs[0])
    close(ours[1], theirs[1])
    for a, b in zip(ours[2], theirs[2], strict=True):
        close(a, b)


def test_numpy_and_nfedu(problem):
    x, layer, theta = problem
    z, log_det, backward = layer.x_to_z(x)
    close(OURS["x_to_z"](x, theta)[0], z)
    close(OURS["x_to_z"](x, theta)[1], log_det)
    g_x = backward(z / len(x), np.full(len(x), -1 / len(x)))
    loss = -(nfedu.StandardNormal(layer.n).log_prob(z) + log_det).mean()
    assert_same(OURS["nll"](x, theta), (loss, g_x, [p.grad for p in layer.parameters().values()]))


def test_numpy_and_pytorch(problem):
    torch = peer("torch")
    x, _, theta = problem
    theirs = run_path(str(CODE / "coupling_torch.py"))
    x_t, theta_t = torch.as_tensor(x), [torch.as_tensor(array) for array in theta]
    for a, b in zip(OURS["x_to_z"](x, theta), theirs["x_to_z"](x_t, theta_t), strict=False):  # ours has backward, too
        close(a, b.numpy())
    loss, g_x, g_theta = theirs["nll"](x_t, theta_t)
    assert_same(OURS["nll"](x, theta), (loss.numpy(), g_x.numpy(), [g.numpy() for g in g_theta]))


def test_numpy_and_jax(problem):
    jax = peer("jax")
    jax.config.update("jax_enable_x64", True)
    x, _, theta = problem
    theirs = run_path(str(CODE / "coupling_jax.py"))
    for a, b in zip(OURS["x_to_z"](x, theta), theirs["x_to_z"](x, theta), strict=False):
        close(a, np.asarray(b))
    assert_same(OURS["nll"](x, theta), theirs["nll"](x, theta))
