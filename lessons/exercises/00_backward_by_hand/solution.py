"""Lesson 00 · Backward by hand, and how to check it: one solution, with derivations."""

import numpy as np


def mlp(x, W0, b0, W1, b1):
    """Backward of a network with one hidden layer, y = tanh(x W0 + b0) W1 + b1, for points in rows.

    One rule, ⟨g, dy⟩ = ⟨gradient, d input⟩, line by line from the last to the first; ⟨A, B⟩ is the sum of all products.
    y = h W1 + b1 changes by dh W1 + h dW1 + 1 db1, and
      ⟨g, dh W1⟩ = ⟨g W1ᵀ, dh⟩,   ⟨g, h dW1⟩ = ⟨hᵀ g, dW1⟩,   ⟨g, 1 db1⟩ = ⟨Σ_rows g, db1⟩.
    h = tanh a changes by (1 − h²) da: the gradient at a is g_h (1 − h²), entry by entry. a = x W0 + b0 is as y was.
    So a weight's gradient is (what came in)ᵀ (what comes back), which also sums over rows; a bias went to every row, so
    its gradient is the sum over them; and what goes on to the input is multiplied by the transposed weights.
    """
    h = np.tanh(x @ W0 + b0)
    y = h @ W1 + b1

    def backward(g):
        g_W1 = h.T @ g
        g_b1 = g.sum(axis=0)
        g_a = (g @ W1.T) * (1 - h**2)
        g_W0 = x.T @ g_a
        g_b0 = g_a.sum(axis=0)
        return g_a @ W0.T, g_W0, g_b0, g_W1, g_b1

    return y, backward


def jacobian(f, x, h):
    """The Jacobians of a function by finite differences of step h, with an error that falls as h².

    f(x ± h e) = f ± h f' + h²/2 f'' ± h³/6 f''' …: in the difference of the two the even terms cancel, and
    (f(x + h e) − f(x − h e)) / 2h = f' + h²/6 f''' + …. With f(x) in place of f(x − h e) the error is h/2 f'': slope 1.
    Rows do not mix, so one column of all N Jacobians costs two batches.
    """
    columns = []
    for j in range(x.shape[1]):
        e = np.zeros(x.shape[1])
        e[j] = h
        columns.append((f(x + e) - f(x - e)) / (2 * h))
    return np.stack(columns, axis=2)


def names():
    """The mistakes in the five layers, each named by a code of `python -m nfedu explain`.

    A: −Σ log cosh z is the log-det of the way back. Its backward is consistently wrong, so a gradient check passes;
    only the Jacobian itself tells. B: log_det depends on x, so its gradient does too. C: `out=z` writes into the
    caller's array. D: each row is given the mean of the batch. E: sinh⁻¹|x| loses the sign: negative x do not come
    back.
    """
    return {
        "A": "logdet-sign",
        "B": "gradient-logdet-term",
        "C": "input-modified",
        "D": "rows-mixed",
        "E": "not-inverse",
    }
