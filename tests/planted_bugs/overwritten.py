"""A gradient is assigned where it must be added: a layer used twice, or a second batch, loses the first."""

import nfedu

RUNG, DIAGNOSIS = 1, "overwritten, not accumulated"


class Wrong(nfedu.Rescale):
    def z_to_x(self, z):
        x, log_det, _ = super().z_to_x(z)

        def backward(g_x, g_log_det):
            self.log_s.grad[...] = (g_x * x).sum(axis=0) + g_log_det.sum()  # wrong: +=
            return g_x * self.s

        return x, log_det, backward


def layer(rng):
    return Wrong(3, 0.5)
