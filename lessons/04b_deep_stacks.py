# %% [markdown]
# # 04b · Deep stacks: bounds and normalization
#
# *Notes: Real-NVP 反向, of which the notes stack many; what that does to numbers they leave open. Statements N7, N15.*
# *Papers: Behrmann et al. 2021; Ioffe & Szegedy 2015; Dinh et al. 2016, section 3.7; Kingma & Dhariwal 2018.*
#
# **What the notes say here:** every layer of Real-NVP scales (在每一层均施加缩放), and a flow is composed of $M$ layers
# (组合). Put together: factors $e^{\pm\alpha}$ are multiplied along the stack. This lesson asks what that does to
# rounding errors, what bounds it, and how normalization layers keep the numbers between couplings of order 1.
#
# **What you need:** the coupling ([04a](04a_real_nvp.py)); its backward, B5, and the rule that what is used twice gets
# two terms ([00b](00b_backward_of_a_flow.py)).

# %%
import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu.checks import check_bijection, gradient, jacobians, round_trip_error
from nfedu.course.lesson import begin
from nfedu.plotting import show_density, show_stage, stages

lesson = begin("04b · Deep stacks: bounds and normalization")
rng = np.random.default_rng(4)

# %% [markdown]
# ## Exploding inverses, and what bounds α (Real-NVP 反向)
#
# A chain of couplings is invertible in exact arithmetic, and in floating point it need not be (Behrmann et al. 2021).
# By N15 an error $\delta x$ leaves a coupling as $\delta z_b = e^{-\alpha} \odot (\delta x_b - [\partial\mu + z_b \odot
# e^{\alpha} \odot \partial\alpha]\,\delta x_a)$: multiplied by $e^{-\alpha}$, the other part's error mixed in by the
# networks' slopes, and fed into the next. After $M$ layers it grows like $\varepsilon e^{\lambda M}$, λ a rate that
# depends on the layers and not on the precision ε. So digits buy depth at a fixed price: float64's 53 bits for
# float32's 24 are worth $29 \log 2/\lambda$ couplings more, no factor.
#
# RealNVP's $\alpha = c \odot \tanh(r)$, $r$ from the network and $c$ learned, starting at 1, keeps $|\alpha_i| \le
# |c_i|$. That is no bound given in advance: training moves $c$ (in 04a's river from 1 to between 0.7 and 1.2). It
# says, at each moment, what the layer can do to *any* input, also to one far from the data, where an unbounded
# network may answer with any α.

# %%
depths, kinds = [2, 4, 8, 16, 32, 64, 128], {"additive": (nfedu.AdditiveCoupling, {})}
kinds |= {f"affine, |α| ≤ {limit:g}": (nfedu.AffineCoupling, {"bound": limit}) for limit in (0.1, 1.0)}
kinds["affine, no bound"] = nfedu.AffineCoupling, {"bound": None}
results = {}
for name, (kind, options) in kinds.items():
    same = np.random.default_rng(0)
    untrained = [kind(32, (64, 64), flip=bool(m % 2), rng=same, **options) for m in range(128)]
    for layer in untrained:
        layer.net.weights[-1].value *= 2
    for dtype in (np.float32, np.float64):
        z = np.random.default_rng(1).standard_normal((100, 32)).astype(dtype)
        chains = [nfedu.parameters.cast(nfedu.Chain(untrained[:depth]), dtype) for depth in depths]
        results[name, dtype.__name__] = np.array([round_trip_error(chain, z) for chain in chains])

# %% [markdown]
# How fast do errors grow where $|\alpha| \le 1$, in either precision, and at which depth are they as large as $z$?

# %%
rate, lost = {}, {}  # of |α| ≤ 1: growth of log error per coupling, and the depth at which the error is 1
for dtype in ("float32", "float64"):
    logs = np.log(results["affine, |α| ≤ 1", dtype])
    rate[dtype] = (logs[-1] - logs[-3]) / (depths[-1] - depths[-3])
    lost[dtype] = np.interp(0, logs[-3:], depths[-3:])
    print(f"  |α| ≤ 1, {dtype}: log error grows by {rate[dtype]:.3f} a coupling, all is lost after {lost[dtype]:.0f}")
