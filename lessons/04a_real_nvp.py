# %% [markdown]
# # 04a · RealNVP: affine coupling
#
# *Notes: Real-NVP — 前向, 反向, Jacobian. Statements N14–N16, misprints M6 and M7.*
# *Paper: Dinh, Sohl-Dickstein & Bengio 2016, "Density estimation using Real NVP".*
#
# NICE moves mass about and cannot compress it, except by one factor per coordinate, the same everywhere: its
# rescaling, last on the way x→z, so first from z. RealNVP lets every coupling scale as well as shift, by a factor
# that depends on where the point is. Lesson [04b](04b_deep_stacks.py) asks what many of them do to numbers,
# [04c](04c_images.py) makes a model of images.
#
# **What the notes say here:** it resembles NICE, but every layer scales. 前向: the first part passes; the
# second is multiplied by $\exp(\alpha_\theta)$ of the first and shifted by $\mu_\theta$ of it. 反向: subtract and
# divide. Jacobian: a triangle of blocks with $\mathrm{diag}(\exp \alpha_\theta)$ at its end, so the determinant is
# the product of these factors, the exponential of a sum. Two of these lines are misprinted.
#
# **What you need:** additive couplings ([03a](03a_nice.py)) and their bound ([03b](03b_volume.py)); log-dets that add
# ([02a](02a_composing_flows.py)); a coupling's backward, B5 ([00b](00b_backward_of_a_flow.py)).

# %%
import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu.checks import check_bijection, density_on_grid, layer_jacobians, level_area
from nfedu.course.lesson import begin
from nfedu.plotting import Stage, cleared, layer_by_layer, show_density, show_jacobian, show_stage, stages

lesson = begin("04a · RealNVP: affine coupling")
rng = np.random.default_rng(4)
log2, log3, log6 = np.log([2, 3, 6])

# %% [markdown]
# ## There and back (Real-NVP 前向, 反向)
#
# The first part passes; two functions of it, a log-scale $\alpha_\theta$ and a shift $\mu_\theta$, move the second.
# (Here one network gives both.)
#
# $$
# x_{1:d} = z_{1:d}, \qquad x_{d+1:n} = z_{d+1:n} \odot \exp(\alpha_\theta(z_{1:d})) + \mu_\theta(z_{1:d})
# $$ (N14)
#
# Given $x$, the first line says $z_{1:d} = x_{1:d}$. So $\alpha_\theta$ and $\mu_\theta$ are known, whatever networks
# they are, and the second line is $n{-}d$ equations with one unknown each. Their factors are never 0: no condition on
# θ is needed.
#
# $$
# z_{1:d} = x_{1:d}, \qquad z_{d+1:n} = (x_{d+1:n} - \mu_\theta(x_{1:d})) \odot \exp(-\alpha_\theta(x_{1:d}))
# $$ (N15)
#
# ```{literalinclude} ../nfedu/bijections/coupling/affine.py
# :pyobject: AffineCoupling.x_to_z
# ```
#
# ## Its Jacobian (Real-NVP Jacobian)
#
# $x_{1:d}$ depends on $z_{1:d}$ alone, by the identity: $I_d$ and a block of zeros. $x_i$ with $i > d$ depends on
# $z_i$, with slope $e^{\alpha_i}$, on no other $z_{j > d}$, and on $z_{1:d}$ through the networks, a block $C$ with the
# rows $\partial x_i/\partial z_{1:d} = z_i\,e^{\alpha_i}\,\partial\alpha_i/\partial z_{1:d} +
# \partial\mu_i/\partial z_{1:d}$:
#
# $$
# \frac{\partial x}{\partial z} = \begin{pmatrix} I_d & 0 \\ C & \mathrm{diag}\, e^{\alpha_\theta(z_{1:d})}
# \end{pmatrix}, \qquad \det = \prod_{i=d+1}^n e^{\alpha_\theta(z_{1:d})_i}
# = \exp\Bigl(\sum_{i=d+1}^n \alpha_\theta(z_{1:d})_i\Bigr)
# $$ (N16)
#
# The determinant does not see the block $C$, so nobody has to differentiate a network to get it.
#
# **What α learns.** Of a row's loss $-\log p_X(x) = \tfrac12 \lVert z\rVert^2 + \tfrac n2 \log 2\pi + \sum_i
# \alpha_i$ two terms hold $\alpha_i$. In N15 $\partial z_i/\partial\alpha_i = -(x_i - \mu_i) e^{-\alpha_i} = -z_i$,
# and $\partial (\sum_j \alpha_j)/\partial\alpha_i = 1$. So
#
# $$
# \frac{\partial(-\log p_X)}{\partial \alpha_i} = z_i \cdot (-z_i) + 1 = 1 - z_i^2, \qquad
# \frac{\partial(-\log p_X)}{\partial \mu_i} = -z_i e^{-\alpha_i}
# $$
#
# Both vanish on average where, given $x_{1:d}$, the latent $z_i$ has mean 0 and $\mathbb{E} z_i^2 = 1$: $e^{\alpha_i}$
# becomes the standard deviation of $x_i$ given $x_{1:d}$, and $\mu_i$ its mean. Without the log-det the 1 is missing, α
# grows for ever, and all of $x_{d+1:n}$ ends at 0 in z. The rest of the way, to the weights, is B5.
#
# **By hand.** $n = 3$, $d = 1$, $\mu = z_1 (-1, 4)$, $\alpha = z_1 (\log 2, \log 3)$, at $z = (1, 2, -1)$. Then $x_2
# = 2 \cdot 2 - 1 = 3$, $x_3 = -1 \cdot 3 + 4 = 1$, $\log|\det| = \log 6$, and
# $\log p_X(1, 3, 1)$ is $-\tfrac12 (1 + 4 + 1) - \tfrac32 \log 2\pi - \log 6 = -7.5486$. The Jacobian has the rows
# $(1, 0, 0)$, $(4 \log 2 - 1, 2, 0)$, $(4 - 3 \log 3, 0, 3)$. The loss has $g_\alpha = (1 - 4, 1 - 1) = (-3, 0)$,
# $g_\mu = (-2/2, 1/3)$: the latent 2 asks for more.

