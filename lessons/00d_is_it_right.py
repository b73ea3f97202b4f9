# %% [markdown]
# # 00d · Is it right?
#
# *Notes: 优化目标 trusts a gradient; here is how to earn that trust. Statements B9–B11, and B1 as a test.*
#
# A wrong backward does not crash. Training runs, the loss falls, and what comes out is a little worse than it should
# be. So never believe a gradient that no number has shown, and know what that number can and cannot see. This lesson
# is about numerical derivatives, [00e](00e_find_the_bug.py) about whole layers. You need: Taylor's theorem, and that a
# computer rounds each result, with a relative error below $\varepsilon = 2^{-52} \approx 2.2 \cdot 10^{-16}$.

# %%
import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu.checks import analytic_jacobians, complex_step
from nfedu.course.lesson import begin
from nfedu.networks import MLP
from nfedu.plotting import show_step
from nfedu.plotting.style import signed

lesson = begin("00d · Is it right?")
rng = np.random.default_rng(3)
EPS = np.finfo(float).eps

# %% [markdown]
# ## Three differences
#
# Taylor: $f(x \pm h) = f \pm h f' + \tfrac{h^2}{2} f'' \pm \tfrac{h^3}{6} f''' + \dots$ Solve for $f'$. In the central
# one the even terms cancel; in the *complex step*, $f(x + ih) = f + ihf' - \tfrac{h^2}{2} f'' - \tfrac{ih^3}{6} f''' +
# \dots$ (for an analytic $f$, real on the real line), they are real and the derivative is imaginary. So the forward
# difference, the central one and the complex step are
#
# $$
# \begin{aligned}
# \frac{f(x + h) - f(x)}{h} &= f' + \frac{h}{2} f'' + \dots \\[1ex]
# \frac{f(x + h) - f(x - h)}{2h} &= f' + \frac{h^2}{6} f''' + \dots \\[1ex]
# \frac{\operatorname{Im} f(x + ih)}{h} &= f' - \frac{h^2}{6} f''' + \dots
# \end{aligned}
# $$ (B9)
#
# **By hand**, $f = x^3$ at 1, $h = 0.1$: $(1.331 - 1)/0.1 = 3.31$; $(1.331 - 0.729)/0.2 = 3.01$; $(1 + 0.1i)^3 = 0.97 +
# 0.299i$ gives 2.99. The truth is 3.
#
# **Small $h$ is no remedy.** Each value carries a rounding error of about $\varepsilon|f|$, more if $f$ is a long
# computation. Subtracting two that are nearly equal keeps the errors and loses the digits: up to $2\varepsilon|f|/h$
# forward, $\varepsilon|f|/h$ central. The sum with the truncation is least where its derivative in $h$ vanishes:
#
# $$
# \frac{h}{2}|f''| + \frac{2\varepsilon|f|}{h}: \; h = 2\sqrt{\varepsilon|f|/|f''|} \sim \varepsilon^{1/2}, \qquad
# \frac{h^2}{6}|f'''| + \frac{\varepsilon|f|}{h}: \; h = \sqrt[3]{3\varepsilon|f|/|f'''|} \sim \varepsilon^{1/3}
# $$
#
# with errors $\sim \varepsilon^{1/2} \approx 10^{-8}$ and $\sim \varepsilon^{2/3} \approx 10^{-11}$ there: eight digits
# or ten. (This is for $x$ and $f$ of size 1. Near $x = 10^6$, $x + h$ is itself rounded by $\varepsilon|x|$, so $h$ has
# to grow with $|x|$: no harm if $f$ varies on that scale too, fewer digits if it does not, as $\sin x$.) The complex
# step takes no difference: $h = 10^{-30}$ makes its truncation vanish, and all digits that $f$ has are right. It needs
# code that takes complex numbers, which is why every layer here is written so.


