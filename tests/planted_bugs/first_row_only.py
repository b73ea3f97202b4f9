"""Every row is shifted by the network's output for the first one; at that row nothing is wrong."""

import numpy as np

import nfedu

RUNG, DIAGNOSIS = 1, "over the wrong axis"


class Wrong(nfedu.AdditiveCoupling):
    def x_to_z(self, x):
        x_a, x_b = self.split(x)
        m = self.net(x_a)[0][:1]  # wrong: all rows
        return self.join(x_a, x_b - m), np.zeros(len(x)), lambda g_z, g_log_det: g_z


def layer(rng):
    return Wrong(4, (5,), rng=rng)