# %%
pencil = nfedu.AffineCoupling(3, (), d=1, bound=None, rng=rng)
weights = pencil.parameters()["net.W0"]
weights.value[...] = -1, 4, log2, log3
z, x = np.array([[1.0, 2.0, -1.0]]), np.array([[1.0, 3.0, 1.0]])
error = abs(pencil.z_to_x(z)[0] - x).max()
lesson.claim("N14", "pencil: z = (1, 2, −1) goes to x = (1, 3, 1)", error, 1e-14, nfedu.AffineCoupling.z_to_x)
J = [[1, 0, 0], [4 * log2 - 1, 2, 0], [4 - 3 * log3, 0, 3]]
error = abs(layer_jacobians(pencil, "z_to_x", z)[0][0] - J).max()
lesson.claim("N16", "pencil: the Jacobian, its block C and all", error, 1e-14, nfedu.AffineCoupling)
error = abs(pencil.x_to_z(x)[0] - z).max()
lesson.claim("N15", "pencil: x = (1, 3, 1) goes to z = (1, 2, −1)", error, 1e-14, nfedu.AffineCoupling.x_to_z)
flow = nfedu.Flow(nfedu.StandardNormal(3), [pencil])
error = abs(flow.log_prob(x)[0] + 3 + 1.5 * np.log(2 * np.pi) + log6)
lesson.claim("N16", "pencil: log p(1, 3, 1) = −3 − 3/2 log 2π − log 6", error, 1e-14, nfedu.Flow.log_prob)
flow.nll(x)
error = abs(weights.grad - [[-1, 1 / 3, -3, 0]]).max()
lesson.claim("N15", "pencil: the loss's gradient in μ and α", error, 1e-14, nfedu.AffineCoupling.x_to_z)

# %% [markdown]
# With a network, $n = 5$, and $\alpha = c \tanh(r)$ (why: [04b](04b_deep_stacks.py)): every sum written as a loop, by
# nobody's library. Then its Jacobian, by the complex step: determinant and blocks; and all that the checker asks.


# %%
def loops(layer, z):
    """N14 for one row, and Σ α, with plain Python numbers."""
    h = list(z[:2])
    for last, (W, b) in enumerate(zip(layer.net.weights, layer.net.biases, strict=True), 1 - len(layer.net.weights)):
        a = [sum(h[j] * W.value[j, k] for j in range(len(h))) + b.value[k] for k in range(len(b.value))]
        h = a if last == 0 else [np.tanh(v) for v in a]
    alpha = [c * np.tanh(r) for c, r in zip(layer.parameters()["scale"].value, h[3:], strict=True)]
    return [*z[:2], *(z[2 + i] * np.exp(alpha[i]) + h[i] for i in range(3))], sum(alpha)


