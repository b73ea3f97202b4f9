"""ActNorm and BatchNorm: what observing does, what training does, and how `fit` uses both."""

import numpy as np
import pytest

import nfedu
from nfedu.bijections.normalization.base import in_mode

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 4)) * [1, 2, 3, 0.5] + [0, 5, -2, 1]


def flow(*layers):
    return nfedu.Flow(nfedu.StandardNormal(4), list(layers))


def coupling():
    return nfedu.AffineCoupling(4, (8,), activation="tanh", rng=np.random.default_rng(1))


def moments(z, axis=0):
    return z.mean(axis=axis), z.var(axis=axis)


def test_act_norm_starts_where_its_first_data_come_out_standardised():
    model = flow(nfedu.ActNorm(4), coupling(), nfedu.ActNorm(4))
    model.observe(X)
    for layer, y in ((model.bijection.bijections[2], X),):
        mean, variance = moments(layer.x_to_z(y)[0])
        np.testing.assert_allclose(mean, 0, atol=1e-14)
        np.testing.assert_allclose(variance, 1, rtol=1e-13)
    mean, variance = moments(model.x_to_z(X)[0])  # the inner one has seen what comes through the outer ones
    np.testing.assert_allclose(mean, 0, atol=1e-13)
    np.testing.assert_allclose(variance, 1, rtol=1e-12)
    theta = model.theta.copy()
    model.observe(X + 1)
    np.testing.assert_array_equal(model.theta, theta, "later data change nothing")


def test_channels_share_their_statistics():
    layer = nfedu.ActNorm(4, channels=2)
    flow(layer).observe(X)
    z = layer.x_to_z(X)[0].reshape(40, 2, 2)
    np.testing.assert_allclose(moments(z, (0, 2)), [[0, 0], [1, 1]], atol=1e-14)
    assert layer.t.value.shape == (2,)


