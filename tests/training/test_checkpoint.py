"""Training that was interrupted ends, bit for bit, where it would have ended."""

import numpy as np
import pytest

import nfedu
from nfedu import datasets

X = datasets.two_moons(90, np.random.default_rng(0))
VALIDATION = datasets.two_moons(50, np.random.default_rng(1))


class Interrupt(Exception):
    pass


def train(
    flow, checkpoint=None, stop_at=None, x=X, optimizer=None, epochs=6, patience=30, rng=None, validation=VALIDATION
):
    calls = 0

    def noise(batch, rng):
        nonlocal calls
        calls += 1
        if calls == stop_at:
            raise Interrupt
        return batch + 0.01 * rng.standard_normal(batch.shape)

    return nfedu.fit(
        flow, x, validation=validation, rng=rng or np.random.default_rng(5), epochs=epochs, batch_size=30, average=0.9,
        optimizer=optimizer or nfedu.Adam(0.01), anneal=True, weight_decay=0.1, transform=noise, progress=False,
        checkpoint=checkpoint, patience=patience,
    )  # fmt: skip


def nice(dtype=np.float64):
    rng = np.random.default_rng(0)
    layers = [nfedu.AdditiveCoupling(2, (8,), flip=flip, rng=rng) for flip in (False, True)]
    return nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2), *layers]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("stop_at", [2, 4, 11])  # three batches an epoch: within the first, the second, the fourth
def test_an_interrupted_training_ends_where_it_would_have(tmp_path, dtype, stop_at):
    whole, parts = nice(dtype), nice(dtype)
    expected = train(whole)
    with pytest.raises(Interrupt):
        train(parts, tmp_path / "run.npz", stop_at=stop_at)
    parts = nice(dtype)  # another process: all that is left is the file
    history = train(parts, tmp_path / "run.npz")
    np.testing.assert_array_equal(parts.theta, whole.theta)
    assert history.train == expected.train
    assert history.validation == expected.validation
    assert (history.best_epoch, history.steps) == (expected.best_epoch, expected.steps)


@pytest.mark.parametrize("optimizer", [nfedu.Adam, nfedu.SGD])
def test_a_finished_training_is_not_trained_again(tmp_path, optimizer):
    first, again = nice(), nice()
    train(first, tmp_path / "run.npz", optimizer=optimizer(0.01))
    history = train(again, tmp_path / "run.npz", stop_at=1, optimizer=optimizer(0.01))
    np.testing.assert_array_equal(again.theta, first.theta)
    assert len(history.train) == 6


def test_patience_counts_across_the_interruption(tmp_path):
    still = nfedu.SGD(1e-300)
    history = train(nice(), tmp_path / "run.npz", optimizer=still, epochs=50, patience=3)
    assert len(history.train) == 4
    assert len(train(nice(), tmp_path / "run.npz", stop_at=1, optimizer=still, epochs=50, patience=3).train) == 4


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    train(nice(), path)
    for change, named in (
        ({"x": X + 1}, "data"),
        ({"x": X[:60]}, "data"),
        ({"optimizer": nfedu.SGD(0.01)}, "optimizer"),
        ({"optimizer": nfedu.Adam(0.02)}, "learning_rate"),
        ({"epochs": 7}, "epochs"),
        ({"rng": np.random.Generator(np.random.MT19937(0))}, "generator"),
        ({"validation": X}, "validation"),
    ):
        with pytest.raises(ValueError, match=rf"cannot resume .*made with other {named}.*another file to start"):
            train(nice(), path, **change)
    with pytest.raises(ValueError, match="cannot resume"):
        train(nfedu.Flow(nfedu.StandardNormal(2), nfedu.Rescale(2)), path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match="truncated or damaged"):
        train(nice(), path)
    nice().save(path)
    with pytest.raises(ValueError, match="cannot read"):
        train(nice(), path)


@pytest.mark.parametrize("kind", [np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_every_generator_can_be_saved(tmp_path, kind):
    whole, parts = nice(), nice()
    train(whole, rng=np.random.Generator(kind(3)))
    with pytest.raises(Interrupt):
        train(parts, tmp_path / "run.npz", stop_at=8, rng=np.random.Generator(kind(3)))
    parts = nice()
    train(parts, tmp_path / "run.npz", rng=np.random.Generator(kind(99)))
    np.testing.assert_array_equal(parts.theta, whole.theta)


def test_a_folder_that_is_missing_is_refused_before_training(tmp_path):
    with pytest.raises(ValueError, match="does not exist; create it first"):
        train(nice(), tmp_path / "nowhere" / "run.npz", stop_at=1)
