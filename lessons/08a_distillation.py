# %% [markdown]
# # 08a · Probability density distillation
#
# *Notes: 概率密度蒸馏, 训练过程. Statements N21 and N22.*
# *Papers: van den Oord et al. 2017 (Parallel WaveNet); Ping, Peng & Chen 2018 (ClariNet).*
#
# What the notes say here, in our words:
#
# - **[概率密度蒸馏] Distillation** joins MAF's efficient training with IAF's efficient sampling: the KL divergence
#   between the densities of a student and a teacher is minimised, $D_{KL}(s, t) = \mathbb E_{x \sim s}[\log s(x) - \log
#   t(x)]$. That the student is an IAF and the teacher a MAF is said in the four steps.
# - **[训练过程] The training**: draw x from the IAF; score it under the IAF, cheaply since it made x itself; score it
#   under the trained MAF; minimise the KL divergence.
#
# You need both models ([06a](06a_maf.py), [07a](07a_iaf.py)), and what KL is: $D_{KL}(s \| t) \ge 0$, with 0 for $s =
# t$ only; it is not symmetric. What the student leaves out, and what is gained, is
# [08b](08b_what_a_student_leaves_out.py).

# %%
import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu.checks import complex_step, density_on_grid, worst_difference
from nfedu.course.lesson import begin
from nfedu.models import autoregressive
from nfedu.networks import counting
from nfedu.plotting import cleared, show_density
from nfedu.training import kl_divergence, reverse_kl

lesson = begin("08a · Probability density distillation")
rng = np.random.default_rng(8)

# %% [markdown]
# ## The objective (概率密度蒸馏)
#
# Student $s$, an IAF $x = f_\theta(z)$; teacher $t$, a trained MAF, frozen. Minimise over the student
#
# $$
# D_{KL}(s \| t) = \mathbb{E}_{x \sim s} \bigl[\log s(x) - \log t(x)\bigr]
# $$ (N21)
#
# Any x could be put in, but only at the student's *own* samples are both logarithms cheap: there $z$ is known, and
# $\log s(x) = \log p_Z(z) - \sum \alpha$ needs no inverse; $\log t(x)$ is a MAF's fast direction.
#
# *The gradient.* θ stands in two places: in $s$, and in the distribution of x. Write x as $f_\theta(z)$: the
# expectation is then over $z \sim p_Z$, which has no θ, and the derivative can go inside,
#
# $$
# D_{KL} = \mathbb{E}_z \Bigl[ \log p_Z(z) - \log\left|\det \frac{\partial f_\theta}{\partial z}\right| - \log
# t(f_\theta(z)) \Bigr]
# $$
#
# The first term is constant in θ. The chain rule for the last one is $\partial \log t/\partial x$, the teacher's
# *score*, through $\partial f_\theta/\partial\theta$:
#
# $$
# \nabla_\theta D_{KL} = \mathbb{E}_z \Bigl[ -\nabla_\theta \log\left|\det \frac{\partial f_\theta(z)}{\partial z}
# \right| - \Bigl(\frac{\partial f_\theta(z)}{\partial \theta}\Bigr)^{\!\top} \nabla_x \log t(x) \Bigr]
# $$ (N22)
#
# The first part spreads the student (each log-scale gets $-1$), the second pulls its samples uphill to the teacher.
#
# ## The four steps (训练过程)
#
# | | the notes' step | what is computed | costs |
# |---|---|---|---|
# | 1 | 从 IAF 中采样: sample the student | $z \sim N(0, I)$, $x = f_\theta(z)$; keep $z$ and $\sum\alpha$ | one pass |
# | 2 | 以 IAF 评估似然: score by the student | $\log s(x) = \log p_Z(z) - \sum\alpha$ | nothing more |
# | 3 | 以 MAF 评估似然: score by the teacher | $\log t(x)$ and $\nabla_x \log t(x)$ | one pass there, one back |
# | 4 | 最小化: minimise | the student's backward of $g_x = -\nabla_x \log t/N$, $g_\ell = -1/N$; a step | one back |
#
# Then again with new z. No data and no slow direction; the teacher's weights need no gradient. Counted in passes of one
# network, the code below takes 1 + 0 + 4 + 2: the student's pass; nothing; the teacher's for $\log t$, another for its
# score, and a way back that makes the gradient of its weights too, to drop it (1 + 1 would do); the student's way back,
# by its latents and by its weights.
#
# ```{literalinclude} ../nfedu/training/distillation.py
# :pyobject: reverse_kl
# ```
#
# **By hand**, one dimension: student $x = e^\alpha z + \mu$, at $\alpha = \mu = 0$; teacher $N(1, 2^2)$. For two
# Gaussians the integral is $D_{KL} = \log 2 - \alpha + (e^{2\alpha} + (\mu - 1)^2)/8 - \tfrac12$, here $\log 2 -
# \tfrac14 = 0.4431$, and its gradient $(\partial_\alpha, \partial_\mu) = (-1 + \tfrac14, -\tfrac14)$. Now the four
# steps with the two latents $z = \pm 1$, which have mean 0 and mean square 1 as N(0, 1) has: means of quadratics are
# exact.
#
# 1. $x = \pm 1$.
# 2. $\log s = -\tfrac12 - \tfrac12 \log 2\pi$, for both.
# 3. $\log t = -\log 2 - \tfrac12 \log 2\pi - (x-1)^2/8$, where $(x-1)^2/8$ is 0 and $\tfrac12$; the scores $-(x-1)/4$
#    are $0$ and $\tfrac12$. The mean of $\log s - \log t$ is $-\tfrac12 + \log 2 + \tfrac14$.
# 4. $\mu$ gets the mean of minus the scores, $-\tfrac14$; $\alpha$ gets that of $z$ times them, $\tfrac12 (0 +
#    \tfrac12) = \tfrac14$, and $-1$ from the log-det.


