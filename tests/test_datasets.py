"""The data: what the toys look like in numbers, pictures as exact densities, the digits as they were published."""

import hashlib

import numpy as np
import pytest

import nfedu
from nfedu import datasets


@pytest.mark.parametrize("name", datasets.TOYS)
def test_toys_are_centred_points_of_order_one(name):
    x = datasets.TOYS[name](5000, np.random.default_rng(0))
    assert x.shape == (5000, 2)
    assert np.isfinite(x).all()
    assert abs(x.mean(axis=0)).max() < 0.1
    assert 0.5 < x.std(axis=0).min() <= x.std(axis=0).max() < 1.6
    np.testing.assert_array_equal(x, datasets.TOYS[name](5000, np.random.default_rng(0)))


def test_moons_lie_on_two_half_circles():
    x = datasets.two_moons(2000, np.random.default_rng(0), noise=0.0) / 1.3 + [0.5, 0.25]
    upper = np.hypot(*x.T)
    lower = np.hypot(*(x - [1, 0.5]).T)
    np.testing.assert_allclose(np.where(abs(upper - 1) < 1e-9, upper, lower), 1, atol=1e-9)


def test_rings_hold_mass_in_proportion_to_their_length():
    radius = np.hypot(*datasets.rings(30_000, np.random.default_rng(0), noise=0.0).T)
    shares = [np.isclose(radius, r).mean() for r in (0.6, 1.3, 2.0)]
    np.testing.assert_allclose(shares, np.array([0.6, 1.3, 2.0]) / 3.9, atol=0.015)


def test_checkerboard_has_eight_dark_squares():
    x = datasets.checkerboard(8000, np.random.default_rng(0))
    squares, counts = np.unique(np.floor(x), axis=0, return_counts=True)
    assert len(squares) == 8
    assert (squares.sum(axis=1) % 2 == squares[0].sum() % 2).all()
    assert counts.min() > 850


def test_eight_gaussians_have_eight_modes():
    x = datasets.eight_gaussians(8000, np.random.default_rng(0))
    angle = np.round(np.arctan2(x[:, 1], x[:, 0]) / (np.pi / 4)) % 8
    assert np.bincount(angle.astype(int)).min() > 850
    assert np.hypot(*x.T).mean() == pytest.approx(2.0, abs=0.03)


def wheel_at(radius, x):
    z = x[:, 0] + 1j * x[:, 1]
    return z[abs(abs(z) - radius) < 0.1]


def test_spiral_has_two_arms_and_pinwheel_five():
    def symmetry(x, k):  # |mean e^{ikφ}| of the angle around the centre, untwisted along the radius
        z = x[:, 0] + 1j * x[:, 1]
        bins = np.digitize(abs(z), np.quantile(abs(z), np.linspace(0, 1, 21)[1:-1]))
        return np.mean([abs(np.mean((z[bins == b] / abs(z[bins == b])) ** k)) for b in range(20)])

    spiral = datasets.spiral(20_000, np.random.default_rng(0))
    wheel = datasets.pinwheel(20_000, np.random.default_rng(0))
    assert symmetry(spiral, 2) > 0.6 > 0.1 > symmetry(spiral, 1)
    near, far = (np.angle(np.mean((z / abs(z)) ** 5)) for z in (wheel_at(0.7, wheel), wheel_at(1.5, wheel)))
    assert 1.0 < (far - near) % (2 * np.pi) < 6.0, "the arms are twisted: their angle grows with the radius"
    assert symmetry(wheel, 5) > 0.6 > 0.1 > max(symmetry(wheel, k) for k in (1, 2, 3, 4))


PIXELS = np.array([[0, 255, 128], [255, 255, 0]], dtype=np.uint8)


def test_picture_is_a_density_with_the_picture_upright():
    picture = datasets.PictureDensity(PIXELS)
    side = 4 / 3
    centres = np.array([[-side, side / 2], [0, side / 2], [side, side / 2], [side, -side / 2], [9, 9]])
    dark = (255 - PIXELS.astype(float)) / 255
    expected = np.array([dark[0, 0], dark[0, 1], dark[0, 2], dark[1, 2], 0]) / dark.sum() / side**2
    np.testing.assert_allclose(np.exp(picture.log_prob(centres)), expected, rtol=1e-12)
    bright = datasets.PictureDensity(PIXELS, bright=True)
    assert np.exp(bright.log_prob([[-side, side / 2]])) == 0 < np.exp(bright.log_prob([[0, side / 2]]))


def test_picture_samples_follow_its_masses():
    picture = datasets.PictureDensity(PIXELS, contrast=2.0)
    x = picture.sample(50_000, np.random.default_rng(0))
    column, row = np.floor((x - picture.low) / picture.pixel).astype(int).T
    counts = np.zeros((2, 3))
    np.add.at(counts, (row, column), 1)
    np.testing.assert_allclose(counts / 50_000, picture.mass, atol=0.01)
    assert picture.mass[1, 2] / picture.mass[1, 0] == pytest.approx((127 / 255) ** 2)  # row 1 is the upper one
    assert -picture.log_prob(x).mean() == pytest.approx(picture.entropy(), abs=0.01)


def test_colours_count_by_their_luma():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], dtype=np.uint8)
    light = datasets.PictureDensity(colours, bright=True).mass[0]
    np.testing.assert_allclose(light / light[3], (np.array([0.299, 0.587, 0.114, 1]) - 0.114) / 0.886, rtol=1e-12)