# %%
def derivative(f, x, h, method):
    """∂f/∂x_j for every entry of x (P,), one column each: (P,) of a number f, (m, P) of m numbers."""
    ways = {
        "forward": lambda e: (f(x + h * e) - f(x)) / h,
        "central": lambda e: (f(x + h * e) - f(x - h * e)) / (2 * h),
        "complex step": lambda e: f(x + 1j * h * e).imag / h,
    }
    return np.stack([ways[method](e) for e in np.eye(len(x))], axis=-1)


METHODS = "forward", "central", "complex step"
found = np.array([derivative(lambda x: x[0] ** 3, np.ones(1), 0.1, method)[0] for method in METHODS])
error = abs(found - [3.31, 3.01, 2.99]).max()
lesson.claim("B9", "pencil: x³ at 1, h = 0.1: 3.31, 3.01, 2.99", error, 1e-14, derivative)

# %% [markdown]
# Now a flow of two couplings, at steps $h$ from $10^{-20}$ to 1: how far are the three from its backward? Above the
# best $h$ the error must have the slope 1 or 2 of its truncation, and the best $h$ must be where the formulas put it.

# %%
couplings = [nfedu.AffineCoupling(3, (5,), flip=flip, activation="tanh", rng=rng) for flip in (False, True)]
for coupling in couplings:
    coupling.net.weights[-1].value *= 8  # far from the identity
flow = nfedu.Flow(nfedu.StandardNormal(3), couplings)
twins, x = {kind: flow.astype(kind) for kind in (float, complex)}, flow.sample(10, rng)


def loss(theta):
    twin = twins[complex if np.iscomplexobj(theta) else float]
    twin.theta[:] = theta
    return -twin.log_prob(x).mean()


flow.nll(x)
by_rows = analytic_jacobians(flow.bijection, "x_to_z", x[:1])[0]
tested = {
    "gradient of the loss in θ": (loss, flow.theta, flow.grad),
    "Jacobian ∂z/∂x": (lambda x: flow.bijection.x_to_z(x[None])[0][0], x[0], by_rows[0]),
}
h, best = 10.0 ** np.arange(-20, 0.1, lesson.pick(0.5, 0.25)), {"forward": EPS ** (1 / 2), "central": EPS ** (1 / 3)}
curves = {}
for name, (f, at, hand) in tested.items():
    for method in METHODS:
        errors = np.array([abs(derivative(f, at, step, method) - hand).max() for step in h]) / abs(hand).max()
        curves[name, method] = errors
        above = (h > {"forward": 1e-6}.get(method, 3e-4)) & (h < 2e-2)  # where truncation is all there is
        slope, order = np.polyfit(np.log(h[above]), np.log(errors[above]), 1)[0], 1 if method == "forward" else 2
        words = f"{name}, {method}: slope of the error above the best h, less {order}"
        lesson.claim("B9", words, abs(slope - order), 0.1, derivative)
        if method in best:
            off = abs(np.log10(h[errors.argmin()] / best[method]))
            lesson.claim("B9", f"{name}, {method}: the best h, decades from ε^1/{order + 1}", off, 1, derivative)
        else:
            lesson.claim("B9", f"{name}, complex step, h = 1e-20: off backward by", errors[0], 1e-13, derivative)
    wrong = [abs(derivative(f, at, step, "central") - 1.001 * hand).max() / abs(hand).max() for step in h]
    curves[name, "wrong"] = wrong

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(10.5, 3.9), sharey=True)
for ax, name in zip(axes, tested, strict=True):
    for method, colour in {"forward": "tab:orange", "central": "tab:red", "complex step": "tab:blue"}.items():
        ax.loglog(h, np.maximum(curves[name, method], 1e-17), "o-", ms=2.5, lw=1, color=colour, label=method)
        if method in best:
            ax.axvline(best[method], color=colour, ls=":", lw=1)
    ax.loglog(h, curves[name, "wrong"], ":", color="0.5", label="central, backward 0.1 % wrong")
    ax.set(xlabel="step h", ylabel="largest error / largest entry", ylim=(1e-17, 10), title=name)
