"""Distillation (N21, N22): the estimate, its gradient, what is learned, what is left alone."""

import numpy as np
import pytest

import nfedu
from nfedu.models import autoregressive
from nfedu.training import DivergedError, kl_divergence, reverse_kl


def iaf(n=3, **options):
    rng = np.random.default_rng(0)
    layers = autoregressive(nfedu.InverseAutoregressive, n, 2, (8,), activation="tanh", rng=rng)
    return nfedu.Flow(nfedu.StandardNormal(n), [*layers, nfedu.Affine(n)], **options)


def maf(n=3):
    layers = autoregressive(nfedu.MaskedAutoregressive, n, 2, (8,), activation="tanh", rng=np.random.default_rng(1))
    flow = nfedu.Flow(nfedu.StandardNormal(n), layers)
    flow.theta += 0.3 * np.random.default_rng(2).standard_normal(flow.theta.size)
    return flow


def gaussian(mean, scale):
    return nfedu.Flow(nfedu.StandardNormal(1), nfedu.Affine(1, scale, mean))


def test_the_estimate_is_the_closed_form_of_gaussians():
    s, t = gaussian(1.0, 0.5), gaussian(-0.5, 2.0)
    exact = np.log(2 / 0.5) + (0.5**2 + 1.5**2) / (2 * 2**2) - 0.5
    kl, error = kl_divergence(s, t, 200_000, np.random.default_rng(0))
    assert error < 0.003
    assert abs(kl - exact) < 5 * error
    many = [reverse_kl(s, t, 100, np.random.default_rng(seed)) for seed in range(400)]
    assert np.mean(many) == pytest.approx(exact, abs=5 * np.std(many) / 20)
    assert kl_divergence(s, s, 100, np.random.default_rng(0)) == pytest.approx((0, 0), abs=1e-12)


def test_the_standard_error_is_that_of_the_mean():
    s, t = gaussian(0.0, 1.0), gaussian(0.0, 2.0)  # terms: log 2 − z²·3/8, whose variance is 2·(3/8)²
    _, error = kl_divergence(s, t, 40_000, np.random.default_rng(0))
    assert error == pytest.approx(np.sqrt(2) * 3 / 8 / 200, rel=0.03)


def test_the_gradient_is_that_of_the_complex_step_entry_by_entry():
    student, teacher = iaf(), maf()
    student.theta += 0.2 * np.random.default_rng(3).standard_normal(student.theta.size)
    teacher_grad = teacher.grad.copy()
    reverse_kl(student, teacher, 20, np.random.default_rng(4))
    z, twin, frozen = (
        np.random.default_rng(4).standard_normal((20, 3)),
        student.astype(complex),
        teacher.astype(complex),
    )
    for k in range(0, student.theta.size, 3):
        twin.theta[:] = student.theta
        twin.theta[k] += 1e-30j
        x, log_det, _ = twin.z_to_x(z.astype(complex))
        kl = np.mean(twin.base.log_prob(z) - log_det - frozen.log_prob(x))
        assert student.grad[k] == pytest.approx(kl.imag / 1e-30, rel=1e-11, abs=1e-14), student.name_of(k)
    np.testing.assert_array_equal(teacher.grad, teacher_grad)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gaussian_teacher_is_learned(dtype):
    teacher = nfedu.GaussianMixture([[1.0, -2.0]], [[2.0, 0.8], [0.8, 1.0]])
    student = iaf(2).astype(dtype)
    options = {"steps": 800, "batch_size": 200, "optimizer": nfedu.Adam(0.02), "average": 0.98, "progress": False}
    history = nfedu.distill(student, teacher, rng=np.random.default_rng(5), **options)
    kl, error = kl_divergence(student, teacher, 20_000, np.random.default_rng(6))
    assert kl < 0.01 + 5 * error
    assert history.train[0] > 1
    assert len(history.train) == history.steps == 800


def test_the_teacher_is_left_alone():
    teacher = maf()
    teacher.grad[:] = 0.5
    theta = teacher.theta.copy()
    nfedu.distill(iaf(), teacher, rng=np.random.default_rng(0), steps=20)
    np.testing.assert_array_equal(teacher.theta, theta)
    np.testing.assert_array_equal(teacher.grad, 0.5)


def test_the_last_step_is_not_kept_unseen():
    student, start = iaf(), iaf().theta
    with np.errstate(all="ignore"), pytest.raises(DivergedError):
        nfedu.distill(student, maf(), rng=np.random.default_rng(0), steps=1, optimizer=nfedu.Adam(1e200))
    np.testing.assert_array_equal(student.theta, start)


