"""FlowJAX, compiled."""

from functools import partial

import equinox
import jax
import optax
from flowjax.bijections import Affine
from flowjax.distributions import Normal
from flowjax.flows import coupling_flow, masked_autoregressive_flow
from jax import numpy as jnp
from paramax import non_trainable, unwrap


def build(work, rng):
    if work.is_of_images:
        return None
    flow_of = coupling_flow if work.model == "RealNVP" else masked_autoregressive_flow
    flow = flow_of(
        jax.random.key(0), base_dist=non_trainable(Normal(jnp.zeros(work.n))), transformer=Affine(),
        flow_layers=work.layers, nn_width=work.hidden, nn_depth=2,
    )  # fmt: skip
    x = jnp.asarray(rng.standard_normal((work.batch, work.n)), dtype=jnp.float32)
    if work.task == "log_prob":
        log_prob = equinox.filter_jit(lambda flow, x: unwrap(flow).log_prob(x))
        return lambda: log_prob(flow, x).block_until_ready()
    if work.task == "sample":
        draw = equinox.filter_jit(lambda flow, key: unwrap(flow).sample(key, (work.batch,)))
        return lambda: draw(flow, jax.random.key(1)).block_until_ready()
    params, static = equinox.partition(flow, equinox.is_inexact_array)
    adam = optax.adam(1e-3)
    state = [params, adam.init(params)]

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(params, opt, x):
        def loss(params):
            return -unwrap(equinox.combine(params, static)).log_prob(x).mean()

        value, grads = jax.value_and_grad(loss)(params)
        updates, opt = adam.update(grads, opt, params)
        return value, optax.apply_updates(params, updates), opt

    def run():
        value, *state[:] = step(*state, x)
        value.block_until_ready()
        jax.block_until_ready(state)

    return run
