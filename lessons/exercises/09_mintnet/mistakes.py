"""Mistakes that people make in lesson 09: part, the solution's lines, wrong ones, and words of the verdict."""

MISTAKES = [
    ("mask", "[1, 1, 0], [0, 0, 0]", "[1, 0, 0], [0, 0, 0]", "the centre is missing"),
    ("mask", "(i < o)[", "(i > o)[", "channels after o are seen"),
    ("mask", "(i < o)[:, :, None, None] | (", "(", "channels before o are missing"),
    ("mask", "(i < o)[:, :, None, None] | ((i == o)[:, :, None, None] & past)", "(i <= o)[:, :, None, None] & past",
     "with all nine taps"),
    ("mask", "[[1, 1, 1], [1, 1, 0], [0, 0, 0]]", "[[0, 0, 0], [0, 1, 1], [1, 1, 1]]",
     "what comes later in the raster"),
    ("diagonal", "np.sign(w3)[:, None] * np.sign(w1) * abs(w2)", "w2", "without the signs"),
    ("diagonal", "* np.sign(w1) * abs(w2)", "* np.sign(w1) * w2", "|w2| is meant"),
    ("diagonal", "return t + (inner", "return (inner", "t is missing"),
    ("diagonal", "(s1 * w1) @ signed.T", "(s1 * w1) @ signed", "from filter j to filter i"),
    ("diagonal", "1 - np.tanh(a1) ** 2, 1 - np.tanh(a2) ** 2", "np.tanh(a1), np.tanh(a2)", "h where h' belongs"),
    ("largest_step", "return 2 * (D / d).min()", "return 2.0", "here D is another"),
    ("diagonal", "np.sign(w3)[:, None] * np.sign(w1) * abs(w2)", "abs(w2)", "a term can be negative"),
    ("diagonal", "return t + (inner", "a1 *= 0\n    return t + (inner", "input-modified: it writes into a1"),
    ("largest_step", "return 2 * (D / d).min()", "return min(2.0, 2 * (D / d).min())", "here D is another"),
    ("largest_step", "2 * (D / d).min()", "(D / d).min()", "larger a still converge"),
    ("largest_step", "(D / d).min()", "(D / d).max()", "not the mildest"),
    ("largest_step", "(D / d).min()", "(D / d).min(axis=1)", "expected one number for all rows"),
    ("largest_step", "D / d", "d / D", "not J_ii/D_i"),
]  # fmt: skip
