"""The input is shifted in place: the caller's data change under its feet."""

import numpy as np

import nfedu

RUNG, DIAGNOSIS = 1, "modified its input in place"


class Wrong(nfedu.Shift):
    def z_to_x(self, z):
        _, _, backward = super().z_to_x(z)
        z += self.t  # wrong: z + t
        return z, np.zeros(len(z)), backward


def layer(rng):
    return Wrong(3, 0.5)
