"""Flows that are pickled, and training whose gradients other processes compute, some of which die."""

import copy
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from time import sleep

import numpy as np
import pytest

import nfedu
from nfedu import models
from nfedu.training import DivergedError
from nfedu.training.parallel.remote import RemoteTeam
from tests.conftest import ROOT
from tests.registry import CASES, IDS, built, points
from tests.training.test_threads import DATA, flow_of, with_act_norm

RNG = np.random.default_rng(0)
WHOLE = {
    "image_real_nvp": lambda: models.image_real_nvp(filters=4, couplings=2, rng=RNG),
    "mint_net": lambda: models.mint_net(filters=(3, 2, 1), units=(1, 1, 1), rng=RNG),
    "MAF": lambda: nfedu.Flow(
        nfedu.StandardLogistic(5), models.autoregressive(nfedu.MaskedAutoregressive, 5, 3, (8,), rng=RNG)
    ),
    "float32, reversible": lambda: flow_of(reversible=True).astype(np.float32),
    "a mixture for a base": lambda: nfedu.Flow(nfedu.GaussianMixture(np.eye(3)), nfedu.Affine(3)),
    "ActNorm": with_act_norm,
}
SECONDS = 60  # a test that hangs says so


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture(params=["threads", "processes"])
def executor(request):
    if request.param == "processes":
        yield request.getfixturevalue("processes")
    else:
        with ThreadPoolExecutor(2) as pool:
            yield pool


def assert_pickles(flow, x):
    twin = pickle.loads(pickle.dumps(flow))
    assert (type(twin), twin.dtype, twin.reversible) == (type(flow), flow.dtype, flow.reversible)
    np.testing.assert_array_equal(twin.theta, flow.theta)
    np.testing.assert_array_equal(twin.log_prob(x), flow.log_prob(x))
    assert twin.nll(x) == flow.nll(x)
    np.testing.assert_array_equal(twin.grad, flow.grad)  # views: what the layers add to is what the flow shows
    assert list(twin.parameters()) == list(flow.parameters())
    if flow.theta.size:
        theta, log_p = flow.theta.copy(), flow.log_prob(x)
        twin.theta += 0.01
        flow.theta += 0.01
        np.testing.assert_array_equal(twin.log_prob(x), flow.log_prob(x))
        assert (flow.log_prob(x) != log_p).any()
        np.testing.assert_array_equal(flow.theta, theta + 0.01)  # the two share nothing


@pytest.mark.parametrize(("entry", "n"), CASES, ids=IDS)
def test_every_layer_can_be_pickled_in_a_flow(entry, n):
    layer = built(entry, n)
    x = points(layer)
    assert_pickles(nfedu.Flow(nfedu.StandardNormal(layer.n), layer), x)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_flows_can_be_pickled(name):
    flow = WHOLE[name]()
    x = flow.sample(7, np.random.default_rng(1))
    flow.observe(x)
    flow.nll(x)
    assert_pickles(flow, x)
    message = len(pickle.dumps(flow))
    assert message < 3 * flow.theta.nbytes + 30_000  # no gradient goes along; masks do


def test_a_pickled_layer_belongs_to_no_flow():
    flow = flow_of()
    layer = pickle.loads(pickle.dumps(flow.bijection.bijections[0]))
    nfedu.Flow(nfedu.StandardNormal(3), layer)
    assert not np.shares_memory(layer.net.weights[0].value, flow.theta)


@pytest.mark.parametrize("rows", [2, 101])
@pytest.mark.parametrize("parts", [2, 3])
def test_the_gradient_is_that_of_one_process(executor, rows, parts):
    flow = flow_of()
    loss, grad = flow.nll(DATA[:rows]), flow.grad.copy()
    theta = flow.theta.copy()
    team = RemoteTeam(flow, parts, executor)
    found = team.nll(DATA[:rows])
    assert abs(found - loss) < 1e-12
    np.testing.assert_allclose(flow.grad, grad, rtol=0, atol=1e-12 * abs(grad).max())
    again = flow.grad.copy()
    team.nll(DATA[:rows])
    np.testing.assert_array_equal(flow.grad, again)
    np.testing.assert_array_equal(flow.theta, theta)
    flow.theta += 0.1
    assert team.nll(DATA) == pytest.approx(copy.deepcopy(flow).nll(DATA), abs=1e-12)


