"""Flows: density, gradient, packing, copies, files."""

import copy

import numpy as np
import pytest
from scipy import stats

import nfedu
from nfedu import checks
from nfedu.bijections.normalization.base import in_mode
from tests.registry import ENTRIES


def small_flow(n=2, seed=0, **options):
    rng = np.random.default_rng(seed)
    layers = [nfedu.AdditiveCoupling(n, (8,), flip=flip, activation="tanh", rng=rng) for flip in (False, True)]
    flow = nfedu.Flow(nfedu.StandardNormal(n), [nfedu.Rescale(n, 0.7), *layers, nfedu.SinhArcsinh(n, 0.2, 1.2)])
    flow.theta += 0.3 * rng.standard_normal(flow.theta.size)
    return flow


def test_density_of_an_affine_flow_is_normal():
    flow = nfedu.Flow(nfedu.StandardNormal(2), nfedu.Affine(2, [2.0, -0.5], [1.0, -1.0]))
    x = np.random.default_rng(0).standard_normal((20, 2))
    expected = stats.norm([1, -1], [2, 0.5]).logpdf(x).sum(axis=1)
    np.testing.assert_allclose(flow.log_prob(x), expected, rtol=1e-13)


def test_nll_is_the_mean_and_zeroes_the_gradient_first():
    flow = small_flow()
    x = flow.sample(10, np.random.default_rng(0))
    loss = flow.nll(x)
    assert loss == pytest.approx(-flow.log_prob(x).mean(), rel=1e-14)
    first = flow.grad.copy()
    flow.nll(x)
    np.testing.assert_array_equal(flow.grad, first)


def test_score_leaves_the_gradient_alone():
    flow = small_flow()
    x = flow.sample(5, np.random.default_rng(0))
    flow.nll(x)
    before = flow.grad.copy()
    numerical = checks.gradient(lambda v: flow.astype(complex).log_prob(v).sum(), x)
    np.testing.assert_allclose(flow.score(x), numerical, rtol=1e-11)
    np.testing.assert_array_equal(flow.grad, before)


def test_parameters_are_views_into_theta_and_grad():
    flow = small_flow()
    parameters = flow.parameters()
    assert list(parameters)[:3] == ["0.log_s", "1.net.W0", "1.net.b0"]
    flow.theta[:] = np.arange(flow.theta.size)
    flow.grad[:] = -flow.theta
    values = np.concatenate([p.value.ravel() for p in parameters.values()])
    np.testing.assert_array_equal(values, flow.theta)
    np.testing.assert_array_equal(np.concatenate([p.grad.ravel() for p in parameters.values()]), flow.grad)
    assert flow.name_of(0) == "0.log_s[0]"
    assert flow.name_of(2 + 3) == "1.net.W0[0, 3]"


def test_assigning_theta_reaches_the_layers():
    flow = nfedu.Flow(nfedu.StandardNormal(2), nfedu.Affine(2))
    layers = flow.parameters()
    flow.theta = np.arange(4.0)
    np.testing.assert_array_equal(np.concatenate([p.value for p in layers.values()]), np.arange(4.0))
    flow.grad = np.ones(4)
    assert all((p.grad == 1).all() for p in layers.values())
    flow.theta -= flow.grad
    np.testing.assert_array_equal(np.concatenate([p.value for p in layers.values()]), np.arange(4.0) - 1)
    with pytest.raises(ValueError, match=r"theta has shape \(3,\), expected \(4,\)"):
        flow.theta = np.zeros(3)
    assert repr(flow) == "Flow(StandardNormal, n = 2, 1 layers, 4 parameters)"


def test_two_calls_can_be_alive_at_once():
    flow = small_flow()
    a, b = flow.sample(4, np.random.default_rng(0)), flow.sample(4, np.random.default_rng(1))
    g, ones = np.ones((4, 2)), np.ones(4)
    alone = flow.x_to_z(a)[2](g, ones)
    first, second = flow.x_to_z(a)[2], flow.x_to_z(b)[2]
    second(g, ones)
    np.testing.assert_array_equal(first(g, ones), alone)


def test_a_layer_belongs_to_one_flow():
    layer = nfedu.Rescale(2)
    nfedu.Flow(nfedu.StandardNormal(2), layer)
    with pytest.raises(ValueError, match=r"already belongs to a Flow.*deepcopy"):
        nfedu.Flow(nfedu.StandardNormal(2), layer)
    with pytest.raises(ValueError, match="twice"):
        again = nfedu.Rescale(2)
        nfedu.Flow(nfedu.StandardNormal(2), [again, again])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda flow: flow.astype(np.float64)])
def test_a_copys_base_is_its_own(copied):
    flow = nfedu.Flow(nfedu.GaussianMixture([[0.0]], 1.0), nfedu.Rescale(1))
    copied(flow).base.means[...] = 5
    assert flow.base.means[0, 0] == 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda flow: flow.astype(np.float64)])
