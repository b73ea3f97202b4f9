"""A result depends on earlier calls."""

import nfedu
from tests.planted_bugs.right import Affine, Algebraic, Cayley


class OutputKept(nfedu.Exp):
    """What backward needs is kept in the layer, where the next call overwrites it."""

    def z_to_x(self, z):
        self.x, log_det, _ = super().z_to_x(z)
        return self.x.copy(), log_det, lambda g_x, g_log_det: g_x * self.x + g_log_det[:, None]  # wrong: a local x


class OutputKeptForAParameter(nfedu.Rescale):
    """The parameter's gradient uses an array that the layer keeps, and that the next call overwrites."""

    def z_to_x(self, z):
        self.x, log_det, _ = super().z_to_x(z)
        s = self.s

        def backward(g_x, g_log_det):
            self.log_s.grad += (g_x * self.x).sum(axis=0) + g_log_det.sum()  # wrong: a local x
            return g_x * s

        return self.x.copy(), log_det, backward


class MovingAverage(nfedu.Shift):
    """The data are centred by an average over all batches so far."""

    average = 0.0

    def x_to_z(self, x):
        self.average = 0.9 * self.average + 0.1 * x.mean(axis=0)  # wrong: kept from call to call
        return super().x_to_z(x - self.average)


class RemembersItsInput(Algebraic):
    """x_to_z gives back the latents of the last z_to_x, if they are as many; it computes others."""

    last = None

    def z_to_x(self, z):
        self.last = z.copy()
        return super().z_to_x(z)

    def inverse(self, x):
        if self.last is not None and self.last.shape == x.shape:
            return self.last  # wrong: the formula, always
        return super().inverse(x)


class BoundGrows(Affine):
    """A warm-up of the scale that counts calls."""

    calls = 0

    def x_to_z(self, x):
        self.calls += 1
        z, log_det, backward = super().x_to_z(x)
        return z, log_det * min(1.0, self.calls / 1000), backward  # wrong: log_det


class RotationKept(Cayley):
    """The rotation is computed at the first call and kept, whatever S is later."""

    kept = None

    def rotation(self):
        if self.kept is None:
            self.kept = super().rotation()
        return self.kept  # wrong: super().rotation()
