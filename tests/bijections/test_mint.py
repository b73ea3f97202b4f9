"""MintNet: masks, the two orders, the iteration and where it fails, the fallback that ends."""

import numpy as np
import pytest

import nfedu
from nfedu.bijections.mint.network import triangle
from nfedu.bijections.mint.triangular import by_coordinates
from nfedu.checks import layer_jacobians


def layer(shape=(1, 8, 8), filters=4, scale=1.0, seed=0):
    made = nfedu.MintLayer(shape, filters, rng=np.random.default_rng(seed))
    for kernel in made.network.kernels:
        kernel.value *= scale
    for bias in made.network.biases:
        bias.value += 0.3 * np.random.default_rng(seed + 1).standard_normal(bias.value.shape)
    return made


def test_type_a_sees_earlier_channels_whole_and_its_own_past():
    mask = triangle(3, 2, 2)
    assert mask.shape == (3, 3, 6, 6)
    for dy, dx, i, o in np.ndindex(3, 3, 6, 6):
        below, own = i % 3 < o % 3, i % 3 == o % 3
        past = (dy, dx) <= (1, 1)
        assert mask[dy, dx, i, o] == (below or (own and past))


def test_the_second_layer_of_a_unit_has_the_reverse_order():
    unit = nfedu.MintUnit((2, 2, 3), 2, rng=np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((2, 12))
    first = layer_jacobians(nfedu.Chain(unit.bijections[-1:]), "x_to_z", x)[0]
    second = layer_jacobians(nfedu.Chain(unit.bijections[:3]), "x_to_z", x)[0]
    assert not first[:, ~np.tri(12, dtype=bool)].any()
    assert not second[:, ~np.tri(12, dtype=bool).T].any()
    assert second[:, 0, 1:].any(), "the first coordinate sees what comes after"


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_the_iteration_solves_to_rounding_within_forty_rounds(scale):
    made, z = layer(scale=scale), np.random.default_rng(2).standard_normal((20, 64))
    x, left, residuals = made.iterate(z)
    assert not left.any()
    assert len(residuals) <= 40
    np.testing.assert_allclose(made.x_to_z(x)[0], z, atol=1e-12)
    slow = made.iterate(z, 0.3)[2]
    assert len(slow) > 2 * len(residuals)


def test_the_iteration_diverges_for_steps_beyond_two():
    residuals = layer().iterate(np.random.default_rng(2).standard_normal((5, 64)), 2.1, 60)[2]
    assert residuals[-1] > 10 * residuals[0]


@pytest.mark.parametrize("scale", [5.0, 6.0])
def test_the_fallback_solves_what_the_iteration_does_not(scale):
    made, z = layer(scale=scale), np.random.default_rng(3).standard_normal((30, 64))
    _, left, _ = made.iterate(z)
    assert left.any(), "weights are to be so large that it fails"
    x = made.solve(z)
    np.testing.assert_allclose(made.x_to_z(x)[0], z, atol=1e-11)
    np.testing.assert_allclose(made.by_coordinates(z)[~left], x[~left], atol=1e-8)


def test_an_unsolved_equation_says_its_residual(monkeypatch):
    made, z = layer(scale=6.0), np.random.default_rng(3).standard_normal((30, 64))
    monkeypatch.setattr(type(made), "by_coordinates", lambda self, z: np.zeros_like(z))
    with pytest.raises(ValueError, match=r"L\(x\) = z is solved with a residual of \S+ only in row \d+, coord"):
        made.z_to_x(z)


def test_the_diagonal_is_positive_whatever_the_weights_are():
    for seed in range(5):
        made = layer((2, 3, 3), 3, scale=5.0, seed=seed)
        J = layer_jacobians(made, "x_to_z", np.random.default_rng(seed).standard_normal((10, 18)))[0]
        assert (np.diagonal(J, axis1=1, axis2=2) >= np.exp(made.network.log_t.value)).all()


def test_float32_comes_back_to_its_rounding():
    made = nfedu.parameters.cast(nfedu.MintUnit((1, 8, 8), 4, rng=np.random.default_rng(0)), np.float32)
    x = np.random.default_rng(1).standard_normal((10, 64)).astype(np.float32)
    back = made.z_to_x(made.x_to_z(x)[0])[0]
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, x, atol=1e-4)


def test_the_model_has_the_units_it_is_asked_for():
    flow = nfedu.models.mint_net((1, 8, 8), (2, 1, 1), (2, 1, 1), rng=np.random.default_rng(0))
    kinds = [type(f).__name__ for f in flow.bijection.bijections[::-1]]
    assert kinds == ["Logit", "MintUnit", "MintUnit", "Squeeze", "MintUnit", "Squeeze", "MintUnit", "Rescale"]
    assert [f.shape for f in flow.bijection.bijections[::-1] if isinstance(f, nfedu.MintUnit)] == [
        (1, 8, 8), (1, 8, 8), (4, 4, 4), (16, 2, 2)]  # fmt: skip


