# %% [markdown]
# # 08 · Probability density distillation
#
# *Notes: 概率密度蒸馏, 蒸馏训练过程. Statements N21 and N22.*
# *Papers: van den Oord et al. 2017 (Parallel WaveNet); Ping, Peng & Chen 2018 (ClariNet).*
#
# A MAF learns from data in parallel and samples step by step; an IAF samples in parallel and would have to learn step
# by step. Marry them: train the MAF on data, then let an IAF learn from the MAF.

# %%
import copy
from time import perf_counter

import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets
from nfedu.checks import complex_step
from nfedu.course.lesson import begin
from nfedu.models import autoregressive
from nfedu.networks import counting
from nfedu.plotting import samples_axes, show_density, show_images
from nfedu.training import kl_divergence, reverse_kl

lesson = begin("08 · Probability density distillation")
rng = np.random.default_rng(8)

# %% [markdown]
# ## The objective (概率密度蒸馏)
#
# Student $s$, an IAF; teacher $t$, a trained MAF, frozen. Minimise over the student
#
# $$
# D_{KL}(s \| t) = \mathbb{E}_{x \sim s} \bigl[\log s(x) - \log t(x)\bigr]
# $$ (N21)
#
# Both logarithms are cheap *at the student's own samples*. Draw $z \sim p_Z$ and make $x = f_\theta(z)$, one parallel
# pass. Then $\log s(x) = \log p_Z(z) - \log|\det \partial x/\partial z|$ needs no inverse, and $\log t(x)$ is a MAF's
# fast direction. Since $z$ does not depend on θ, the gradient goes through the samples:
#
# $$
# \nabla_\theta D_{KL} = \mathbb{E}_z \Bigl[ -\nabla_\theta \log\left|\det \frac{\partial f_\theta(z)}{\partial z}
# \right| - \Bigl(\frac{\partial f_\theta(z)}{\partial \theta}\Bigr)^{\!\top} \nabla_x \log t(x) \Bigr]
# $$ (N22)
#
# So `backward` of the student gets the teacher's score, negated, for its output, and $-1$ for its log-det.
#
# ```{literalinclude} ../nfedu/training/distillation.py
# :pyobject: reverse_kl
# ```


# %%
def iaf(n, layers, hidden, *after):
    stack = autoregressive(nfedu.InverseAutoregressive, n, layers, hidden, activation="tanh", rng=rng)
    return nfedu.Flow(nfedu.StandardNormal(n), [*stack, *after])


def maf(n, layers, hidden, *after):
    stack = autoregressive(nfedu.MaskedAutoregressive, n, layers, hidden, activation="tanh", rng=rng)
    return nfedu.Flow(nfedu.StandardNormal(n), [*stack, *after])


student, teacher = iaf(4, 2, (12,)), maf(4, 2, (12,))
for flow in (student, teacher):
    flow.theta += 0.2 * rng.standard_normal(flow.theta.size)
v, z = rng.standard_normal(student.theta.size), np.random.default_rng(1).standard_normal((50, 4))
kept = teacher.theta.copy()
kl = reverse_kl(student, teacher, 50, np.random.default_rng(1))
twin, complex_teacher = student.astype(complex), teacher.astype(complex)


def by_hand(theta):
    twin.theta[:] = theta
    x, log_det, _ = twin.z_to_x(z.astype(complex))
    return np.mean(twin.base.log_prob(z) - log_det - complex_teacher.log_prob(x))


lesson.claim(
    "N21",
    "KL: mean of log s − log t at the student's samples",
    abs(kl - by_hand(student.theta).real),
    1e-13,
    reverse_kl,
)
x = student.z_to_x(z)[0]
free = student.base.log_prob(z) - student.z_to_x(z)[1]
lesson.claim(
    "N22",
    "log s(x) from z = log s(x) by inverting x",
    abs(free - student.log_prob(x)).max(),
    1e-12,
    nfedu.Flow.log_prob,
)
expected = complex_step(by_hand, student.theta, v)
error = abs(v @ student.grad / expected - 1)
lesson.claim("N22", "θ-gradient, through student and teacher, against the complex step", error, 1e-11, reverse_kl)
changed = abs(teacher.theta - kept).max() + abs(teacher.grad).max()
lesson.claim("N22", "the teacher is not changed, nor its gradient", changed, 0, reverse_kl)