coupling = nfedu.AffineCoupling(5, (16, 16), d=2, activation="tanh", rng=rng)
for p in coupling.parameters().values():
    p.value += 0.5 * rng.standard_normal(p.value.shape)
z = rng.standard_normal((200, 5))
x, log_det, _ = coupling.z_to_x(z)
by_hand = [loops(coupling, row) for row in z[:20]]
error = max(abs(x[:20] - [row for row, _ in by_hand]).max(), abs(log_det[:20] - [s for _, s in by_hand]).max())
lesson.claim("N14", "n = 5, d = 2: x and log-det = plain loops", error, 1e-13, nfedu.AffineCoupling.z_to_x)
lesson.claim("N15", "x_to_z undoes it", abs(coupling.x_to_z(x)[0] - z).max(), 1e-12, nfedu.AffineCoupling.x_to_z)

# %%
J, _ = layer_jacobians(coupling, "z_to_x", z)
error = abs(log_det - np.linalg.slogdet(J)[1]).max()
lesson.claim("N16", "Σ α = slogdet of the dense Jacobian", error, 1e-10, nfedu.AffineCoupling)
blocks = np.array([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [9, 9, 9, 0, 0], [9, 9, 0, 9, 0], [9, 9, 0, 0, 9]])  # 9: anything
off = abs(J - blocks)[:, blocks != 9].max()
lesson.claim("N16", "blocks I, 0 and zeros beside the diagonal, every point", off, 0, nfedu.AffineCoupling)
print(check_bijection(coupling, x[:6]).summary())

# %% tags=["hide-input"]
draw = np.random.default_rng(3)
pair = [nfedu.AffineCoupling(2, (16,), flip=flip, activation="tanh", rng=draw) for flip in (False, True)]
for layer in pair:
    layer.net.weights[-1].value *= 7  # fresh couplings are nearly the identity: make it visible
fig, axes = plt.subplots(2, 4, figsize=(9.8, 5), width_ratios=[1, 1, 1, 1.15])
names = ["before: x = z", "one coupling: $x_2$ changes", "then flipped: $x_1$ too"]
for column, (stage, title) in enumerate(zip(stages(nfedu.StandardNormal(2), pair), names, strict=True)):
    show_stage(axes[0, column], axes[1, column], stage, title, 4, 400)
fig.colorbar(show_jacobian(axes[0, 3], J[0]), ax=axes[0, 3], shrink=0.8)
axes[0, 3].set_title("∂x/∂z, n = 5, d = 2")
mesh = np.stack(np.meshgrid(*[np.linspace(-2, 2, 81)] * 2), axis=2).reshape(-1, 2)
area = nfedu.Chain(pair).z_to_x(mesh)[1].reshape(81, 81)
image = axes[1, 3].imshow(area, origin="lower", extent=(-2, 2, -2, 2), cmap="RdBu_r", vmin=-1.8, vmax=1.8)
fig.colorbar(image, ax=axes[1, 3], shrink=0.8)
axes[1, 3].set(title="log of a cell's area after / before", xlabel="$z_1$", ylabel="$z_2$")
caption = """Two couplings at work on a grid (above) and on N(0, I) (below, colour: p^0.6). A coupling stretches or
squeezes each vertical line as a whole, then shifts it: cells change their area by e^α, and the density is high where
cells are small. Right: the Jacobian of a larger coupling has e^α on its lower diagonal (grey: exactly 0); the log-det
of both couplings over the plane of z, which says how much each place is thinned (red) or compressed (blue)."""
lesson.show(fig, "04a_warp", caption)

# %% [markdown]
# ### Errata
#
# **M6.** The notes divide by $\exp(z_{1:d})$ on the way back; it must be $\exp(\alpha_\theta(x_{1:d}))$. (That they
# take $\mu_\theta$ at $z_{1:d}$ there is right: it is $x_{1:d}$, and known first.) In the example by hand the printed
# form gives $z_2 = (3 + 1)/e^1 = 1.47$ and not 2. (With $1 < d \ne n - d$ not even the shapes fit.)
#
# **M7.** They sum $\alpha_\theta(z_{1:d})$ over $i$ without writing $i$: then every term is the whole vector, the sum
# $n{-}d$ times that vector, and no number at all. By hand: $2\,(\log 2, \log 3)$ for $\log 6$, off by $\log \tfrac32$
# in either entry.