axes[0].legend(loc="center left")
caption = """Errors of three numerical derivatives of one flow, against its backward. To the right truncation, slope 1
for the forward difference, 2 for the others (the central one lies under the complex step); to the left rounding, slope
−1. Dotted verticals: ε^½ and ε^⅓. The complex step has no left branch. Grey: a wrong backward has no V, its curve ends
on a floor as high as it is wrong."""
lesson.show(fig, "00d_v_curves", caption)

# %% tags=["hide-input"]
steps, (fig, axes) = 10.0 ** np.arange(-1, -16.1, -1), plt.subplots(1, 2, figsize=(7.6, 3.6))
caption = """The forward difference of exp at 1. Left, the axes move in with the step: what the computer says between x
and x + h (black) bends away from the tangent at first, then lies on it, and from 1e-14 on is a staircase of rounded
values, whose chord (orange) tilts as chance will have it. Right, the same error in its two parts: truncation falls
with h, rounding grows as 1/h; the best step is where they cross."""
words = [f"h = {signed(f'{step:.0e}')}" for step in steps]
lesson.slide(fig, lambda k: show_step(*axes, steps, k), words, "00d_step", caption, "step h", start=13)

# %% [markdown]
# ## Relative error, and when it lies
#
# The usual test is $|a - b|/\max(|a|, |b|)$. It lies in two ways (B10). **At a zero**: at an optimum the true gradient
# is 0, backward says $10^{-15}$, the difference quotient its rounding, $10^{-11}$: "100 % wrong". **In a norm**: where
# one entry is $10^4$ and one is 1, the second may have the wrong sign and $\|a - b\|/\|b\|$ says $2 \cdot 10^{-4}$.
# Judge each entry, and judge it against what the number *can* be known to: $|a - b| \le C\,\varepsilon|f|/h +
# \text{rtol}\,|b|$, with $C = 10$, say, for a rounding error larger than its guess, and rtol for the truncation.

# %%
data = rng.standard_normal((500, 2))
data = (data - data.mean(axis=0)) / data.std(axis=0) * [1e-4, 1.0]  # the first column in other units
fitted = nfedu.Flow(nfedu.StandardNormal(2), nfedu.Affine(2, data.std(axis=0), data.mean(axis=0), unit=1.0))
optimum, step = fitted.theta.copy(), EPS ** (1 / 3)


def nll(theta):
    fitted.theta[:] = theta
    return -fitted.log_prob(data).mean()


fitted.nll(data)
by_hand, central = fitted.grad[:2], derivative(nll, optimum, step, "central")[:2]  # of log s: 0 at the optimum
relative = (abs(by_hand - central) / np.maximum(abs(by_hand), abs(central))).max()
known = abs(by_hand - central).max() / (EPS * abs(nll(optimum)) / step)
shown = [" and ".join(signed(f"{v:.2g}") for v in g) for g in (by_hand, central)]
print(f"  slopes in log s at the optimum: by backward {shown[0]}, by central differences {shown[1]}")
words = "a right gradient at an optimum: its relative error, less 1"
lesson.claim("B10", words, abs(relative - 1), 1e-2, nfedu.Flow.nll)
lesson.claim("B10", "the same error / what a difference can know, ε|L|/h", known, 10, nfedu.Flow.nll)

# %% [markdown]
# Elsewhere, in a norm: the slopes along the two shifts differ by a factor of $10^4$, as the columns' units do.

# %%
away = optimum + np.array([0, 0, 3e-5, 0.3])  # both shifts, by 0.3 standard deviations
central = derivative(nll, away, step, "central")
fitted.theta[:] = away
fitted.nll(data)
wrong = fitted.grad * [1, 1, 1, -1]  # the small entry has the wrong sign
entries, of_wrong = (abs(g - central) / abs(central) for g in (fitted.grad, wrong))
in_norm = np.linalg.norm(wrong - central) / np.linalg.norm(central)
lesson.claim("B10", "elsewhere, entry by entry: largest relative error", entries.max(), 1e-6, nfedu.Flow.nll)
lesson.claim("B10", "one entry of the wrong sign: error in the norm", in_norm, 1e-3, nfedu.Flow.nll)
words = "the same, entry by entry: 0.01 / largest relative error"
lesson.claim("B10", words, 0.01 / of_wrong.max(), 1, nfedu.Flow.nll)

