"""A logistic z is taken to exactly the histogram, and to Lomax's tail beyond it."""

import numpy as np
import pytest
from scipy import stats

import nfedu

EDGES, MASSES, TAIL = [-0.5, 0.5, 1.5, 4.5], np.array([0.6, 0.15, 0.15, 0.1]), 2.0


def test_a_logistic_z_makes_the_density_with_steps():
    flow = nfedu.Flow(nfedu.StandardLogistic(1), nfedu.Histogram(1, EDGES, 20 * MASSES, TAIL))
    x = np.array([-0.4, 0.49, 0.51, 3.0, 4.6, 7.0, 300.0])
    tail = 0.1 * stats.lomax.pdf(x[4:] - 4.5, 4, scale=TAIL)
    assert np.exp(flow.log_prob(x[:, None])) == pytest.approx(np.r_[0.6, 0.6, 0.15, 0.05, tail], rel=1e-12)
    bounded = nfedu.Flow(nfedu.StandardLogistic(1), nfedu.Histogram(1, EDGES, MASSES[:3]))
    assert np.exp(bounded.log_prob(x[:4, None])) == pytest.approx(np.array([0.6, 0.6, 0.15, 0.05]) / 0.9, rel=1e-12)


def test_samples_fall_into_its_bins_as_often_as_it_says():
    flow = nfedu.Flow(nfedu.StandardLogistic(1), nfedu.Histogram(1, EDGES, MASSES, TAIL))
    samples = flow.sample(40_000, np.random.default_rng(0))
    counts = np.histogram(samples, [*EDGES, np.inf])[0]
    assert stats.chisquare(counts, 40_000 * MASSES).pvalue > 0.001
    assert samples[samples > 4.5].mean() == pytest.approx(4.5 + TAIL / 3, rel=0.05)
