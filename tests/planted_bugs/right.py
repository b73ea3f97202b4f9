"""Right layers from which planted bugs are derived; `test_planted_bugs` holds them to the whole contract."""

import numpy as np
from scipy.special import wrightomega

import nfedu
from nfedu import Bijection, Parameter


class Scalar(Bijection):
    """x = f(z) per coordinate, with its inverse, its slope f′ and its curve f″/f′, the derivative of log f′."""

    def __init__(self, n):
        self.n = n

    def z_to_x(self, z):
        slope, curve = self.slope(z), self.curve(z)
        return self.f(z), np.log(slope).sum(axis=1), lambda g, l: g * slope + l[:, None] * curve

    def x_to_z(self, x):
        z = self.inverse(x)
        slope, curve = self.slope(z), self.curve(z)
        return z, -np.log(slope).sum(axis=1), lambda g, l: (g - l[:, None] * curve) / slope


class Algebraic(Scalar):
    """x = z/√(1 + z²), onto (−1, 1)."""

    def f(self, z):
        return z / np.sqrt(1 + z**2)

    def inverse(self, x):
        return x / np.sqrt(1 - x**2)

    def slope(self, z):
        return (1 + z**2) ** -1.5

    def curve(self, z):
        return -3 * z / (1 + z**2)


class Omega(Scalar):
    """x = z + e^z, undone by log ω(x), Wright's ω: ω + log ω = x."""

    def f(self, z):
        return z + np.exp(z)

    def inverse(self, x):
        return np.log(wrightomega(x))

    def slope(self, z):
        return 1 + np.exp(z)

    def curve(self, z):
        return 1 / (1 + np.exp(-z))


class Givens(Bijection):
    """A rotation of the first and the last coordinate by a learned angle."""

    def __init__(self, n):
        if n < 2:
            raise ValueError(f"Givens: n = {n}, expected at least 2")
        self.n, self.angle = n, Parameter(np.array([0.6]))

    def z_to_x(self, z):
        return self.turn(z, 1)

    def x_to_z(self, x):
        return self.turn(x, -1)

    def turn(self, y, sign):
        c, s = np.cos(self.angle.value[0]), sign * np.sin(self.angle.value[0])
        first, last = y[:, :1], y[:, -1:]
        out = np.concatenate([c * first - s * last, y[:, 1:-1], s * first + c * last], axis=1)

        def backward(g, l):
            self.angle.grad += sign * (g[:, -1] * out[:, 0] - g[:, 0] * out[:, -1]).sum()
            g_first, g_last = c * g[:, :1] + s * g[:, -1:], c * g[:, -1:] - s * g[:, :1]
            return np.concatenate([g_first, g[:, 1:-1], g_last], axis=1)

        return out, np.zeros(len(y), y.dtype), backward

    def parameters(self):
        return {"angle": self.angle}


class LowRank(Bijection):
    """x = z + (z·v) u, det 1 + u·v, undone by Sherman and Morrison's formula."""

    def __init__(self, n, rng):
        self.n, self.v = n, Parameter(rng.standard_normal(n))
        self.u = Parameter(0.3 * self.v.value + 0.2 * rng.standard_normal(n))

    def z_to_x(self, z):
        u, v = self.u.value, self.v.value

        def backward(g, l):
            self.add((z @ v) @ g + v * l.sum() / (1 + u @ v), (g @ u) @ z + u * l.sum() / (1 + u @ v))
            return g + (g @ u)[:, None] * v

        return z + (z @ v)[:, None] * u, np.full(len(z), np.log(1 + u @ v)), backward

    def x_to_z(self, x):
        u, v = self.u.value, self.v.value
        det = 1 + u @ v
        z = x - (x @ v)[:, None] * u / det

        def backward(g, l):
            g_x = g - (g @ u)[:, None] * v / det
            self.add(-(z @ v) @ g_x - v * l.sum() / det, -(g_x @ u) @ z - u * l.sum() / det)
            return g_x

        return z, np.full(len(x), -np.log(det)), backward

    def add(self, g_u, g_v):
        self.u.grad += g_u
        self.v.grad += g_v

    def parameters(self):
        return {"u": self.u, "v": self.v}


class Cholesky(Bijection):
    """x = L z, L lower triangular with the diagonal e^{log_d}."""

    def __init__(self, n, rng):
        self.n, self.log_d = n, Parameter(0.3 * rng.standard_normal(n))
        self.A = Parameter(rng.standard_normal((n, n)))

    def matrix(self):
        return np.tril(self.A.value, -1) + np.diag(np.exp(self.log_d.value))

    def add(self, g_L, l):
        """Add the parameters' gradients, given that of L and the sum of g_log_det."""
        self.A.grad += np.tril(g_L, -1)
        self.log_d.grad += np.diag(g_L) * np.exp(self.log_d.value) + l

    def z_to_x(self, z):
        L = self.matrix()

        def backward(g, l):
            self.add(g.T @ z, l.sum())
            return g @ L

        return z @ L.T, np.full(len(z), self.log_d.value.sum()), backward

    def x_to_z(self, x):
        V = np.linalg.inv(self.matrix())
        z = x @ V.T

        def backward(g, l):
            g_x = g @ V
            self.add(-g_x.T @ z, -l.sum())
            return g_x

        return z, np.full(len(x), -self.log_d.value.sum()), backward

    def parameters(self):
        return {"log_d": self.log_d, "A": self.A}


