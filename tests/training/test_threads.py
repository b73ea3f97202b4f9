"""Training over threads, and in memory that does not grow with depth: the same gradients, the same θ."""

import tracemalloc

import numpy as np
import pytest

import nfedu
from nfedu.training.parallel.team import Team


def flow_of(layers=4, n=3, width=8, reversible=False):
    rng = np.random.default_rng(0)
    kinds = [nfedu.AffineCoupling, nfedu.MaskedAutoregressive]
    made = [kinds[m % 2](n, (width,), activation="tanh", rng=rng) for m in range(layers)]
    return nfedu.Flow(nfedu.StandardNormal(n), made, reversible=reversible)


def with_act_norm():
    rng = np.random.default_rng(0)
    layers = [nfedu.AffineCoupling(3, (8,), activation="tanh", rng=rng), nfedu.ActNorm(3)]
    return nfedu.Flow(nfedu.StandardNormal(3), layers)


DATA = np.random.default_rng(1).standard_normal((101, 3)) * [1, 2, 0.5] + 1


@pytest.mark.parametrize("threads", [2, 3, 4])
@pytest.mark.parametrize("rows", [2, 101])
def test_the_gradient_is_that_of_one_thread(threads, rows):
    flow = flow_of()
    loss, grad = flow.nll(DATA[:rows]), flow.grad.copy()
    team = Team(flow, threads)
    found = team.nll(DATA[:rows])
    assert abs(found - loss) < 1e-12
    np.testing.assert_allclose(flow.grad, grad, rtol=0, atol=1e-12 * abs(grad).max())
    again = flow.grad.copy()
    team.nll(DATA[:rows])
    np.testing.assert_array_equal(flow.grad, again)


def test_the_others_see_that_theta_changes():
    flow = flow_of()
    team = Team(flow, 2)
    flow.theta += 0.1
    assert team.nll(DATA) == pytest.approx(flow.nll(DATA), abs=1e-12)


@pytest.mark.parametrize("options", [{"threads": 2}, {"reversible": True}])
def test_it_trains_as_it_does_without(options):
    plain, other = flow_of(), flow_of()
    for flow, more in ((plain, {}), (other, options)):
        nfedu.fit(flow, DATA, rng=np.random.default_rng(0), epochs=5, batch_size=50, progress=False, **more)
    np.testing.assert_allclose(other.theta, plain.theta, rtol=0, atol=1e-9)
    assert not other.reversible


def test_it_is_asked_for_in_fit(monkeypatch):
    seen, nll = [], Team.nll
    monkeypatch.setattr(
        Team, "nll", lambda self, x: seen.append((len(self.members), self.flow.reversible)) or nll(self, x)
    )
    nfedu.fit(flow_of(), DATA, rng=np.random.default_rng(0), epochs=1, threads=3, reversible=True, progress=False)
    assert set(seen) == {(3, True)}


def test_normalization_by_what_all_rows_showed():
    plain, other = with_act_norm(), with_act_norm()
    for flow, threads in ((plain, 1), (other, 2)):
        nfedu.fit(flow, DATA, rng=np.random.default_rng(0), epochs=3, batch_size=50, threads=threads, progress=False)
    np.testing.assert_allclose(other.theta, plain.theta, rtol=0, atol=1e-9)


def test_a_batchs_statistics_are_not_split_and_a_refusal_changes_nothing(tmp_path):
    flow = nfedu.Flow(nfedu.StandardNormal(3), [nfedu.BatchNorm(3)])
    theta, mean = flow.theta.copy(), np.array(flow.bijection.bijections[0].mean)
    options = {"threads": 2, "reversible": True, "checkpoint": tmp_path / "run.npz", "progress": False}
    with pytest.raises(ValueError, match="threads = 2, expected 1"):
        nfedu.fit(flow, DATA, rng=np.random.default_rng(0), epochs=1, **options)
    assert not flow.reversible
    assert not (tmp_path / "run.npz").exists()
    np.testing.assert_array_equal(flow.theta, theta)
    np.testing.assert_array_equal(flow.bijection.bijections[0].mean, mean)


def test_reversible_is_an_option_of_a_flow_that_can_be_set_and_is_saved(tmp_path):
    plain, reversible = flow_of(), flow_of(reversible=True)
    assert plain.nll(DATA) == reversible.nll(DATA)
    np.testing.assert_allclose(plain.grad, reversible.grad, rtol=0, atol=1e-10)
    reversible.save(tmp_path / "flow.npz")
    assert nfedu.load(tmp_path / "flow.npz").reversible
    assert reversible.astype(np.float32).reversible
    plain.reversible = True
    assert plain.reversible
    assert plain.nll(DATA) == reversible.nll(DATA)


def test_its_memory_does_not_grow_with_depth():
    def peak(layers):
        flow = flow_of(layers, width=64, reversible=True)
        flow.nll(DATA)
        tracemalloc.start()
        flow.nll(np.tile(DATA, (30, 1)))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(32) < 1.3 * peak(4)
