"""Parity with FlowJAX's MAF, and with its IAF: the slow directions are compared too, and their gradients."""

import numpy as np
import pytest

import nfedu
from tests.parity.comparison import assert_masked_gradients_are_zero, compare, made_correspondence, peer, take

jax, jnp, eqx, paramax = peer("jax"), peer("jax.numpy"), peer("equinox"), peer("paramax")
bijections, distributions, flows = (peer(f"flowjax.{name}") for name in ("bijections", "distributions", "flows"))
jax.config.update("jax_enable_x64", True)
HIDDEN, LAYERS = (12, 12), 3


def affine():
    """z = (x − μ) e^{−α} (N18) out of FlowJAX's affine map, z = softplus(a) x + m: turned round, with exp(α)."""
    scale = paramax.Parameterize(jnp.exp, jnp.zeros(()))
    return bijections.Invert(eqx.tree_at(lambda f: f.scale, bijections.Affine(), scale))


def layers_of(flow):
    """The masked layers and the permutations, those of all layers stacked, from a flow or a flow of gradients."""
    scan = flow.bijection.bijection if isinstance(flow.bijection, bijections.Invert) else flow.bijection
    made, permute = scan.bijection.bijections
    return made.masked_autoregressive_mlp.layers, permute


def arrays_of(flow):
    """Each layer's weights and biases, or their gradients."""
    linears, _ = layers_of(flow)
    stacks = [stack for linear in linears for stack in (linear.weight.args[1], linear.bias)]
    return [np.asarray(stack[m]) for m in range(LAYERS) for stack in stacks]


@pytest.mark.parametrize("kind", [nfedu.MaskedAutoregressive, nfedu.InverseAutoregressive])
@pytest.mark.parametrize("n", [3, 5])
def test_flowjax(n, kind):
    """All weights and biases, in three layers with permutations between."""
    is_maf = kind is nfedu.MaskedAutoregressive
    options = {"flow_layers": LAYERS, "nn_width": HIDDEN[0], "nn_depth": len(HIDDEN), "invert": is_maf}
    base = distributions.Normal(jnp.zeros(n))
    flow_j = flows.masked_autoregressive_flow(jax.random.key(n), base_dist=base, transformer=affine(), **options)
    linears, permute = layers_of(flow_j)
    masks = [linear.weight.args[0][0] for linear in linears]  # alike in all layers
    ours, correspondence = [], []
    for permutation in np.asarray(permute.permutation[0]):
        layer = kind(n, HIDDEN, bound=None, rng=np.random.default_rng(0))
        correspondence += made_correspondence(getattr(layer, "maf", layer), masks)
        if is_maf:  # their layers go from x to z, ours from z to x
            ours = [nfedu.Permute(np.argsort(permutation)), layer, *ours]
        else:
            ours += [layer, nfedu.Permute(permutation)]
    take(correspondence, arrays_of(flow_j))

    log_prob = eqx.filter_jit(flow_j.log_prob)
    images = eqx.filter_jit(eqx.filter_vmap(flow_j.bijection.transform))
    nll_gradients = eqx.filter_jit(eqx.filter_grad(lambda flow, x: -flow.log_prob(x).mean()))
    flow = nfedu.Flow(nfedu.StandardNormal(n), ours)
    compare(flow, correspondence, log_prob, images, lambda x: arrays_of(nll_gradients(flow_j, x)))
    for layer in ours[1::2] if is_maf else ours[::2]:
        assert_masked_gradients_are_zero(getattr(layer, "maf", layer))
