"""PyTorch itself: our two models of images, written in it the way one would, images as (N, C, H, W).

Layers stand in the order, and parameters under the names, that ours have.
"""

from math import log, pi

import torch
from torch import nn
from torch.nn import functional as F

from nfedu import models
from tests.benchmarks.libraries.on_torch import runner


def build(work, rng):
    if not work.is_of_images:
        return None
    flow = MODELS[work.model](work.shape).to(memory_format=torch.channels_last)  # never slower here, often faster
    return runner(work, rng, flow.parameters(), flow.log_prob, None)


class Chain(nn.ModuleList):
    """Layers in the order in which z meets them, as ours. Each: x → z, log|det ∂z/∂x|."""

    def forward(self, x):
        log_det = 0
        for layer in reversed(self):
            x, log_det_m = layer(x)
            log_det = log_det + log_det_m
        return x, log_det


class Flow(nn.Module):
    """Standard normal latents and a chain, given from x to z."""

    def __init__(self, shape, from_x):
        super().__init__()
        self.shape, self.bijection = shape, Chain(from_x[::-1])

    def log_prob(self, x):
        z, log_det = self.bijection(x.view(-1, *self.shape))
        z = z.flatten(1)
        return log_det - 0.5 * z.square().sum(1) - 0.5 * z.shape[1] * log(2 * pi)


class Logit(nn.Module):
    def forward(self, x):
        p = 0.05 + 0.9 * x
        return torch.logit(p), (log(0.9) - torch.log(p * (1 - p))).flatten(1).sum(1)


class Squeeze(nn.PixelUnshuffle):
    def __init__(self):
        super().__init__(2)

    def forward(self, x):
        return super().forward(x), 0


class Reverse(nn.Module):
    def forward(self, x):
        return x.flip((1, 2, 3)), 0


