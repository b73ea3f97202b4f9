"""A gradient is off by the number of rows."""

import nfedu
from tests.planted_bugs.right import Additive, Cholesky, Drift


class MeanOverTheBatch(nfedu.Shift):
    """A parameter's gradient is averaged over the batch; the contract sums, the loss has its own 1/N."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, log_det, lambda g_x, g_log_det: len(z) * backward(g_x / len(z), g_log_det)  # wrong: no N


class MeanOfProducts(Drift):
    """np.mean where a sum over rows belongs."""

    def add(self, h, g):
        self.t.grad += (h * g).mean(axis=0)  # wrong: sum


class NetworkAveraged(Additive):
    """The network is handed g/N, as in a code whose losses are sums."""

    def z_to_x(self, z):
        z_a, z_b = self.split(z)
        m, net_backward = self.net(z_a)

        def backward(g, l):
            g_a, g_b = self.split(g)
            return self.join(g_a + len(z) * net_backward(g_b / len(z)), g_b)  # wrong: net_backward(g_b)

        return self.join(z_a, z_b + m), 0 * z[:, 0], backward


class OncePerRow(Cholesky):
    """A loop over the batch adds the whole batch's gradient each time."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)

        def once_per_row(g, l):
            kept = {name: p.grad.copy() for name, p in self.parameters().items()}
            g_z = backward(g, l)
            for name, p in self.parameters().items():
                p.grad += (len(z) - 1) * (p.grad - kept[name])  # wrong: once
            return g_z

        return x, log_det, once_per_row
