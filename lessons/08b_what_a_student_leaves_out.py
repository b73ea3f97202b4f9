# %% [markdown]
# # 08b · What a student gains, and what it leaves out
#
# *Notes: 概率密度蒸馏, which promises efficient sampling and minimises the KL divergence. Statements N21 and N22.*
# *Papers: van den Oord et al. 2017; Minka 2005 (what either direction of KL prefers).*
#
# What the notes say here, in our words:
#
# - **[高效采样] Efficient sampling** is what the student has from being an IAF. How efficient, beside a teacher that
#   samples as well as it can?
# - **[KL 散度被最小化]** What is minimised is $D_{KL}(s \| t)$, at the student's samples, and not $D_{KL}(t \| s)$, as
#   in maximum likelihood. What difference does the order make?
#
# You need the four steps of [08a](08a_distillation.py).

# %%
import copy
from time import perf_counter

import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets
from nfedu.checks import density_on_grid, worst_difference
from nfedu.course.lesson import begin
from nfedu.course.trained import Outcome, long_training
from nfedu.distributions import GaussianMixture
from nfedu.models import autoregressive
from nfedu.networks import counting
from nfedu.plotting import show_density, show_images
from nfedu.training import kl_divergence

lesson = begin("08b · What a student gains, and what it leaves out")
rng = np.random.default_rng(8)


def model(kind, n, layers, hidden, *after, rng=rng):
    stack = autoregressive(kind, n, layers, hidden, activation="tanh", rng=rng)
    return nfedu.Flow(nfedu.StandardNormal(n), [*stack, *after])


# %% [markdown]
# ## What leaving out costs
#
# Let all of the student's samples lie in a set $A$ that holds a share $w$ of the teacher's mass, and let $t_A = t/w$ be
# the teacher there, a density again. Then $t = w\, t_A$ wherever a sample falls, and
#
# $$
# D_{KL}(s\|t) = \mathbb E_s[\log s - \log t_A] - \log w = D_{KL}(s\|t_A) - \log w \ \ge\ -\log w
# $$
#
# with equality for $s = t_A$. So leaving out is *not* free: it costs $-\log w$ at least. But that is little: half of
# the mass costs $\log 2 = 0.693$ nats, a hundredth 0.01. The other order, $D_{KL}(t\|s) = \mathbb E_t[\log t - \log
# s]$, is infinite as soon as $s = 0$ on a set where the teacher has mass.
#
# A student need not stay within a set. Cut space into cells $A_k$; let $s_k, t_k$ be the two masses of a cell, and
# write $s(x) = s_k\, s(x|k)$, $t(x) = t_k\, t(x|k)$ there. The logarithm of the ratio splits, and so does its mean:
#
# $$
# D_{KL}(s\|t) = \underbrace{\sum_k s_k \log \frac{s_k}{t_k}}_{\text{which modes}} + \underbrace{\sum_k s_k\,
# D_{KL}\bigl(s(\cdot|k)\, \|\, t(\cdot|k)\bigr)}_{\text{their shapes, and bridges}}
# $$
#
# **By hand.** The teacher: eight Gaussians in a ring, far apart, $\tfrac18$ each. A student that is four of them
# exactly: $s_k = \tfrac14$ four times, so the first sum is $4 \cdot \tfrac14 \log 2 = \log 2$, the second 0; and $w =
# \tfrac12$, $-\log w = \log 2$. With $k$ of eight, $\log(8/k)$: 2.079, 1.386, 0.981, 0.693, 0.470, 0.288, 0.134, 0.

# %%
eight = datasets.eight_gaussians_density()
side, points = 9.0, lesson.pick(360, 720)
cell = (2 * side / points) ** 2
teacher_grid = density_on_grid(eight, -side, side, points)
log_t = np.log(np.maximum(teacher_grid.density, 1e-300))
x = np.stack(np.meshgrid(*teacher_grid.axes, indexing="ij"), axis=-1)
nearest = ((x[:, :, None] - eight.means) ** 2).sum(axis=-1).argmin(axis=-1)  # the cell of the nearest mode