error = abs(rate["float32"] / rate["float64"] - 1)
lesson.claim("N15", "round trip, |α| ≤ 1: float32's rate / float64's, less 1", error, 0.15, nfedu.AffineCoupling)
error = abs((lost["float64"] - lost["float32"]) / (29 * np.log(2) / rate["float64"]) - 1)
lesson.claim("N15", "29 more bits buy 29 log 2 / rate couplings, relative", error, 0.25, nfedu.AffineCoupling)
error = results["affine, |α| ≤ 0.1", "float64"][-1]
lesson.claim("N15", "round trip of 128 couplings, |α| ≤ 0.1, float64", error, 1e-12, nfedu.AffineCoupling)
error = 1 / min(results["affine, no bound", dtype][3] for dtype in rate)
lesson.claim("N15", "16 couplings without a bound, either precision: 1 / error", error, 1e-6, nfedu.AffineCoupling)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(7.6, 3.4), sharey=True)
for ax, dtype in zip(axes, ("float32", "float64"), strict=True):
    for (name, of), errors in results.items():
        if of == dtype:
            ax.loglog(depths, np.minimum(errors, 1e30), "o-", markersize=4, label=name)
    ax.axhline(1, color="0.6", linestyle=":")
    ax.set(xlabel="couplings", title=dtype, xticks=depths, xticklabels=depths, ylim=(1e-16, 3e30))
    ax.minorticks_off()
axes[0].set(ylabel="largest error of z→x→z (top: overflow)")
axes[1].legend()
caption = """Untrained couplings, their last weights doubled, n = 32. Above the dotted line nothing of z is left.
Additive couplings and tightly bounded ones lose two digits in 128 layers; with |α| ≤ 1 errors grow exponentially from
16 layers on, at one rate in both precisions; without a bound 16 layers are too many for either."""
lesson.show(fig, "04b_round_trip", caption)

# %% [markdown]
# ## BatchNorm as a layer
#
# Between couplings RealNVP standardises each coordinate (or channel) by a mean $m$ and a variance $v$, and lets the
# model undo that: $z = e^{\gamma} (x - m)/\sqrt{v + \varepsilon} + \beta$, γ a log-scale as α is, β a shift. (Here ε is
# $10^{-5}$ of the variance that the coordinate has in the first data, so that nothing depends on units.)
#
# **In evaluation** $m$ and $v$ are numbers held from the training data. Then this is N13 with a shift: each
# coordinate has the slope $e^\gamma/\sqrt{v + \varepsilon}$, and
# $\log|\det \partial z/\partial x| = \sum_i [\gamma_i - \tfrac12 \log(v_i + \varepsilon)]$.
#
# **In training** $m$ and $v$ are those of the batch: each row's $z$ depends on all rows. A determinant of "one row's
# map" does not exist, and the map of the whole batch, $\mathbb{R}^{N} \to \mathbb{R}^{N}$ in each coordinate, has
# determinant 0: add a constant to all rows and $z$ does not move. RealNVP uses the formula above with the batch's $m$
# and $v$ *as if* they were held (its equation 18). So the training loss is not a likelihood; the one in evaluation
# is.
#
# **Backward in training.** Let $u_k = (x_k - m) r$, $r = 1/\sqrt{v + \varepsilon}$, for $M$ numbers $x_k$ of a
# channel. From $m = \tfrac1M \sum x_k$ and $v = \tfrac1M \sum (x_k - m)^2$:
#
# $$
# dm = \overline{dx}, \qquad dv = \tfrac2M \textstyle\sum_k (x_k - m)(dx_k - dm) = \tfrac2M \sum_k (x_k - m)\,dx_k
# $$
#
# where $\sum_k (x_k - m)\,dm = 0$; the bar is the mean over the batch. Since $dr = -\tfrac12 r^3 dv$, $du_k =
# r\,(dx_k - \overline{dx}) - u_k\,r\,\overline{u\,dx}$. The log-det of a row moves by $-\tfrac12 r^2 dv =
# -r\,\overline{u\,dx}$. Move everything off $dx$ (B1), with $g$ the gradient that reaches $u$, and $g_\ell$ that of
# the rows' log-dets (for one number a row):
#
# $$
# g_x = r\,\bigl(g - \overline{g} - u\,[\,\overline{g\,u} + \overline{g_\ell}\,]\bigr)
# $$
#
# The first term is what one has with the statistics held. $\overline g$ came through $m$, the bracket through $v$:
# once from $u$ and once from the log-det.
#
# ```{literalinclude} ../nfedu/bijections/normalization/batch_norm.py
# :pyobject: BatchNorm.x_to_z
# ```
#
# **By hand.** $x = (0, 0, 3)$, $\gamma = \beta = 0$, $\varepsilon \to 0$: $m = 1$, $v = 2$, $u = (-1, -1, 2)/\sqrt2$.
# With $g = (1, 0, 0)$ and $g_\ell = 0$: $\overline g = \tfrac13$, $\overline{g\,u} = -\tfrac1{3\sqrt2}$, so $g_x =
# \tfrac1{\sqrt2}\bigl(1 - \tfrac13 - \tfrac16,\; -\tfrac13 - \tfrac16,\; -\tfrac13 + \tfrac13\bigr)$, that is
# $\tfrac1{2\sqrt2} (1, -1, 0)$. With the statistics held it would be $(\tfrac1{\sqrt2}, 0, 0)$. With $g = 0$, $g_\ell
# = 1$ in each row: $-u/\sqrt2 = (\tfrac12, \tfrac12, -1)$: to raise the log-dets, the outlier goes in.

