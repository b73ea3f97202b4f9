"""Optimizers against their textbook form, and the training loop's promises."""

import numpy as np
import pytest
from scipy import optimize

import nfedu
from nfedu import datasets
from nfedu.training import DivergedError


def affine_flow(s=1.0):
    return nfedu.Flow(nfedu.StandardNormal(1), nfedu.Affine(1, s))


def nice(n=2, seed=0):
    rng = np.random.default_rng(seed)
    layers = [nfedu.AdditiveCoupling(n, (16,), flip=flip, rng=rng) for flip in (False, True)]
    return nfedu.Flow(nfedu.StandardNormal(n), [nfedu.Rescale(n), *layers])


@pytest.mark.parametrize("size", [1, 7, 40_000])  # one block, and several
def test_adam_is_the_textbook_formula(size):
    rng = np.random.default_rng(0)
    theta, expected = rng.standard_normal((2, size))
    expected[:] = theta
    adam, m, v = nfedu.Adam(0.01, 0.8, 0.95, 1e-6), np.zeros(size), np.zeros(size)
    for t in range(1, 6):
        g = rng.standard_normal(size)
        adam.step(theta, g)
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        expected -= 0.01 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-6)
    np.testing.assert_allclose(theta, expected, rtol=1e-12)


def test_sgd_is_the_textbook_formula():
    theta, v = np.array([1.0, -2.0]), np.zeros(2)
    expected, sgd = theta.copy(), nfedu.SGD(0.1, momentum=0.9)
    for g in (np.array([1.0, 2.0]), np.array([-3.0, 0.5])):
        sgd.step(theta, g)
        v = 0.9 * v - 0.1 * g
        expected += v
    np.testing.assert_allclose(theta, expected, rtol=1e-14)


@pytest.mark.parametrize("optimizer", [nfedu.Adam(0.05), nfedu.SGD(0.05, 0.9)])
def test_fit_finds_mean_and_standard_deviation(optimizer):
    x = np.random.default_rng(0).normal(3.0, 2.0, (400, 1))
    flow = affine_flow()
    nfedu.fit(flow, x, rng=np.random.default_rng(1), epochs=300, batch_size=400, optimizer=optimizer, progress=False)
    np.testing.assert_allclose([np.exp(flow.theta[0]), flow.theta[1]], [x.std(), x.mean()], rtol=1e-3)


def test_lbfgs_reaches_what_scipy_reaches_by_itself():
    x = np.random.default_rng(0).gamma(3.0, size=(300, 1))
    flow = nfedu.Flow(nfedu.StandardNormal(1), [nfedu.SinhArcsinh(1), nfedu.Affine(1)])
    loss = nfedu.fit_lbfgs(flow, x)
    twin = nfedu.Flow(nfedu.StandardNormal(1), [nfedu.SinhArcsinh(1), nfedu.Affine(1)])

    def value(theta):  # no gradient of ours is used
        twin.theta[:] = theta
        return -twin.log_prob(x).mean()

    alone = optimize.minimize(value, np.zeros(4), method="Nelder-Mead", options={"maxiter": 5000, "fatol": 1e-12})
    assert loss == pytest.approx(alone.fun, abs=1e-7)
    assert loss == pytest.approx(-flow.log_prob(x).mean(), rel=1e-14)
    assert abs(flow.grad).max() < 1e-5


def test_early_stopping_keeps_the_best_theta():
    rng = np.random.default_rng(0)
    x, validation = datasets.two_moons(60, rng), datasets.two_moons(500, rng)
    flow = nice()
    history = nfedu.fit(
        flow, x, validation=validation, rng=rng, epochs=400, patience=20, optimizer=nfedu.Adam(0.02), progress=False
    )
    assert len(history.train) < 400, "60 points must be overfitted"
    assert history.best == min(history.validation) == history.validation[history.best_epoch]
    assert -flow.log_prob(validation).mean() == pytest.approx(history.best, rel=1e-12)
    assert len(history.validation) - 1 - history.best_epoch == 20


def test_the_running_mean_is_what_is_kept():
    x = np.random.default_rng(0).normal(3.0, 2.0, (100, 1))
    thetas = []

    class Recording(nfedu.SGD):
        def step(self, theta, grad):
            super().step(theta, grad)
            thetas.append(theta.copy())

    flow = affine_flow()
    options = {"epochs": 3, "batch_size": 50, "optimizer": Recording(0.1), "average": 0.6, "progress": False}
    nfedu.fit(flow, x, rng=np.random.default_rng(0), **options)
    mean = thetas[0].copy()
    for t, theta in enumerate(thetas[1:], start=2):
        mean += max(0.4, 1 / t) * (theta - mean)
    np.testing.assert_allclose(flow.theta, mean, rtol=1e-13)


def test_weight_decay_shrinks_matrices_alone():
    flow, plain = nice(), nice()
    x = datasets.two_moons(50, np.random.default_rng(0))
    for called, decay in ((flow, 0.5), (plain, 0.0)):
        options = {"epochs": 1, "batch_size": 50, "optimizer": nfedu.SGD(0.01), "weight_decay": decay}
        nfedu.fit(called, x, rng=np.random.default_rng(0), progress=False, **options)
    for (name, p), q in zip(flow.parameters().items(), plain.parameters().values(), strict=True):
        factor = 1 - 0.01 * 0.5 if ".W" in name else 1.0
        np.testing.assert_allclose(p.value, factor * q.value, rtol=1e-12, err_msg=name)


def test_annealing_ends_near_zero_and_gives_the_rate_back():
    rates = []

    class Recording(nfedu.SGD):
        def step(self, theta, grad):
            rates.append(self.learning_rate)

    optimizer = Recording(0.1)
    x = np.random.default_rng(0).standard_normal((10, 1))
    nfedu.fit(
        affine_flow(), x, rng=np.random.default_rng(0), epochs=100, optimizer=optimizer, anneal=True, progress=False
    )
    assert rates[0] == 0.1
    assert rates[50] == pytest.approx(0.05)
    assert rates[-1] < 1e-4
    assert optimizer.learning_rate == 0.1


def test_the_same_seed_gives_the_same_theta():
    x = datasets.two_moons(200, np.random.default_rng(0))

    def noise(batch, rng):
        return batch + 0.01 * rng.standard_normal(batch.shape)

    thetas = []
    for _ in range(2):
        flow = nice()
        nfedu.fit(flow, x, rng=np.random.default_rng(3), epochs=3, transform=noise, progress=False)
        thetas.append(flow.theta.copy())
    np.testing.assert_array_equal(*thetas)


def test_divergence_names_the_step_and_keeps_a_good_theta():
    x = np.random.default_rng(0).standard_normal((50, 2))
    flow = nice()
    validation_before = flow.log_prob(x).mean()
    with (
        np.errstate(all="ignore"),
        pytest.raises(DivergedError, match=r"diverged at step \d+: .*smaller learning rate"),
    ):
        nfedu.fit(
            flow, x, validation=x, rng=np.random.default_rng(0), epochs=500, optimizer=nfedu.SGD(1e6), progress=False
        )
    assert np.isfinite(flow.theta).all()
    assert flow.log_prob(x).mean() >= validation_before