# %% [markdown]
# ## Kinks
#
# At a kink, ReLU's 0 or $|x|$'s, there is no derivative; a difference whose ends lie on two sides measures a chord,
# which is the slope of neither. Let the slope jump by $\Delta$ at $x + s$, $0 \le s < h$ (or at $x - s$). Then $f(x +
# h)$ has $\Delta (h - s)$ more than the tangent, so the central difference is off by $\tfrac{\Delta}{2}(1 -
# \tfrac{s}{h})$: up to $\tfrac{|\Delta|}{2}$, until $h$ is smaller than $s$. The *second* difference shows it:
#
# $$
# b = \frac{f(x + h) - 2f(x) + f(x - h)}{h} = h f'' + \dots \text{ where smooth}, \qquad
# b = \Delta\left(1 - \frac{s}{h}\right) \text{ at a kink}
# $$ (B11)
#
# so across one kink the error of the central difference *is* $|b|/2$, up to $h f''$, and a probe whose $b$ does not
# shrink with $h$ is left out: it says nothing, neither for nor against. (Two kinks, one on each side, with opposite
# jumps, can hide from $b$; `nfedu.checks` takes several $h$. The complex step takes one branch and is that branch's
# slope. But it needs branches: `np.abs` of a complex number is a modulus, $\sqrt{x^2 + h^2}$, without imaginary part.)

# %%
net, N, h_kink = MLP(1, (40,), 1, "relu", output_scale=1.0, rng=rng), 500, 1e-3
at = rng.uniform(-2, 2, (N, 1))
hand = net(at)[1](np.ones((N, 1)))
low, here, high = (net(at + shift)[0] for shift in (-h_kink, 0, h_kink))
error, bend = abs((high - low) / (2 * h_kink) - hand), abs(high - 2 * here + low) / h_kink
first, bias = net.parameters()["W0"].value, net.parameters()["b0"].value
crossed = np.sign((at - h_kink) @ first + bias) != np.sign((at + h_kink) @ first + bias)  # units that switch
kept, one = bend[:, 0] < 1e-9, crossed.sum(axis=1) == 1
print(f"  {N - kept.sum()} of {N} probes are left out, {crossed.any(axis=1).sum()} cross a kink")
lesson.claim("B11", "ReLU network, h = 1e-3: worst error of the probes kept", error[kept].max(), 1e-10, MLP)
lesson.claim("B11", "number of probes kept though some unit switches", crossed[kept].sum(), 0, MLP)
lesson.claim("B11", "number left out though no unit switches", (~crossed.any(axis=1) & ~kept).sum(), 0, MLP)
lesson.claim("B11", "without leaving out: 1e-3 / the worst error", 1e-3 / error.max(), 1, MLP)
lesson.claim("B11", "one kink: error − |second difference|/2", abs(error - bend / 2)[one].max(), 1e-10, MLP)

# %% [markdown]
# And the complex step, through $|x|$ at −0.7, by `np.abs` and by branches:

# %%
point, one_step = np.array([-0.7]), np.ones(1)
modulus = complex_step(np.abs, point, one_step)[0]
lesson.claim("B11", "complex step through np.abs, slope −1: it says", abs(modulus), 0, "numpy abs")
branched = complex_step(lambda x: np.where(x.real < 0, -x, x), point, one_step)[0]
lesson.claim("B11", "the same, branching on the real part: error", abs(branched + 1), 0, complex_step)

