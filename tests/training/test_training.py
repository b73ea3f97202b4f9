"""Optimizers against their textbook form, and the training loop's promises."""

import copy
import signal

import numpy as np
import pytest
from scipy import optimize

import nfedu
from nfedu import datasets
from nfedu.arrays import NonFiniteError
from nfedu.training import DivergedError

X_VALIDATION = np.random.default_rng(7).normal(3.0, 2.0, (60, 1))


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
    loss = nfedu.fit_lbfgs(flow, x).loss
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


class Recording(nfedu.SGD):
    """SGD that keeps what it saw."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.thetas, self.grads, self.rates = [], [], []

    def step(self, theta, grad):
        super().step(theta, grad)
        self.thetas.append(theta.copy())
        self.grads.append(grad.copy())
        self.rates.append(self.learning_rate)


def test_validation_is_at_the_mean_and_training_goes_on_from_theta():
    rng = np.random.default_rng(0)
    x, validation = rng.normal(3.0, 2.0, (100, 1)), rng.normal(3.0, 2.0, (100, 1))
    flow, recording = affine_flow(), Recording(0.1)
    options = {"epochs": 3, "batch_size": 50, "optimizer": recording, "average": 0.6, "progress": False}
    history = nfedu.fit(flow, x, validation=validation, rng=np.random.default_rng(0), **options)
    twin, mean = affine_flow(), recording.thetas[0].copy()
    for t, theta in enumerate(recording.thetas, start=1):
        mean += max(0.4, 1 / t) * (theta - mean)
        if t % 2 == 0:
            twin.theta[:] = mean
            assert history.validation[t // 2 - 1] == pytest.approx(-twin.log_prob(validation).mean(), rel=1e-12)
    for before, after, grad in zip(recording.thetas, recording.thetas[1:], recording.grads[1:], strict=False):
        np.testing.assert_allclose(after, before - 0.1 * grad, rtol=1e-12)  # no step starts from the mean


def test_every_epoch_sees_every_row_once_in_another_order():
    x, seen = np.arange(10.0)[:, None], []

    def watch(batch, rng):
        assert batch.shape in ((4, 1), (3, 1))
        seen.append(batch[:, 0])
        return batch

    nfedu.fit(affine_flow(), x, rng=np.random.default_rng(0), epochs=2, batch_size=4, transform=watch, progress=False)
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    assert sorted(first) == sorted(second) == list(range(10))
    assert list(first) != list(second)


def test_training_losses_are_the_mean_over_the_batches():
    x = np.random.default_rng(0).normal(3.0, 2.0, (100, 1))
    flow, still = affine_flow(), nfedu.SGD(1e-300)
    history = nfedu.fit(flow, x, rng=np.random.default_rng(0), epochs=1, batch_size=10, optimizer=still, progress=False)
    assert history.train == [pytest.approx(-flow.log_prob(x).mean(), rel=1e-12)]
    assert history.best == history.train[0]


def test_weight_decay_follows_the_annealed_rate():
    flow, recording = nice(), Recording(0.1)
    W = flow.parameters()["1.net.W0"]
    start, x = W.value.copy(), np.zeros((2, 2))
    recording.step = lambda theta, grad: recording.rates.append(recording.learning_rate)
    options = {"optimizer": recording, "anneal": True, "weight_decay": 0.5, "progress": False}
    nfedu.fit(flow, x, rng=np.random.default_rng(0), epochs=4, **options)
    assert len(set(recording.rates)) == 4
    np.testing.assert_allclose(W.value, start * np.prod([1 - 0.5 * rate for rate in recording.rates]), rtol=1e-12)


def test_the_clock_stops_training():
    history = nfedu.fit(
        nice(), np.zeros((9, 2)), rng=np.random.default_rng(0), epochs=10**6, seconds=0.2, progress=False
    )
    assert 0.2 < history.seconds < 2


def test_a_gradient_that_is_not_finite_stops_training():
    class NoSlope(nfedu.StandardNormal):
        def score(self, z):
            return np.full(z.shape, np.nan)

    flow = nfedu.Flow(NoSlope(1), nfedu.Affine(1))
    with pytest.raises(DivergedError, match=r"gradient has 2 non-finite entries. theta is back at its initial value"):
        nfedu.fit(flow, np.ones((3, 1)), rng=np.random.default_rng(0), progress=False)
    np.testing.assert_array_equal(flow.theta, 0)


def test_adam_starts_anew_for_another_theta():
    adam, fresh = nfedu.Adam(), nfedu.Adam()
    adam.step(np.zeros(3), np.ones(3))
    a, b = np.zeros(5), np.zeros(5)
    adam.step(a, np.ones(5))
    fresh.step(b, np.ones(5))
    np.testing.assert_array_equal(a, b)


def test_lbfgs_shortens_steps_that_overflow_and_keeps_the_least_loss():
    class Cliff(nfedu.Flow):
        seen = []

        def nll(self, x):
            if abs(self.theta).max() > 1.5:
                raise NonFiniteError("over the cliff")
            self.seen.append(super().nll(x))
            return self.seen[-1]

    flow = Cliff(nfedu.StandardNormal(1), nfedu.Affine(1))
    x = np.random.default_rng(0).normal(30.0, 9.0, (50, 1))  # the optimum lies over the cliff
    loss = nfedu.fit_lbfgs(flow, x).loss
    assert loss == min(flow.seen) < flow.seen[0]
    assert abs(flow.theta).max() <= 1.5


def test_lbfgs_ends_at_the_least_loss_wherever_the_minimizer_looked_last(monkeypatch):
    x = np.random.default_rng(0).normal(3.0, 2.0, (50, 1))

    def wandering(loss, theta, **_):
        loss(np.array([np.log(2.0), 3.0]))
        loss(np.array([5.0, -40.0]))
        return optimize.OptimizeResult(status=2, message="lost", nit=2)

    monkeypatch.setattr(optimize, "minimize", wandering)
    flow = affine_flow()
    result = nfedu.fit_lbfgs(flow, x)
    np.testing.assert_allclose(flow.theta, [np.log(2.0), 3.0])
    assert (result.status, result.message, result.iterations, result.converged) == (2, "lost", 2, False)
    assert result.loss == pytest.approx(-flow.log_prob(x).mean(), rel=1e-14)


def test_the_recipe_for_the_digits_learns_from_train_chooses_by_validation_and_measures_test(monkeypatch):
    split, seen = datasets.digits(), {}

    def fake(flow, x, **options):
        seen.update(options, x=x)
        return nfedu.training.History(seconds=1.0)

    monkeypatch.setattr("nfedu.training.digits.fit", fake)
    flow = nfedu.Flow(nfedu.StandardNormal(64), [nfedu.Affine(64, 0.3, 0.5)])
    run = nfedu.fit_digits(flow, rng=np.random.default_rng(0), epochs=3, share=1.0, optimizer="mine")
    np.testing.assert_array_equal(seen["x"], split.train.images)
    np.testing.assert_array_equal(np.floor(17 * seen["validation"]).reshape(5, 180, 64)[2], split.validation.images)
    assert seen["optimizer"] == "mine"
    moved = np.floor(17 * seen["transform"](split.train.images, np.random.default_rng(0)))
    assert 0.2 < (moved != split.train.images).any(axis=1).mean() <= 1
    for part, (bits, error) in zip(split, run[1:], strict=True):
        assert (bits, error) == datasets.bits_per_pixel(flow, part.images, np.random.default_rng(0))
    assert f"test {run.test[0]:.3f}" in str(run)


def test_the_theta_before_the_first_step_is_a_candidate():
    x = np.random.default_rng(0).standard_normal((300, 1))
    flow = affine_flow(x.std())
    start = -flow.log_prob(x[:50]).mean()
    options = {"epochs": 4, "optimizer": nfedu.SGD(5.0), "progress": False}  # steps that lead away from the optimum
    history = nfedu.fit(flow, x, validation=x[:50], rng=np.random.default_rng(0), **options)
    assert min(history.validation) > history.start == history.best == pytest.approx(start, rel=1e-12)
    assert history.best_epoch == -1
    assert -flow.log_prob(x[:50]).mean() == history.best


def test_l_bfgs_says_whether_it_converged():
    x = np.random.default_rng(0).gamma(3.0, size=(300, 1))
    for iterations, converged, words in ((2, False, "ITERATIONS"), (200, True, "CONVERGENCE")):
        flow = nfedu.Flow(nfedu.StandardNormal(1), [nfedu.SinhArcsinh(1), nfedu.Affine(1)])
        result = nfedu.fit_lbfgs(flow, x, iterations=iterations)
        assert result.converged == converged
        assert words in result.message
        assert result.iterations <= iterations


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("validation", [None, X_VALIDATION])
def test_ctrl_c_ends_with_the_best_theta(direct, validation, tmp_path):
    steps = []

    def press(batch, rng):
        steps.append(len(batch))
        if len(steps) == 8:  # in the third epoch of three batches
            if direct:
                raise KeyboardInterrupt
            signal.raise_signal(signal.SIGINT)
        return batch

    x = np.random.default_rng(0).normal(3.0, 2.0, (90, 1))
    options = {"validation": validation, "batch_size": 30, "optimizer": nfedu.Adam(0.1), "progress": False}
    flow, twin = affine_flow(), affine_flow()
    path = tmp_path / "run.npz"
    rng = np.random.default_rng(1)
    history = nfedu.fit(flow, x, rng=rng, epochs=5, transform=press, checkpoint=path, **options)
    assert history.interrupted
    assert len(history.train) == 2
    expected = nfedu.fit(twin, x, rng=np.random.default_rng(1), epochs=2, **{**options, "optimizer": nfedu.Adam(0.1)})
    np.testing.assert_array_equal(flow.theta, twin.theta)
    assert (history.best, history.train, expected.interrupted) == (expected.best, expected.train, False)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    whole, resumed = affine_flow(), affine_flow()
    nfedu.fit(whole, x, rng=np.random.default_rng(1), epochs=5, **{**options, "optimizer": nfedu.Adam(0.1)})
    options["optimizer"] = nfedu.Adam(0.1)
    again = nfedu.fit(resumed, x, rng=np.random.default_rng(9), epochs=5, checkpoint=path, **options)
    np.testing.assert_array_equal(resumed.theta, whole.theta)
    assert not again.interrupted


@pytest.mark.parametrize("threads", [1, 2])
def test_weights_are_what_repeated_rows_are(threads):
    rng = np.random.default_rng(0)
    x, times = datasets.two_moons(40, rng), rng.integers(0, 4, 40)
    weighted, repeated = nice(), nice()
    options = {"epochs": 5, "batch_size": 200, "optimizer": nfedu.Adam(0.01), "progress": False}
    more = {"weights": 0.1 * times, "validation_weights": 7 * times, "validation": x, "threads": threads}
    found = nfedu.fit(weighted, x, rng=np.random.default_rng(0), **options, **more)
    rows, options["optimizer"] = np.repeat(x, times, axis=0), nfedu.Adam(0.01)
    expected = nfedu.fit(repeated, rows, rng=np.random.default_rng(0), validation=rows, **options)
    np.testing.assert_allclose(weighted.theta, repeated.theta, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.train, expected.train, rtol=1e-10)
    np.testing.assert_allclose(found.validation, expected.validation, rtol=1e-10)


def test_the_weighted_gradient_by_the_complex_step():
    x, weights = datasets.two_moons(30, np.random.default_rng(0)), np.random.default_rng(1).gamma(1.0, size=30)
    rng = np.random.default_rng(2)
    flow = nfedu.Flow(nfedu.StandardNormal(2), nfedu.AffineCoupling(2, (5,), activation="tanh", rng=rng))
    assert flow.nll(x, weights) == pytest.approx(-(weights * flow.log_prob(x)).mean(), rel=1e-13)
    twin = flow.astype(complex)
    for k in range(flow.theta.size):
        twin.theta[k] += 1e-30j
        derivative = -(weights * twin.log_prob(x)).mean().imag / 1e-30
        assert flow.grad[k] == pytest.approx(derivative, abs=1e-12)
        twin.theta[k] = flow.theta[k]


@pytest.mark.parametrize("kind", [nfedu.Adam, lambda rate: nfedu.SGD(rate, 0.9)])
def test_an_optimizer_takes_nothing_over_from_another_flow(kind):
    x = datasets.two_moons(60, np.random.default_rng(0))
    shared, fresh = kind(0.01), kind(0.01)
    first, second, third = nice(), nice(), nice()
    for flow, optimizer in ((first, shared), (second, shared), (third, fresh)):
        nfedu.fit(flow, x, rng=np.random.default_rng(1), epochs=3, optimizer=optimizer, progress=False)
    np.testing.assert_array_equal(second.theta, third.theta)
    before = third.theta.copy()
    nfedu.fit(third, x, rng=np.random.default_rng(1), epochs=1, optimizer=fresh, progress=False)
    anew = nice()
    anew.theta = before
    nfedu.fit(anew, x, rng=np.random.default_rng(1), epochs=1, optimizer=kind(0.01), progress=False)
    assert (anew.theta != third.theta).any(), "on the same theta it goes on"


class Uniform:
    """On [−1, 1]ⁿ."""

    def __init__(self, n):
        self.n = n

    def log_prob(self, z):
        return np.where((abs(z) <= 1).all(axis=1), -self.n * np.log(2.0), -np.inf)

    def score(self, z):
        return np.zeros_like(z)


def test_advice_names_the_cause():
    rng = np.random.default_rng(0)
    heavy = rng.standard_normal((300, 2))
    heavy[123] = [1e6, -4e5]
    loose = [nfedu.AffineCoupling(2, (16,), bound=None, flip=bool(m % 2), rng=rng) for m in range(4)]
    mafs = nfedu.models.autoregressive(nfedu.MaskedAutoregressive, 2, 3, (16,), rng=rng, bound=None)
    steep = [nfedu.SinhArcsinh(2, tail=100.0)]
    x, size = 0.1 * rng.standard_normal((50, 2)), r"x\[123, 0\] = 1e\+06, \S+ interquartile ranges from the median"
    outside = x.copy()
    outside[17] = 3.0
    cases = [
        (nfedu.StandardNormal(2), loose, heavy, size + ", overflows in layers without a bound .* as bound=1.0"),
        (nfedu.StandardNormal(2), mafs, heavy, size + ", overflows in layers without a bound .* as bound=1.0"),
        (nfedu.StandardNormal(2), steep, heavy, size + ", overflows: drop such rows, or bring them nearer"),
        (
            Uniform(2),
            [nfedu.Affine(2)],
            outside,
            "row 17 has a finite latent where the base, Uniform, has log p = -inf",
        ),
    ]
    for base, layers, data, words in cases:
        for rate in (1e-3, 1e-12):
            flow = nfedu.Flow(base, copy.deepcopy(layers))
            with np.errstate(all="ignore"), pytest.raises(DivergedError, match=words) as caught:
                options = {"epochs": 2, "optimizer": nfedu.Adam(rate), "progress": False}
                nfedu.fit(flow, data, rng=np.random.default_rng(0), **options)
            assert "learning rate" not in str(caught.value)
