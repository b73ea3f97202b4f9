"""backward multiplies the gradient that it was handed in place."""

import nfedu

RUNG, DIAGNOSIS = 1, "backward modified g_out or g_log_det"


class Wrong(nfedu.Rescale):
    def z_to_x(self, z):
        x, log_det, _ = super().z_to_x(z)

        def backward(g_x, g_log_det):
            self.log_s.grad += (g_x * x).sum(axis=0) + g_log_det.sum()
            g_x *= self.s  # wrong: return g_x * s
            return g_x

        return x, log_det, backward


def layer(rng):
    return Wrong(3, 0.5)
