"""Judges lesson 09: a mask, a positive diagonal, a step."""

import numpy as np

from nfedu.course.exercises.judging import At, WrongError, expect, numbers

HINTS = {
    "mask": (
        "Three cases of (o, i): i < o, all nine taps; i > o, none; i = o, the raster past and the centre.",
        "The raster past is the whole row above, [0, :], and the left neighbour, [1, 0]; the centre is [1, 1].",
    ),
    "diagonal": (
        "Through filters j and i at the centre: w1_j, then h'(a1_j), w2_ij, h'(a2_i), w3_i; sum over both.",
        "h' = 1 − tanh², and w2 is used as sign(w3_i) sign(w1_j) |w2_ij|: rows are i, columns j.",
        "(s1 * w1) @ signed.T sums over j; then times s2, and @ w3 over i.",
    ),
    "largest_step": (
        "How does an error e = x − x* change in one round? L(x* + e) ≈ z + J e.",
        "I − a D⁻¹ J is triangular: its eigenvalues stand on the diagonal.",
        "|1 − a J_ii/D_i| < 1 for each coordinate of each row: the tightest one counts.",
    ),
}


def mask(theirs, rng):
    for C in (3, 1, 4):
        past = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0]], dtype=bool)
        centre = np.zeros((3, 3), bool)
        centre[1, 1] = True
        right, early, late = (np.zeros((C, C, 3, 3), bool) for _ in range(3))
        for o in range(C):
            right[o, :o], early[o, :o], late[o, o + 1 :] = True, past, True
            right[o, o] = early[o, o] = late[o, o] = past
        same = np.eye(C, dtype=bool)[:, :, None, None]
        expect(f"the mask of C = {C}", theirs(C), right, 1, typical={
            "mask: the centre is missing: then the diagonal is 0, and nothing can be undone": At(
                2, right & ~(same & centre)),
            "mask: the channels before o may be seen whole, with all nine taps": early,
            "mask: o and i are exchanged: channels after o are seen": late,
            "mask: channels before o are missing": right & same,
            "mask: it looks at what comes later in the raster": At(2, right[:, :, ::-1, ::-1]),
            "mask: rows and columns of the taps are exchanged": At(2, right.swapaxes(2, 3)),
        })  # fmt: skip


def diagonal(theirs, rng):
    for N, K in ((4, 3), (2, 1), (3, 5)):
        t, w1, w3, w2 = rng.uniform(0.5, 2), *rng.standard_normal((2, K)), rng.standard_normal((K, K))
        w1[0], w3 = -abs(w1[0]), abs(w3) * np.where(np.arange(K) == 1, -1, 1)
        a1, a2 = rng.standard_normal((2, N, K))
        s1, s2 = 1 / np.cosh(a1) ** 2, 1 / np.cosh(a2) ** 2
        path = lambda w2, s1=s1, s2=s2, w1=w1, w3=w3: np.einsum("i,ni,ij,nj,j->n", w3, s2, w2, s1, w1)  # noqa: E731
        signs = np.sign(w3)[:, None] * np.sign(w1)
        right = t + path(signs * abs(w2))
        given = numbers("the diagonal", theirs(t, w1, w2, w3, a1, a2), 1)
        expect("the diagonal", given, right, 2, typical={
            "sign: w2 is used as it is learned, without the signs": t + path(w2),
            "sign: w2's own sign is still there: |w2| is meant": t + path(signs * w2),
            "path-missing: t is missing": At(1, right - t),
            "path-missing: h' is missing: 1 − tanh²(a), for both layers": At(1, t
            + path(signs * abs(w2), np.ones_like(a1), np.ones_like(a2))),
            "path-missing: only paths from a filter to itself are counted": At(1, t + path(np.diag(
                np.diag(signs * abs(w2))))),
            "wrong-term: h where h' belongs: h' = 1 − tanh²": t + path(signs * abs(w2), np.tanh(a1), np.tanh(a2)),
            "transposed: w2[i, j] leads from filter j to filter i": At(3, t + path((signs * abs(w2)).T)),
            "wrong-term: the logarithm comes later": np.log(right),
            "factor: h' at a1 is missing": At(1, t + path(signs * abs(w2), np.ones_like(a1))),
            "factor: h' at a2 is missing": At(1, t + path(signs * abs(w2), s1, np.ones_like(a2))),
            **({"sign: |w2| alone: with negative w1 or w3 a term can be negative": t + path(abs(w2))}
               if (signs < 0).any() else {}),
        })  # fmt: skip


def largest_step(theirs, rng):
    for N, n in ((3, 4), (1, 1), (4, 2)):
        J = np.tril(rng.standard_normal((N, n, n)) * 2, -1)
        J[:, range(n), range(n)] = rng.uniform(0.5, 3, (N, n))
        d = J[:, range(n), range(n)]
        for D in (d.copy(), d * rng.uniform(0.5, 2, (N, n)), d * rng.uniform(1.1, 2, (N, n))):
            given = numbers("the step", theirs(J, D), 1)
            if given.shape != ():
                raise WrongError(f"the step: shape: it has shape {given.shape}, expected one number for all rows", 3)
            right = 2 * (D / d).min()
            spectrum = float(abs(1 - 0.99 * given * d / D).max())
            words = ""
            if given > 0 and abs(given - right) > 1e-8 * right:
                radius = f"the iteration's largest eigenvalue at a = 0.99 of it is {spectrum:.3g} in modulus"
                words = radius + (": it diverges" if spectrum > 1 else ": there is room for more")
            try:
                expect("the step", given, right, 2 if (d == D).all() else 3, typical={
                    "factor: at a = 1 it converges fastest, but larger a still converge": (D / d).min(),
                    "region: a < 2 holds for D = diag J; here D is another": 2.0,
                    "region: the tightest coordinate counts, not the mildest": 2 * (D / d).max(),
                    "direction: D_i/J_ii, not J_ii/D_i": At(1, 2 * (d / D).min()),
                    "wrong-term: a norm of D⁻¹J is no eigenvalue: this is far too careful": 2
                    / np.linalg.norm(J / D[:, :, None], 2, axis=(1, 2)).max(),
                })  # fmt: skip
            except WrongError as wrong:
                raise WrongError("; ".join(part for part in (wrong.words, words) if part), wrong.hint) from None
