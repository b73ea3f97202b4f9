"""Densities on grids, and what can be read off them."""

import numpy as np
import pytest

import nfedu
from nfedu import checks


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_level_area_of_a_gaussian_is_known_and_the_bound_is_then_its_entropy(sigma):
    grid = checks.density_on_grid(nfedu.GaussianMixture([[0.0, 0.0]], sigma**2), -9 * sigma, 9 * sigma, 900)
    area = checks.level_area(grid.density, (18 * sigma / 900) ** 2)
    assert area == pytest.approx(2 * np.pi * sigma**2, rel=1e-5)  # E[π|x|²]
    entropy = 1 + np.log(2 * np.pi * sigma**2)
    assert 1 + np.log(area) == pytest.approx(entropy, abs=1e-5)


def test_level_area_shares_ties():
    assert checks.level_area(np.ones((5, 4)), 0.1) == pytest.approx(
        1.0
    )  # uniform on an area of 2: half of it, on average


def test_a_grid_takes_midpoints():
    class Line(nfedu.StandardNormal):
        def log_prob(self, x):
            return np.log(x[:, 0])

    grid = checks.density_on_grid(Line(1), 0, 1, 4)
    np.testing.assert_allclose(grid.axes[0], [0.125, 0.375, 0.625, 0.875])
    assert grid.integral == pytest.approx(0.5, rel=1e-12)  # exact for a linear function
