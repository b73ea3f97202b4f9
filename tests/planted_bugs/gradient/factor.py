"""A gradient is off by a factor."""

import numpy as np

import nfedu
from tests.planted_bugs.right import Givens, Stretch


class HalfALogarithm(nfedu.SinhArcsinh):
    """The derivative of ½ log(1 + x²) is taken for that of log(1 + x²), and of all else too."""

    def __init__(self, n):
        super().__init__(n, 0.2, 0.7)

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det, lambda g_z, g_log_det: 2 * backward(g_z, g_log_det)  # wrong: no 2


class TenToTheA(Stretch):
    """10^a with the derivative of e^a: log 10 is lost."""

    def f(self, a):
        return 10.0**a

    def log_slope(self, a):
        return np.ones(a.shape)  # wrong: log 10


class Degrees(Givens):
    """The angle is kept in degrees, its gradient is that by radians."""

    def __init__(self, n):
        super().__init__(n)
        self.angle.value[:] = 40.0

    def turn(self, y, sign):
        degrees, home = self.angle.value, self.angle.value
        self.angle.value = degrees * np.pi / 180
        try:
            return super().turn(y, sign)  # wrong: times π/180 in backward
        finally:
            self.angle.value = home


class SquareRootOfA(Stretch):
    """A variance a, whose root scales: d log √a/da is 1/(2a)."""

    def f(self, a):
        return np.sqrt(a)

    def log_slope(self, a):
        return 1 / a  # wrong: 1 / (2 * a)
