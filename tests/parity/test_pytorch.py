"""Parity: our layers with the weights of PyTorch libraries' give the same log-densities, samples and gradients in θ.

Needs the extra "peers". Everything in float64. The libraries' own couplings are asked; what bounds nflows' scales, in
another way than ours, is exchanged for exp(α).
"""

import numpy as np
import pytest

import nfedu
from tests.parity.comparison import compare_with_torch, peer, spread_out

torch = peer("torch")
torch.set_default_dtype(torch.float64)
HIDDEN, LAYERS = 12, 3


def swap(n):
    """The halves exchanged: what their Permute does between couplings."""
    return nfedu.Permute(np.roll(np.arange(n), -(n // 2)))


def parameters_of(module):
    linears = [m for m in module.modules() if isinstance(m, torch.nn.Linear)]
    return [p for linear in linears for p in (linear.weight, linear.bias)]


def mlp_correspondence(net, columns=slice(None)):
    """Theirs has weights (outputs, inputs); `columns` is the order in which we have the last layer's outputs."""
    pairs = []
    for W, b in zip(net.weights, net.biases, strict=True):
        here = columns if b is net.biases[-1] else slice(None)
        pairs += [(W, lambda array, here=here: array[here].T), (b, lambda array, here=here: array[here])]
    return pairs


@pytest.mark.parametrize("n", [2, 4, 6])
def test_normflows_real_nvp(n):
    normflows = peer("normflows")
    half, theirs = n // 2, []
    for _ in range(LAYERS):
        net = normflows.nets.MLP([half, HIDDEN, HIDDEN, 2 * half])
        theirs += [normflows.flows.AffineCouplingBlock(net), normflows.flows.Permute(n, mode="swap")]
    flow_t = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(n, trainable=False), theirs)
    spread_out(flow_t.parameters())
    columns = np.r_[0 : 2 * half : 2, 1 : 2 * half : 2]  # theirs: shift and scale in turn
    ours, correspondence = [], []
    for _ in range(LAYERS):
        layer = nfedu.AffineCoupling(n, (HIDDEN, HIDDEN), bound=None, rng=np.random.default_rng(0))
        ours += [layer, swap(n)]
        correspondence += mlp_correspondence(layer.net, columns)
    flow = nfedu.Flow(nfedu.StandardNormal(n), ours)
    compare_with_torch(flow, correspondence, parameters_of(flow_t), flow_t.log_prob, flow_t.forward)


@pytest.mark.parametrize("n", [2, 5])
def test_nflows_real_nvp(n):
    peer("nflows")
    from nflows.nn.nets import MLP
    from nflows.transforms import AffineCouplingTransform, CompositeTransform

    class Exponential(AffineCouplingTransform):
        def _scale_and_shift(self, params):
            shift, log_scale = params[:, : self.num_transform_features], params[:, self.num_transform_features :]
            return torch.exp(-log_scale), -shift * torch.exp(-log_scale)  # N15, in their direction x → z

    class Net(MLP):
        def forward(self, inputs, context=None):
            return super().forward(inputs)

    layers, ours, correspondence = [], [], []
    for m in range(LAYERS):
        passes = np.arange(n) < n // 2 if m % 2 == 0 else np.arange(n) >= n // 2
        theirs = Exponential(torch.as_tensor(~passes).int(), lambda i, o: Net([i], [o], [HIDDEN, HIDDEN]))
        spread_out(theirs.parameters())
        layer = nfedu.AffineCoupling(n, (HIDDEN, HIDDEN), mask=passes, bound=None, rng=np.random.default_rng(0))
        layers.append(theirs)
        ours.append(layer)
        correspondence += mlp_correspondence(layer.net)
    to_z = CompositeTransform(layers[::-1])  # the last layer is undone first
    flow = nfedu.Flow(nfedu.StandardNormal(n), ours)

    def log_prob(x):
        z, log_det = to_z(x)
        return torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1) + log_det

    theirs = [p for layer in layers for p in parameters_of(layer)]
    compare_with_torch(flow, correspondence, theirs, log_prob, lambda z: to_z.inverse(z)[0])