# %%
class TwoLatents(nfedu.StandardNormal):
    def sample(self, count, rng):
        return np.array([[1.0], [-1.0]])


small = nfedu.Flow(TwoLatents(1), nfedu.Affine(1))  # θ = (log s, t), here (α, μ)
kl = reverse_kl(small, nfedu.Flow(nfedu.StandardNormal(1), nfedu.Affine(1, s=2, t=1)), 2, rng)
error = worst_difference([kl, small.grad], [np.log(2) - 0.25, [-0.75, -0.25]])
lesson.claim("N21", "pencil: KL = log 2 − 1/4 and its gradient (−3/4, −1/4)", error, 1e-14, reverse_kl)

# %% [markdown]
# Is the gradient right for real networks, through student *and* teacher? Along a random direction v of θ, against the
# complex step of the sum in N21, z held fixed. And nothing may happen to the teacher.


# %%
def model(kind, n, layers, hidden, *after):
    stack = autoregressive(kind, n, layers, hidden, activation="tanh", rng=rng)
    return nfedu.Flow(nfedu.StandardNormal(n), [*stack, *after])


student = model(nfedu.InverseAutoregressive, 4, 2, (12,))
teacher = model(nfedu.MaskedAutoregressive, 4, 2, (12,))
for flow in (student, teacher):
    flow.theta += 0.2 * rng.standard_normal(flow.theta.size)
v, z = rng.standard_normal(student.theta.size), np.random.default_rng(1).standard_normal((50, 4))
kept = teacher.theta.copy()
reverse_kl(student, teacher, 50, np.random.default_rng(1))
twin, complex_teacher = student.astype(complex), teacher.astype(complex)


def by_hand(theta):
    twin.theta[:] = theta
    x, log_det, _ = twin.z_to_x(z.astype(complex))
    return np.mean(twin.base.log_prob(z) - log_det - complex_teacher.log_prob(x))


expected = complex_step(by_hand, student.theta, v)
error = abs(v @ student.grad / expected - 1)
lesson.claim("N22", "θ-gradient, through student and teacher, against the complex step", error, 1e-11, reverse_kl)
changed = abs(teacher.theta - kept).max() + abs(teacher.grad).max()
lesson.claim("N22", "the teacher is not changed, nor its gradient", changed, 0, reverse_kl)

# %% [markdown]
# Does a step cost what the table says, and is the student's score, step 2, the one that inverting x would give?

# %%
with counting() as step:
    reverse_kl(student, teacher, 50, np.random.default_rng(1))
with counting() as one:
    x, log_det, _ = student.z_to_x(z)
error = abs(step.multiply_adds / one.multiply_adds - 7)
lesson.claim("N22", "a step's multiply-adds, in student's passes, less 1 + 0 + 4 + 2", error, 0.2, reverse_kl)
free = student.base.log_prob(z) - log_det  # step 2
error = abs(free - student.log_prob(x)).max()
lesson.claim("N22", "log s(x) from z = log s(x) by inverting x", error, 1e-12, nfedu.Flow.log_prob)

