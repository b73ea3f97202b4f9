"""Mixing latents (N17): the formula, its shapes, and what it keeps."""

import numpy as np
import pytest

import nfedu


def test_corners_are_the_originals_and_between_them_the_formula_holds():
    z = np.random.default_rng(0).standard_normal((4, 3))
    right = np.pi / 2
    corners = [nfedu.mix_latents(*z, phi, phi_prime) for phi in (0, right) for phi_prime in (0, right)]
    np.testing.assert_allclose(corners, z, atol=1e-15)
    sixth = nfedu.mix_latents(*z, np.pi / 6, np.pi / 3)  # cos 30° = √3/2, cos 60° = 1/2
    r = np.sqrt(3) / 2
    np.testing.assert_allclose(sixth, r * (0.5 * z[0] + r * z[1]) + 0.5 * (0.5 * z[2] + r * z[3]), rtol=1e-14)


def test_independent_normal_latents_stay_standard_normal():
    rng = np.random.default_rng(1)
    z = rng.standard_normal((4, 100_000, 2))
    mixed = nfedu.mix_latents(*z, rng.uniform(0, 7, 100_000), rng.uniform(0, 7, 100_000))
    assert abs(mixed.mean(axis=0)).max() < 0.015
    assert abs(np.cov(mixed.T) - np.eye(2)).max() < 0.02


def test_angles_are_broadcast_against_rows():
    z = np.random.default_rng(2).standard_normal((4, 5, 3))
    angles = np.linspace(0, 1, 5)
    each = nfedu.mix_latents(*z, angles, 0.3)
    assert each.shape == (5, 3)
    for i, angle in enumerate(angles):
        np.testing.assert_array_equal(each[i], nfedu.mix_latents(*z[:, i], angle, 0.3))
    assert nfedu.mix_latents(*z[:, 0], *np.meshgrid(angles, angles)).shape == (5, 5, 3)


def test_what_does_not_fit_is_explained():
    z = np.zeros((4, 5, 3))
    with pytest.raises(ValueError, match=r"shapes \[\(3,\), \(5, 3\).*expected one shape"):
        nfedu.mix_latents(z[0, 0], *z[1:], 0, 0)
    with pytest.raises(ValueError, match=r"angles of shapes \(4,\) and \(\) do not fit .* latents of shape \(5, 3\)"):
        nfedu.mix_latents(*z, np.zeros(4), 0)
    with pytest.raises(ValueError, match=r"angles of shapes \(4,\) and \(5,\) do not fit each other"):
        nfedu.mix_latents(*z, np.zeros(4), np.zeros(5))


def test_float32_stays_float32():
    assert nfedu.mix_latents(*np.zeros((4, 5, 3), np.float32), 0.1, 0.2).dtype == np.float32