# %%
normal, x = nfedu.BatchNorm(1, epsilon=1e-14), np.array([[0.0], [0.0], [3.0]])
normal.mode = "training"
z, log_det, backward = normal.x_to_z(x)
found = backward(np.array([[1.0], [0], [0]]), np.zeros(3)).ravel(), backward(np.zeros((3, 1)), np.ones(3)).ravel()
pencil = np.array([1, -1, 0]) / np.sqrt(8), np.array([0.5, 0.5, -1])
lesson.claim("N15", "pencil: BatchNorm's two gradients", abs(np.subtract(found, pencil)).max(), 1e-13, nfedu.BatchNorm)
error = max(abs(z.ravel() - np.array([-1, -1, 2]) / np.sqrt(2)).max(), abs(log_det + np.log(2) / 2).max())
lesson.claim("N7", "pencil: z = (−1, −1, 2)/√2, each row's log-det −½ log 2", error, 1e-13, nfedu.BatchNorm)

# %% [markdown]
# Three coordinates, six rows, both modes. The checker holds the statistics of a layer in training before it asks for a
# Jacobian; the gradient is that of the batch, with its own statistics.

# %%
normal, x = nfedu.BatchNorm(3), rng.standard_normal((6, 3)) * [1, 2, 3] + 1
normal.gamma.value[:], normal.mean[:], normal.variance[:] = [0.3, -0.2, 0.5], [0.5, 1, 0], [2, 1, 3]
for mode in ("evaluation", "training"):
    normal.mode = mode
    report = check_bijection(normal, x)
    words = "" if mode == "evaluation" else ", statistics held"
    error = max(c.error for c in report.checks if c.rung == 3)
    lesson.claim("N7", f"BatchNorm in {mode}: log-det − slogdet{words}", error, 1e-10, nfedu.BatchNorm)
    by_hand = normal.x_to_z(x)[2](x, np.arange(6.0))
    numerical = gradient(lambda v: (x * normal.x_to_z(v)[0]).sum() + np.arange(6.0) @ normal.x_to_z(v)[1], x)
    lesson.claim("N15", f"its gradient in {mode}: complex step", abs(by_hand - numerical).max(), 1e-11, nfedu.BatchNorm)

# %% [markdown]
# And the map of the whole batch in training, a matrix of 18 by 18: it has no determinant but 0.

# %%
whole = jacobians(lambda v: normal.x_to_z(v.reshape(6, 3))[0].reshape(1, 18), x.reshape(1, 18))[0]
singular = np.linalg.svd(whole, compute_uv=False)
print(f"  the batch's whole Jacobian, 18 × 18: singular values from {singular.max():.3f} to {singular.min():.0e}")
error = abs(whole @ np.tile(np.eye(3), (6, 1))).max()
lesson.claim("N7", "training: the same added to all rows moves nothing, so det = 0", error, 1e-14, nfedu.BatchNorm)

# %% [markdown]
# **Trap.** A backward that takes $m$ and $v$ for constants passes every test in evaluation, and trains something
# else.
#
# ## ActNorm
#
# Batches of few images have noisy statistics. Glow's remedy: the same affine map, $x = s z + t$ for each channel,
# with $s$ and $t$ *learned*, and started so that the first batch comes out with mean 0 and variance 1. Then rows do
# not mix, and training and evaluation are one map. Its log-det is N13's, $\sum \log s$ once for each pixel of a
# channel.

# %%
act, x = nfedu.ActNorm(4, channels=2), rng.standard_normal((200, 4)) * [1, 2, 0.5, 3] + [1, -1, 0, 2]
act.mode = "observing"
act.x_to_z(x)
act.mode = "evaluation"
z, log_det, _ = act.x_to_z(x)
by_channel = np.array([x[:, :2].std(), x[:, 2:].std()])  # two coordinates a channel, all rows
error = max(abs(z.reshape(200, 2, 2).mean(axis=(0, 2))).max(), abs(z.reshape(200, 2, 2).std(axis=(0, 2)) - 1).max())
lesson.claim("N15", "ActNorm after its first batch: channel means 0, deviations 1", error, 1e-12, nfedu.ActNorm)
error = abs(log_det + 2 * np.log(by_channel).sum()).max()
lesson.claim("N7", "ActNorm, 2 channels of 2 pixels: log-det = −2 Σ log s", error, 1e-12, nfedu.ActNorm)