# %% [markdown]
# **Trap: x held fixed.** Take x for given data and differentiate only what is written, $\log s(x) - \log t(x)$: the
# teacher drops out, and what is left has mean zero, since
#
# $$
# \mathbb E_{x \sim s}[\nabla_\theta \log s(x)] = \int s \frac{\nabla_\theta s}{s}\,dx = \nabla_\theta \int s\,dx =
# \nabla_\theta 1 = 0
# $$
#
# The loss is the right number, and its gradient is noise around 0. In a framework that is one `detach` of x.

# %%
along = []
for _ in range(200):
    student.nll(student.sample(100, rng))  # the gradient of −log s at x as it is; v as above
    along.append(v @ student.grad)
held, spread = np.mean(along), np.std(along) / np.sqrt(len(along))
print(f"  derivative along v: {expected:.3f} through x; {held:.3f} ± {spread:.3f} with x held fixed")
statement = "with x held fixed the mean gradient is 0, in standard errors"
lesson.claim("N22", statement, abs(held) / spread, 4, nfedu.Flow.nll)

# %% [markdown]
# ## In the plane
#
# The teacher learns from data: a bent ridge, with one mode. The student never sees these data; it starts as it comes,
# and takes 1500 times the four steps.


# %%
class Ridge(nfedu.AffineCoupling):
    def conditions(self, x1):
        return 0.5 * x1**2 - 1.0, -1.0 + 0.3 * np.sin(x1), None


data = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2, [1.3, 1.0]), Ridge(2, (), rng=rng)])
teacher = model(nfedu.MaskedAutoregressive, 2, 4, (64,), nfedu.Affine(2)).astype(np.float32)
options = {"batch_size": 500, "optimizer": nfedu.Adam(5e-3), "anneal": True, "average": 0.99}
nfedu.fit(teacher, data.sample(20_000, rng), rng=rng, epochs=lesson.pick(5, 15), **options)
student = model(nfedu.InverseAutoregressive, 2, 4, (64,), nfedu.Affine(2)).astype(np.float32)
moments, shots = [0, 2, 5, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 299, 400, 600, 800, 1000, 1250, 1499], {}


class Watched(nfedu.Adam):
    """Adam that keeps θ as it was at some steps, for a picture below."""

    def step(self, theta, grad):
        if self.t in moments:
            shots[self.t] = theta.astype(float)
        super().step(theta, grad)


untrained, _ = kl_divergence(student, teacher, 20_000, rng)
options = {"batch_size": 500, "optimizer": Watched(5e-3), "average": 0.99}
history = nfedu.distill(student, teacher, rng=rng, steps=lesson.pick(300, 1500), **options)
kl, error = kl_divergence(student, teacher, 20_000, rng)
print(f"  {history.steps} steps in {history.seconds:.1f} s")
print(f"  KL(s‖t) from {untrained:.2f} to {kl:.4f} ± {error:.4f} nats")
lesson.claim("N21", "2-D, one mode: KL(s‖t) in nats", kl, lesson.pick(0.5, 0.05), nfedu.distill)

# %% [markdown]
# That is a mean over the student's own samples. In the plane the integral can be summed over a grid, also where the
# student hardly goes: does it agree, and is the end of an arm missing?

# %%
low, high, points = np.array([-6.0, -3.0]), np.array([6.0, 12.0]), lesson.pick(300, 700)
cell = float(np.prod((high - low) / points))
exact = [flow.astype(float) for flow in (student, teacher)]
s, t = (density_on_grid(flow, low, high, points).density for flow in exact)
log_ratio = np.log(np.maximum(s, 1e-300)) - np.log(np.maximum(t, 1e-300))
quadrature = (s * log_ratio).sum() * cell
off = abs(reverse_kl(*exact, 20_000, rng) - quadrature) / error
print(f"  KL(s‖t) by quadrature over the plane: {quadrature:.4f}")
lesson.claim("N21", "KL at the student's samples against 2-D quadrature, in standard errors", off, 4, reverse_kl)
x1 = low[0] + (high[0] - low[0]) * (np.arange(points) + 0.5) / points
below = [np.cumsum(p.sum(axis=1)) * cell for p in (s, t)]  # mass with x₁ up to here
left = [np.interp(-3, x1, mass) for mass in below]
whole_arm = -np.log(1 - left[1])
print(f"  mass with x₁ < −3: student {left[0]:.2%}, teacher {left[1]:.2%}")
print(f"  to leave that end out would cost −log(1 − {left[1]:.2%}) = {whole_arm:.4f} nats")

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 3, figsize=(10, 6.2))
for ax, flow, title in zip(
    axes[0], (data, teacher, student), ("data", "teacher, a MAF", "student, an IAF"), strict=True
):
    show_density(ax, flow, low, high, points)
    ax.set(title=title, xlim=(-4, 4), ylim=(-2, 6))
