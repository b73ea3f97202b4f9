"""RealNVP's logit(.05 + .9x) with the slope of logit alone: the .9 is forgotten."""

import numpy as np

import nfedu

RUNG, DIAGNOSIS = 3, "a constant is missing: all rows are off by"


class Wrong(nfedu.Logit):
    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det - self.n * np.log(self.width), backward


def layer(rng):
    return Wrong(3)
