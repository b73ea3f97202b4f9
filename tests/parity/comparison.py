"""What the parity tests share. A correspondence says which of their arrays is which of ours.

It lists our Parameters, each with the function that brings their array into our layout. Weights are written by it,
and the gradients in θ compared by the same.
"""

import numpy as np
import pytest

N = 20


def peer(name):
    """Import a library, or skip: what stands after in a file or a test."""
    return pytest.importorskip(name, reason=f"needs {name}, of the extra: pip install -e '.[peers]'")


def take(correspondence, arrays):
    """Write their weights into ours."""
    for (ours, arrange), array in zip(correspondence, arrays, strict=True):
        ours.value[...] = arrange(array)


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10, equal_nan=False)


def compare(flow, correspondence, log_prob, from_latents, gradients):
    """Hold log-densities, images of latents and all gradients in θ of the mean nll against theirs, NumPy in and out."""
    x, z = np.random.default_rng(1).standard_normal((2, N, flow.n))
    log_p = log_prob(x)
    close(flow.log_prob(x), log_p)
    close(flow.z_to_x(z)[0], from_latents(z))
    close(flow.nll(x), -log_p.mean())
    assert sum(ours.grad.size for ours, _ in correspondence) == flow.grad.size, "some parameters are not compared"
    for (ours, arrange), gradient in zip(correspondence, gradients(x), strict=True):
        close(ours.grad, arrange(gradient))


def compare_with_torch(flow, correspondence, theirs, log_prob, from_latents):
    """Take the torch parameters `theirs`, in the order of the correspondence, and compare; tensors in and out."""
    import torch

    take(correspondence, [p.detach().numpy() for p in theirs])

    def gradients(x):
        return [g.numpy() for g in torch.autograd.grad(-log_prob(torch.as_tensor(x)).mean(), theirs)]

    values = [lambda y, f=f: f(torch.as_tensor(y)).detach().numpy() for f in (log_prob, from_latents)]
    compare(flow, correspondence, *values, gradients)


def spread_out(parameters, size=0.2):
    """Make torch weights as large as a trained network's: theirs start at 0 or near it."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        for p in parameters:
            p.copy_(size * torch.randn_like(p))


def made_correspondence(maf, masks):
    """Which weights (outputs, inputs) and biases, layer by layer, of their masked network are which of our MAF's.

    Theirs has coordinates as they come, and hidden units whose degrees go round: 1 … n−1, 1 … n−1 and so on. Ours has
    coordinates in the order in which they depend on each other, and units sorted by degree. Their `masks`, brought into
    our layout, must be ours, and masked weights have gradients of exactly 0.
    """
    degrees = [np.arange(width) % (maf.n - 1) + 1 for width in maf.hidden]
    outputs = 2 * maf.order[:, None] + [0, 1]  # μ and α of each coordinate
    units = [maf.order, *(np.argsort(d, kind="stable") for d in degrees), outputs.ravel()]
    pairs = []
    for k, (W, b, mask) in enumerate(zip(maf.net.weights, maf.net.biases, masks, strict=True)):
        here = np.ix_(units[k + 1], units[k])
        np.testing.assert_array_equal(maf.net.masks[k], np.asarray(mask)[here].T)
        pairs += [(W, lambda array, here=here: array[here].T), (b, lambda array, here=units[k + 1]: array[here])]
    return pairs


def assert_masked_gradients_are_zero(maf):
    for W, mask in zip(maf.net.weights, maf.net.masks, strict=True):
        assert W.value[mask == 0].all() and not W.grad[mask == 0].any()