def kl_on_grid(s):
    """KL(s‖t) by quadrature: its part from which modes, its part from their shapes, and the masses s_k."""
    s_k = np.maximum(np.bincount(nearest.ravel(), (s * cell).ravel(), 8), 1e-300)
    within = np.log(np.maximum(s, 1e-300) / s_k[nearest]) - (log_t - np.log(1 / 8))  # log s(x|k) − log t(x|k)
    return (s_k * np.log(8 * s_k)).sum(), (s * within).sum() * cell, s_k


students = [GaussianMixture(eight.means[:k], 0.2**2) for k in range(1, 9)]
parts = [kl_on_grid(density_on_grid(s, -side, side, points).density)[:2] for s in students]
price = np.sum(parts, axis=1)
print("  1 … 8 exact modes of eight: KL(s‖t) =", ", ".join(f"{nats:.3f}" for nats in price))
lesson.claim("N21", "four exact modes of eight: KL(s‖t) = log 2", abs(price[3] - np.log(2)), 1e-3, kl_on_grid)
by_pencil = np.array([[2.079, 1.386, 0.981, 0.693, 0.470, 0.288, 0.134, 0], np.zeros(8)]).T
statement = "pencil: 1 … 8 exact modes of eight cost log 8/k = −log w, and nothing for shapes"
lesson.claim("N21", statement, worst_difference(parts, by_pencil), 2e-3, kl_on_grid)

# %% [markdown]
# Now a weak student, two IAF layers of 16 units, which cannot make eight separate modes; once distilled, once trained
# by maximum likelihood on the teacher's samples, from the same start. What does either pay, in either order of KL, and
# what share of its mass has it at each mode?

# %%
weak = model(nfedu.InverseAutoregressive, 2, 2, (16,), nfedu.Affine(2)).astype(np.float32)
likely = weak.astype(np.float32)
nfedu.distill(weak, eight, rng=rng, steps=1000, batch_size=500, optimizer=nfedu.Adam(5e-3), average=0.99)
options = {"batch_size": 500, "optimizer": nfedu.Adam(5e-3), "anneal": True, "average": 0.99}
nfedu.fit(likely, eight.sample(20_000, rng), rng=rng, epochs=25, **options)
grids, costs = {}, {}
for name, flow in (("distilled", weak), ("maximum likelihood", likely)):
    grids[name] = density_on_grid(flow.astype(float), -side, side, points)
    modes, shapes, s_k = kl_on_grid(grids[name].density)
    log_s = np.log(np.maximum(grids[name].density, 1e-300))
    other = (teacher_grid.density * (log_t - log_s)).sum() * cell
    costs[name] = modes, shapes, other
    print(f"  {name}: KL(s‖t) = {modes:.2f} modes + {shapes:.2f} shapes, KL(t‖s) = {other:.2f}")
    print("    masses of the eight modes:", ", ".join(f"{mass:.3f}" for mass in s_k))

# %% [markdown]
# The two parts come from a grid. Do the distilled student's own samples say the same, in all and by modes? And which
# modes are left out?

# %%
modes, shapes, s_k = kl_on_grid(grids["distilled"].density)
kl, error = kl_divergence(weak, eight, 20_000, rng)
samples = weak.sample(20_000, rng)
share = np.bincount(((samples[:, None] - eight.means) ** 2).sum(axis=2).argmin(axis=1), minlength=8) / 20_000
statement = "weak student: KL by samples = modes + shapes by quadrature, in standard errors"
lesson.claim("N21", statement, abs(kl - modes - shapes) / error, 4, kl_divergence)
statement = "weak student: shares of its samples by mode = masses by quadrature, in standard errors"
lesson.claim("N21", statement, abs(share - s_k).max() / np.sqrt(0.25 / 20_000), 4, nfedu.Flow.sample)
lesson.claim("N21", "distilled, it leaves modes out: the least share, of 1/8", s_k.min(), 0.01, nfedu.distill)
other = costs["maximum likelihood"][2]
lesson.claim("N8", "by maximum likelihood it leaves none out: KL(t‖s) in nats", other, 1.5, nfedu.fit)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 2, figsize=(8.6, 8), width_ratios=[1, 1.15])
panels = (
    ("teacher: eight modes", eight),
    ("weak student, distilled", weak),
    ("the same, by maximum likelihood", likely),
)
for ax, (title, flow) in zip(axes.flat, panels, strict=False):
    show_density(ax, flow, -side, side, points, gamma=0.4)
    ax.set(title=title, xlim=(-4, 4), ylim=(-4, 4))
