"""The way back adds the shift that the way there added."""

import nfedu

RUNG, DIAGNOSIS = 2, "only columns [2, 3] do not come back"


class Wrong(nfedu.AdditiveCoupling):
    def x_to_z(self, x):
        return self.z_to_x(x)  # wrong: minus


def layer(rng):
    return Wrong(4, (5,), rng=rng)
