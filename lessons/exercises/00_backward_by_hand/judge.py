"""Judges lesson 00: a network's backward, a Jacobian by differences, five names."""

import numpy as np

from nfedu.checks import CAUSES
from nfedu.course.exercises.judging import WrongError, expect, function, parts

HINTS = {
    "mlp": (
        "Go through the two lines in reverse. For y = h W1 + b1 change one of h, W1, b1 a little: which entries of y "
        "move? ⟨g, h dW1⟩ = ⟨hᵀ g, dW1⟩, and b1 is added to every row.",
        "Past the tanh: the gradient at a = x W0 + b0 is that at h times tanh'(a) = 1 − h², entry by entry.",
        "a = x W0 + b0 is the same kind of line as y = h W1 + b1; on to x goes the gradient at a times W0ᵀ.",
    ),
    "jacobian": (
        "For each coordinate j: move column j of all rows by h, ask f, and divide what changed by how far you went. "
        "Stack the columns on the last axis.",
        "Expand f(x + h) and f(x − h) to h³. Which combination loses f and f''?",
        "Rows do not mix: move one coordinate of all rows at once, once forth and once back.",
    ),
    "names": (
        "python -m nfedu check exercise_00.py:A prints `cause: …` at the end.",
        "python -m nfedu explain lists all codes.",
    ),
}


def mlp(theirs, rng):
    for N, i, k, o in ((5, 3, 4, 2), (1, 2, 6, 3), (7, 4, 3, 1)):
        x, W0, b0, W1, b1 = (rng.standard_normal(size) for size in ((N, i), (i, k), k, (k, o), o))
        y, backward = parts("mlp", theirs(x, W0, b0, W1, b1), 2, 1, "y and backward")
        a = x @ W0 + b0
        h = np.tanh(a)
        expect("y", y, h @ W1 + b1, 1)
        for _ in range(2):  # a second call must give what it should, too
            g = rng.standard_normal((N, o))
            found = function("backward", backward, 1)(g)
            g_x, g_W0, g_b0, g_W1, g_b1 = parts("backward", found, 5, 1, "of x, W0, b0, W1 and b1")
            g_h = g @ W1.T
            g_a = g_h / np.cosh(a) ** 2
            expect("gradient of b1", g_b1, g.sum(axis=0), 1, rows=N)
            expect("gradient of W1", g_W1, np.einsum("nk,no->ko", h, g), 1, typical={
                "wrong-term: it is made of a = x W0 + b0, not of h = tanh(a)": np.einsum("nk,no->ko", a, g),
            })  # fmt: skip
            slopes = {
                "path-missing: the slope of tanh is missing": g_h,
                "wrong-term: tanh'(a) = 1 − h², with h = tanh(a), not 1 − a²": g_h * (1 - a**2),
                "wrong-term: tanh'(a) = 1 − h², not 1 − h": g_h * (1 - h),
            }
            typical = {words: value.sum(axis=0) for words, value in slopes.items()}
            expect("gradient of b0", g_b0, g_a.sum(axis=0), 2, rows=N, typical=typical)
            expect("gradient of W0", g_W0, np.einsum("ni,nk->ik", x, g_a), 3, typical={
                words: np.einsum("ni,nk->ik", x, value) for words, value in slopes.items()
            })  # fmt: skip
            expect("gradient of x", g_x, np.einsum("nk,ik->ni", g_a, W0), 3)


def jacobian(theirs, rng):
    for N, n, m in ((4, 3, 2), (1, 2, 4), (3, 1, 1)):
        A, B = rng.standard_normal((2, n, m))
        x = rng.standard_normal((N, n))
        exact = np.cos(x @ A)[:, :, None] * A.T + np.exp(x @ B / 3)[:, :, None] * B.T / 3
        calls = []

        def f(y, A=A, B=B, calls=calls, N=N, n=n):
            calls.append(y)
            if np.shape(y) != (N, n):
                raise ValueError(f"f takes (N, n) = {(N, n)}, got {np.shape(y)}")
            return np.sin(y @ A) + np.exp(y @ B / 3)

        given = theirs(f, x, 1e-4)
        expect("the Jacobians at h = 1e-4", given, exact, 1, tolerance=1e-3)
        if len(calls) > 2 * n:
            words = f"f was asked for {len(calls)} batches, where 2n = {2 * n} are enough"
            raise WrongError(words, 3)
        steps = 0.1 / 2 ** np.arange(4)
        errors = [abs(np.asarray(theirs(f, x, float(h))) - exact).max() for h in steps]
        slope = np.polyfit(np.log(steps), np.log(np.maximum(errors, 1e-15)), 1)[0]
        if not abs(slope - 2) < 0.2:
            why = ": a difference to one side only" if abs(slope - 1) < 0.3 else ""
            why = ": it does not depend on h, is h used?" if abs(slope) < 0.3 else why
            raise WrongError(f"inexact: its error falls with slope {slope:.2f} against h, expected 2{why}", 2)


def names(theirs, rng):
    right = {
        "A": "logdet-sign",
        "B": "gradient-logdet-term",
        "C": "input-modified",
        "D": "rows-mixed",
        "E": "not-inverse",
    }
    given = theirs()
    if not isinstance(given, dict) or set(given) != set(right):
        raise WrongError(f"names: expected one name for each of {', '.join(right)}", 1)
    for letter, name in right.items():
        said = given[letter]
        if not isinstance(said, str) or not said:
            raise WrongError(f"{letter}: has no name yet", 1)
        if said not in CAUSES:
            raise WrongError(f"{letter}: {said!r} is no cause that the checker knows", 2)
        if said != name:
            raise WrongError(f"{letter}: not {said}, which means: {CAUSES[said].line}", 1)
