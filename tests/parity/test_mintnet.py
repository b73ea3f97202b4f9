"""Parity with MintNet in PyTorch, written here from the paper's equations; its derivatives are autograd's."""

import numpy as np
import pytest

import nfedu
from tests.parity.comparison import compare_with_torch, peer, spread_out

torch = peer("torch")
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)  # several would wait for one another most of the time
FILTERS, ROUNDS = 3, 25


class Layer(torch.nn.Module):
    """z = L(x) = t ⊙ x + Σ_i W3_i h(Σ_j W2_ij h(W1_j x + b1_j) + b2_i) + b3 for one point x, h = tanh (N23)."""

    def __init__(self, shape, kind):
        super().__init__()
        C, K = shape[0], FILTERS
        self.shape, self.kind = shape, kind
        sizes = (K, 1, C, C, 3, 3), (K, K, C, C, 3, 3), (1, K, C, C, 3, 3), (K, C), (K, C), (C,), shape
        self.theirs = torch.nn.ParameterList([torch.empty(size) for size in sizes])
        self.mask = torch.zeros(C, C, 3, 3)
        for c in range(C):
            self.mask[c, :c] = 1  # the channels before it whole
            self.mask[c, c, 0, :] = self.mask[c, c, 1, :2] = 1  # of itself the raster past, and the centre
        if kind == "B":
            self.mask = self.mask.flip(0, 1, 2, 3)  # what comes after instead

    def forward(self, x):
        W1, W2, W3, b1, b2, b3, log_t = self.theirs
        x = x.reshape(self.shape)
        h1 = torch.tanh(self.convolve(x, W1, b1))
        h2 = torch.tanh(self.convolve(h1, self.positive(W1, W2, W3), b2))
        return (log_t.exp() * x + self.convolve(h2, W3, b3)).flatten()

    def convolve(self, y, W, b):
        """Sum over the filters j of W_ij y_j, for every i."""
        W = (W * self.mask).transpose(1, 2).flatten(2, 3).flatten(0, 1)  # the filters' channels beside one another
        return torch.conv2d(y[None], W, b.flatten(), padding=1)[0]

    def positive(self, W1, W2, W3):
        """W2, the taps w2 from a channel's centre to itself as sign(w3) sign(w1) |w2|: so the diagonal is positive."""
        c = range(self.shape[0])
        w1, w2, w3 = (W[:, :, c, c, 1, 1] for W in (W1, W2, W3))
        W2 = W2.clone()
        W2[:, :, c, c, 1, 1] = w3.sign().transpose(0, 1) * w1.sign().transpose(0, 1) * w2.abs()
        return W2

    def inverse(self, z):
        """x ← x + (z − L(x)) / diag from x = z/t; then n rounds at the solution, which give the derivatives.

        One round's Jacobian in x is nilpotent there, so n rounds see all of them; those of diag meet z − L(x) = 0.
        """
        diagonal = lambda x: torch.func.jacrev(self)(x).diagonal()  # noqa: E731
        with torch.no_grad():
            x = z / self.theirs[-1].exp().flatten()
            for _ in range(ROUNDS):
                x = x + (z - self(x)) / diagonal(x)
            d = diagonal(x)
        for _ in range(len(z)):
            x = x + (z - self(x)) / d
        return x

    def correspondence(self, layer):
        """Ours has kernels (dy, dx, in, out), filters and channels as one; of kind B it has all in reverse order."""
        flip = np.flip if self.kind == "B" else lambda array, axes: array

        def kernel(W):  # (out, in, out, in, dy, dx), filters before channels
            W = flip(W, (2, 3, 4, 5)).transpose(4, 5, 1, 3, 0, 2)
            return W.reshape(3, 3, W.shape[2] * W.shape[3], -1)

        ours = [(K, kernel) for K in layer.network.kernels] + [
            (b, lambda b: flip(b, -1).ravel()) for b in layer.network.biases
        ]
        return [*ours, (layer.network.log_t, lambda t: flip(t, (0, 1, 2)).ravel())]


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("shape", [(1, 3, 3), (3, 2, 2), (5, 1, 1)])
def test_mint_unit(shape, inverse):
    """All kernels, biases and log t; log-dets are slogdets of autograd's dense Jacobians, not sums over a diagonal.

    The unit's inverse as a flow: its gradients go through the iteration, ours through the implicit function theorem.
    Channels of one pixel make the unit a fully connected network.
    """
    unit = nfedu.MintUnit(shape, filters=FILTERS, rng=np.random.default_rng(0))
    first, second = Layer(shape, "A"), Layer(shape, "B")
    theirs = [*first.theirs, *second.theirs]
    spread_out(theirs, 0.4)
    _, of_second, _, of_first = unit.bijections  # from z to x, a Reverse before each
    correspondence = first.correspondence(of_first) + second.correspondence(of_second)
    to_z = lambda x: second(first(x))  # noqa: E731
    to_x = lambda z: first.inverse(second.inverse(z))  # noqa: E731
    normal = torch.distributions.Normal(0.0, 1.0)

    def log_prob(y):
        """The unit has y as its x and z as latent, its inverse y as its z and x as latent."""
        x = to_x(y) if inverse else y
        log_det = torch.func.jacrev(to_z)(x).slogdet().logabsdet
        return normal.log_prob(x).sum() - log_det if inverse else normal.log_prob(to_z(x)).sum() + log_det

    bijection, image = (nfedu.bijections.Inverse(unit), to_z) if inverse else (unit, to_x)
    flow = nfedu.Flow(nfedu.StandardNormal(unit.n), bijection)
    compare_with_torch(flow, correspondence, theirs, torch.func.vmap(log_prob), torch.func.vmap(image))
