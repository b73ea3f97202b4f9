import numpy as np
import nfedu


class Fan(nfedu.Bijection):
    """x_1 = z_1, x_j = z_j exp(a z_1) + b z_1² for j > 1: the first coordinate fans out and bends the others."""

    def __init__(self, n, a=0.5, b=0.3):
        self.n, self.a, self.b = n, nfedu.Parameter([a]), nfedu.Parameter([b])

    def parameters(self):
        return {"a": self.a, "b": self.b}

    def z_to_x(self, z):
        a, b = self.a.value[0], self.b.value[0]
        x = z.copy()
        x[:, 1:] = z[:, 1:] * np.exp(a * z[:, :1]) + b * z[:, :1] ** 2

        def backward(g_x, g_log_det):
            return np.zeros_like(g_x)  # for now

        return x, a * z[:, 0], backward

    def x_to_z(self, x):
        a, b = self.a.value[0], self.b.value[0]
        z = x.copy()
        z[:, 1:] = (x[:, 1:] - b * x[:, :1] ** 2) * np.exp(-a * x[:, :1])

        def backward(g_z, g_log_det):
            return np.zeros_like(g_z)  # for now

        return z, -a * x[:, 0], backward