def test_bad_arguments_are_refused():
    rng = np.random.default_rng(0)
    for arguments, message in (
        (((4, 4),), r"shape = \(4, 4\), expected \(channels, height, width\)"),
        (((1, 4, 4), 0), "filters = 0, step = 1.0; expected an integer ≥ 1, 0 < step < 2"),
        (((1, 4, 4), 2, -1.0), "filters = 2, step = -1.0; expected"),
        (((1, 4, 4), 2, 2.0), "filters = 2, step = 2.0; expected"),
    ):
        for kind in (nfedu.MintLayer, nfedu.MintUnit):
            with pytest.raises(ValueError, match=message):
                kind(*arguments, rng=rng)


def test_a_large_row_does_not_loosen_the_others():
    made, z = layer(scale=1.5), np.random.default_rng(4).standard_normal((5, 64))
    alone = made.z_to_x(z[1:])[0]
    z[0, 0] = 1e12
    np.testing.assert_allclose(made.z_to_x(z)[0][1:], alone, atol=1e-12)


@pytest.mark.parametrize(("dtype", "atol"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("large", [1e3, 1e9, 1e15])
def test_a_large_coordinate_does_not_loosen_the_others(dtype, atol, large):
    made = nfedu.parameters.cast(layer((1, 4, 4), scale=1.5), dtype)
    x = np.random.default_rng(1).standard_normal((2, 16)).astype(dtype)
    x[0, 0] = large
    back = made.z_to_x(made.x_to_z(x)[0])[0]
    np.testing.assert_allclose(back[:, 1:], x[:, 1:], atol=atol)


def test_a_large_gradient_in_one_row_does_not_loosen_the_others():
    made, rng = layer(scale=2.0), np.random.default_rng(1)
    z, g = rng.standard_normal((3, 64)), rng.standard_normal((3, 64))
    z[0] *= 1e4
    alone = made.z_to_x(z)[2](g, np.ones(3))
    g[0] *= 1e12
    np.testing.assert_allclose(made.z_to_x(z)[2](g, np.ones(3))[1:], alone[1:], rtol=1e-12, atol=1e-12)


def test_the_bracket_knows_bias_and_slope():
    made, rng = layer(scale=3.0), np.random.default_rng(3)
    made.network.biases[2].value[:] = 50
    made.network.log_t.value[:] = rng.uniform(-2, 2, 64)
    z = rng.standard_normal((5, 64))
    np.testing.assert_allclose(made.x_to_z(made.by_coordinates(z))[0], z, atol=1e-10)


def test_a_residual_just_above_rounding_is_refused(monkeypatch):
    made, z = layer(scale=6.0), np.random.default_rng(3).standard_normal((30, 64))
    kept = type(made).by_coordinates
    monkeypatch.setattr(type(made), "by_coordinates", lambda self, z: kept(self, z) + 1e-9)
    with pytest.raises(ValueError, match="is solved with a residual of"):
        made.z_to_x(z)


def test_the_fallback_does_not_cycle():
    """With these weights Newton's method alternates between two points of a bracket that does not shrink."""
    for seed in range(3):
        made, z = layer(filters=6, scale=4.0, seed=seed), np.random.default_rng(seed).standard_normal((50, 64))
        np.testing.assert_allclose(made.x_to_z(made.by_coordinates(z))[0], z, atol=1e-11)


@pytest.mark.parametrize("shape", [(1, 7, 6), (2, 5, 4)])
def test_a_front_depends_on_earlier_ones_alone(shape):
    made = layer(shape, 3)
    J = layer_jacobians(made, "x_to_z", np.random.default_rng(0).standard_normal((1, made.n)))[0][0]
    C, H, W = shape
    fronts = made.fronts()
    assert len(fronts) == C * (W + 2 * H - 2)
    assert sorted(np.concatenate(fronts)) == list(range(made.n))
    known = np.zeros(made.n, bool)
    for front in fronts:
        others = J[front].copy()
        others[np.arange(len(front)), front] = 0
        assert not others[:, ~known].any()
        known[front] = True


def test_steep_layers_at_28_by_28_are_solved_within_a_bound_of_passes(monkeypatch):
    made, z = layer((1, 28, 28), scale=6.0), np.random.default_rng(3).standard_normal((4, 784))
    passes, kept = [], type(made).with_diagonal
    monkeypatch.setattr(type(made), "with_diagonal", lambda self, x: passes.append(1) or kept(self, x))
    assert made.iterate(z)[1].any(), "weights are to be so large that the iteration fails"
    passes.clear()
    x = made.solve(z)
    np.testing.assert_allclose(made.x_to_z(x)[0], z, atol=1e-10)
    assert len(passes) <= 100 + 2 + 82 * 30  # far below what is proven, 82 fronts of 200 rounds


def test_halving_ends_what_newton_does_not():
    """Wrong slopes, by which Newton's steps halve again and again far from the solution."""
    calls = []

    def misleading(x):
        calls.append(1)
        return x, np.full_like(x, 2.0 ** (1 + len(calls) % 20))

    z = np.array([[600.0, -3.0]])
    wide, goal = np.full_like(z, 1000.0), np.full_like(z, 1e-12)
    x = by_coordinates(misleading, z, -wide, wide, goal, [np.arange(2)])
    np.testing.assert_allclose(x, z, rtol=0, atol=2e-12)
    assert 100 < len(calls) <= 200