class Rescale(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.log_s = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return x * torch.exp(-self.log_s), -self.log_s.sum()


class Convolution(nn.Module):
    def __init__(self, channels, filters, scale=1.0):
        super().__init__()
        self.K = nn.Parameter(scale * (2 / (9 * channels)) ** 0.5 * torch.randn(filters, channels, 3, 3))
        self.b = nn.Parameter(torch.zeros(filters))

    def forward(self, x):
        return F.conv2d(x, self.K, self.b, padding=1)


class ConvNet(nn.Module):
    def __init__(self, shape, filters, missing):
        super().__init__()
        C, H, W = shape
        self.first = Convolution(C, filters)
        self.place = nn.Parameter(torch.zeros(filters, H, W))
        self.inner = nn.ModuleList(Convolution(filters, filters, scale) for scale in (1.0, 0.1) * 2)
        self.last = Convolution(filters, 2 * C, 0.1)
        self.bias = nn.Parameter(torch.zeros(2 * len(missing), H, W))

    def forward(self, x):
        h = self.first(x) + self.place
        for one, two in zip(self.inner[::2], self.inner[1::2], strict=True):
            h = h + two(torch.tanh(one(torch.tanh(h))))
        return self.last(torch.tanh(h))


class Coupling(nn.Module):
    """An affine coupling whose channels `given` pass."""

    def __init__(self, shape, filters, given):
        super().__init__()
        missing = [c for c in range(shape[0]) if c not in given]
        self.register_buffer("b", torch.tensor(missing))
        self.register_buffer("outputs", torch.tensor(missing + [shape[0] + c for c in missing]))
        self.register_buffer("passes", torch.tensor([[[float(c in given)]] for c in range(shape[0])]))
        self.net = ConvNet(shape, filters, missing)
        self.scale = nn.Parameter(torch.ones(len(missing), *shape[1:]))

    def forward(self, x):
        mu, r = (self.net(x * self.passes)[:, self.outputs] + self.net.bias).chunk(2, dim=1)
        alpha = self.scale * torch.tanh(r)
        z_b = (x[:, self.b] - mu) * torch.exp(-alpha)
        return x.index_copy(1, self.b, z_b), -alpha.flatten(1).sum(1)


class FactorOut(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.deeper = Chain(layers)

    def forward(self, x):
        x, out = x.chunk(2, dim=1)
        z, log_det = self.deeper(x)
        return torch.cat((z, out), dim=1), log_det


def image_real_nvp(shape, filters=24, couplings=12):
    _, H, W = shape
    half, quarter = (4, H // 2, W // 2), (8, H // 4, W // 4)
    from_x = [Logit(), Squeeze()]
    for m in range(couplings):
        pair = models.PAIRS[m // 2 % 3]
        from_x.append(Coupling(half, filters, [c for c in range(4) if (c in pair) != bool(m % 2)]))
    deeper = [Coupling(quarter, filters, range(4)), Coupling(quarter, filters, range(4, 8))]
    return Flow(shape, [*from_x, Squeeze(), FactorOut(deeper), Rescale((16, H // 4, W // 4))])


class MintLayer(nn.Module):
    """A masked residual network, and its Jacobian's diagonal from the centre taps."""

    def __init__(self, shape, filters):
        super().__init__()
        C, K = shape[0], filters
        before, own = torch.ones(C, C).tril(-1), torch.eye(C)  # [out, in]
        past = torch.tensor([[1.0, 1, 1], [1, 1, 0], [0, 0, 0]])
        mask = before[:, :, None, None] + own[:, :, None, None] * past
        for i, inputs, outputs, scale in (1, 1, K, 1.0), (2, K, K, 1.0), (3, K, 1, 0.3):
            tiled = mask.tile(outputs, inputs, 1, 1)
            spread = scale * (tiled.sum() / len(tiled)).clamp(min=1) ** -0.5
            setattr(self, f"K{i}", nn.Parameter(spread * tiled * torch.randn(tiled.shape)))
            setattr(self, f"b{i}", nn.Parameter(torch.zeros(len(tiled))))
            self.register_buffer(f"mask{i}", tiled)
            self.register_buffer(f"same{i}", own.tile(outputs, inputs))
        self.register_buffer("centre", torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]))
        self.log_t = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        K1, K2, K3 = self.K1 * self.mask1, self.K2 * self.mask2, self.K3 * self.mask3
        w1, w3 = (self.same1 * K1[:, :, 1, 1]).sum(1), (self.same3 * K3[:, :, 1, 1])
        w2 = self.same2 * K2[:, :, 1, 1]
        signed = sign(w3.sum(0))[:, None] * sign(w1) * w2.abs()
        K2 = K2 + self.centre * (signed - w2)[:, :, None, None]
        h1 = torch.tanh(F.conv2d(x, K1, self.b1, padding=1))
        h2 = torch.tanh(F.conv2d(h1, K2, self.b2, padding=1))
        t = torch.exp(self.log_t)
        z = t * x + F.conv2d(h2, K3, self.b3, padding=1)
        u = F.conv2d((1 - h1.square()) * w1[:, None, None], signed[:, :, None, None])
        d = t + F.conv2d(u * (1 - h2.square()), w3[:, :, None, None])
        return z, torch.log(d).flatten(1).sum(1)


def sign(w):
    return torch.where(w < 0, -1.0, 1.0).to(w.dtype)


def mint_net(shape, filters=(16, 8, 4), units=(3, 4, 1)):
    from_x, at = [Logit()], shape
    for stage, (width, count) in enumerate(zip(filters, units, strict=True)):
        if stage:
            from_x.append(Squeeze())
            at = (4 * at[0], at[1] // 2, at[2] // 2)
        for _ in range(count):
            from_x.append(Chain([Reverse(), MintLayer(at, width), Reverse(), MintLayer(at, width)]))
    return Flow(shape, [*from_x, Rescale(at)])


MODELS = {"image_real_nvp": image_real_nvp, "mint_net": mint_net}


def named(theirs):
    """Return their parameters by the names that ours have."""
    return {name.removeprefix("bijection.").replace("inner.", "inner"): p for name, p in theirs.named_parameters()}


def as_ours(name, value):
    """Return a view of a parameter of theirs, or of its gradient, with the channels last as ours have them."""
    if name.endswith(("K", "K1", "K2", "K3")):
        return value.permute(2, 3, 1, 0)
    return value.permute(1, 2, 0) if name.endswith("place") else value


def take_weights(theirs, flow):
    """Copy the weights of our flow, of the same model."""
    ours, same = flow.parameters(), named(theirs)
    assert ours.keys() == same.keys()
    with torch.no_grad():
        for name, p in same.items():
            q = as_ours(name, p)
            q.copy_(torch.as_tensor(ours[name].value).view(q.shape))