seen = np.ma.masked_where(np.maximum(s, t) < 1e-4, log_ratio)
box = (low[0], high[0], low[1], high[1])
image = axes[1, 2].imshow(seen.T, origin="lower", extent=box, cmap="RdBu_r", vmin=-2, vmax=2)
axes[1, 2].set(title="log s − log t", xlim=(-4, 4), ylim=(-2, 6), xlabel="$x_1$", ylabel="$x_2$")
fig.colorbar(image, ax=axes[1, 2], extend="both", shrink=0.85, label="nats")
for mass, name, style in zip(below, ("student", "teacher"), ("-", "k--"), strict=True):
    axes[1, 1].semilogy(x1, mass, style, label=name)
axes[1, 1].set(xlim=(-4.5, 0), ylim=(1e-3, 1), xlabel="a", ylabel="mass with $x_1 < a$", title="the left arm")
axes[1, 1].legend()
smooth = np.maximum(np.convolve(history.train, np.ones(25) / 25, mode="valid"), 1e-3)
middle = np.arange(len(smooth)) + 12  # of 25 steps
axes[1, 0].semilogy(middle, smooth)
axes[1, 0].axhline(kl, color="0.6", linestyle=":", label=f"afterwards: {kl:.3f}")
axes[1, 0].set(xlabel="step", ylabel="KL(s‖t), mean of 25 steps, nats", title="distillation")
axes[1, 0].legend()
caption = f"""Above, densities of the data, of the teacher that learned from them, and of the student that learned from
the teacher, by its own samples. Below, the KL divergence during distillation; the mass in the left arm, of which
{left[1]:.1%} of the teacher's and {left[0]:.1%} of the student's lie at x₁ < −3; and where the two differ (red: more of
the student). A student without that end of the arm would pay only {whole_arm:.3f} nats for it (08b)."""
lesson.show(fig, "08a_plane", caption)

fig, axes = plt.subplots(1, 2, figsize=(7.8, 3.6), width_ratios=[1, 1.2])
learner = exact[0].astype(float)


def learning(k):
    learner.theta[:] = shots[list(shots)[k]]
    show_density(cleared(axes)[0], learner, [-4, -2], [4, 6], 200)
    axes[0].contour(x1, low[1] + (high[1] - low[1]) * (np.arange(points) + 0.5) / points, t.T, [0.01, 0.1], colors="w",
                    linewidths=0.8)  # fmt: skip
    axes[0].set(xlim=(-4, 4), ylim=(-2, 6))
    axes[1].semilogy(middle, smooth)
    axes[1].axvline(list(shots)[k], color="tab:red")
    axes[1].set(xlabel="step", ylabel="KL(s‖t), mean of 25 steps, nats", title="distillation")


caption = """The student after so many steps, and the teacher's level lines at 0.1 and 0.01 (white). First it
shrinks to where the teacher is densest, then it spreads along the ridge, from the middle outwards; the ends of both
arms come last, since it hardly ever draws a point there. (θ as it is at that step, not its running mean.)"""
lesson.slide(fig, learning, [f"step {step}" for step in shots], "08a_student", caption, "training", start=5)

# %% [markdown]
# ## In five lines
#
# - Distillation minimises $D_{KL}(s\|t)$ over the student; the teacher is frozen, and no data are needed (N21).
# - Four steps: sample the student, score by the student, score by the teacher, step down (N22). No slow direction.
# - The gradient goes *through x*: minus the teacher's score for $g_x$, and $-1$ for each log-scale.
# - With x held fixed the gradient is noise about 0.
# - A small KL may still hide a missing tail: the student is asked only where it is (08b).
#
# **Exercise.** Start the student wider, from `nfedu.Affine(2, s=3)`: does it reach the ends of the arms sooner? Watch
# $P(x_1 < -3)$ after 300 steps.

# %%
lesson.end()
