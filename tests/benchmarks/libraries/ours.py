"""This library, in float32."""

import os

import numpy as np

import nfedu
from nfedu import models
from nfedu.training.parallel.team import Team

THREADS = len(os.sched_getaffinity(0))


def build(work, rng):
    if work.is_of_images:
        flow = getattr(models, work.model)(work.shape, rng=rng).astype(np.float32)
    else:
        flow = nfedu.Flow(nfedu.StandardNormal(work.n), layers(work, rng)).astype(np.float32)
    x = work.points(rng)
    if work.task == "log_prob":
        return lambda: flow.log_prob(x, threads=THREADS)
    if work.task == "sample":
        return lambda: flow.sample(work.batch, rng)
    adam = nfedu.Adam()
    team = Team(flow, THREADS) if work.is_of_images else flow  # as `fit(threads=...)` has it

    def step():
        team.nll(x)
        adam.step(flow.theta, flow.grad)

    return step


def layers(work, rng):
    hidden = (work.hidden, work.hidden)
    if work.model == "RealNVP":
        return [nfedu.AffineCoupling(work.n, hidden, flip=bool(m % 2), rng=rng) for m in range(work.layers)]
    orders = [None, np.arange(work.n)[::-1]]
    return [nfedu.MaskedAutoregressive(work.n, hidden, orders[m % 2], rng=rng) for m in range(work.layers)]