# %% [markdown]
# ## In the plane
#
# The teacher learns from data: a bent ridge, with one mode. The student never sees these data.


# %%
class Ridge(nfedu.AffineCoupling):
    def conditions(self, x1):
        return 0.5 * x1**2 - 1.0, -1.0 + 0.3 * np.sin(x1), None


data = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2, [1.3, 1.0]), Ridge(2, (), rng=rng)])
teacher = maf(2, 4, (64,), nfedu.Affine(2)).astype(np.float32)
options = {"batch_size": 500, "optimizer": nfedu.Adam(5e-3), "anneal": True, "average": 0.99}
nfedu.fit(teacher, data.sample(20_000, rng), rng=rng, epochs=lesson.pick(5, 15), **options)
student = iaf(2, 4, (64,), nfedu.Affine(2)).astype(np.float32)
history = nfedu.distill(student, teacher, rng=rng, steps=lesson.pick(300, 1500), batch_size=500,
                        optimizer=nfedu.Adam(5e-3), average=0.99)  # fmt: skip
kl, error = kl_divergence(student, teacher, 50_000, rng)
print(f"  {history.steps} steps in {history.seconds:.1f} s: KL(s‖t) = {kl:.4f} ± {error:.4f} nats")
lesson.claim("N21", "2-D, one mode: KL(s‖t) in nats", kl, lesson.pick(0.5, 0.05), nfedu.distill)

fig, axes = plt.subplots(1, 4, figsize=(13, 3.4), width_ratios=[1, 1, 1, 1.2])
for ax, flow, title in zip(axes, (data, teacher, student), ("data", "teacher, a MAF", "student, an IAF"), strict=False):
    integral = show_density(ax, flow, [-6, -3], [6, 12], lesson.pick(500, 700)).integral
    lesson.claim("N6", f"|∫p − 1|, {title}", abs(integral - 1), 1e-3, nfedu.Flow.log_prob)
    ax.set(title=title, xlim=(-4, 4), ylim=(-2, 6))
smooth = np.convolve(history.train, np.ones(25) / 25, mode="valid")
axes[3].semilogy(np.maximum(smooth, 1e-3))
axes[3].axhline(kl, color="0.6", linestyle=":", label=f"afterwards, 50,000 samples: {kl:.3f}")
axes[3].set(xlabel="step", ylabel="KL(s‖t), mean of 25 steps, nats")
axes[3].legend()
caption = """The student has learned from the teacher alone, by its own samples. Densities of the student on the grid
are the slow direction of an IAF; training never needed it."""
lesson.show(fig, "08_plane", caption)

# %% [markdown]
# ## A teacher of digits, and how fast the student samples
#
# The teacher learns with the logit as its last layer. The student learns from what lies before it: a bijection that
# both share does not change their KL divergence, and on the whole line no sample can touch the edge of the pixels'
# range.

# %%
logit = nfedu.Logit(64)
pixels = maf(64, lesson.pick(2, 4), lesson.pick((64,), (192,)), nfedu.Rescale(64), logit).astype(np.float32)
run = nfedu.fit_digits(pixels, rng=rng, epochs=lesson.pick(3, 60))
print(f"  teacher: {run}")
teacher = nfedu.Flow(pixels.base, copy.deepcopy(pixels.bijection.bijections[:-1]), np.float32)
student = iaf(64, lesson.pick(2, 6), lesson.pick((64,), (192,)), nfedu.Affine(64)).astype(np.float32)
history = nfedu.distill(student, teacher, rng=rng, steps=lesson.pick(40, 900, 5000), batch_size=100,
                        optimizer=nfedu.Adam(2e-3), average=0.99)  # fmt: skip
kl, error = kl_divergence(student, teacher, 2000, rng)
print(f"  student: {history.steps} steps in {history.seconds:.1f} s: KL(s‖t) = {kl:.2f} ± {error:.2f} nats, 64 pixels")
lesson.record("IAF, distilled from a MAF", test=f"KL(s‖t) {kl:.2f} ± {error:.2f} nats", weights=f"{student.theta.size}",
              training=f"{history.seconds:.0f} s")  # fmt: skip


