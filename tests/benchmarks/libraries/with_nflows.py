"""nflows."""

import torch
from nflows.distributions.normal import StandardNormal
from nflows.flows.base import Flow
from nflows.nn.nets import MLP
from nflows.transforms import (
    AffineCouplingTransform,
    CompositeTransform,
    MaskedAffineAutoregressiveTransform,
    ReversePermutation,
)

from tests.benchmarks.libraries.on_torch import runner


class Net(MLP):
    def forward(self, inputs, context=None):
        return super().forward(inputs)


def build(work, rng):
    if work.is_of_images:
        return None
    n, hidden = work.n, work.hidden
    layers = []
    for m in range(work.layers):
        if work.model == "RealNVP":
            mask = torch.arange(n) < n // 2
            net = lambda inputs, outputs: Net([inputs], [outputs], [hidden, hidden])  # noqa: E731
            layers.append(AffineCouplingTransform(~mask if m % 2 else mask, net))
        else:
            layers.append(MaskedAffineAutoregressiveTransform(n, hidden, num_blocks=1, use_residual_blocks=False))
            layers.append(ReversePermutation(n))
    flow = Flow(CompositeTransform(layers), StandardNormal([n]))
    return runner(work, rng, flow.parameters(), flow.log_prob, flow.sample)
