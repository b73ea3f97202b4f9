import numpy as np
import nfedu


class Fan(nfedu.Bijection):
    """x_1 = z_1, x_j = z_j exp(a z_1) + b z_1² for j > 1: the first coordinate fans out and bends the others."""

    def __init__(self, n, a=0.5, b=0.3):
        self.n, self.a, self.b = n, nfedu.Parameter([a]), nfedu.Parameter([b])

    def parameters(self):
        return {"a": self.a, "b": self.b}

    def z_to_x(self, z):
        a, b, z_1 = self.a.value[0], self.b.value[0], z[:, :1]
        scaled = z[:, 1:] * np.exp(a * z_1)  # (N, n-1)

        def backward(g_x, g_log_det):
            g_j, g_s = g_x[:, 1:], g_log_det[:, None] * (self.n - 1)
            self.a.grad += (g_j * scaled * z_1).sum() + (g_s * z_1).sum()
            self.b.grad += (g_j * z_1**2).sum()
            g_1 = g_x[:, :1] + (g_j * (a * scaled + 2 * b * z_1)).sum(axis=1, keepdims=True) + g_s * a
            return np.hstack([g_1, g_j * np.exp(a * z_1)])

        return np.hstack([z_1, scaled + b * z_1**2]), (self.n - 1) * a * z[:, 0], backward

    def x_to_z(self, x):
        a, b, x_1 = self.a.value[0], self.b.value[0], x[:, :1]
        z_j = (x[:, 1:] - b * x_1**2) * np.exp(-a * x_1)  # (N, n-1)

        def backward(g_z, g_log_det):
            g_j, g_s = g_z[:, 1:], g_log_det[:, None] * (self.n - 1)
            g_u = g_j * np.exp(-a * x_1)  # by x_j - b x_1²
            self.a.grad -= (g_j * z_j * x_1).sum() + (g_s * x_1).sum()
            self.b.grad -= (g_u * x_1**2).sum()
            g_1 = g_z[:, :1] - (g_j * a * z_j + g_u * 2 * b * x_1).sum(axis=1, keepdims=True) - g_s * a
            return np.hstack([g_1, g_u])

        return np.hstack([x_1, z_j]), -(self.n - 1) * a * x[:, 0], backward

    def jacobian_pattern(self):
        pattern = np.where(np.eye(self.n), np.nan, 0.0)  # NaN: anything
        pattern[:, 0] = np.nan
        pattern[0, 0] = 1.0
        return pattern, pattern
