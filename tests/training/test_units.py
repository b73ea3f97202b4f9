"""The same data in other units, x → a x + b: the same training, its losses moved by n log a."""

import numpy as np
import pytest

import nfedu

UNITS = [
    (1e-6, 0.0),
    (1e-3, 1e-3),
    (1.0, 1e6),
    (1e3, -2e7),
    (1e6, 1e12),
    (1e-6, 1.0),
]  # a, b: up to a million deviations
RNG = np.random.default_rng(0)
X = np.exp(0.5 * RNG.standard_normal((400, 2)))  # skew, so that there is something to learn
CENTRE, SPREAD = X.mean(axis=0), X.std(axis=0)


def couplings():
    return [nfedu.AffineCoupling(2, (8,), flip=flip, rng=np.random.default_rng(flip)) for flip in (False, True)]


def flow(kind, a, b, dtype=np.float64):
    last = {
        "ActNorm": lambda: [nfedu.ActNorm(2)],
        "BatchNorm": lambda: [nfedu.BatchNorm(2)],
        "Affine": lambda: [nfedu.Affine(2, 1.2 * a * SPREAD, a * CENTRE + b)],
        "Shift": lambda: [nfedu.Rescale(2, a * SPREAD), nfedu.Shift(2, a * CENTRE + b, unit=a * SPREAD)],
    }[kind]()
    return nfedu.Flow(nfedu.StandardNormal(2), [*couplings(), *last], dtype)


def losses(kind, a, b, dtype=np.float64):
    made, x = flow(kind, a, b, dtype), a * X + b
    options = {"epochs": 12, "batch_size": 50, "optimizer": nfedu.Adam(0.02), "progress": False}
    history = nfedu.fit(made, x, validation=x[:90], rng=np.random.default_rng(1), **options)
    return np.array([history.start, *history.train, *history.validation]) - 2 * np.log(a)


@pytest.mark.parametrize(("a", "b"), UNITS)
@pytest.mark.parametrize("kind", ["ActNorm", "BatchNorm", "Affine", "Shift"])
def test_fit_does_not_know_the_units(kind, a, b):
    np.testing.assert_allclose(losses(kind, a, b), losses(kind, 1.0, 0.0), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("a", "b"), UNITS)
@pytest.mark.parametrize("kind", ["ActNorm", "BatchNorm"])
@pytest.mark.filterwarnings("ignore:float32 loses digits")  # samples at a large offset do, densities do not
def test_nor_in_float32_since_the_offset_goes_before_the_digits(kind, a, b):
    np.testing.assert_allclose(losses(kind, a, b, np.float32), losses(kind, 1.0, 0.0), rtol=0, atol=2e-3)


@pytest.mark.parametrize(("a", "b"), UNITS)
@pytest.mark.parametrize("kind", ["ActNorm", "Affine"])
def test_l_bfgs_does_not_know_them_either(kind, a, b):
    reached = []
    for scale, offset in ((1.0, 0.0), (a, b)):
        result = nfedu.fit_lbfgs(flow(kind, scale, offset), scale * X + offset, iterations=15)
        reached.append(result.loss - 2 * np.log(scale))
    assert reached[1] == pytest.approx(reached[0], abs=1e-6)


def test_a_step_from_the_optimum_stays_there():
    """Where a shift is learned in data units, Adam's first step is thousands of deviations."""
    x = 1e-6 * RNG.standard_normal((500, 2))
    made = nfedu.Flow(nfedu.StandardNormal(2), nfedu.ActNorm(2))
    history = nfedu.fit(made, x, rng=np.random.default_rng(0), epochs=5, progress=False)
    optimum = np.log(2 * np.pi * np.e) + np.log(x.std(axis=0)).sum()
    np.testing.assert_allclose(history.train, optimum, atol=0.01)


def test_held_units_are_saved_and_resumed(tmp_path):
    made, x = flow("ActNorm", 1e-3, 5.0), 1e-3 * X + 5
    nfedu.fit(made, x, rng=np.random.default_rng(1), epochs=2, progress=False)
    made.save(tmp_path / "flow.npz")
    np.testing.assert_array_equal(nfedu.load(tmp_path / "flow.npz").log_prob(x), made.log_prob(x))
    affine = nfedu.Flow(nfedu.StandardNormal(2), nfedu.Affine(2, 1e-3, 5.0))
    affine.theta += 0.5  # the unit stays that of the scale as it was given
    affine.save(tmp_path / "flow.npz")
    np.testing.assert_array_equal(nfedu.load(tmp_path / "flow.npz").log_prob(x), affine.log_prob(x))


@pytest.mark.parametrize(("a", "b"), UNITS)
@pytest.mark.parametrize("kind", [nfedu.ActNorm, nfedu.BatchNorm])
def test_what_is_learned_keeps_its_digits_beside_any_offset(kind, a, b):
    x, layer = a * X + b, kind(2)
    made = nfedu.Flow(nfedu.StandardNormal(2), layer)
    made.observe(x)
    z = layer.x_to_z(x)[0]
    (layer.t if kind is nfedu.ActNorm else layer.beta).value += 1e-8
    np.testing.assert_allclose(abs(layer.x_to_z(x)[0] - z), 1e-8, rtol=0, atol=1e-14)
