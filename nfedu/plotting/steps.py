"""A difference quotient under the lens: its chord at one step, and its error's two parts at all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nfedu.arrays import Array
from nfedu.plotting.style import DATA, LATENT, WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST = 1e-17  # an error of 0 is drawn here


def show_step(lens: Axes, errors: Axes, steps: Array, k: int) -> None:
    """Draw the forward difference of exp at 1 with step number k, and how truncation and rounding depend on the step.

    In exact arithmetic it is e (e^h − 1)/h, so that its truncation is known, and rounding is what is left.
    """
    x, h = 1.0, steps[k]
    t = np.linspace(-0.5, 1.5, 801)
    lens.clear()
    lens.plot(t, (np.exp(x + t * h) - np.exp(x)) / (h * np.e), color="black", linewidth=1, label="exp, as computed")
    lens.plot(t, t, ":", color=LATENT, label="tangent")
    found = (np.exp(x + h) - np.exp(x)) / h
    lens.plot(t, t * found / np.e, color=DATA, label="chord")
    lens.plot([0, 1], [0, found / np.e], "o", color=DATA)
    lens.set(xlim=(-0.5, 1.5), ylim=(-1, 3), xlabel="(point − x) / h", ylabel="(value − f(x)) / (h f′)")
    lens.set_title(f"quotient {found:.10f}, f′ = {np.e:.10f}")
    lens.legend(loc="upper left")
    truncation = abs(np.expm1(steps) / steps - 1)
    rounding = abs((np.exp(x + steps) - np.exp(x)) / steps / np.e - np.expm1(steps) / steps)
    errors.clear()
    errors.axvline(h, color="0.85", linewidth=6)
    for part, name, colour in ((truncation, "truncation", LATENT), (rounding, "rounding", WRONG)):
        errors.loglog(steps, np.maximum(part, LEAST), color=colour, label=name)
        errors.loglog(h, max(part[k], LEAST), "o", color=colour)
    errors.set(xlabel="step h", ylabel="part of the error / f′", ylim=(LEAST, 10))
    errors.set_title(f"truncation {truncation[k]:.0e}, rounding {rounding[k]:.0e}")
    errors.legend(loc="lower center")
