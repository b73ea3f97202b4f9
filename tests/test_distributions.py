"""Base distributions and targets against SciPy, the complex step, and their own samples."""

import numpy as np
import pytest
from scipy import stats

import nfedu
from nfedu.checks import density_on_grid, gradient, misfit
from nfedu.checks.flows.base import check_base
from nfedu.checks.reports.report import Report

COVARIANCES = np.array([[[1.0, 0.6], [0.6, 0.8]], [[0.3, -0.1], [-0.1, 0.2]]])
MEANS = np.array([[0.5, -1.0], [-1.0, 1.5]])
WEIGHTS = np.array([0.7, 0.3])

CASES = {
    "normal, n = 1": (nfedu.StandardNormal(1), lambda z: stats.norm.logpdf(z).sum(axis=1)),
    "normal, n = 5": (nfedu.StandardNormal(5), lambda z: stats.norm.logpdf(z).sum(axis=1)),
    "logistic, n = 1": (nfedu.StandardLogistic(1), lambda z: stats.logistic.logpdf(z).sum(axis=1)),
    "logistic, n = 3": (nfedu.StandardLogistic(3), lambda z: stats.logistic.logpdf(z).sum(axis=1)),
    "mixture": (
        nfedu.GaussianMixture(MEANS, COVARIANCES, WEIGHTS),
        lambda z: np.log(
            sum(w * stats.multivariate_normal(m, C).pdf(z) for w, m, C in zip(WEIGHTS, MEANS, COVARIANCES, strict=True))
        ),
    ),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request):
    return request.param


def test_log_prob_against_scipy(case):
    distribution, expected = case
    z = 3 * np.random.default_rng(0).standard_normal((50, distribution.n))
    np.testing.assert_allclose(distribution.log_prob(z), expected(z), rtol=1e-12, atol=1e-12)


def test_score_against_the_complex_step(case):
    distribution, _ = case
    z = 2 * np.random.default_rng(1).standard_normal((4, distribution.n))
    numerical = gradient(lambda v: distribution.log_prob(v).sum(), z)
    np.testing.assert_allclose(distribution.score(z), numerical, rtol=1e-12, atol=1e-13)


def test_samples_fall_where_the_density_says(case):
    distribution, _ = case
    report = Report("samples")
    check_base(report, distribution, np.random.default_rng(2))
    report.raise_if_failed()
    assert any("samples against log_prob" in check.quantity for check in report.checks)


def test_logistic_tails_do_not_overflow():
    z = np.array([[-1000.0], [1000.0]])
    np.testing.assert_allclose(nfedu.StandardLogistic(1).log_prob(z), [-1000, -1000], rtol=1e-12)


def test_mixture_integrates_to_one_and_takes_short_forms():
    shared = nfedu.GaussianMixture(MEANS, COVARIANCES[0])
    assert density_on_grid(shared, -8, 8, 400).integral == pytest.approx(1, abs=1e-6)
    round_ones = nfedu.GaussianMixture(MEANS, 0.25)
    expected = np.log(0.5 * sum(stats.multivariate_normal(m, 0.25 * np.eye(2)).pdf([0, 0]) for m in MEANS))
    assert round_ones.log_prob(np.zeros((1, 2)))[0] == pytest.approx(expected, rel=1e-12)


def test_a_mixture_component_of_weight_zero_never_appears():
    mixture = nfedu.GaussianMixture([[0.0], [50.0]], 1.0, [1, 0])
    assert mixture.sample(1000, np.random.default_rng(0)).max() < 10
    np.testing.assert_allclose(mixture.log_prob([[0.3]]), stats.norm.logpdf([0.3]), rtol=1e-12)


def test_samples_misfit_a_density_that_is_not_theirs():
    rng, box = np.random.default_rng(0), ((-2, -2), (2, 2))
    z = nfedu.StandardNormal(2).sample(100_000, rng)
    found = [misfit(nfedu.StandardNormal(2).sample(100_000, rng), nfedu.StandardNormal(2), *box) for _ in range(40)]
    assert abs(np.mean(found)) < 4 / np.sqrt(40)
    assert np.std(found) == pytest.approx(1, abs=0.4)
    assert misfit(1.03 * z, nfedu.StandardNormal(2), *box) > 5
    assert misfit(z + 0.03, nfedu.StandardNormal(2), *box) > 5
