"""Flows under the checker: what is right passes in any units, what is wrong is named, what cannot be judged is said."""

import numpy as np
import pytest
from scipy import stats

import nfedu
from nfedu import checks
from nfedu.checks.flows.integral import check_integral
from nfedu.checks.flows.proposal import Proposal
from nfedu.checks.reports.report import Report
from tests.test_flow import small_flow


def judged(flow, count=6):
    return checks.check_flow(flow, flow.sample(count, np.random.default_rng(1)))


@pytest.mark.parametrize("n", [2, 3, 5])
def test_whole_ladder(n):
    report = judged(small_flow(n)).raise_if_failed()
    assert {check.rung for check in report.checks} == {1, 2, 3, 5, 6}
    assert not report.not_judged


@pytest.mark.parametrize("base", [nfedu.StandardNormal(1), nfedu.StandardLogistic(1)])
def test_whole_ladder_in_one_dimension_with_a_bounded_domain(base):
    judged(nfedu.Flow(base, [nfedu.Affine(1, 0.8, -0.3), nfedu.Logit(1)])).raise_if_failed()


@pytest.mark.parametrize("scales", [[7, 60000, 15], [1e-4, 1, 1e5]])
def test_columns_of_different_sizes_are_no_fault(scales):
    flow = nfedu.Flow(nfedu.StandardNormal(3), [nfedu.Affine(3, scales, 0.0)])
    report = judged(flow, 8).raise_if_failed()
    assert any("samples against log_prob" in check.quantity for check in report.checks), "and it was looked at"


@pytest.mark.parametrize("seed", range(3))
def test_relu_couplings_over_raw_columns_are_no_fault(seed):
    rng = np.random.default_rng(seed)
    layers = [nfedu.AffineCoupling(3, flip=bool(m % 2), rng=rng) for m in range(2)]
    x = rng.standard_normal((8, 3)) * [7, 60000, 15] + [170, 50000, 40]
    checks.check_bijection(nfedu.Flow(nfedu.StandardNormal(3), layers), x).raise_if_failed()


class NoLogDet(nfedu.Flow):
    def log_prob(self, x):
        return self.base.log_prob(self.x_to_z(x)[0])


class OtherDirection(nfedu.Flow):
    def sample(self, count, rng):
        return self.x_to_z(self.base.sample(count, rng))[0]


@pytest.mark.parametrize("kind", [NoLogDet, OtherDirection])
@pytest.mark.parametrize("n", [2, 3, 9])
def test_a_wrong_direction_is_named(kind, n):
    assert judged(kind(nfedu.StandardNormal(n), nfedu.Rescale(n, 0.5))).cause == "direction"


@pytest.mark.parametrize(("n", "factor"), [(1, 1.005), (2, 1.01), (3, 1.02), (6, 1.02), (12, 1.03)])
def test_a_base_that_is_a_little_off_is_seen(n, factor):
    class Off(nfedu.StandardNormal):
        def log_prob(self, z):
            return super().log_prob(z) + np.log(factor)

    class Wide(nfedu.StandardNormal):
        def sample(self, count, rng):
            return (1 + 2 * (factor - 1)) * super().sample(count, rng)

    assert judged(nfedu.Flow(Off(n), nfedu.Rescale(n))).cause in ("base-density", "direction" if n <= 2 else "")
    if n > 1:
        assert judged(nfedu.Flow(Wide(n), nfedu.Rescale(n))).cause == "base-sampling"


def test_nll_and_score_are_compared_with_numbers():
    class WrongNll(nfedu.Flow):
        def nll(self, x):
            loss = super().nll(x)
            self.grad *= 1.001
            return loss

    class NotZeroed(nfedu.Flow):
        def nll(self, x):
            kept = self.grad.copy()
            loss = super().nll(x)
            self.grad += kept
            return loss

    class WrongLoss(nfedu.Flow):
        def nll(self, x):
            return super().nll(x) + 1e-8

    class WrongScore(nfedu.Flow):
        def score(self, x):
            return 1.001 * super().score(x)

    for kind, cause in ((WrongNll, "nll"), (NotZeroed, "nll"), (WrongLoss, "nll"), (WrongScore, "score")):
        assert judged(kind(nfedu.StandardNormal(3), nfedu.Rescale(3, 0.5))).cause == cause


@pytest.mark.parametrize("factor", [0.5, 0.95, 1.05, 2.0])
def test_the_integral_is_not_fooled_by_a_hole_in_the_middle(factor):
    """On a ring the box of the middle samples is empty: 0 of the mass, and 0 of the integral, whatever the density."""

    class Ring(nfedu.GaussianMixture):
        def log_prob(self, z):
            return super().log_prob(z) + np.log(factor)

    angle = np.arange(24) * np.pi / 12
    report = Report("planted")
    ring = Ring(3 * np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.05)
    check_integral(report, ring, np.random.default_rng(0), "base-density")
    assert not report.ok


class Unwieldy(nfedu.StandardNormal):
    """A thousand-fold narrower ridge in 40 dimensions than its samples' covariance tells."""

    def sample(self, count, rng):
        return super().sample(count, rng) * np.where(rng.random((count, 1)) < 0.5, 1e-3, 1.0)

    def log_prob(self, z):
        narrow = -0.5 * (z * z).sum(axis=1) * 1e6 + self.n * np.log(1e3)
        return np.logaddexp(narrow, -0.5 * (z * z).sum(axis=1)) - np.log(2) - 0.5 * self.n * np.log(2 * np.pi)

    def score(self, z):
        s = (z * z).sum(axis=1)
        w = 1 / (1 + np.exp(np.clip(0.5 * s * (1e6 - 1) - self.n * np.log(1e3), -700, 700)))[:, None]
        return -z * (1 - w + w * 1e6)


def test_a_density_that_cannot_be_judged_is_said_to_be():
    report = judged(nfedu.Flow(Unwieldy(40), nfedu.Rescale(40)))
    assert any(
        "the density of the base: its samples lie where importance weights do not reach" in what
        for what in report.not_judged
    )
    assert not any("samples against" in check.quantity for check in report.checks)


def test_a_heavy_tailed_flow_is_not_blamed_for_the_grid():
    judged(nfedu.Flow(nfedu.StandardNormal(2), nfedu.SinhArcsinh(2, tail=0.25)), 4).raise_if_failed()


class NaNs(nfedu.StandardNormal):
    """NaN where |z| > 3: far out enough for the points of the first rungs not to see it."""

    def log_prob(self, z):
        return np.where(np.linalg.norm(z, axis=1) > 3, np.nan, super().log_prob(z))


@pytest.mark.parametrize("n", [1, 3])
def test_a_density_of_nans_fails(n):
    assert judged(nfedu.Flow(NaNs(n), nfedu.Rescale(n, 0.7))).cause == "base-density"


@pytest.mark.parametrize("n", [1, 3, 8])
def test_the_proposal_is_a_density(n):
    """E_q[p/q] = 1 for a density p that q covers; and q's own log-density is that of its points."""
    rng = np.random.default_rng(0)
    proposal = Proposal(5 + 2 * rng.standard_normal((4000, n)), rng)
    points, log_q = proposal.draw(200_000, rng)
    p = stats.multivariate_normal(np.full(n, 5.0), 4 * np.eye(n)).pdf(points)
    weights = p * np.exp(-log_q)
    assert weights.mean() == pytest.approx(1, abs=5 * weights.std() / np.sqrt(len(weights)))
    assert weights.std() < 3
