"""A parameter's gradient is averaged over the batch; the contract sums, the loss has its own 1/N."""

import nfedu

RUNG, DIAGNOSIS = 5, "off by the factor 0.142857 everywhere"


class Wrong(nfedu.Shift):
    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, log_det, lambda g_x, g_log_det: len(z) * backward(g_x / len(z), g_log_det)


def layer(rng):
    return Wrong(3)