@pytest.mark.parametrize("build", [flow_of, with_act_norm])
def test_it_trains_as_it_does_without(executor, build, tmp_path):
    plain, threads, other = build(), build(), build()
    options = {"epochs": 3, "batch_size": 50, "validation": DATA[:30], "progress": False}
    expected = nfedu.fit(plain, DATA, rng=np.random.default_rng(0), **options)
    nfedu.fit(threads, DATA, rng=np.random.default_rng(0), threads=2, **options)
    found = nfedu.fit(other, DATA, rng=np.random.default_rng(0), threads=2, executor=executor, **options)
    np.testing.assert_allclose(other.theta, plain.theta, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.train + found.validation, expected.train + expected.validation, rtol=1e-9)
    np.testing.assert_array_equal(other.theta, threads.theta)  # the same parts, added in the same order


@pytest.mark.parametrize("errors", ["ignore", "raise"])
def test_a_workers_error_is_the_callers(executor, errors):
    messages = []
    for options in ({}, {"executor": executor}):
        flow = nfedu.Flow(nfedu.StandardNormal(3), [nfedu.SinhArcsinh(3), nfedu.SinhArcsinh(3)])
        options |= {"threads": 2, "optimizer": nfedu.SGD(1e4), "progress": False}
        expected = DivergedError if errors == "ignore" else FloatingPointError
        with np.errstate(all=errors), pytest.raises(expected) as caught:
            nfedu.fit(flow, DATA, rng=np.random.default_rng(0), **options)
        messages.append(str(caught.value))
        np.testing.assert_array_equal(flow.theta, 0)
    assert messages[0] == messages[1]
    assert errors == "raise" or "diverged at step 1: layer 0: SinhArcsinh: x holds" in messages[0], messages


class Recording(ThreadPoolExecutor):
    """A pool that keeps its futures, and takes its time for all but the first."""

    def __init__(self):
        super().__init__(2)
        self.futures = []

    def submit(self, f, *arguments):
        def later():
            sleep(0.1)
            return f(*arguments)

        self.futures.append(super().submit(later) if self.futures else super().submit(f, *arguments))
        return self.futures[-1]


def test_an_error_waits_for_the_other_parts():
    x = DATA.copy()
    x[0] = np.nan
    with Recording() as pool:
        with pytest.raises(ValueError, match="non-finite"):
            RemoteTeam(flow_of(), 2, pool).nll(x)
        assert [future.done() for future in pool.futures] == [True, True]


def test_there_are_as_many_parts_as_threads():
    with Recording() as pool:
        options = {"batch_size": 51, "epochs": 1, "threads": 3, "progress": False}
        nfedu.fit(flow_of(), DATA, rng=np.random.default_rng(0), executor=pool, **options)
        assert len(pool.futures) == 2 * 3


class Stranger(nfedu.Affine):
    """A layer that cannot be pickled."""

    def __init__(self, n):
        super().__init__(n)
        self.f = lambda x: x


def test_a_layer_that_cannot_be_sent_is_named(processes):
    flow = nfedu.Flow(nfedu.StandardNormal(3), Stranger(3))
    with pytest.raises(Exception, match=r"Stranger.*lambda"):
        nfedu.fit(flow, DATA, rng=np.random.default_rng(0), threads=2, executor=processes, progress=False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threads": 1}, "threads = 1 with an executor, expected ≥ 2"),
        ({"threads": 2.0}, "threads = 2.0, expected an integer"),
        ({"threads": 2, "executor": "a client"}, "expected a concurrent.futures.Executor"),
    ],
)
def test_what_is_no_use_is_refused(options, words):
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match=words):
        nfedu.fit(flow_of(), DATA, rng=np.random.default_rng(0), **{"executor": pool, "progress": False, **options})


