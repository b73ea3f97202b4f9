"""The parameter's gradient uses an array that the layer keeps, and that the next call overwrites."""

import nfedu

RUNG, DIAGNOSIS = 1, "must live in its closure"


class Wrong(nfedu.Rescale):
    def z_to_x(self, z):
        self.x, log_det, _ = super().z_to_x(z)
        s = self.s

        def backward(g_x, g_log_det):
            self.log_s.grad += (g_x * self.x).sum(axis=0) + g_log_det.sum()  # wrong: a local x
            return g_x * s

        return self.x, log_det, backward


def layer(rng):
    return Wrong(3, 0.5)
