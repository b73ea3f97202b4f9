"""What is special to images: masks, squeeze, factoring out, convolutions, and the model made of them."""

import numpy as np
import pytest
from scipy.signal import correlate2d

import nfedu
from nfedu import datasets, masks
from nfedu.networks import ConvNet, Convolution


def test_masks_are_what_they_say():
    assert masks.halves(5).tolist() == [True, True, False, False, False]
    board = masks.checkerboard((2, 3, 4)).reshape(2, 3, 4)
    for c, i, j in np.ndindex(2, 3, 4):
        assert board[c, i, j] == ((i + j) % 2 == 0)
    np.testing.assert_array_equal(masks.channels((3, 2, 2)), [True] * 4 + [False] * 8)
    np.testing.assert_array_equal(masks.channels((3, 1, 2), passing=(0, 2)), [True, True, False, False, True, True])


def test_squeeze_puts_each_square_into_four_channels():
    C, H, W = 2, 4, 6
    x = np.random.default_rng(0).standard_normal((3, C * H * W))
    squeeze = nfedu.Squeeze((C, H, W))
    assert squeeze.squeezed == (8, 2, 3)
    image, z = x.reshape(3, C, H, W), squeeze.x_to_z(x)[0].reshape(3, 8, 2, 3)
    for c, i, j in np.ndindex(C, 2, 2):
        np.testing.assert_array_equal(z[:, 4 * c + 2 * i + j], image[:, c, i::2, j::2])


def test_after_a_squeeze_channels_0_and_3_are_a_checkerboard():
    passes = masks.channels((4, 2, 2), passing=(0, 3)).astype(float)
    np.testing.assert_array_equal(nfedu.Squeeze((1, 4, 4)).z_to_x(passes[None])[0][0], masks.checkerboard((1, 4, 4)))


def test_factoring_out_leaves_the_rest_as_it_is():
    deeper = nfedu.SinhArcsinh(2, 0.5, 0.7)
    layer, x = nfedu.FactorOut(5, [deeper]), np.random.default_rng(1).standard_normal((4, 5))
    z, log_det, _ = layer.x_to_z(x)
    np.testing.assert_array_equal(z[:, 2:], x[:, 2:])
    np.testing.assert_array_equal(z[:, :2], deeper.x_to_z(x[:, :2])[0])
    np.testing.assert_array_equal(log_det, deeper.x_to_z(x[:, :2])[1])


@pytest.mark.parametrize(("H", "W"), [(1, 1), (1, 4), (3, 1), (2, 2), (4, 5)])
def test_a_convolution_is_scipys(H, W):
    rng = np.random.default_rng(2)
    convolution, x = Convolution(3, 2, rng=rng), rng.standard_normal((3, H, W, 5))
    convolution.b.value[:] = rng.standard_normal(2)
    y, _ = convolution(x)
    for image in range(5):
        for out in range(2):
            expected = convolution.b.value[out] + sum(
                correlate2d(x[c, :, :, image], convolution.K.value[:, :, c, out], mode="same") for c in range(3)
            )
            np.testing.assert_allclose(y[out, :, :, image], expected, atol=1e-13)


def test_a_conditioner_sees_only_the_pixels_that_pass_and_answers_for_the_others():
    passes = masks.channels((3, 4, 5)).reshape(3, 4, 5)
    net = ConvNet(passes, 2, filters=4, blocks=1, rng=np.random.default_rng(3))
    y, backward = net(np.zeros((6, 20)))
    assert y.shape == (6, 2 * 40)
    assert backward(np.ones_like(y)).shape == (6, 20)


def test_the_first_half_of_the_answers_is_the_shift():
    net = ConvNet(masks.checkerboard((1, 2, 2)).reshape(1, 2, 2), 2, filters=2, blocks=0, rng=np.random.default_rng(4))
    before = net(np.ones((1, 2)))[0]
    net.last.b.value[:] = 10, 20  # two outputs of one channel
    np.testing.assert_allclose(net(np.ones((1, 2)))[0] - before, [[10, 10, 20, 20]])


def test_alpha_stays_within_its_bound():
    rng = np.random.default_rng(5)
    for layer in (
        nfedu.AffineCoupling(4, (8,), bound=0.7, rng=rng),
        nfedu.ImageCoupling((1, 2, 2), 4, bound=0.7, rng=rng),
    ):
        for p in layer.net.parameters().values():
            p.value += rng.standard_normal(p.value.shape)
        alpha = layer.conditions(100 * rng.standard_normal((50, 2)))[1]
        assert 0.69 < abs(alpha).max() <= 0.7