ax, w = axes[1, 1], np.linspace(0.03, 1, 200)
ax.plot(w, -np.log(w), color="0.3", label="−log w: the least price")
ax.plot(np.arange(1, 9) / 8, price, "o", color="0.3", label="1 … 8 exact modes")
kept = np.mean(s_k > 0.01)
ax.plot(kept, modes + shapes, "s", color="tab:orange", label="weak student: all of its KL(s‖t)")
ax.plot(kept, modes, "s", color="tab:orange", fillstyle="none", label="its part for which modes")
ax.vlines(kept, modes, modes + shapes, color="tab:orange", linestyle=":")
ax.set(xlabel="w, share of the teacher's mass kept", ylabel="nats", title="what leaving out costs", ylim=(-0.1, 3.2))
ax.legend()
caption = f"""A student too weak for eight modes, by its density (colour: p^0.4). Distilled, it keeps modes with
{kept:.0%} of the teacher's mass and is hardly anywhere else: that, and how unevenly it visits those, costs it
{modes:.2f} nats, the shapes and bridges of what it keeps {shapes:.2f}. By maximum likelihood the same network visits
all modes and pays in bridges. Below right: leaving out is not free, but cheap; exact modes pay just −log w."""
lesson.show(fig, "08b_modes", caption)

# %% [markdown]
# Read the picture as a bill. Each further mode would save the student at most $\log\frac{k+1}{k}$, and would cost it a
# bridge: a stretch of samples where $t$ is all but 0, so that $-\log t$ is large. Where the bridge costs more than the
# mode saves, the mode stays out. In $D_{KL}(t\|s)$ a bridge costs only the mass that it takes away from the modes, and
# a missing mode costs $-\log s$ of nearly 0: there all modes are visited.
#
# ## What is gained: digits in one pass a layer
#
# The teacher learns with the logit as its last layer. The student learns from what lies before it: a bijection that
# both share does not change their KL divergence (10a), and on the whole line no sample can touch the edge of the
# pixels' range.

# %%
logit = nfedu.Logit(64)
stack = nfedu.Rescale(64), logit
pixels = model(nfedu.MaskedAutoregressive, 64, lesson.pick(2, 4), lesson.pick((64,), (192,)), *stack).astype(np.float32)
print(f"  teacher: {nfedu.fit_digits(pixels, rng=rng, epochs=lesson.pick(3, 60))}")
teacher = nfedu.Flow(pixels.base, copy.deepcopy(pixels.bijection.bijections[:-1]), np.float32)
widths = lesson.pick((64,), (192,))


def build(rng, layers=6, widths=(192,)):
    return model(nfedu.InverseAutoregressive, 64, layers, widths, nfedu.Affine(64), rng=rng).astype(np.float32)


def distilled(student, rng, steps=5000):
    """Let a student learn from the teacher; return its KL(s‖t), the standard error, and the seconds."""
    options = {"batch_size": 100, "optimizer": nfedu.Adam(2e-3), "average": 0.99}
    history = nfedu.distill(student, teacher, rng=rng, steps=steps, **options)
    kl, error = kl_divergence(student, teacher, 2000, rng)
    return Outcome(kl, kl, error, history.seconds)


student = build(rng, lesson.pick(2, 6), widths)
kl, _, error, seconds = distilled(student, rng, lesson.pick(40, 900))
print(f"  student: {seconds:.1f} s: KL(s‖t) = {kl:.2f} ± {error:.2f} nats, 64 pixels")
if lesson.length != "quick":
    lesson.claim("N21", "digits: KL(s‖t) of the distilled student, nats for 64 pixels", kl, 7, nfedu.distill)