def test_colour_and_files_are_read():
    picture = datasets.PictureDensity(datasets.portrait(), bright=True)
    assert picture.mass.shape == (600, 512)
    assert picture.mass.sum() == pytest.approx(1)
    grey = datasets.PictureDensity(np.repeat(PIXELS[..., None], 4, axis=2))
    np.testing.assert_allclose(grey.mass, datasets.PictureDensity(PIXELS).mass, rtol=1e-12)


def test_digits_are_the_published_ones():
    split = datasets.digits()
    assert [len(part.images) for part in split] == [1257, 180, 360]
    images = np.concatenate([part.images for part in split])
    labels = np.concatenate([part.labels for part in split])
    original = np.empty_like(images)
    original[np.random.default_rng(0).permutation(1797)] = images
    assert (images.min(), images.max(), images.dtype) == (0, 16, np.uint8)
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as UCI counts them
    first = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]  # the first two rows of the first image, a 0
    assert original[0, :16].tolist() == first
    digest = hashlib.sha256(original.tobytes()).hexdigest()
    assert digest == "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"
    assert datasets.digits.__globals__["FILE"].stat().st_size < 150_000


def test_digits_equal_scikit_learns_copy():
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    order = np.random.default_rng(0).permutation(1797)
    images = np.concatenate([part.images for part in datasets.digits()])
    np.testing.assert_array_equal(images, sklearn_datasets.load_digits().data[order])


def test_dequantise_fills_each_levels_bin():
    k = np.repeat(np.arange(17)[:, None], 2000, axis=1)
    x = datasets.dequantise(k, np.random.default_rng(0))
    np.testing.assert_array_equal(np.floor(x * 17), k)
    assert abs((x * 17 - k).mean() - 0.5) < 0.01


def test_bits_come_with_the_standard_error_over_images_and_fresh_noise_each_draw():
    class Brightness:
        n, calls = 64, 0

        def log_prob(self, x):
            self.calls += 1
            return x.mean(axis=1)

    flow, counts = Brightness(), datasets.digits().test.images
    bits, error = datasets.bits_per_pixel(flow, counts, np.random.default_rng(0), draws=7)
    noise = np.random.default_rng(0)
    per_image = np.mean([((counts + noise.random(counts.shape)) / 17).mean(axis=1) for _ in range(7)], axis=0)
    expected = np.log2(17) - per_image / (64 * np.log(2))
    assert flow.calls == 7
    assert bits == pytest.approx(expected.mean(), rel=1e-12)
    assert error == pytest.approx(expected.std(ddof=1) / np.sqrt(360), rel=1e-12)


def test_bits_count_every_change_of_variables():
    """A flow that is uniform on (0, 1)ⁿ spends log₂ 17 bits on each pixel; one that halves the interval, a bit less."""
    counts = datasets.digits().test.images
    uniform = nfedu.Flow(nfedu.StandardLogistic(64), nfedu.Logit(64, margin=0.0))
    bits, error = datasets.bits_per_pixel(uniform, counts, np.random.default_rng(0))
    assert bits == pytest.approx(np.log2(17), abs=1e-12)
    assert error < 1e-12
    upper = nfedu.Chain([nfedu.Logit(64, margin=0.0), nfedu.Affine(64, 0.5, 0.5)])  # uniform on (½, 1)
    bits, _ = datasets.bits_per_pixel(nfedu.Flow(nfedu.StandardLogistic(64), upper), 0 * counts + 12, RNG)
    assert bits == pytest.approx(np.log2(17) - 1, abs=1e-12)


RNG = np.random.default_rng(0)


def test_shifting_moves_a_share_of_the_images_sideways_and_loses_no_ink():
    images = np.zeros((4000, 8, 8))
    images[:, 2:6, 3:5] = np.arange(1, 9).reshape(4, 2)  # room on both sides
    images[3000:, 0, 7] = 5.0  # cannot go right
    moved = datasets.shifted(images.reshape(-1, 64), np.random.default_rng(0), share=0.4).reshape(-1, 8, 8)
    share = {step: (moved == np.roll(images, step, axis=2)).all(axis=(1, 2)) for step in (-1, 0, 1)}
    assert np.any(list(share.values()), axis=0).all()
    for step, expected in ((-1, 0.2), (0, 0.6), (1, 0.2)):
        assert share[step][:3000].mean() == pytest.approx(expected, abs=0.03)
    assert not share[1][3000:].any()
    assert share[-1][3000:].mean() == pytest.approx(0.2, abs=0.04)
    digits = datasets.digits().train.images
    assert digits.reshape(-1, 8, 8)[:, [0, -1]].any(axis=2).all(), "none could move up or down, as the docstring says"
    np.testing.assert_array_equal(datasets.shifted(digits, np.random.default_rng(0), share=0.0), digits)


def test_any_number_of_levels():
    """Uniform on (0, 1)ⁿ: log₂ L bits on each pixel, whatever the counts."""
    uniform = nfedu.Flow(nfedu.StandardLogistic(6), nfedu.Logit(6, margin=0.0))
    for levels in (2, 256):
        counts = RNG.integers(0, levels, (40, 6))
        x = datasets.dequantise(counts, RNG, levels)
        np.testing.assert_array_equal(np.floor(x * levels), counts)
        assert datasets.bits_per_pixel(uniform, counts, RNG, 3, levels)[0] == pytest.approx(np.log2(levels), abs=1e-12)
