"""Batch norm's backward takes the batch's mean and variance for constants: gradients miss two of their three paths."""

import nfedu

RUNG, DIAGNOSIS = 5, "through batch statistics missing"


class Wrong(nfedu.BatchNorm):
    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        if self.mode != "training":
            return z, log_det, backward
        slope = (z[0] - z[1]) / (x[0] - x[1])

        def wrong(g_z, g_log_det):
            backward(g_z, g_log_det)  # the parameters' gradients are right
            return g_z * slope

        return z, log_det, wrong


def layer(rng):
    wrong = Wrong(3)
    wrong.mode = "training"
    return wrong
