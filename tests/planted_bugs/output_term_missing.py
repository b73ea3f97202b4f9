"""backward keeps the log-det's term and forgets the output's."""

import nfedu

RUNG, DIAGNOSIS = 5, "the term through the output missing"


class Wrong(nfedu.Exp):
    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det, lambda g_z, g_log_det: backward(0 * g_z, g_log_det)


def layer(rng):
    return Wrong(3)
