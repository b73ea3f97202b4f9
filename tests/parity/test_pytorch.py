"""Parity: our layers with the weights of PyTorch libraries' give the same log-densities, samples and gradients in θ.

Needs the extra "peers". Everything in float64. The libraries' own couplings are asked; what bounds nflows' scales, in
another way than ours, is exchanged for exp(α).
"""

import numpy as np
import pytest

import nfedu

torch = pytest.importorskip("torch", reason="needs the extra: pip install -e '.[peers]'")
torch.set_default_dtype(torch.float64)
N, HIDDEN, LAYERS = 20, 12, 3


def swap(n):
    """The halves exchanged: what their Permute does between couplings."""
    return nfedu.Permute(np.roll(np.arange(n), -(n // 2)))


def take_linear(W, b, linear, columns=slice(None)):
    """Copy a linear layer's weights into ours; `columns` is the order in which we have its outputs."""
    W.value[...] = linear.weight.detach().numpy().T[:, columns]
    b.value[...] = linear.bias.detach().numpy()[columns]


def given_of(linear, columns=slice(None)):
    """The gradients of a linear layer's weights and biases, in our order."""
    return linear.weight.grad.numpy().T[:, columns], linear.bias.grad.numpy()[columns]


def compare(flow, pairs, log_prob, from_latents):
    """Hold log-densities, images of latents and all gradients in θ against theirs."""
    rng = np.random.default_rng(1)
    x, z = rng.standard_normal((2, N, flow.n))
    theirs = log_prob(torch.as_tensor(x))
    np.testing.assert_allclose(flow.log_prob(x), theirs.detach().numpy(), rtol=0, atol=1e-10)
    np.testing.assert_allclose(flow.z_to_x(z)[0], from_latents(torch.as_tensor(z)).detach().numpy(), rtol=0, atol=1e-10)
    (-theirs.mean()).backward()
    flow.nll(x)
    for net, linears, columns in pairs:
        for k, linear in enumerate(linears):
            order = columns if k == len(linears) - 1 else slice(None)
            for ours, expected in zip((net.weights[k], net.biases[k]), given_of(linear, order), strict=True):
                np.testing.assert_allclose(ours.grad, expected, rtol=0, atol=1e-10)


def take(net, linears, columns):
    for k, linear in enumerate(linears):
        take_linear(net.weights[k], net.biases[k], linear, columns if k == len(linears) - 1 else slice(None))


def linears_of(module):
    return [m for m in module.modules() if isinstance(m, torch.nn.Linear)]


def spread_out(parameters):
    """Weights as large as a trained network's: theirs start at 0 or near it."""
    torch.manual_seed(0)
    with torch.no_grad():
        for p in parameters:
            p.copy_(0.2 * torch.randn_like(p))


@pytest.mark.parametrize("n", [2, 4, 6])
def test_normflows_real_nvp(n):
    normflows = pytest.importorskip("normflows", reason="needs the extra: pip install -e '.[peers]'")
    half, theirs = n // 2, []
    for _ in range(LAYERS):
        net = normflows.nets.MLP([half, HIDDEN, HIDDEN, 2 * half])
        theirs += [normflows.flows.AffineCouplingBlock(net), normflows.flows.Permute(n, mode="swap")]
    flow_t = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(n, trainable=False), theirs)
    spread_out(flow_t.parameters())
    columns = np.r_[0 : 2 * half : 2, 1 : 2 * half : 2]  # theirs: shift and scale in turn
    ours, pairs = [], []
    for block in theirs[::2]:
        layer = nfedu.AffineCoupling(n, (HIDDEN, HIDDEN), bound=None, rng=np.random.default_rng(0))
        take(layer.net, linears_of(block), columns)
        ours += [layer, swap(n)]
        pairs.append((layer.net, linears_of(block), columns))
    flow = nfedu.Flow(nfedu.StandardNormal(n), ours)
    compare(flow, pairs, flow_t.log_prob, lambda z: flow_t.forward(z))


@pytest.mark.parametrize("n", [2, 5])
def test_nflows_real_nvp(n):
    pytest.importorskip("nflows", reason="needs the extra: pip install -e '.[peers]'")
    from nflows.nn.nets import MLP
    from nflows.transforms import AffineCouplingTransform, CompositeTransform

    class Exponential(AffineCouplingTransform):
        def _scale_and_shift(self, params):
            shift, log_scale = params[:, : self.num_transform_features], params[:, self.num_transform_features :]
            return torch.exp(-log_scale), -shift * torch.exp(-log_scale)  # N15, in their direction x → z

    class Net(MLP):
        def forward(self, inputs, context=None):
            return super().forward(inputs)

    layers, ours, pairs = [], [], []
    for m in range(LAYERS):
        passes = np.arange(n) < n // 2 if m % 2 == 0 else np.arange(n) >= n // 2
        theirs = Exponential(torch.as_tensor(~passes).int(), lambda i, o: Net([i], [o], [HIDDEN, HIDDEN]))
        spread_out(theirs.parameters())
        layer = nfedu.AffineCoupling(n, (HIDDEN, HIDDEN), mask=passes, bound=None, rng=np.random.default_rng(0))
        take(layer.net, linears_of(theirs), slice(None))
        layers.append(theirs)
        ours.append(layer)
        pairs.append((layer.net, linears_of(theirs), slice(None)))
    to_z = CompositeTransform(layers[::-1])  # the last layer is undone first
    flow = nfedu.Flow(nfedu.StandardNormal(n), ours)

    def log_prob(x):
        z, log_det = to_z(x)
        return torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1) + log_det

    compare(flow, pairs, log_prob, lambda z: to_z.inverse(z)[0])
