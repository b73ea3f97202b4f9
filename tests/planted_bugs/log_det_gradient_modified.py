"""backward scales the log-det's gradient in place, which the layer before it still needs."""

import nfedu

RUNG, DIAGNOSIS = 1, "backward modified g_out or g_log_det"


class Wrong(nfedu.Exp):
    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)

        def scaled(g_z, g_log_det):
            g_log_det *= -1.0  # wrong: -g_log_det
            return backward(g_z, -g_log_det)

        return z, log_det, scaled


def layer(rng):
    return Wrong(3)
