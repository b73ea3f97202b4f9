"""MADE, MAF and IAF: masks, order, three ways of sampling and their counted cost, errors that name the step."""

import warnings

import numpy as np
import pytest

import nfedu
from nfedu.arrays import NonFiniteError
from nfedu.models import autoregressive
from nfedu.networks import MADE, counting
from nfedu.networks.made import CapacityWarning
from nfedu.parameters import cast


def made(n=5, hidden=(8, 6), **options):
    return MADE(n, hidden, 2, "tanh", rng=np.random.default_rng(0), **options)


def maf(n, hidden=(8, 6), **options):
    layer = nfedu.MaskedAutoregressive(n, hidden, activation="tanh", rng=np.random.default_rng(1), **options)
    for p in layer.parameters().values():
        p.value += 0.2 * np.random.default_rng(2).standard_normal(p.value.shape)
    return layer


@pytest.mark.parametrize("hidden", [(), (8,), (8, 6), (3, 9, 4), (1,)])
@pytest.mark.parametrize("degrees", ["sequential", "random"])
@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_outputs_equal_those_of_the_masked_dense_network(n, hidden, degrees):
    net = made(n, hidden, degrees=degrees)
    for p in net.parameters().values():
        p.value += np.random.default_rng(3).standard_normal(p.value.shape)  # forbidden weights too: they must not count
    x = np.random.default_rng(4).standard_normal((6, n))
    h = x
    for layer, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        below, above = net.degrees[layer], net.degrees[layer + 1]
        last = layer == len(hidden)
        allowed = below[:, None] < above if last else below[:, None] <= above
        h = h @ (W.value * allowed) + b.value
        h = h if last else np.tanh(h)
    np.testing.assert_allclose(net(x)[0], h.reshape(6, n, 2), atol=1e-13)


def test_degrees_are_those_of_the_paper():
    net = made(5, (8, 6))
    assert net.degrees[1].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert net.degrees[3].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    random = made(50, (400,), degrees="random").degrees[1]
    assert (np.diff(random) >= 0).all()
    assert random.min() >= 1
    assert random.max() <= 49
    assert len(np.unique(random)) > 40


def test_each_output_sees_all_inputs_before_it_and_no_other():
    order = [3, 0, 4, 1, 2]
    layer = maf(5, order=order)
    x = np.random.default_rng(5).standard_normal((1, 5))
    z = layer.x_to_z(x)[0]
    for place, j in enumerate(order):
        moved = x.copy()
        moved[0, j] += 0.5
        changed = np.flatnonzero(layer.x_to_z(moved)[0] != z)
        assert sorted(changed) == sorted(order[place:])


