"""Evaluation: the same numbers as one call with its backward, by rows, over threads, in memory that does not grow."""

import threading
import tracemalloc

import numpy as np
import pytest

import nfedu
from nfedu.bijections.normalization.base import in_mode
from nfedu.flow import ROWS


def real_nvp(layers=3, n=2, width=16, seed=0, nested=False):
    rng = np.random.default_rng(seed)
    couplings = [nfedu.AffineCoupling(n, (width, width), flip=bool(m % 2), rng=rng) for m in range(layers)]
    return nfedu.Flow(nfedu.StandardNormal(n), nfedu.Chain(couplings) if nested else couplings)


def normalized(x):
    flow = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.BatchNorm(2), nfedu.Rescale(2, 0.5)])
    flow.observe(x)
    return flow


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_it_gives_what_the_whole_batch_gives_at_once(threads):
    flow = real_nvp()
    x = np.random.default_rng(1).standard_normal((2 * ROWS + 37, 2))
    z, log_det, _ = flow.x_to_z(x)
    expected = flow.base.log_prob(z) + log_det
    np.testing.assert_allclose(flow.log_prob(x, threads=threads), expected, rtol=0, atol=1e-12)
    drawn = flow.sample(len(x), np.random.default_rng(2), threads=threads)
    expected = flow.z_to_x(flow.base.sample(len(x), np.random.default_rng(2)))[0]
    np.testing.assert_allclose(drawn, expected, rtol=0, atol=1e-12)


class Meeting(nfedu.Bijection):
    """The identity, which two threads must reach at the same time."""

    def __init__(self):
        self.n, self.barrier = 2, threading.Barrier(2)

    def x_to_z(self, x):
        self.barrier.wait(timeout=20)
        return x, np.zeros(len(x)), None


def test_threads_work_at_the_same_time_and_change_nothing():
    flow, x = real_nvp(), np.random.default_rng(1).standard_normal((4 * ROWS, 2))
    one, two = (flow.log_prob(x, threads=threads) for threads in (1, 2))
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-13)
    nfedu.Flow(nfedu.StandardNormal(2), Meeting()).log_prob(x, threads=2)


def test_threads_are_asked_with_the_callers_errstate():
    class Divides(nfedu.Bijection):
        n = 2

        def x_to_z(self, x):
            return x, np.log(0 * x[:, 0]), None

    flow = nfedu.Flow(nfedu.StandardNormal(2), Divides())
    with np.errstate(divide="ignore"):
        assert (flow.log_prob(np.ones((2 * ROWS, 2)), threads=2) == -np.inf).all()


def test_a_refusal_says_which_rows():
    x = np.full((3 * ROWS, 1), 0.5)
    x[2 * ROWS + 5] = 2
    flow = nfedu.Flow(nfedu.StandardNormal(1), nfedu.Logit(1, 0.0))
    with pytest.raises(ValueError, match=f"in the {ROWS} rows from row {2 * ROWS} on: .*Logit"):
        flow.log_prob(x)


def test_a_batchs_statistics_are_those_of_all_its_rows():
    x = np.random.default_rng(3).standard_normal((ROWS + 100, 2)) * [1, 5] + np.arange(ROWS + 100)[:, None]
    flow = normalized(x)
    with in_mode("training", flow.bijection):
        z, log_det, _ = flow.x_to_z(x)
        np.testing.assert_allclose(flow.log_prob(x), flow.base.log_prob(z) + log_det, rtol=0, atol=1e-12)


def peak(call):
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("task", ["log_prob", "sample"])
def test_memory_grows_neither_with_depth_nor_beyond_the_result_with_rows(task, nested):
    def call(layers, rows):
        flow, x = real_nvp(layers, width=64, nested=nested), np.zeros((rows, 2))
        if task == "log_prob":
            return lambda: flow.log_prob(x)
        return lambda: flow.sample(rows, np.random.default_rng(0))

    call(2, 10)()  # what is made once
    shallow, deep, long = peak(call(2, 20 * ROWS)), peak(call(16, 20 * ROWS)), peak(call(2, 40 * ROWS))
    assert deep < 1.1 * shallow
    results = {"log_prob": 2, "sample": 6}[task]  # numbers a row: the result and its pieces; the latents too
    assert long - shallow < 1.1 * 20 * ROWS * results * 8


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "two"])
def test_threads_must_be_a_number(threads):
    with pytest.raises(ValueError, match="threads = "):
        real_nvp().log_prob(np.zeros((3, 2)), threads=threads)


@pytest.mark.parametrize("reversible", [False, True])
def test_a_number_that_is_not_finite_is_said_to_be_of_which_layer(reversible):
    rng = np.random.default_rng(0)
    maf = nfedu.MaskedAutoregressive(3, (4,), bound=None, rng=rng)
    flow = nfedu.Flow(nfedu.StandardNormal(3), [nfedu.Rescale(3), maf], reversible=reversible)
    maf.net.biases[-1].value[:] = -800  # α
    with pytest.raises(nfedu.arrays.NonFiniteError, match="layer 1: MaskedAutoregressive"):
        flow.log_prob(np.ones((2, 3)))
    with pytest.raises(nfedu.arrays.NonFiniteError, match="layer 1: MaskedAutoregressive"):
        flow.nll(np.ones((2, 3)))
