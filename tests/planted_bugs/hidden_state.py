"""What backward needs is kept in the layer, where the next call overwrites it."""

import nfedu

RUNG, DIAGNOSIS = 1, "must live in its closure"


class Wrong(nfedu.Exp):
    def z_to_x(self, z):
        self.x, log_det, _ = super().z_to_x(z)
        return self.x, log_det, lambda g_x, g_log_det: g_x * self.x + g_log_det[:, None]  # wrong: a local x


def layer(rng):
    return Wrong(3)