# %%
z, x = np.array([1.0, 2.0, -1.0]), np.array([1.0, 3.0, 1.0])
printed = abs((x[1:] - [-1, 4]) / np.exp(z[:1]) - z[1:]).max()
error = abs(pencil.x_to_z(x[None])[0][0] - z).max()
lesson.claim("M6", "by hand: z_b = (x_b − μ) / e^α; printed: / e^{z_a}", error, 1e-12, nfedu.AffineCoupling, printed)
printed = min(abs((3 - 1) * np.array([log2, log3]) - log6))
error = abs(pencil.z_to_x(z[None])[1][0] - log6)
lesson.claim("M7", "by hand: log|det| = Σ_i α_i; printed: Σ_i α", error, 1e-12, nfedu.AffineCoupling, printed)

# %% [markdown]
# ## Data whose density varies by orders of magnitude
#
# A river: $x_1 \sim N(0, 1.5^2)$, and across it, given $x_1$, a Gaussian bed about $\sin x_1$ of width
# $e^{\alpha(x_1)}$, $\alpha = -1.7 + 1.8 \cos 2x_1$, between 0.03 and 1.1. By what α learns, *one* affine coupling
# with the right networks is this density. Its entropy has a closed form, since $-\log p_X = -\log p_Z + \log|\det|$:
# the base's, plus the mean log-det, $\log 2\pi e + \log 1.5 + \mathbb{E}\alpha$, with $\mathbb{E} \cos 2x_1 = e^{-2
# \cdot 1.5^2}$ (the Gaussian's characteristic function). NICE cannot represent it: lesson 03 derived the least loss
# that additive couplings and one rescaling reach, $1 + \log \mathbb{E}[A]$.


# %%
class River(nfedu.AffineCoupling):
    def conditions(self, x1):
        return np.sin(x1), -1.7 + 1.8 * np.cos(2 * x1), None


river = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2, [1.5, 1.0]), River(2, (), rng=rng)])
grid, cell = density_on_grid(river, -6, 6, 1500), (12 / 1500) ** 2
bound = 1 + np.log(level_area(grid.density, cell))
points, held_out = river.sample(20_000, rng), river.sample(20_000, rng)
log_p = river.log_prob(held_out)
entropy = np.log(2 * np.pi * np.e) + np.log(1.5) - 1.7 + 1.8 * np.exp(-2 * 1.5**2)
error = abs(log_p.mean() + entropy) / (log_p.std() / np.sqrt(len(log_p)))
lesson.claim("N16", "the river's entropy, from 20,000 draws: off by standard errors", error, 4, nfedu.Flow.log_prob)


# %%
def stack(kind, depth=8):
    layers = [kind(2, (64, 64), flip=bool(m % 2), activation="tanh", rng=rng) for m in range(depth)]
    return nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2), *layers]).astype(np.float32)


losses, flows = {}, {"NICE": stack(nfedu.AdditiveCoupling), "RealNVP": stack(nfedu.AffineCoupling)}
options = {"batch_size": 500, "optimizer": nfedu.Adam(4e-3), "anneal": True, "average": 0.99}
for name, flow in flows.items():
    history = nfedu.fit(flow, points, rng=rng, epochs=lesson.pick(6, 20), **options)
    losses[name] = -flow.log_prob(held_out).mean()
    print(f"  {name}: {losses[name]:.3f} nats after {history.steps} steps in {history.seconds:.1f} s")
lesson.claim("N14", "RealNVP's loss − the least of any NICE, nats", losses["RealNVP"] - bound, 0, nfedu.fit)
error = losses["RealNVP"] + log_p.mean()
lesson.claim("N14", "KL(river‖RealNVP) on held-out points, nats", error, lesson.pick(0.25, 0.06), nfedu.fit)

layers = flows["RealNVP"].bijection.bijections
c = np.array([abs(layer.parameters()["scale"].value[0]) for layer in layers[1:]])
print("  α = c tanh(r): c, 1 at the start, is after training", ", ".join(f"{v:.2f}" for v in c))
lesson.claim("N14", "α's bound is learned: 1 / largest |c| after training", 1 / c.max(), 0.95, nfedu.fit)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 2, figsize=(7.6, 7))
titles = [f"the river, entropy {entropy:.3f} nats", f"NICE: {losses['NICE']:.3f} nats (none below {bound:.3f})"]
titles += [f"RealNVP: {losses['RealNVP']:.3f} nats"]
for ax, flow, title in zip(axes.flat, [river, *flows.values()], titles, strict=False):
    show_density(ax, flow, -6, 6, lesson.pick(500, 900), gamma=0.3, most=grid.density.max(), bar=flow is not river)
    ax.set(title=title, xlim=(-4, 4), ylim=(-4, 4))
