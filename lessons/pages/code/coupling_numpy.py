import numpy as np


def x_to_z(x, theta):
    """Affine coupling (N15), μ and α by a tanh network of the first half; returns z, log_det, backward."""
    W0, b0, W1, b1 = theta  # (d, h), (h,), (h, 2(n-d)), (2(n-d),)
    d = len(W0)
    x_a, x_b = x[:, :d], x[:, d:]
    h = np.tanh(x_a @ W0 + b0)  # (N, h)
    mu, alpha = np.split(h @ W1 + b1, 2, axis=1)  # (N, n-d) each
    z_b = (x_b - mu) * np.exp(-alpha)  # N15

    def backward(g_z, g_log_det):
        g_a, g_b = g_z[:, :d], g_z[:, d:]
        g_xb = g_b * np.exp(-alpha)
        g_alpha = -g_b * z_b - g_log_det[:, None]  # B5
        g_out = np.hstack([-g_xb, g_alpha])
        g_h = (g_out @ W1.T) * (1 - h**2)  # B3
        g_theta = x_a.T @ g_h, g_h.sum(axis=0), h.T @ g_out, g_out.sum(axis=0)  # B2
        return np.hstack([g_a + g_h @ W0.T, g_xb]), g_theta

    return np.hstack([x_a, z_b]), -alpha.sum(axis=1), backward  # N16


def nll(x, theta):
    """Return the mean of −log p(x) under z ~ N(0, I) in nats, and its gradients by x and by theta."""
    z, log_det, backward = x_to_z(x, theta)
    N, n = z.shape
    loss = (0.5 * (z**2).sum(axis=1) - log_det).mean() + 0.5 * n * np.log(2 * np.pi)  # N8
    return loss, *backward(z / N, np.full(N, -1 / N))
