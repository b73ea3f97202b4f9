"""Mistakes that people make in lesson 05: part, the solution's lines, wrong ones, and words of the verdict."""

MISTAKES = [
    ("coefficients", "return rest * np.concatenate([np.cos(angles), [1.0]])", "return rest[:-1] * np.cos(angles)",
     "expected one more"),
    ("coefficients", "rest * np.concatenate([np.cos(angles), [1.0]])", "rest", "their squares sum to"),
    ("coefficients", "np.concatenate([[1.0], np.sin(angles)]))", "np.concatenate([[1.0], np.cos(angles)]))",
     "their squares sum to"),
    ("coefficients", "np.cos(angles), [1.0]])", "np.cos(angles), [1.0]])[::-1] * 1.0", "their squares sum to"),
    ("mix", "np.sqrt((w**2).sum())", "w.sum()", "its variance is"),
    ("mix", "np.sqrt((w**2).sum())", "len(w)", "its variance is"),
    ("mix", "c = w / np.sqrt((w**2).sum())", "c = np.sqrt(w / w.sum())", "not in the ratio of w"),
    ("mix_backward", "return c * c_ * g, c * s_ * g,", "return c * s_ * g, c * c_ * g,", "belong to the other one"),
    ("mix_backward", "g @ (-s * A + c * B)", "g @ (s * A + c * B)", "the derivative of cos is −sin"),
    ("mix_backward", "g @ (-s * A + c * B)", "g * (-s * A + c * B)", "so sum"),
    ("mix_backward", " + s * (-s_ * z3 + c_ * z4))", ")", "the mixture of z3 and z4 too"),
    ("mix_backward", "c * c_ * g, c * s_ * g, s * c_ * g", "c * c_ * g, s * c_ * g, c * s_ * g",
     "φ and φ' are exchanged"),
]  # fmt: skip
