"""The gradient of the input forgets that the shift depends on it."""

import numpy as np

import nfedu

RUNG, DIAGNOSIS = 5, "path through the network or scale missing, in columns [0, 1]"


class Wrong(nfedu.AdditiveCoupling):
    def z_to_x(self, z):
        z_a, z_b = self.split(z)
        m, net_backward = self.net(z_a)

        def backward(g_x, g_log_det):
            g_a, g_b = self.split(g_x)
            net_backward(g_b)
            return self.join(g_a, g_b)  # wrong: g_a + net_backward(g_b)

        return self.join(z_a, z_b + m), np.zeros(len(z)), backward


def layer(rng):
    return Wrong(4, (5,), rng=rng)
