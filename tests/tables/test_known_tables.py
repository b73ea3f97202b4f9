"""Tables as people have them, all defaults: the flow wins, or it is said that it does not; samples are possible."""

import time

import numpy as np
import pytest

import nfedu
from nfedu import tables

SECONDS = 60  # on two cores that nobody else uses


def iris():
    from sklearn.datasets import load_iris

    return load_iris().data


def diabetes():
    from sklearn.datasets import load_diabetes

    return load_diabetes().data


def people():
    rng = np.random.default_rng(0)
    age = rng.gamma(6, 7, 2000)
    income = np.exp(8 + 0.03 * age - 0.0002 * age**2 + 0.5 * rng.standard_normal(2000))
    rate = 0.5 * rng.beta(2, 5, 2000) + 0.5 * (age > 40) * rng.random(2000)
    height = 170 + 7 * rng.choice([-1, 1], 2000) + 5 * rng.standard_normal(2000)
    return np.stack([height, income, rate, rng.poisson(np.exp(0.5 + 0.02 * age))], axis=1)


def moons():
    c, s = np.cos(0.5), np.sin(0.5)
    return nfedu.datasets.two_moons(2000, np.random.default_rng(0)) @ np.array([[c, s], [-s, c]]) * [1e5, 1e-5]


def letters():
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 1), dpi=100)
    figure.text(0.5, 0.5, "FLOW", fontsize=40, ha="center", va="center", weight="bold")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = nfedu.datasets.PictureDensity(np.asarray(canvas.buffer_rgba()))
    return picture.sample(20_000, np.random.default_rng(0))


PEOPLE = {"positive": ["x2"], "interval": {"x3": (0, 1)}, "whole": ["x4"]}
TABLES = [  # and whom the flow beats there
    pytest.param(iris, {}, 0, id="iris"),
    pytest.param(diabetes, {}, 1, id="diabetes"),  # the Gaussian
    pytest.param(people, PEOPLE, 2, id="people", marks=pytest.mark.slow),  # and the kernel estimate
    pytest.param(moons, {}, 1, id="moons", marks=pytest.mark.slow),
    pytest.param(letters, {}, 1, id="letters", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("make", "said", "beaten"), TABLES)
def test_defaults(make, said, beaten):
    rows, start = make(), time.process_time()
    learned = tables.learn(rows, progress=False, **said)
    verdict = learned.verdict()
    assert time.process_time() - start < SECONDS
    assert verdict.gain("Gaussian")[0] > -0.1
    assert not set(verdict.lost) & set(list(verdict.others)[:beaten]), verdict
    assert bool(learned.advice(verdict)) == bool(verdict.lost)
    assert learned.model.table.holds(learned.model.sample(5000, np.random.default_rng(0))).all()
