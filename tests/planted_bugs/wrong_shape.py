"""The log-det comes per coordinate, (N, n), instead of per point, (N,)."""

import nfedu

RUNG, DIAGNOSIS = 1, "expected (7,), float64"


class Wrong(nfedu.Exp):
    def x_to_z(self, x):
        z, _, backward = super().x_to_z(x)
        return z, -z, backward


def layer(rng):
    return Wrong(3)
