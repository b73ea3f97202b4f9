import math

import torch


def x_to_z(x, theta):
    """Affine coupling (N15), μ and α by a tanh network of the first half; returns z, log_det."""
    W0, b0, W1, b1 = theta
    x_a, x_b = x[:, : len(W0)], x[:, len(W0) :]
    h = torch.tanh(x_a @ W0 + b0)
    mu, alpha = torch.chunk(h @ W1 + b1, 2, dim=1)
    z_b = (x_b - mu) * torch.exp(-alpha)
    return torch.cat([x_a, z_b], dim=1), -alpha.sum(dim=1)


def nll(x, theta):
    """Return the mean of −log p(x) under z ~ N(0, I) in nats, and its gradients by x and by theta."""
    inputs = [y.detach().requires_grad_() for y in (x, *theta)]
    z, log_det = x_to_z(inputs[0], inputs[1:])
    loss = (0.5 * (z**2).sum(dim=1) - log_det).mean() + 0.5 * z.shape[1] * math.log(2 * math.pi)
    g_x, *g_theta = torch.autograd.grad(loss, inputs)
    return loss.detach(), g_x, g_theta
