"""Both log-dets have the wrong sign: they still cancel, so only a dense Jacobian can tell."""

import nfedu

RUNG, DIAGNOSIS = 3, "sign flipped: this is the log-det of the other direction"


class Wrong(nfedu.Exp):
    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, -log_det, lambda g_x, g_log_det: backward(g_x, -g_log_det)

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, -log_det, lambda g_z, g_log_det: backward(g_z, -g_log_det)


def layer(rng):
    return Wrong(3)
