"""zuko: its NICE has affine couplings."""

import zuko

from tests.benchmarks.libraries.on_torch import runner


def build(work, rng):
    if work.is_of_images:
        return None
    kind = zuko.flows.RealNVP if work.model == "RealNVP" else zuko.flows.MAF
    flow = kind(work.n, transforms=work.layers, hidden_features=(work.hidden, work.hidden))
    return runner(work, rng, flow.parameters(), lambda x: flow().log_prob(x), lambda count: flow().sample((count,)))
