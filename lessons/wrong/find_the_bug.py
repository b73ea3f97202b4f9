"""Ten layers with one mistake each: read, guess, then ask `python -m nfedu check lessons/wrong/find_the_bug.py:CLASS`.

A docstring says what a layer is meant to be; the formulas in it are right. Lesson 00e has the answers, folded.
"""

import numpy as np

import nfedu


class Sinh(nfedu.Bijection):
    """x = sinh z; log|dx/dz| = log cosh z, log|dz/dx| = −½ log(1 + x²)."""

    def __init__(self, n):
        self.n = n

    def z_to_x(self, z):
        def backward(g_x, g_log_det):
            return g_x * np.cosh(z) + g_log_det[:, None] * np.tanh(z)

        return np.sinh(z), np.log(np.cosh(z)).sum(axis=1), backward

    def x_to_z(self, x):
        s = 1 + x**2

        def backward(g_z, g_log_det):
            return (g_z - g_log_det[:, None] * x) / np.sqrt(s)

        return np.arcsinh(x), -0.5 * np.log(s).sum(axis=1), backward


class Matrix(nfedu.Bijection):
    """x = zW with points in rows and a full matrix W; log|det ∂x/∂z| = log|det W|."""

    def __init__(self, n, rng):
        self.n, self.W = n, nfedu.Parameter(np.eye(n) + 0.3 * rng.standard_normal((n, n)))

    def z_to_x(self, z):
        W = self.W.value
        V = np.linalg.inv(W)

        def backward(g_x, g_log_det):
            self.W.grad += z.T @ g_x + g_log_det.sum() * V.T
            return g_x @ W

        return z @ W, np.full(len(z), np.linalg.slogdet(W)[1]), backward

    def x_to_z(self, x):
        W = self.W.value
        V = np.linalg.inv(W)
        z = x @ V

        def backward(g_z, g_log_det):
            g_x = g_z @ V.T
            self.W.grad -= z.T @ g_x + g_log_det.sum() * V.T
            return g_x

        return z, np.full(len(x), -np.linalg.slogdet(W)[1]), backward

    def parameters(self):
        return {"W": self.W}


class Stretch(nfedu.Bijection):
    """x_i = e^{a_i} z_i; each log-det is the negative of the other."""

    def __init__(self, n, rng):
        self.n, self.a = n, nfedu.Parameter(rng.uniform(-0.5, 0.5, n))

    def z_to_x(self, z):
        return self.scale(z, 1)

    def x_to_z(self, x):
        return self.scale(x, -1)

    def scale(self, y, sign):
        s = np.exp(sign * self.a.value)
        out = s * y

        def backward(g, g_log_det):
            self.a.grad += sign * (g * out).sum(axis=0) - sign * g_log_det.sum()
            return g * s

        return out, np.full(len(y), -sign * self.a.value.sum()), backward

    def parameters(self):
        return {"a": self.a}


class Lean(nfedu.Bijection):
    """x_1 = z_1, and x_i = z_i + t_i sin z_1 for the others; volumes stay as they are."""

    def __init__(self, n, rng):
        self.n, self.t = n, nfedu.Parameter(rng.standard_normal(n - 1))

    def z_to_x(self, z):
        return self.lean(z, 1)

    def x_to_z(self, x):
        return self.lean(x, -1)

    def lean(self, y, sign):
        sine, cosine, t = np.sin(y[:, :1]), np.cos(y[:, :1]), self.t.value

        def backward(g, g_log_det):
            self.t.grad[...] = sign * (g[:, 1:] * sine).sum(axis=0)
            g_first = g[:, :1] + sign * cosine * (g[:, 1:] * t).sum(axis=1, keepdims=True)
            return np.concatenate([g_first, g[:, 1:]], axis=1)

        return np.concatenate([y[:, :1], y[:, 1:] + sign * t * sine], axis=1), np.zeros(len(y), y.dtype), backward

    def parameters(self):
        return {"t": self.t}