def test_a_batchs_statistics_are_not_split():
    flow = nfedu.Flow(nfedu.StandardNormal(3), [nfedu.BatchNorm(3)])
    options = {"threads": 2, "progress": False}
    with ThreadPoolExecutor(2) as pool, pytest.raises(ValueError, match="threads = 2, expected 1"):
        nfedu.fit(flow, DATA, rng=np.random.default_rng(0), executor=pool, **options)


class Fragile(nfedu.Shift):
    """A layer whose process dies in the middle of a task, once, when a file is there."""

    def __init__(self, n, armed):
        super().__init__(n)
        self.armed, self.home = armed, os.getpid()

    def x_to_z(self, x):
        if os.getpid() != self.home:
            try:
                self.armed.unlink()
            except FileNotFoundError:
                return super().x_to_z(x)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().x_to_z(x)


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed", reason="needs the extra cluster: dask[distributed]")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


def fragile(client, armed, die_at=None):
    """Train; return the flow, its history, and the workers' processes before and after."""
    flow = flow_of()
    flow = nfedu.Flow(flow.base, [*copy.deepcopy(flow.bijection.bijections), Fragile(3, armed)])
    batches = 0

    def arm(batch, rng):
        nonlocal batches
        batches += 1
        if batches == die_at:
            armed.touch()
        return batch + 0.1 * rng.standard_normal(batch.shape)

    options = {"epochs": 6, "batch_size": 50, "transform": arm, "validation": DATA, "progress": False}
    before = set(client.run(os.getpid).values())
    executor = client.get_executor(pure=False)
    history = nfedu.fit(flow, DATA, rng=np.random.default_rng(0), threads=4, executor=executor, **options)
    client.wait_for_workers(2, timeout=SECONDS)
    return flow, history, before, set(client.run(os.getpid).values())


def test_a_pool_breaks_with_its_worker_and_training_goes_on_from_the_checkpoint(tmp_path):
    armed = tmp_path / "armed"

    def flow():
        return nfedu.Flow(nfedu.StandardNormal(3), [nfedu.Affine(3), Fragile(3, armed)])

    def train(flow, epochs=4, **options):
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
            options |= {"epochs": epochs, "batch_size": 50, "threads": 2, "executor": pool, "progress": False}
            nfedu.fit(flow, DATA, rng=np.random.default_rng(0), **options)
        return flow.theta

    steps = []

    def arm(batch, rng):
        steps.append(len(batch))
        if len(steps) == 7:  # the first of the third epoch
            armed.touch()
        return batch

    broken = flow()
    with pytest.raises(BrokenProcessPool):
        train(broken, transform=arm, checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(broken.theta, train(flow(), epochs=2))
    resumed = train(flow(), checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(resumed, train(flow()))


def test_a_worker_that_dies_costs_nothing_but_time(client, tmp_path):
    whole, expected, before, after = fragile(client, tmp_path / "armed")
    assert before == after
    flow, history, before, after = fragile(client, tmp_path / "armed", die_at=7)
    assert len(before - after) == 1
    np.testing.assert_array_equal(flow.theta, whole.theta)
    assert (history.train, history.validation) == (expected.train, expected.validation)
    assert (history.steps, history.best_epoch) == (expected.steps, expected.best_epoch)


@pytest.mark.parametrize("number", [0, 1])
def test_the_page_says_how(number, tmp_path):
    code = re.findall(r"```python\n(.*?)```", (ROOT / "lessons" / "THREADS.md").read_text(), re.DOTALL)[number]
    if "distributed" in code:
        pytest.importorskip("distributed", reason="needs the extra cluster: dask[distributed]")
    (tmp_path / "train.py").write_text(code)
    done = subprocess.run(
        [sys.executable, tmp_path / "train.py"], capture_output=True, text=True, timeout=SECONDS,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == "10 steps\n", done.stderr