def test_flip_exchanges_what_passes_and_what_changes():
    rng = np.random.default_rng(9)
    x = rng.standard_normal((3, 4))
    for flip, same in ((False, [0, 1]), (True, [2, 3])):
        for layer in (
            nfedu.AdditiveCoupling(4, (8,), flip=flip, rng=rng),
            nfedu.AffineCoupling(4, (8,), flip=flip, rng=rng),
            nfedu.ImageCoupling((2, 1, 2), 4, flip=flip, mask="channels", rng=rng),
        ):
            equal = (layer.x_to_z(x)[0] == x).all(axis=0)
            assert np.flatnonzero(equal).tolist() == same


def test_a_mask_is_copied():
    mask = masks.halves(4)
    layers = [
        nfedu.AffineCoupling(4, (8,), mask=mask, rng=np.random.default_rng(0)),
        nfedu.ImageCoupling((1, 2, 2), 2, mask=mask, rng=np.random.default_rng(0)),
    ]
    mask[:] = ~mask
    for layer in layers:
        np.testing.assert_array_equal(layer.mask, [True, True, False, False])


def test_the_image_model_is_what_its_docstring_says():
    flow = nfedu.models.image_real_nvp((1, 8, 8), filters=2, couplings=6, rng=np.random.default_rng(6))
    flow.theta += 0.05 * np.random.default_rng(7).standard_normal(flow.theta.size)
    layers = flow.bijection.bijections[::-1]  # from x to z
    kinds = [type(layer).__name__ for layer in layers]
    assert kinds == ["Logit", "Squeeze", *["ImageCoupling"] * 6, "Squeeze", "FactorOut", "Rescale"]
    rows, columns = np.mgrid[:8, :8]
    for m, passing in enumerate(((rows + columns) % 2 == 0, rows % 2 == 0, columns % 2 == 0)):
        for coupling, expected in zip(layers[2 + 2 * m :], (passing, ~passing), strict=False):
            pixels = layers[1].z_to_x(coupling.passes[None].astype(float))[0]
            np.testing.assert_array_equal(pixels.reshape(8, 8), expected)
    assert [layer.flip for layer in layers[9].bijections] == [False, True]
    assert layers[9].k == 32
    x = datasets.dequantise(datasets.digits().test.images[:4], np.random.default_rng(8))
    z = flow.x_to_z(x)[0]
    assert z.shape == (4, 64)
    np.testing.assert_allclose(flow.z_to_x(z)[0], x, atol=1e-13)
    nfedu.checks.check_bijection(flow, x[:2]).raise_if_failed()


def test_images_in_colours():
    """Each colour has the masks of a grey image, and the model is a bijection that nothing is left out of."""
    grey, colours = (
        nfedu.models.image_real_nvp((C, 4, 4), filters=2, couplings=6, rng=np.random.default_rng(6)) for C in (1, 3)
    )
    colours.theta += 0.05 * np.random.default_rng(7).standard_normal(colours.theta.size)
    for one, three in zip(grey.bijection.bijections, colours.bijection.bijections, strict=True):
        if isinstance(one, nfedu.ImageCoupling):
            np.testing.assert_array_equal(three.passes.reshape(3, -1), np.tile(one.passes, (3, 1)))
    x = np.random.default_rng(8).random((2, 48))
    np.testing.assert_allclose(colours.z_to_x(colours.x_to_z(x)[0])[0], x, atol=1e-13)
    nfedu.checks.check_bijection(colours, x).raise_if_failed()


def test_places_in_the_image_differ_and_the_last_weights_start_small():
    passes = masks.checkerboard((1, 2, 8)).reshape(1, 2, 8)
    net = ConvNet(passes, 1, filters=5, blocks=1, output_scale=0.01, rng=np.random.default_rng(10))
    assert net.first.K.value.std() == pytest.approx(np.sqrt(2 / 9), rel=0.3)
    assert net.last.K.value.std() == pytest.approx(0.01 * np.sqrt(2 / 45), rel=0.3)
    assert net.inner[1].K.value.std() == pytest.approx(0.01 * np.sqrt(2 / 45), rel=0.2)
    assert net.inner[0].K.value.std() == pytest.approx(np.sqrt(2 / 45), rel=0.2)
    before = net(np.ones((1, 8)))[0]
    net.place.value[:5] = 1.0  # the filters of the first pixel
    moved = (net(np.ones((1, 8)))[0] != before)[0]
    columns = net.missing % 8
    np.testing.assert_array_equal(moved, columns <= 3, "three convolutions follow, and reach three pixels")


def test_sizes_that_cannot_be_squeezed_twice_are_refused():
    with pytest.raises(ValueError, match=r"shape = \(1, 6, 6\), .*pad the images to \(1, 8, 8\)"):
        nfedu.models.image_real_nvp((1, 6, 6), rng=np.random.default_rng(0))