# %% tags=["hide-input"]
places, small = np.linspace(-1, 1, 401), 10.0 ** np.linspace(-14, 0, 141)[:, None]
bent = lambda x: np.where(x.real < 0.3, 0.3 - x, x - 0.3) + np.sin(3 * x)  # noqa: E731
slope = np.where(places < 0.3, -1, 1) + 3 * np.cos(3 * places)
shown = {
    "central difference": (bent(places + small) - bent(places - small)) / (2 * small),
    "complex step": bent(places + 1j * small).imag / small,
}
fig, axes = plt.subplots(1, 2, figsize=(10.5, 3.6), sharey=True)
for ax, (name, found) in zip(axes, shown.items(), strict=True):
    digits = np.log10(np.maximum(abs(found - slope), 1e-16))
    image = ax.pcolormesh(places, small, digits, vmin=-16, vmax=0, rasterized=True)
    ax.set(yscale="log", xlabel="x", xticks=np.linspace(-1, 1, 5), title=f"|x − 0.3| + sin 3x: {name}")
axes[0].set_ylabel("step h")
fig.colorbar(image, ax=axes, label="log₁₀ of the error")
caption = """The error over point and step. Left: the V of the first figure is a valley at h = 1e-5, below it rounding's
noise. Around the kink stands a funnel, |x − 0.3| < h: smaller steps escape it, at the kink itself none does. Right: the
complex step takes the branch of its point, and knows no funnel; every h below 1e-8 is as good. (Dark verticals: f‴ = 0,
where truncation happens to vanish.)"""
lesson.show(fig, "00d_kink", caption)

# %% [markdown]
# ## The inner-product test
#
# B1 is a test of a whole backward in one number: draw $v$ and $g$, push $v$ forwards by a complex step, pull $g$ back,
# compare $\langle g, Jv\rangle$ with $\langle J^\top g, v\rangle$. If backward multiplies by a wrong $B \ne J^\top$,
# the two differ by $\langle (J^\top - B) g, v\rangle$, which is 0 for random $g, v$ with probability 0. It costs two
# evaluations where entry by entry costs $P$; it does not name the entry. **Random** matters, and so does
# **independent**: with $g = v$, $\langle v, Jv\rangle = \langle J v, v\rangle$ for any square $J$, and a forgotten
# transpose passes.

# %%
W = rng.standard_normal((4, 4))
forgotten = lambda g: W @ g  # the map is v → W v; backward should be g → Wᵀ g  # noqa: E731
g, v = rng.standard_normal((2, 4))
same, independent = abs(v @ (W @ v) - forgotten(v) @ v), abs(g @ (W @ v) - forgotten(g) @ v)
lesson.claim("B1", "a forgotten transpose, tested with g = v: difference", same, 1e-14, "forgotten")
lesson.claim("B1", "the same with g and v independent: 0.01 / difference", 0.01 / independent, 1, "forgotten")

# %% [markdown]
# A layer has two outputs, so $g$ has two parts, for $x$ and for $\ell$, and both inner products add up.

# %%
layer, z = couplings[0], rng.standard_normal((6, 3))
g, g_log_det, v = rng.standard_normal((6, 3)), rng.standard_normal(6), rng.standard_normal((6, 3))
pulled = (layer.z_to_x(z)[2](g, g_log_det) * v).sum()
pushed = sum(
    (weight * complex_step(lambda z, out=out: layer.z_to_x(z)[out], z, v)).sum()
    for out, weight in ((0, g), (1, g_log_det))
)
words = "RealNVP's coupling, both outputs at once: ⟨g, Jv⟩ = ⟨Jᵀg, v⟩"
lesson.claim("B1", words, abs(pulled - pushed), 1e-12, nfedu.AffineCoupling)

# %% [markdown]
# **Exercise.** For `float32`, $\varepsilon = 2^{-23}$: predict the best $h$ and the best error of both differences,
# then measure them on `flow.astype(np.float32)`. And a five-point formula,
#
# $$
# f' \approx \frac{-f(x + 2h) + 8f(x + h) - 8f(x - h) + f(x - 2h)}{12h},
# $$
#
# is off by $h^4 f^{(5)}/30$. Derive its best $h$; is it worth two more evaluations?
# %%
lesson.end()
