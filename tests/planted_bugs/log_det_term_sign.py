"""backward takes the log-det's gradient with the wrong sign, as when the two directions' formulas are mixed up."""

import nfedu

RUNG, DIAGNOSIS = 5, "log-det term sign flipped"


class Wrong(nfedu.Exp):
    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det, lambda g_z, g_log_det: backward(g_z, -g_log_det)


def layer(rng):
    return Wrong(3)