def test_bad_calls_are_refused():
    rng = np.random.default_rng(0)
    student = iaf()
    for teacher in (student, np.zeros((5, student.n))):
        with pytest.raises(ValueError, match="expected another flow or a distribution, with log_prob and score"):
            nfedu.distill(student, teacher, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="the student has n = 3, the teacher n = 2"):
        nfedu.distill(iaf(3), nfedu.StandardNormal(2), rng=rng)
    with pytest.raises(ValueError, match="rng = 0, expected a generator"):
        nfedu.distill(iaf(), maf(), rng=0)
    with pytest.raises(ValueError, match="distill: steps: count = 0"):
        nfedu.distill(iaf(), maf(), rng=rng, steps=0)
    with pytest.raises(ValueError, match="average = 1, expected 0 ≤ average < 1"):
        nfedu.distill(iaf(), maf(), rng=rng, average=1)
    with pytest.raises(ValueError, match=r"expected an optimizer such as nfedu.Adam\(1e-3\)"):
        nfedu.distill(iaf(), maf(), rng=rng, optimizer=nfedu.Adam)
    with pytest.raises(ValueError, match=r"Logit: x.* lies outside the domain"):  # no word of divergence
        nfedu.distill(iaf(), nfedu.Flow(nfedu.StandardNormal(3), nfedu.Logit(3)), rng=rng, progress=False)
    with pytest.raises(ValueError, match="expected at least 2 samples"):
        kl_divergence(iaf(), maf(), 1, rng)


def test_divergence_is_named_and_theta_stays_finite():
    student = iaf()
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match=r"distillation diverged at step \d+"):
        nfedu.distill(student, maf(), rng=np.random.default_rng(0), optimizer=nfedu.SGD(1e6), steps=50, progress=False)
    assert np.isfinite(kl_divergence(student, maf(), 100, np.random.default_rng(1))).all(), "the last good θ is kept"


class Recorder:
    """An optimizer that moves θ by one each step and keeps its learning rates."""

    def __init__(self):
        self.learning_rate, self.rates = 0.1, []

    def step(self, theta, grad):
        self.rates.append(self.learning_rate)
        theta += 1.0


@pytest.mark.parametrize(("average", "expected"), [(0.0, 4.0), (0.5, None), (0.999999, 2.0)])
def test_theta_ends_as_the_mean_asked_for(average, expected):
    student, optimizer = gaussian(0.0, 1.0), Recorder()
    start = student.theta.copy()
    options = {"steps": 4, "batch_size": 7, "optimizer": optimizer, "average": average, "progress": False}
    nfedu.distill(student, nfedu.StandardNormal(1), rng=np.random.default_rng(0), **options)
    mean = 0.0
    for k in range(1, 5):  # θ = 0, 1, 2, 3, 4 above its start; the first weight is 1
        mean += max(1 - average, 1 / (k + 1)) * (k - mean)
    np.testing.assert_allclose(student.theta - start, mean if expected is None else expected, rtol=1e-5)
    np.testing.assert_allclose(optimizer.rates, 0.05 * (1 + np.cos(np.pi * np.arange(4) / 4)))
    assert optimizer.learning_rate == 0.1


def test_without_annealing_the_rate_stays_and_batches_have_the_size_asked_for():
    sizes, optimizer = [], Recorder()

    class Base(nfedu.StandardNormal):
        def sample(self, count, rng):
            sizes.append(count)
            return super().sample(count, rng)

    student = nfedu.Flow(Base(1), nfedu.Affine(1))
    options = {"steps": 3, "batch_size": 7, "optimizer": optimizer, "anneal": False, "progress": False}
    nfedu.distill(student, nfedu.StandardNormal(1), rng=np.random.default_rng(0), **options)
    assert set(sizes) == {7}
    assert optimizer.rates == [0.1] * 3


def test_at_the_first_step_the_advice_is_not_about_steps():
    class Half(nfedu.StandardNormal):
        def log_prob(self, z):
            return np.where(z[:, 0] > 0, super().log_prob(z), -np.inf)

    student = nfedu.Flow(nfedu.StandardNormal(1), nfedu.Affine(1))
    with pytest.raises(DivergedError, match=r"at step 0: .* no step has been taken: .* teacher") as caught:
        nfedu.distill(student, Half(1), rng=np.random.default_rng(0), steps=3, progress=False)
    assert "learning rate" not in str(caught.value)
