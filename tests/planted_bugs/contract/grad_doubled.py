"""A gradient is added twice."""

from tests.planted_bugs.right import Affine, Drift, LowRank


class OnceForEachHalf(Affine):
    """The two halves of the result are taken from two calls of one backward, each of which adds."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)

        def halves(g, l):
            return self.join(self.split(backward(g, l))[0], self.split(backward(g, l))[1])  # wrong: one call

        return z, log_det, halves


class ListedTwice(LowRank):
    """A loop over parameters and gradients comes by u twice."""

    def add(self, g_u, g_v):
        for p, g in ((self.u, g_u), (self.v, g_v), (self.u, g_u)):  # wrong: u once
            p.grad += g


class HelperAndCaller(Drift):
    """A helper adds the gradient, and then its caller does."""

    def add(self, h, g):
        super().add(h, g)
        self.t.grad += (h * g).sum(axis=0)  # wrong: that is done