def measured(flow, method=None):
    for layer in flow.bijection.bijections:
        if method and isinstance(layer, nfedu.MaskedAutoregressive):
            layer.method = method
    flow.sample(100, rng)
    start = perf_counter()
    with counting() as count:
        flow.sample(100, rng)
    return 1e3 * (perf_counter() - start), count.multiply_adds / 100


costs = {"student": measured(student)} | {f"teacher, {way}": measured(teacher, way) for way in ("naive", "cached")}
for name, (milliseconds, multiply_adds) in costs.items():
    print(f"  100 samples, {name:<16} {milliseconds:8.1f} ms, {multiply_adds:12,.0f} multiply-adds a sample")
layers = [layer for layer in student.bijection.bijections if isinstance(layer, nfedu.InverseAutoregressive)]
with counting() as once:
    for layer in layers:
        layer.bijection.net(np.zeros((100, 64), np.float32))
passes = costs["student"][1] * 100 / once.multiply_adds
lesson.claim("N22", "passes of each of the student's networks for a batch, less 1", abs(passes - 1), 0, nfedu.distill)

# %% [markdown]
# Beside the naive teacher the student is fast. Beside the *cached* teacher it is not, here: having six layers to the
# teacher's four it even does more arithmetic. What a student buys is that no step waits for another: with thousands of
# processors and long sequences, as for sound, that is worth a distillation.
#
# ## What goes wrong: modes are dropped
#
# $D_{KL}(s\|t)$ asks what the student's samples cost under the teacher. A mode of the teacher that the student never
# visits costs nothing. With eight Gaussians and a weak student:

# %%
eight = datasets.eight_gaussians_density()
weak = iaf(2, 2, (16,), nfedu.Affine(2)).astype(np.float32)
nfedu.distill(
    weak, eight, rng=rng, steps=lesson.pick(300, 1000), batch_size=500, optimizer=nfedu.Adam(5e-3), average=0.99
)
kl_weak, error_weak = kl_divergence(weak, eight, 20_000, rng)
samples, centres = weak.sample(20_000, rng), eight.means
nearest = ((samples[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
shares = np.bincount(nearest, minlength=8) / len(samples)
lost = np.mean(shares < 0.01)  # each mode holds 1/8 of the teacher's mass
other = -weak.log_prob(eight.sample(20_000, rng)).mean() + eight.log_prob(eight.sample(20_000, rng)).mean()
print(f"  share of the student's samples by mode: {shares.round(3)}")
print(f"  KL(s‖t) = {kl_weak:.2f} ± {error_weak:.2f}, KL(t‖s) = {other:.1f} nats")
print(f"  {lost:.0%} of the teacher's mass is in modes with less than 1 % of the student's samples")
fig, axes = plt.subplots(1, 4, figsize=(13, 3.4), width_ratios=[1, 1, 1.1, 1.1])
show_density(axes[0], eight, -4, 4)
axes[0].set_title("teacher")
samples_axes(axes[1], samples[:4000], -4, 4, "tab:orange")
axes[1].set_title(f"weak student: {lost:.0%} of the mass lost")
show_images(axes[2], logit.z_to_x(teacher.sample(36, rng))[0], 6)
axes[2].set_title("digits: the teacher's samples")
show_images(axes[3], logit.z_to_x(student.sample(36, rng))[0], 6)
axes[3].set_title(f"the student's, KL {kl:.1f} nats")
caption = """Left: a student too weak for eight modes puts its samples where the teacher is dense, and does not miss
what it leaves out. Right: digits by the teacher, pixel by pixel, and by the student, in one pass a layer: less sharp,
and closer to each other."""
lesson.show(fig, "08_failure_and_digits", caption)
lesson.end()

# %% [markdown]
# **Exercise.** Give the weak student more layers until no mode is lost. Then start it from a wider base (`Affine` with
# s = 3): does it help? Why does maximum likelihood, $D_{KL}(t\|s)$, fail the other way round, by bridges between modes?