class Stretch(Bijection):
    """x = f(a) z with a scale f(a) = e^a of a learned a; `log_slope` is the derivative of log f."""

    def __init__(self, n, rng):
        self.n, self.a = n, Parameter(rng.uniform(0.4, 1.2, n))

    def f(self, a):
        return np.exp(a)

    def log_slope(self, a):
        return np.ones(a.shape)

    def z_to_x(self, z):
        return self.stretch(z, 1)

    def x_to_z(self, x):
        return self.stretch(x, -1)

    def stretch(self, y, power):
        a = self.a.value
        s = self.f(a) ** power

        def backward(g, l):
            self.a.grad += power * ((g * y * s).sum(axis=0) + l.sum()) * self.log_slope(a)
            return g * s

        return y * s, np.full(len(y), np.log(s).sum()), backward

    def parameters(self):
        return {"a": self.a}


class Drift(Bijection):
    """x = z + t tanh(z_0) in all coordinates but the first: a coupling without a network."""

    def __init__(self, n, rng):
        self.n, self.t = n, Parameter(rng.standard_normal(n - 1))

    def z_to_x(self, z):
        return self.move(z, 1)

    def x_to_z(self, x):
        return self.move(x, -1)

    def move(self, y, sign):
        h = np.tanh(y[:, :1])

        def backward(g, l):
            self.add(sign * h, g[:, 1:])
            g_h = sign * g[:, 1:] @ self.t.value[:, None]
            return np.append(g[:, :1] + g_h * (1 - h**2), g[:, 1:], axis=1)

        return np.append(y[:, :1], y[:, 1:] + sign * h * self.t.value, axis=1), np.zeros(len(y), y.dtype), backward

    def add(self, h, g):
        """Add the gradient of t, given h (N, 1) and the gradient of the changed coordinates."""
        self.t.grad += (h * g).sum(axis=0)

    def parameters(self):
        return {"t": self.t}


class Additive(nfedu.AdditiveCoupling):
    """NICE's coupling with a small network, n = 4."""

    def __init__(self, n=4, rng=None):
        super().__init__(n, (5,), activation="tanh", rng=rng)


class Affine(nfedu.AffineCoupling):
    """RealNVP's coupling with a small network, n = 4."""

    def __init__(self, n=4, rng=None):
        super().__init__(n, (5,), activation="tanh", rng=rng)


class Maf(nfedu.MaskedAutoregressive):
    """MAF with a small network, n = 4."""

    def __init__(self, n=4, rng=None):
        super().__init__(n, (9,), activation="tanh", rng=rng)


def flow_of(wrong, rng):
    """Return a flow over a wrong base, or a wrong flow over the normal base, of the class's `n` dimensions."""
    n = getattr(wrong, "dimension", 3)
    layers = [Affine(n, rng), nfedu.Reverse(n), nfedu.SinhArcsinh(n, 0.3, 0.8)]
    if issubclass(wrong, nfedu.Flow):
        return wrong(nfedu.StandardNormal(n), layers)
    return nfedu.Flow(wrong(n), layers)


class Cayley(Bijection):
    """x = z Q with the rotation Q = (I − A)(I + A)⁻¹, A = S − Sᵀ."""

    def __init__(self, n, rng):
        self.n, self.S = n, Parameter(0.3 * rng.standard_normal((n, n)))

    def rotation(self):
        A, I = self.S.value - self.S.value.T, np.eye(self.n)
        return np.linalg.inv(I + A), (I - A) @ np.linalg.inv(I + A)

    def z_to_x(self, z):
        inverse, Q = self.rotation()

        def backward(g, l):
            self.add(-(np.eye(self.n) + Q).T @ z.T @ g @ inverse.T)
            return g @ Q.T

        return z @ Q, np.zeros(len(z)), backward

    def x_to_z(self, x):
        inverse, Q = self.rotation()

        def backward(g, l):
            self.add(-(np.eye(self.n) + Q).T @ g.T @ x @ inverse.T)
            return g @ Q

        return x @ Q.T, np.zeros(len(x)), backward

    def add(self, g_A):
        self.S.grad += g_A - g_A.T

    def parameters(self):
        return {"S": self.S}


class Slopes(Bijection):
    """Piecewise linear, the slopes alternating between knots at −4, −3, … 4; the last ones go on outside."""

    slopes = np.array([0.5, 1.5, 0.7, 1.3, 0.6, 1.4, 0.8, 1.2])
    heights = np.append(0, slopes.cumsum()) - 4

    def __init__(self, n):
        self.n = n

    def bins(self, z):
        return np.clip(np.floor(z + 4), 0, 7).astype(int)

    def z_to_x(self, z):
        k = self.bins(z)
        slope = self.slopes[k]
        return self.heights[k] + (z + 4 - k) * slope, np.log(slope).sum(axis=1), lambda g, l: g * slope

    def x_to_z(self, x):
        k = np.clip(np.searchsorted(self.heights, x, side="right") - 1, 0, 7)
        slope = self.slopes[k]
        return k - 4 + (x - self.heights[k]) / slope, -np.log(slope).sum(axis=1), lambda g, l: g / slope