class Gate(nfedu.Bijection):
    """x_1 = z_1, and x_i = z_i exp(c_i tanh z_1) for the others; log|det ∂x/∂z| = Σ c_i tanh z_1."""

    def __init__(self, n, rng):
        self.n, self.c = n, nfedu.Parameter(rng.uniform(0.3, 1.0, n - 1))

    def z_to_x(self, z):
        return self.gate(z, 1)

    def x_to_z(self, x):
        return self.gate(x, -1)

    def gate(self, y, sign):
        h = np.tanh(y[:, :1])
        alpha = sign * self.c.value * h
        out = y[:, 1:] * np.exp(alpha)

        def backward(g, g_log_det):
            g_alpha = g[:, 1:] * out + g_log_det[:, None]
            self.c.grad += sign * (g_alpha * h).sum(axis=0)
            return np.concatenate([g[:, :1], g[:, 1:] * np.exp(alpha)], axis=1)

        return np.concatenate([y[:, :1], out], axis=1), alpha.sum(axis=1), backward

    def parameters(self):
        return {"c": self.c}


class Scales(nfedu.AffineCoupling):
    """RealNVP's coupling: log|det ∂x/∂z| = Σ_i α_i, log|det ∂z/∂x| = −Σ_i α_i."""

    def __init__(self, n, rng):
        super().__init__(n, (6,), activation="tanh", rng=rng)
        self.net.weights[-1].value *= 10

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, log_det / self.n_b, lambda g_x, g_log_det: backward(g_x, g_log_det / self.n_b)

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det / self.n_b, lambda g_z, g_log_det: backward(g_z, g_log_det / self.n_b)


class Wave(nfedu.Bijection):
    """x = z + ½ sin z, undone by Newton's method; log|dx/dz| = log(1 + ½ cos z)."""

    def __init__(self, n):
        self.n = n

    def z_to_x(self, z):
        self.z, self.slope = z, 1 + np.cos(z) / 2
        return z + np.sin(z) / 2, np.log(self.slope).sum(axis=1), self.back

    def back(self, g_x, g_log_det):
        return g_x * self.slope - g_log_det[:, None] * np.sin(self.z) / (2 * self.slope)

    def x_to_z(self, x):
        z = x
        for _ in range(60):
            z = z - (z + np.sin(z) / 2 - x) / (1 + np.cos(z) / 2)
        slope = 1 + np.cos(z) / 2

        def backward(g_z, g_log_det):
            return (g_z + g_log_det[:, None] * np.sin(z) / (2 * slope)) / slope

        return z, -np.log(slope).sum(axis=1), backward


class Move(nfedu.Bijection):
    """x = z + b."""

    def __init__(self, n, rng):
        self.n, self.b = n, nfedu.Parameter(rng.standard_normal(n))

    def z_to_x(self, z):
        def backward(g_x, g_log_det):
            self.b.grad += g_x.mean(axis=0)
            return g_x

        return z + self.b.value, np.zeros(len(z), z.dtype), backward

    def x_to_z(self, x):
        def backward(g_z, g_log_det):
            self.b.grad -= g_z.sum(axis=0)
            return g_z

        return x - self.b.value, np.zeros(len(x), x.dtype), backward

    def parameters(self):
        return {"b": self.b}


class Cubic(nfedu.Bijection):
    """x = z + z³, undone by Newton's method; log|dx/dz| = log(1 + 3z²)."""

    def __init__(self, n):
        self.n = n

    def z_to_x(self, z):
        slope = 1 + 3 * z**2

        def backward(g_x, g_log_det):
            return g_x * slope + g_log_det[:, None] * 6 * z / slope

        return z + z**3, np.log(slope).sum(axis=1), backward

    def x_to_z(self, x):
        z = np.arcsinh(x)
        for _ in range(3):
            z = z - (z + z**3 - x) / (1 + 3 * z**2)
        slope = 1 + 3 * z**2

        def backward(g_z, g_log_det):
            return (g_z - g_log_det[:, None] * 6 * z / slope) / slope

        return z, -np.log(slope).sum(axis=1), backward


class Round(nfedu.Bijection):
    """x = (z_2, z_3, … z_n, z_1): each coordinate takes the place before it, the first goes to the end."""

    def __init__(self, n):
        self.n = n

    def z_to_x(self, z):
        return np.roll(z, -1, axis=1), np.zeros(len(z), z.dtype), lambda g_x, g_log_det: np.roll(g_x, -1, axis=1)

    def x_to_z(self, x):
        return np.roll(x, 1, axis=1), np.zeros(len(x), x.dtype), lambda g_z, g_log_det: np.roll(g_z, -1, axis=1)
