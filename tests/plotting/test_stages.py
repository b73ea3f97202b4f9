"""Stages of a stack are the densities of its prefixes; the wavefront numbers units by what they wait for."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy import stats

import nfedu
from nfedu.networks import MADE
from nfedu.plotting import show_masks, show_rounds, show_stage, show_wavefront, stages


def test_a_stage_has_the_density_of_the_layers_so_far():
    layers = [nfedu.Rescale(2, [2.0, 0.5]), nfedu.Shift(2, [1.0, -1.0]), nfedu.Rescale(2, [3.0, -1.0])]
    x = np.random.default_rng(0).standard_normal((5, 2))
    moments = [([0, 0], [1, 1]), ([0, 0], [2, 0.5]), ([1, -1], [2, 0.5]), ([3, 1], [6, 0.5])]
    for stage, (mean, deviation) in zip(stages(nfedu.StandardNormal(2), layers), moments, strict=True):
        np.testing.assert_allclose(stage.log_prob(x), stats.norm.logpdf(x, mean, deviation).sum(axis=1), atol=1e-12)
        z = (x - mean) / deviation
        np.testing.assert_allclose(abs(stage.z_to_x(z) - x)[:, 0], 0, atol=1e-12)


def test_a_stage_is_drawn_as_a_grid_and_a_density_of_integral_one():
    _, (grid, density) = plt.subplots(1, 2)
    show_stage(grid, density, stages(nfedu.StandardNormal(2), [nfedu.Rescale(2, 0.5)])[1], "half", 3)
    assert len(grid.lines) == 26
    assert max(abs(line.get_xydata()).max() for line in grid.lines) == pytest.approx(1.0)  # [−2, 2] at half its size
    assert density.texts[0].get_text() == "∫ p = 1.0000"
    plt.close("all")


@pytest.mark.parametrize("sampling", [False, True])
def test_a_unit_is_computed_after_all_that_it_sees(sampling):
    net = MADE(4, (5, 6), 1, degrees="random", rng=np.random.default_rng(0))
    _, axes = plt.subplots()
    show_wavefront(axes, net, sampling)
    rounds, widths = iter([int(text.get_text()) for text in axes.texts]), [len(degrees) for degrees in net.degrees]
    rounds = [[next(rounds) for _ in range(width)] for width in widths]
    for layer in range(3):
        for i, j in np.argwhere(net.mask(layer)):
            within = sampling and layer < 2  # hidden units follow in the round in which x_i is made
            assert rounds[layer][i] < rounds[layer + 1][j] + within
    assert rounds[-1] == ([1, 2, 3, 4] if sampling else [3, 3, 3, 3])
    plt.close("all")


def test_masks_and_their_paths_are_written_row_by_row_of_who_looks():
    _, axes = plt.subplots(1, 3)
    show_masks(axes, MADE(3, (4,), 1, rng=np.random.default_rng(0)))
    numbers = [{text.get_position(): int(text.get_text()) for text in ax.texts} for ax in axes]
    assert numbers[0][0, 3] == 1  # the last hidden unit sees input 1
    assert numbers[0][2, 3] == 0  # but not input 3
    assert numbers[1][3, 1] == 0  # output 2 does not see it
    assert [numbers[2][at] for at in ((0, 1), (0, 2), (1, 2), (2, 2))] == [2, 4, 2, 0]


def test_after_k_rounds_the_later_units_and_outputs_are_empty():
    net = MADE(4, (5, 6), 1, rng=np.random.default_rng(0))
    for k in range(5):
        _, axes = plt.subplots()
        show_wavefront(axes, net, True, k)
        assert len(axes.texts) == sum((degrees <= k).sum() for degrees in net.degrees)
        lines = [line for line in axes.lines if line.get_color() == "0.7"]
        mask = sum(net.mask(j)[net.degrees[j] <= k][:, net.degrees[j + 1] <= k].sum() for j in range(3))
        assert len(lines) == mask
        _, axes = plt.subplots()
        show_rounds(axes, np.ones(4), np.tril(np.ones((4, 4)), -1), done=k)
        assert len([t for t in axes.texts if t.get_text() == ""]) == k + k * (k - 1) / 2  # its arrows
    plt.close("all")