@pytest.mark.parametrize("constant", [3.0, 0.1, 1 / 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_channel_that_does_not_vary_keeps_its_scale(constant, dtype):
    layer = nfedu.parameters.cast(nfedu.ActNorm(2), dtype)
    with in_mode("observing", layer):
        z = layer.x_to_z(np.stack([np.full(7, constant), np.arange(7.0)], axis=1).astype(dtype))[0]
    np.testing.assert_array_equal(layer.deviation[0], 1)
    np.testing.assert_allclose(z[:, 0], 0, atol=1e-7)


@pytest.mark.parametrize("constant", [3.0, 0.1, 1 / 3])
def test_nor_does_batch_norm_take_rounding_for_its_unit(constant):
    layer = nfedu.BatchNorm(2, epsilon=0.01)
    x = np.stack([np.full(100, constant), np.arange(100.0)], axis=1)
    with in_mode("observing", layer):
        layer.x_to_z(x)
    z, log_det, _ = layer.x_to_z(x)
    np.testing.assert_allclose(z[:, 0], 0, atol=1e-12)
    np.testing.assert_allclose(log_det, -0.5 * np.log(0.01) - 0.5 * np.log(1.01 * x[:, 1].var()), rtol=1e-12)


def test_batch_norm_uses_the_batch_in_training_and_what_it_observed_in_evaluation():
    layer = nfedu.BatchNorm(4, epsilon=0.1)
    model = flow(layer)
    model.observe(X)
    other = RNG.standard_normal((9, 4))
    mean, variance = moments(X)
    epsilon = 0.1 * variance  # in units of what was observed first
    np.testing.assert_allclose(layer.x_to_z(other)[0], (other - mean) / np.sqrt(variance + epsilon), rtol=1e-12)
    np.testing.assert_allclose(layer.x_to_z(other)[1], -0.5 * np.log(variance + epsilon).sum(), rtol=1e-13)
    with in_mode("training", layer):
        mean, variance = moments(other)
        np.testing.assert_allclose(layer.x_to_z(other)[0], (other - mean) / np.sqrt(variance + epsilon), rtol=1e-12)
        np.testing.assert_allclose(layer.x_to_z(other)[1], -0.5 * np.log(variance + epsilon).sum(), rtol=1e-13)
    np.testing.assert_allclose(layer.mean, X.mean(axis=0), err_msg="training leaves what is held as it is")


def test_modes_reach_layers_at_any_depth_and_are_put_back():
    inner = [nfedu.BatchNorm(4) for _ in range(4)]
    deep = nfedu.Inverse(nfedu.FactorOut(5, [inner[2]]))
    whole = nfedu.Chain([nfedu.Inverse(inner[0]), nfedu.Reversible([inner[1]]), inner[3]])
    whole = nfedu.Chain([nfedu.FactorOut(5, [whole]), deep])
    inner[3].mode = "observing"
    with pytest.raises(RuntimeError), in_mode("training", whole):
        assert [layer.mode for layer in inner] == ["training"] * 4
        assert whole.mixes_rows
        raise RuntimeError
    assert [layer.mode for layer in inner] == ["evaluation"] * 3 + ["observing"]
    assert not whole.mixes_rows


def test_a_rebuilt_input_is_refused_where_statistics_are_the_batchs():
    chain = nfedu.Reversible([nfedu.BatchNorm(4), coupling()])
    with in_mode("training", chain):
        _, log_det, backward = chain.x_to_z(X)
        with pytest.raises(ValueError, match="off by"):
            backward(np.ones_like(X), np.ones_like(log_det))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fit_trains_on_batches_and_validates_and_ends_with_the_whole_sets_statistics(dtype):
    norms = nfedu.ActNorm(4), nfedu.BatchNorm(4)
    model = flow(norms[0], norms[1], coupling(), nfedu.Shift(4)).astype(dtype)
    options = {"rng": np.random.default_rng(2), "progress": False, "epochs": 30, "batch_size": 10}
    history = nfedu.fit(model, X, validation=X[:9], optimizer=nfedu.Adam(0.01), average=0.9, **options)
    assert [layer.mode for layer in model.bijection.bijections[:2]] == ["evaluation"] * 2
    assert -model.log_prob(X[:9]).mean() == pytest.approx(history.best, rel=1e-5), "what was validated is what is kept"
    behind = nfedu.Chain(model.bijection.bijections[2:]).x_to_z(X.astype(dtype))[0]
    np.testing.assert_allclose(model.bijection.bijections[1].mean, behind.mean(axis=0), rtol=1e-4, atol=1e-6)
    gaussian = 0.5 * np.log(2 * np.pi * np.e * X.var(axis=0)).sum()
    assert -model.log_prob(X).mean() < gaussian


def test_every_epoch_is_validated_with_the_statistics_at_its_theta():
    def trained(epochs, **options):
        layers = [nfedu.BatchNorm(4), coupling(), coupling()]
        model, options = flow(*layers), {"optimizer": nfedu.Adam(0.05), "batch_size": 10, **options}
        return model, nfedu.fit(model, X, rng=np.random.default_rng(3), progress=False, epochs=epochs, **options)

    _, history = trained(3, validation=X[:9])
    for epoch in range(3):
        model, _ = trained(epoch + 1)  # without validation it ends at its last θ, whose statistics `fit` leaves
        assert history.validation[epoch] == pytest.approx(-model.log_prob(X[:9]).mean(), rel=1e-12)


def test_the_statistics_behind_other_layers_follow_theta():
    model = flow(nfedu.BatchNorm(4), coupling())
    nfedu.fit(model, X, rng=np.random.default_rng(3), progress=False, epochs=3, batch_size=10)
    behind = model.bijection.bijections[1].x_to_z(X)[0]
    np.testing.assert_allclose(model.bijection.bijections[0].mean, behind.mean(axis=0), rtol=1e-12)


def test_data_for_statistics_go_through_the_transform_but_not_through_the_callers_generator():
    for layer, own in ((nfedu.BatchNorm(4), [False, True]), (nfedu.ActNorm(4), [False, True]), (coupling(), [True])):
        mine, drawn = np.random.default_rng(4), []

        def double(batch, rng, drawn=drawn, mine=mine):
            drawn.append(rng is mine)
            return 2 * batch

        model = flow(layer)
        nfedu.fit(
            model, X, rng=mine, transform=double, epochs=1, progress=False, optimizer=nfedu.SGD(1e-300), batch_size=40
        )
        assert drawn == own
        if len(own) > 1:
            np.testing.assert_allclose(layer.mean, 2 * X.mean(axis=0), rtol=1e-12)


def test_divergence_is_reported_as_such_with_batch_norm_too():
    layers = [
        nfedu.AffineCoupling(4, (8,), bound=None, flip=bool(m % 2), rng=np.random.default_rng(m)) for m in range(4)
    ]
    model = flow(nfedu.BatchNorm(4), *layers)
    with np.errstate(all="ignore"), pytest.raises(nfedu.training.DivergedError, match="diverged at step"):
        nfedu.fit(model, X, rng=np.random.default_rng(0), optimizer=nfedu.SGD(1e4), epochs=20, progress=False)


def test_l_bfgs_starts_from_an_observation():
    model = flow(nfedu.ActNorm(4), nfedu.BatchNorm(4))
    nfedu.fit_lbfgs(model, X, iterations=1)
    assert model.bijection.bijections[0].started
    np.testing.assert_allclose(model.bijection.bijections[1].mean, X.mean(axis=0))


def test_what_was_started_stays_started_when_loaded(tmp_path):
    model = flow(nfedu.ActNorm(4))
    model.observe(X)
    model.save(tmp_path / "flow.npz")
    loaded = nfedu.load(tmp_path / "flow.npz")
    loaded.observe(X + 1)
    np.testing.assert_array_equal(loaded.theta, model.theta)


def test_a_refused_checkpoint_changes_nothing(tmp_path):
    options = {"epochs": 1, "progress": False, "checkpoint": tmp_path / "run.npz"}
    nfedu.fit(flow(nfedu.ActNorm(4)), X, rng=np.random.default_rng(0), **options)
    other = flow(nfedu.ActNorm(4))
    with pytest.raises(ValueError, match="made with other data"):
        nfedu.fit(other, X + 1, rng=np.random.default_rng(0), **options)
    assert not other.theta.any()
    assert not other.bijection.bijections[0].started
    with pytest.raises(ValueError, match="made with other layers"):
        nfedu.fit(flow(nfedu.ActNorm(4, 2)), X, rng=np.random.default_rng(0), **options)


def test_a_trained_flow_goes_on_from_its_checkpoint_and_one_in_another_unit_is_refused(tmp_path):
    def learner(unit=2.0):
        return flow(coupling(), nfedu.Affine(4, 1.5, 0.5, unit=unit))

    options = {"progress": False, "batch_size": 10, "checkpoint": tmp_path / "run.npz"}
    model, whole = learner(), learner()
    nfedu.fit(model, X, rng=np.random.default_rng(5), epochs=2, **options)
    nfedu.fit(model, X, rng=np.random.default_rng(6), epochs=4, **options)  # its scales and shifts are others by now
    nfedu.fit(whole, X, rng=np.random.default_rng(5), epochs=4, **{**options, "checkpoint": None})
    np.testing.assert_array_equal(model.theta, whole.theta)
    with pytest.raises(ValueError, match="made with other layers"):
        nfedu.fit(learner(unit=20.0), X, rng=np.random.default_rng(5), epochs=4, **options)


def test_a_checkpoint_with_half_of_its_arrays_changes_nothing(tmp_path):
    path = tmp_path / "run.npz"
    options = {"progress": False, "checkpoint": path, "epochs": 1}
    nfedu.fit(flow(nfedu.ActNorm(4)), X, rng=np.random.default_rng(0), **options)
    with np.load(path) as arrays:
        np.savez(path, **{name: arrays[name] for name in arrays if name != "normalization0.deviation"})
    other, rng = flow(nfedu.ActNorm(4)), np.random.default_rng(1)
    with pytest.raises(ValueError, match="truncated or damaged"):
        nfedu.fit(other, X, rng=rng, **options)
    assert not other.theta.any()
    assert rng.random() == np.random.default_rng(1).random()


def test_data_come_from_the_x_side():
    for layer in (nfedu.ActNorm(4), nfedu.BatchNorm(4)):
        with pytest.raises(ValueError, match="asked to observe on its way z→x, as inside Inverse"):
            flow(nfedu.Inverse(layer)).observe(X)


def test_statistics_are_summed_in_float64():
    layer = nfedu.BatchNorm(1)
    x = (100 + np.random.default_rng(0).standard_normal((200_000, 1))).astype(np.float32)
    with in_mode("observing", layer):
        layer.x_to_z(x)
    np.testing.assert_allclose(layer.mean, x.astype(float).mean(axis=0), rtol=1e-12)


def test_density_and_samples_are_checked_in_evaluation():
    model = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.BatchNorm(2, mean=[1.0, -1.0], variance=4.0)])
    model.bijection.bijections[0].mode = "training"
    report = nfedu.checks.check_flow(model, X[:, :2]).raise_if_failed()
    assert {"integral", "flow: samples"} <= {c.quantity.split(" over")[0].split(" against")[0] for c in report.checks}


def test_resumed_training_with_batch_norm_is_bit_identical(tmp_path):
    def train(path, epochs):
        model = flow(nfedu.ActNorm(4), coupling(), nfedu.BatchNorm(4), coupling())
        options = {"validation": X[:9], "progress": False, "batch_size": 10, "checkpoint": path}
        nfedu.fit(model, X, rng=np.random.default_rng(5), epochs=epochs, **options)
        return model

    whole = train(tmp_path / "whole.npz", 6)
    train(tmp_path / "parts.npz", 3)
    parts = train(tmp_path / "parts.npz", 6)
    np.testing.assert_array_equal(parts.theta, whole.theta)
    np.testing.assert_array_equal(parts.log_prob(X), whole.log_prob(X))