# %% [markdown]
# ## What it changes
#
# The river of lesson 04a, stretched and moved as raw data are (mean 20, deviations near 10), and six couplings at one
# budget: as they are, with data standardised beforehand (a fixed affine layer at x, whose log-det is counted), and with
# normalization after each coupling instead, which standardises the data too. Here that is all it is needed for: fixed
# standardisation does as well. In deeper stacks a layer at x alone does not keep the numbers in between of order 1.

# %%
bed = nfedu.AffineCoupling(2, (), bound=None, rng=rng)
bed.conditions = lambda x1: (np.sin(x1), -1.7 + 1.8 * np.cos(2 * x1), None)  # the river of 04a
raw = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2, [1.5, 1.0]), bed, nfedu.Affine(2, [6.0, 10.0], 20.0)])
points, held_out = (raw.sample(20_000, rng).astype(np.float32) for _ in range(2))
entropy, flows, excess = -raw.log_prob(held_out).mean(), {}, {}
kinds = {"couplings alone": None, "data standardised": None, "BatchNorm": nfedu.BatchNorm, "ActNorm": nfedu.ActNorm}
options = {"batch_size": 500, "optimizer": nfedu.Adam(4e-3), "anneal": True}
for name, kind in kinds.items():
    layers = [nfedu.Rescale(2)]
    for m in range(6):
        layers.append(nfedu.AffineCoupling(2, (32, 32), flip=bool(m % 2), activation="tanh", rng=rng))
        layers += [kind(2)] if kind else []
    layers += [nfedu.Affine(2, points.std(axis=0), points.mean(axis=0))] if name == "data standardised" else []
    flows[name] = nfedu.Flow(nfedu.StandardNormal(2), layers).astype(np.float32)
    history = nfedu.fit(flows[name], points, rng=rng, epochs=lesson.pick(6, 15), **options)
    excess[name] = -flows[name].log_prob(held_out).mean() - entropy
    print(f"  {name}: KL(river‖flow) = {excess[name]:.3f} nats, {history.steps} steps in {history.seconds:.1f} s")
for name in ("BatchNorm", "ActNorm"):
    error = excess[name] / excess["couplings alone"]
    lesson.claim("N15", f"raw data: KL with {name} / KL of couplings alone", error, 0.5, nfedu.fit)

# %% tags=["hide-input"]
shown = {"the data": raw} | flows
fig, axes = plt.subplots(2, 4, figsize=(9.8, 5.3))
peak = None
for ax, name in zip(axes[0], ("the data", "couplings alone", "BatchNorm", "ActNorm"), strict=True):
    grid = show_density(ax, shown[name], -20, 60, 400, gamma=0.3, most=peak, bar=name == "ActNorm")
    ax.set_xticks([-20, 0, 20, 40])
    peak = peak or grid.density.max()
    ax.set_title(f"{name}: KL {excess[name]:.2f}" if name in excess else f"{name}, entropy {entropy:.2f}")
layer = nfedu.BatchNorm(2, mean=[0.5, -0.5], variance=[1.5, 0.4])
for ax, density, stage in zip(axes[1, ::2], axes[1, 1::2], stages(nfedu.StandardNormal(2), [layer]), strict=True):
    show_stage(ax, density, stage, "", 4)
titles = ("a grid in z", "and N(0, I)", "through BatchNorm, statistics held", "the density then")
for ax, title in zip(axes[1], titles, strict=True):
    ax.set_title(title)
caption = f"""Above: raw data, and what six couplings make of them at one budget (colour: p^0.3, one scale): alone, with
BatchNorm, with ActNorm; with standardised data the KL is {excess["data standardised"]:.2f}. Below: BatchNorm in
evaluation, z→x, on a grid and a density. It shifts and scales each coordinate, ActNorm likewise: all that they do a
coupling could, but not at once."""
lesson.show(fig, "04b_normalization", caption)

# %% [markdown]
# ## Summary
#
# Factors multiply along a stack: rounding errors grow like $\varepsilon e^{\lambda M}$, and more digits buy depth
# only additively. $\alpha = c \tanh r$ limits the factor that any input meets; $c$ is learned. BatchNorm standardises
# by the batch in training, where a row has no determinant of its own and the formula pretends that the statistics are
# held; its backward runs through both statistics. In evaluation they are held, and the likelihood is one. ActNorm
# learns the same map and only starts from data.
#
# **Exercise.** With $N = 2$ rows, what is BatchNorm's $z$ in training, and what gradient $g_x$ can reach it? Train
# the river with batches of 10 and `BatchNorm`: how far is the loss in training from that in evaluation? And with
# `ActNorm`?
# %%
lesson.end()
