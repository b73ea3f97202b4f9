"""normflows."""

import normflows
import torch

from tests.benchmarks.libraries.on_torch import runner


def build(work, rng):
    if work.model != "RealNVP":
        return None
    n, layers = work.n, []
    for _ in range(work.layers):
        net = normflows.nets.MLP([n // 2, work.hidden, work.hidden, 2 * (n - n // 2)], init_zeros=True)
        layers += [normflows.flows.AffineCouplingBlock(net), normflows.flows.Permute(n, mode="swap")]
    flow = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(n, trainable=False), layers)
    torch.set_grad_enabled(True)
    return runner(work, rng, flow.parameters(), flow.log_prob, lambda count: flow.sample(count)[0])
