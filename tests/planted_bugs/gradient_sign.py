"""N11 subtracts m, so the network's gradient needs a minus; here it has none."""

import numpy as np

import nfedu

RUNG, DIAGNOSIS = 5, "path through the network or scale sign flipped, in columns [0, 1]"


class Wrong(nfedu.AdditiveCoupling):
    def x_to_z(self, x):
        x_a, x_b = self.split(x)
        m, net_backward = self.net(x_a)

        def backward(g_z, g_log_det):
            g_a, g_b = self.split(g_z)
            return self.join(g_a + net_backward(g_b), g_b)  # wrong: net_backward(-g_b)

        return self.join(x_a, x_b - m), np.zeros(len(x)), backward


def layer(rng):
    return Wrong(4, (5,), rng=rng)
