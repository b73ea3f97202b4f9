"""backward ignores g_log_det: training follows the base's pull alone."""

import nfedu

RUNG, DIAGNOSIS = 5, "log-det term missing"


class Wrong(nfedu.Exp):
    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, log_det, lambda g_x, g_log_det: backward(g_x, 0 * g_log_det)


def layer(rng):
    return Wrong(3)
