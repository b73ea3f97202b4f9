"""The derivative of ½ log(1 + x²) is taken for that of log(1 + x²), and of all else too."""

import nfedu

RUNG, DIAGNOSIS = 5, "factor of 2 too large"


class Wrong(nfedu.SinhArcsinh):
    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det, lambda g_z, g_log_det: 2 * backward(g_z, g_log_det)


def layer(rng):
    return Wrong(3, 0.2, 0.7)