long = long_training(lesson, "IAF, distilled from a MAF", build, distilled, "nats, KL(s‖t)")

# %% [markdown]
# What does a sample cost: the student's, that of a teacher that makes $n$ whole passes a layer, and that of one that
# keeps its units (06b)? Milliseconds for a hundred, and multiply-adds for one.


# %%
def measured(flow, method=None):
    """How long 100 samples take, in milliseconds, and the multiply-adds of one."""
    for layer in flow.bijection.bijections:
        if method and isinstance(layer, nfedu.MaskedAutoregressive):
            layer.method = method
    with counting() as count:
        flow.sample(100, rng)
    times = []
    for _ in range(7):
        start = perf_counter()
        flow.sample(100, rng)
        times.append(perf_counter() - start)
    return 1e3 * min(times), count.multiply_adds / 100


costs = {"student": measured(student)} | {f"teacher, {way}": measured(teacher, way) for way in ("naive", "cached")}
print(f"  {'':<16} ms a hundred   multiply-adds")
for name, (milliseconds, multiply_adds) in costs.items():
    print(f"  {name:<16} {milliseconds:12.1f} {multiply_adds:15,.0f}")
dense = lesson.pick(2, 6) * (64 * widths[0] + widths[0] * 2 * 64)  # the student's connections, were none masked
used = costs["student"][1] / dense
lesson.claim("N22", "a student's sample: multiply-adds / all connections of its networks", used, 1, nfedu.distill)
ratio = costs["teacher, cached"][1] / costs["student"][1]
lesson.claim("N22", "multiply-adds of a cached teacher's sample / of a student's", ratio, 1, counting)

# %% [markdown]
# Beside the naive teacher the student does little. Beside the *cached* teacher it does more arithmetic: it has six
# layers to the teacher's four, and a cached round skips what the masks forbid. What a student buys is rounds: six,
# where the teacher needs 4 · 64, each of which waits for the one before. On one processor that saves the overhead of
# many small products; with thousands of processors and long sequences, as for sound, it is worth a distillation.
#
# How good are its images, and does it leave out kinds of them? A student that did would make images that are more
# alike.

# %%
long_kl = kl_divergence(long, teacher, 2000, rng)[0]
x = [logit.z_to_x(flow.sample(300, rng))[0] for flow in (teacher, long)]
real = datasets.dequantise(datasets.digits().test.images[:300], rng)
apart = [np.sqrt(((y[:, None] - y) ** 2).sum(axis=2))[np.triu_indices(300, 1)].mean() for y in (real, *x)]
print("  mean distance between two images: {:.2f} real, {:.2f} the teacher's, {:.2f} the student's".format(*apart))

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(9, 3.4))
titles = ("test images", "teacher: 64 rounds a layer", f"student: 1 round a layer, KL {long_kl:.1f} nats")
for ax, images, title in zip(axes, (real, *x), titles, strict=True):
    show_images(ax, images[:16], 4)
    ax.set_title(title)
caption = f"""Sixteen images each: real ones, the teacher's samples, pixel by pixel, and the student's, in one pass a
layer (after its long training, `--full`). Mean distance between two images, of 300 each: {apart[0]:.2f} for the real
ones, {apart[1]:.2f} for the teacher's, {apart[2]:.2f} for the student's, whose images are more alike."""
lesson.show(fig, "08b_digits", caption)

# %% [markdown]
# ## In five lines
#
# - Leaving out mass costs $-\log w$: log 2 for half of it, next to nothing for a tail. Not free, but cheap.
# - $D_{KL}(s\|t)$ = which modes + their shapes: a weak student saves on bridges and drops modes.
# - $D_{KL}(t\|s)$, maximum likelihood, is infinite for a missing mode: the same network visits all, by bridges.
# - Distilling digits: no data, one pass a layer, and a KL of a few nats remains.
# - Against a cached teacher the student saves rounds, not arithmetic.
#
# **Exercise.** Give the weak student more layers until no mode is lost. Then start it from a wider base (`Affine` with
# s = 3): does it help? Read off the two parts of its KL each time.

# %%
lesson.end()