def test_copies_are_independent(copied):
    flow = small_flow()
    twin = copied(flow)
    before = flow.theta.copy()
    twin.theta += 1
    np.testing.assert_array_equal(flow.theta, before)
    assert next(iter(twin.parameters().values())).value[0] == twin.theta[0]


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 0), (np.complex128, 1e-14)])
def test_astype_computes_in_that_type(dtype, tolerance):
    flow = small_flow()
    x = flow.sample(10, np.random.default_rng(0))
    other = flow.astype(dtype)
    log_p = other.log_prob(x)
    assert log_p.dtype == np.dtype(dtype) == other.theta.dtype == other.grad.dtype
    np.testing.assert_allclose(log_p, flow.log_prob(x), rtol=tolerance)


def test_sample_takes_its_randomness_from_the_caller():
    flow = small_flow()
    np.testing.assert_array_equal(flow.sample(5, np.random.default_rng(7)), flow.sample(5, np.random.default_rng(7)))


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saved_and_loaded_it_is_the_same_flow(entry, dtype, tmp_path):
    rng = np.random.default_rng(5)
    layer = entry.build(entry.dimensions[-1], rng)
    flow = nfedu.Flow(nfedu.StandardLogistic(layer.n), layer).astype(dtype)
    flow.observe(rng.random((30, flow.n)))  # statistics of BatchNorm are saved too
    flow.theta += (0.1 * rng.standard_normal(flow.theta.size)).astype(dtype)
    flow.save(tmp_path / "flow.npz")
    loaded = nfedu.load(tmp_path / "flow.npz")
    x = flow.sample(20, rng)
    assert loaded.dtype == flow.dtype
    with in_mode("evaluation", flow.bijection):  # the mode is not saved
        np.testing.assert_array_equal(loaded.log_prob(x), flow.log_prob(x))
    assert [path.name for path in tmp_path.iterdir()] == ["flow.npz"], "no temporary file stays"


def test_a_mixture_base_is_saved_too(tmp_path):
    base = nfedu.GaussianMixture([[0.0, 1.0], [2.0, 0.0]], [[1, 0.2], [0.2, 1]], [0.2, 0.8])
    flow = nfedu.Flow(base, nfedu.Permute([1, 0]))
    flow.save(tmp_path / "flow.npz")
    x = np.random.default_rng(0).standard_normal((5, 2))
    np.testing.assert_array_equal(nfedu.load(tmp_path / "flow.npz").log_prob(x), flow.log_prob(x))


class Doubling(nfedu.Rescale):
    def __init__(self, n):
        super().__init__(n, 2.0)


def test_a_layer_of_ones_own_is_loaded_when_named(tmp_path):
    flow = nfedu.Flow(nfedu.StandardNormal(2), Doubling(2))
    flow.save(tmp_path / "own.npz")
    with pytest.raises(ValueError, match=r"holds a Doubling.*classes=\[Doubling\]"):
        nfedu.load(tmp_path / "own.npz")
    assert nfedu.load(tmp_path / "own.npz", classes=[Doubling]).log_prob([[1.0, 1.0]]) == flow.log_prob([[1.0, 1.0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_samples_come_with_their_log_densities(dtype):
    rng = np.random.default_rng(0)
    layers = [
        nfedu.AffineCoupling(3, (8,), rng=rng),
        nfedu.MaskedAutoregressive(3, (8,), rng=rng),
        nfedu.Affine(3, 2.0),
    ]
    flow = nfedu.Flow(nfedu.StandardNormal(3), layers, dtype)
    for count in (1, 2500):
        x, log_p = flow.sample_and_log_prob(count, np.random.default_rng(1), threads=2)
        np.testing.assert_array_equal(x, flow.sample(count, np.random.default_rng(1)))
        assert (log_p.shape, log_p.dtype) == ((count,), dtype)
        np.testing.assert_allclose(log_p, flow.log_prob(x), atol=1e-12 if dtype is np.float64 else 1e-4)


@pytest.mark.parametrize("dtype", [np.float16, np.int8, bool])
def test_numbers_of_other_types_become_float64(dtype):
    flow = nfedu.Flow(nfedu.StandardNormal(2), nfedu.Affine(2, 3.0, 0.1))
    x = np.array([[0, 1], [1, 1]], dtype)
    z, log_det, _ = flow.x_to_z(x)
    assert z.dtype == log_det.dtype == np.float64
    np.testing.assert_array_equal(z, flow.x_to_z(x.astype(np.float64))[0])
    np.testing.assert_array_equal(flow.x_to_z(np.ma.array(x))[0], z)
    assert nfedu.Parameter(np.zeros(2, dtype)).value.dtype == np.float64


@pytest.mark.parametrize("zeros_and_ones", [[0, 1, 1, 0], [0.0, 1.0, 1.0, 0.0], np.array([0, 1, 1, 0], np.uint8)])
def test_masks_of_zeros_and_ones(zeros_and_ones):
    numbers, booleans = (
        nfedu.AffineCoupling(4, (5,), mask=mask, rng=np.random.default_rng(0))
        for mask in (zeros_and_ones, [False, True, True, False])
    )
    x = np.random.default_rng(1).standard_normal((3, 4))
    np.testing.assert_array_equal(numbers.x_to_z(x)[0], booleans.x_to_z(x)[0])