curves = axes[1, 1]
for name, flow in ({"river": river} | flows).items():
    style = {"color": "0.3", "linestyle": "--", "zorder": 3} if name == "river" else {}
    curves.plot(np.sort(np.exp(flow.log_prob(held_out)))[::-1], label=name, **style)
curves.set(yscale="log", ylim=(1e-4, 5), xlabel="held-out points, sorted", ylabel="density at these points")
curves.legend()
caption = """The same eight couplings, networks and steps, additive and affine (colour: p^0.3, one scale). NICE's
density has one ceiling for the whole plane: it cannot be as dense as the narrows. RealNVP compresses there, and follows
the river's density over more than two orders of magnitude."""
lesson.show(fig, "04a_river", caption)

bed, (fig, axes) = River(2, (), rng=np.random.default_rng(0)), plt.subplots(1, 2, figsize=(7.4, 3.8))
turned = [(s, 0.0) for s in np.linspace(0, 1, 11)] + [(1.0, t) for t in np.linspace(0.2, 1, 5)]


def grown(k):
    s, t = turned[k]
    bed.conditions = lambda z1: (t * np.sin(z1), s * (-1.7 + 1.8 * np.cos(2 * z1)), None)
    stage = Stage(nfedu.StandardNormal(2), [river.bijection.bijections[0], bed])
    show_stage(cleared(axes)[0], None, stage, "$x_2 = z_2 e^{s α(z_1)} + t μ(z_1)$", 4)
    show_density(axes[1], stage, -4, 4, 300, gamma=0.3)
    axes[1].set(xticks=range(-4, 5, 2), yticks=[], ylabel="")


caption = """One coupling becomes the river: first its log-scale is turned on, s from 0 to 1, then its shift, t (colour:
p^0.3). Scaling stretches or squeezes each vertical line about its middle, and the density changes where cells change
their size; shifting moves each line as a whole, and no density changes."""
words = [f"s = {s:.1f}, t = {t:.1f}" for s, t in turned]
lesson.slide(fig, grown, words, "04a_turned", caption, "scale s, then shift t", start=10)

fig, axes = plt.subplots(1, 2, figsize=(7.4, 3.8))
after = ["rescaling", *(f"coupling {m}: $x_{2 - (m - 1) % 2}$ moves" for m in range(1, 9))]
passed = stages(nfedu.StandardNormal(2), layers)


def learned(k):
    show_stage(*cleared(axes), passed[k], f"after {after[k - 1]}" if k else "the base", 4)


caption = """The trained flow on a grid and on the density, layer by layer (colour: p^0.6). Couplings that move x₂ widen
and narrow the bed, by a bounded factor each; those that move x₁ put the mass where that is needed."""
words = ["no layer", "the rescaling", *(f"coupling {m}" for m in range(1, 9))]
lesson.slide(fig, learned, words, "04a_layers", caption, "after", start=9)
z = rng.standard_normal((3000, 2)).astype(np.float32)
fig, axes = plt.subplots(1, 2, figsize=(6.6, 3.9), dpi=90)
draw, frames = layer_by_layer(*axes, layers, z, after, steps=lesson.pick(1, 4))
caption = """Latents become the river. Each coupling moves points along one axis only: every line along that axis is
stretched and shifted as a whole, by amounts that differ from line to line."""
lesson.animate(fig, draw, frames, "04a_layer_by_layer", caption)

# %% [markdown]
# ## Summary
#
# A coupling may scale as well as shift by any functions of what passes, and is undone without undoing them (N14,
# N15). Its Jacobian is triangular and its log-det the sum of the log-scales (N16). Maximum likelihood makes $e^\alpha$
# the standard deviation of what it scales, so density can vary: on the river RealNVP passes the bound of any NICE.
#
# **Exercise.** Set every parameter named `scale` of the river's RealNVP to 0: what is left is additive. How many nats
# does that cost, and why more than the gap to NICE? How near does one trained coupling of the right orientation come?
# %%
lesson.end()
