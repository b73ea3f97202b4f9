"""backward never writes the parameter's gradient: it will not learn."""

import nfedu

RUNG, DIAGNOSIS = 5, "zero everywhere"


class Wrong(nfedu.Shift):
    def x_to_z(self, x):
        z, log_det, _ = super().x_to_z(x)
        return z, log_det, lambda g_z, g_log_det: g_z


def layer(rng):
    return Wrong(3)
