"""Models of vectors away from their start, and the warps of single coordinates."""

import numpy as np
import pytest

import nfedu
from nfedu import models
from nfedu.models.line import spread, warps

KINDS = [models.nice, models.real_nvp, models.maf, models.iaf]


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_wherever_theta_is_the_density_is_that_of_the_samples(kind, n):
    rng = np.random.default_rng(n)
    x = np.exp(0.3 * rng.standard_normal((60, n)) @ rng.standard_normal((n, n)))
    flow = kind(n, x, supports=[nfedu.Exp(n)], layers=2, hidden=(8,), rng=rng)
    flow.theta += 0.3 * rng.standard_normal(flow.theta.size)
    z = rng.standard_normal((6, n))
    drawn = flow.z_to_x(z)[0]
    steps = 1e-30j * np.eye(n)  # the Jacobian of the map by the complex step, a row of it at a time
    twin = flow.astype(complex)
    J = np.stack([twin.z_to_x(z + step)[0].imag / 1e-30 for step in steps], axis=2)
    truth = flow.base.log_prob(z) - np.linalg.slogdet(J)[1]
    np.testing.assert_allclose(flow.log_prob(drawn), truth, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_warp_bends_about_a_centre_of_its_own(count):
    centres, width = spread(count), 0.4
    assert len(set(centres)) == count
    edges = np.sort(np.random.default_rng(0).standard_normal(200_000))[:: 200_000 // count][:count]
    assert all(np.sum(np.sort(centres) >= edge) == count - k for k, edge in enumerate(edges))  # one in each part
    rng, x = np.random.default_rng(1), np.linspace(-3, 3, 7)[:, None]
    for warp, centre in zip(warps(1, count, width), centres, strict=True):
        np.testing.assert_allclose(warp.z_to_x(x)[0], x, atol=1e-14)
        bend, inner = warp.bijections[1], nfedu.SinhArcsinh(1)
        for mine, theirs in zip(bend.parameters().values(), inner.parameters().values(), strict=True):
            mine.value += rng.normal(0, 0.3, mine.value.shape)
            theirs.value[...] = mine.value
        expected = centre + width * inner.z_to_x((x - centre) / width)[0]
        np.testing.assert_allclose(warp.z_to_x(x)[0], expected, rtol=1e-12)


def test_each_kind_is_what_its_name_says():
    rng, x = np.random.default_rng(0), np.random.default_rng(1).standard_normal((60, 3))
    made = {kind: kind(3, x, layers=2, hidden=(8,), rng=rng) for kind in KINDS}
    slow = {kind.__name__: flow.bijection.directions for kind, flow in made.items()}
    one = "one pass"
    assert slow == {"nice": (one, one), "real_nvp": (one, one), "maf": ("3 steps", one), "iaf": (one, "3 steps")}
    for kind, flow in made.items():
        flow.theta += 0.3 * rng.standard_normal(flow.theta.size)
        assert (np.ptp(flow.x_to_z(x)[1]) < 1e-12) == (kind is models.nice)  # NICE moves volumes, all by one factor
