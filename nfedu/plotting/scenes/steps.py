"""A difference quotient under the lens: its chord at one step, and its error's two parts at all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nfedu.arrays import Array
from nfedu.plotting.style import DATA, LATENT, WRONG, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST = 1e-17  # an error of 0 is drawn here


def show_step(lens: Axes, errors: Axes, steps: Array, k: int) -> None:
    """Draw the forward difference of exp at 1 with step number k, and how truncation and rounding depend on the step.

    In exact arithmetic it is e (e^h − 1)/h = e (1 + h/2 + …), so that its truncation is known; rounding is the rest.
    """
    h, t = steps[k], np.linspace(-0.5, 1.5, 801)
    found = (np.exp(1 + steps) - np.e) / steps / np.e
    truncation = np.where(steps < 1e-5, steps / 2, np.expm1(steps) / steps - 1)
    lens.clear()
    lens.plot(t, (np.exp(1 + t * h) - np.e) / (h * np.e), color="black", linewidth=1, label="exp, as computed")
    lens.plot(t, t, ":", color=LATENT, label="tangent")
    lens.plot(t, t * found[k], color=DATA, label="chord")
    lens.plot([0, 1], [0, found[k]], "o", color=DATA)
    lens.set(xlim=(-0.5, 1.5), ylim=(-1, 2), xticks=(0, 1), yticks=(0, 1))
    lens.set(xlabel="(point − x) / h", ylabel="(f(point) − f(x)) / (h f′)", title=f"chord / tangent: {found[k]:.12f}")
    lens.legend(loc="upper left")
    errors.clear()
    errors.set(xscale="log", xlim=(steps.min() / 3, steps.max() * 3))
    errors.axvline(h, color="0.85", linewidth=6)
    parts = {"truncation": truncation, "rounding": np.maximum(abs(found - 1 - truncation), LEAST)}
    for (name, part), colour in zip(parts.items(), (LATENT, WRONG), strict=True):
        errors.loglog(steps, part, color=colour, label=name)
        errors.loglog(h, part[k], "o", color=colour)
    errors.set(ylim=(LEAST, 10), xticks=10.0 ** np.arange(-16, 0, 3), xlabel="step h", ylabel="part of the error / f′")
    errors.set_title(", ".join(f"{name} {signed(f'{part[k]:.1g}')}" for name, part in parts.items()))
    errors.legend(loc="lower center")