@pytest.mark.parametrize("n", [1, 2, 3, 17, 64])
@pytest.mark.parametrize("hidden", [(), (11,), (30, 40)])
def test_three_ways_make_one_x(n, hidden):
    z = np.random.default_rng(6).standard_normal((10, n))
    made = {}
    for method in ("naive", "cached", "jacobi"):
        layer = maf(n, hidden, method=method)
        made[method] = layer.z_to_x(z)
    for method in ("cached", "jacobi"):
        np.testing.assert_allclose(made[method][0], made["naive"][0], rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(made[method][1], made["naive"][1], rtol=1e-12, atol=1e-13)
    by_hand = np.zeros((10, n))
    for i in range(n):  # N18, one coordinate after the other
        out = layer.net(by_hand)[0][:, i]
        by_hand[:, i] = np.exp(layer.log_scale(out[:, 1], i)[0]) * z[:, i] + out[:, 0]
    np.testing.assert_allclose(made["naive"][0], by_hand, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("n", "hidden"), [(64, (512, 512)), (784, (1024, 1024))])
def test_cached_sampling_is_half_a_dense_pass_and_its_backward_no_more_than_two(n, hidden):
    layer = cast(nfedu.MaskedAutoregressive(n, hidden, rng=np.random.default_rng(0)), np.float32)
    z = np.random.default_rng(1).standard_normal((5, n)).astype(np.float32)
    dense = 5 * (n * hidden[0] + hidden[0] * hidden[1] + hidden[1] * 2 * n)
    with counting() as sampling:
        x, log_det, backward = layer.z_to_x(z)
    with counting() as back:
        backward(np.ones_like(x), np.ones_like(log_det))
    with counting() as density:
        layer.x_to_z(x)
    assert 0.45 * dense < sampling.multiply_adds <= 0.6 * dense
    assert 0.5 * dense < density.multiply_adds <= 0.7 * dense  # a few large blocks
    assert back.multiply_adds <= 2 * dense


def test_naive_is_n_passes_and_jacobi_at_most_n():
    layer = maf(12, (20,), method="naive")
    z = np.random.default_rng(2).standard_normal((4, 12))
    with counting() as one:
        layer.net(z)
    with counting() as naive:
        layer.z_to_x(z)
    layer.method = "jacobi"
    with counting() as jacobi:
        layer.z_to_x(z)
    assert naive.multiply_adds == 12 * one.multiply_adds
    assert one.multiply_adds < jacobi.multiply_adds <= 12 * one.multiply_adds


def test_counting_counts_inside_only():
    from nfedu.networks.counting import product

    with counting() as outer:
        with counting() as inner:
            product(np.ones((1, 2)), np.ones((2, 1)))
        product(np.ones((2, 3)), np.ones((3, 5)))
    product(np.ones((2, 3)), np.ones((3, 5)))
    assert (outer.multiply_adds, inner.multiply_adds) == (32, 2)


def test_an_iaf_is_a_maf_with_its_directions_exchanged():
    rng = np.random.default_rng
    iaf = nfedu.InverseAutoregressive(4, (9,), [2, 0, 3, 1], rng=rng(0))
    twin = nfedu.MaskedAutoregressive(4, (9,), [2, 0, 3, 1], rng=rng(0))
    u = rng(1).standard_normal((5, 4))
    for here, there in (("z_to_x", "x_to_z"), ("x_to_z", "z_to_x")):
        for a, b in zip(getattr(iaf, here)(u)[:2], getattr(twin, there)(u)[:2], strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_stack_reverses_the_order_in_between():
    layers = autoregressive(nfedu.MaskedAutoregressive, 3, 3, (4,), rng=np.random.default_rng(0))
    assert [layer.order.tolist() for layer in layers] == [[0, 1, 2], [2, 1, 0], [0, 1, 2]]


@pytest.mark.parametrize("method", ["cached", "naive", "jacobi"])
def test_what_overflows_is_named_with_its_step(method):
    layer = maf(3, order=[2, 0, 1], bound=None, method=method)
    layer.net.biases[-1].value[3] = 1e4  # the log-scale of the second coordinate in the order
    with np.errstate(all="ignore"):
        with pytest.raises(NonFiniteError, match=r"coordinate 0, step 2 of 3, is not finite; its .* reach 1e\+04"):
            layer.z_to_x(np.ones((2, 3)))
        layer.net.biases[-1].value[3] = -1e4
        with pytest.raises(NonFiniteError, match="coordinate 0, step 2 of 3"):
            layer.x_to_z(np.ones((2, 3)))


def test_divergence_names_the_layer_and_the_step():
    flow = nfedu.Flow(nfedu.StandardNormal(3), [maf(3), maf(3, bound=None)])
    x = np.random.default_rng(0).standard_normal((50, 3))
    with (
        np.errstate(all="ignore"),
        pytest.raises(nfedu.training.DivergedError, match=r"at step \d+: layer \d: Masked.* step \d of 3"),
    ):
        nfedu.fit(flow, x, rng=np.random.default_rng(0), optimizer=nfedu.SGD(1e4), progress=False)


def test_it_starts_as_documented():
    net = MADE(40, (600, 500), 2, "tanh", rng=np.random.default_rng(0))
    for layer in range(3):
        mask, W = net.mask(layer), net.weights[layer].value
        assert not W[mask == 0].any()
        fan_in = mask.sum(axis=0)
        expected = np.sqrt(2 / fan_in) if layer < 2 else 0.1 / np.sqrt(np.maximum(fan_in, 1))
        wide = fan_in > 10
        ratio = np.sqrt((W**2).sum(axis=0) / np.maximum(fan_in, 1))[wide] / expected[wide]
        assert ratio.mean() == pytest.approx(1, abs=0.03)
    assert not net.biases[2].value.any()
    small = MADE(40, (600,), 2, "tanh", output_scale=0.01, rng=np.random.default_rng(0))
    assert abs(small.weights[1].value).max() < 0.01 * 5


def test_random_degrees_are_drawn_and_sorted_lists_are_taken():
    counts = np.bincount(made(10, (900,), degrees="random").degrees[1], minlength=10)[1:]
    assert counts.std() > 3  # sequential ones are all 100
    assert counts.mean() == 100
    net = made(4, (3, 2), degrees=[[3, 1, 2], [2, 2]])
    assert [d.tolist() for d in net.degrees[1:3]] == [[1, 2, 3], [2, 2]]


def test_options_reach_the_layers():
    for kind in (nfedu.MaskedAutoregressive, nfedu.InverseAutoregressive):
        (layer,) = autoregressive(kind, 3, 1, (4,), bound=0.3, method="naive", rng=np.random.default_rng(0))
        maf = layer if kind is nfedu.MaskedAutoregressive else layer.maf
        np.testing.assert_array_equal(maf.log_scale.c.value, 0.3)
        assert maf.method == layer.method == "naive"
        given = kind(3, (4,), degrees=[[1, 1, 1, 2]], rng=np.random.default_rng(0))
        assert given.degrees == [[1, 1, 1, 2]]
        assert (given if kind is nfedu.MaskedAutoregressive else given.maf).net.degrees[1].tolist() == [1, 1, 1, 2]
        with counting() as one:
            maf.net(np.zeros((2, 3)))
        with counting() as slow:
            maf.z_to_x(np.zeros((2, 3)))
        assert slow.multiply_adds == 3 * one.multiply_adds


def test_jacobi_stops_when_nothing_moves():
    layer = maf(30, (20,), method="jacobi")
    for p in layer.net.weights:
        p.value *= 0.05  # each coordinate depends on the others a little
    z = np.random.default_rng(3).standard_normal((4, 30))
    with counting() as one:
        layer.net(z)
    with counting() as jacobi:
        layer.z_to_x(z)
    assert jacobi.multiply_adds <= 12 * one.multiply_adds


def test_the_jacobian_promised_is_a_triangle_in_the_order():
    pattern, same = nfedu.MaskedAutoregressive(3, (4,), [2, 0, 1], rng=np.random.default_rng(0)).jacobian_pattern()
    np.testing.assert_array_equal(np.isnan(pattern), [[1, 0, 1], [1, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(pattern, same)


def test_narrow_layers_see_all_inputs():
    degrees = made(100, (10, 64)).degrees
    assert degrees[1].tolist() == [1, 10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert degrees[2].max() > 95


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_jacobi_is_exact_though_guesses_overflow(dtype):
    agreed = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        layer = nfedu.MaskedAutoregressive(20, (30,), bound=None, rng=rng)
        layer.net.weights[-1].value *= 20  # a quarter of those that cached solves overflow on the way
        layer, z = cast(layer, dtype), rng.standard_normal((1, 20)).astype(dtype)
        with np.errstate(all="ignore"):
            try:
                x = layer.z_to_x(z)[0]
            except NonFiniteError:
                continue
            layer.method = "jacobi"
            agreed += 1
            np.testing.assert_allclose(layer.z_to_x(z)[0], x, rtol=1e-3 if dtype == np.float32 else 1e-8)
    assert agreed > 5


def test_jacobi_is_exact_for_small_numbers_too():
    layer = maf(4, hidden=(), method="jacobi")  # linear: x is as small as z, and depends on itself as much as ever
    layer.net.biases[-1].value[:] = 0
    z = 1e-18 * np.random.default_rng(0).standard_normal((5, 4))
    np.testing.assert_allclose(layer.x_to_z(layer.z_to_x(z)[0])[0], z, rtol=1e-12)


def test_complex_parameters_make_complex_results():
    layer = cast(maf(3), complex)
    for method in ("naive", "cached", "jacobi"):
        layer.method = method
        x, log_det, _ = layer.z_to_x(np.ones((2, 3)))
        assert x.dtype == log_det.dtype == complex


def test_an_infinite_log_scale_is_an_error_where_z_is_finite():
    layer = maf(2, bound=None)
    layer.net.biases[-1].value[3] = np.inf
    with pytest.raises(NonFiniteError, match="coordinate 1, step 2 of 2"):
        layer.x_to_z(np.ones((2, 2)))


@pytest.mark.parametrize("degrees", ["sequential", "random"])
@pytest.mark.parametrize("hidden", [(9,), (12, 9), (40, 9, 30)])
def test_no_dependency_is_lost_where_widths_allow_it(degrees, hidden):
    for seed in range(10):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            net = MADE(10, hidden, 1, degrees=degrees, rng=np.random.default_rng(seed))
        paths = np.linalg.multi_dot([net.mask(layer) for layer in range(len(hidden) + 1)])
        np.testing.assert_array_equal(paths > 0, np.triu(np.ones((10, 10), bool), 1))


@pytest.mark.parametrize("degrees", ["sequential", "random"])
@pytest.mark.parametrize("hidden", [(8,), (4,), (64, 3), (3, 64, 5)])
def test_what_narrow_layers_lose_is_said(degrees, hidden):
    for seed in range(10):
        with pytest.warns(CapacityWarning) as caught:
            net = MADE(10, hidden, 1, degrees=degrees, rng=np.random.default_rng(seed))
        paths = np.linalg.multi_dot([net.mask(layer).astype(int) for layer in range(len(hidden) + 1)])
        gone = np.argwhere(np.triu(np.ones((10, 10), bool), 1) & (paths == 0))
        j, i = gone[0]
        assert f"cuts {len(gone)} of 45 dependencies, the first of them coordinate {i} on {j}," in str(
            caught[0].message
        )
