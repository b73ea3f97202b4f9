"""Mixing latents (N17): the formula, its shapes, and what it keeps."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

import nfedu
from nfedu.plotting import show_mixing, show_norms


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


def test_the_ways_between_two_latents_start_at_both_and_one_keeps_the_norm():
    _, (ways, norms) = plt.subplots(1, 2)
    show_mixing(ways, np.array([[2.0, 0.0], [0.0, 2.0]]), lambda z: z + 1)
    angles, straight, ends = (line.get_xydata() for line in ways.lines)
    np.testing.assert_allclose(np.linalg.norm(angles - 1, axis=1), 2)  # of one length and orthogonal: a circle
    np.testing.assert_allclose(straight[[0, -1]], ends)
    assert np.linalg.norm(straight - 1, axis=1).min() < 1.42
    show_norms(norms, (16, 64), ("blue", "red"))
    for line, mean in zip(norms.lines, (0.985, 0.492, 0.996, 0.498), strict=True):  # E‖z‖/√n, and half of it
        r, density = line.get_xydata().T
        assert np.trapezoid(density * r, r) == pytest.approx(mean, abs=5e-3)
    plt.close("all")
