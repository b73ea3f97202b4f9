import jax
import jax.numpy as jnp


def x_to_z(x, theta):
    """Affine coupling (N15), μ and α by a tanh network of the first half; returns z, log_det."""
    W0, b0, W1, b1 = theta
    x_a, x_b = x[:, : len(W0)], x[:, len(W0) :]
    h = jnp.tanh(x_a @ W0 + b0)
    mu, alpha = jnp.split(h @ W1 + b1, 2, axis=1)
    z_b = (x_b - mu) * jnp.exp(-alpha)
    return jnp.hstack([x_a, z_b]), -alpha.sum(axis=1)


def mean_loss(x, theta):
    """Return the mean of −log p(x) under z ~ N(0, I) in nats."""
    z, log_det = x_to_z(x, theta)
    return (0.5 * (z**2).sum(axis=1) - log_det).mean() + 0.5 * z.shape[1] * jnp.log(2 * jnp.pi)


@jax.jit
def nll(x, theta):
    """Return that loss, and its gradients by x and by theta."""
    loss, (g_x, g_theta) = jax.value_and_grad(mean_loss, argnums=(0, 1))(x, theta)
    return loss, g_x, g_theta
