# %% [markdown]
# # 02a · Composing flows
#
# *Notes: 归一化流模型, its density, its sampling, its composition (组合). Statements N6 and N7, misprint M3.*
#
# **What the notes say here:**
#
# 1. In a normalizing flow (归一化流) a network with parameters gives the map, $f_\theta: \mathbb{R}^n \to
#    \mathbb{R}^n$.
# 2. Its density is that of the last lesson; the determinant is the part that normalizes (归一化部分).
# 3. $p_Z$ is a known prior (先验分布): that is what sampling rests on (采样的基础).
# 4. The basic structure is a composition, $Z_M = f^{(M)} \circ \dots \circ f^{(1)}(Z_0)$, whose determinants multiply.
# 5. The key question: how to make sure that $f_\theta$ can be inverted (关键在于如何确保可逆).
#
# **What you need:** [01b](01b_many_dimensions.py); the chain rule for Jacobians; $\det AB = \det A \det B$.

# %%
import copy

import numpy as np
from matplotlib import pyplot as plt
from scipy import stats

import nfedu
from nfedu.checks import check_flow, density_on_grid, jacobians, layer_jacobians, misfit
from nfedu.course.lesson import begin
from nfedu.plotting import samples_axes, show_density, show_sum, show_warp, stages

lesson = begin("02a · Composing flows")
rng = np.random.default_rng(2)

# %% [markdown]
# ## A flow with parameters (归一化流模型)
#
# Let the map be a network's, $X = f_\theta(Z)$, $Z = f_\theta^{-1}(X)$. The change of variables (N3) reads
#
# $$
# p_X(x; \theta) = p_Z\big(f_\theta^{-1}(x)\big)\,\left|\det \frac{\partial f_\theta^{-1}(x)}{\partial x}\right|
# $$ (N6)
#
# The second factor is what *normalizes*: it makes the integral one whatever θ is, by substitution: $\int
# p_Z(h(x))\,|\det \partial h/\partial x|\,dx = \int p_Z(z)\,dz = 1$. A network whose output is called a density has no
# such luck.
#
# **Three requirements** follow (as Ermon and Grover's notes for Stanford's CS236 list them):
#
# 1. $f_\theta$ must be *invertible* for every θ that training may reach, and the inverse computable;
# 2. its log-determinant must be *cheap*, with a gradient;
# 3. the base must be easy to *sample* and to *evaluate*, as $N(0, I)$ is; and by 维度一致 $f_\theta$ keeps the
#    dimension.
#
# The first is the notes' key question. A network is not invertible by itself; training would not keep it so if it were.
# Each of the coming lessons is one answer, *by construction*, for all θ:
#
# | layer | invertible, because | its inverse costs | its log-det is |
# |---|---|---|---|
# | scalar maps (01a) | each coordinate's map is monotone | a formula | a sum of log-slopes |
# | coupling (03, 04) | what the network looks at passes unchanged | as much as the map | 0, or a sum of log-scales |
# | autoregressive (06, 07) | coordinates are solved for one by one | one way in n steps | a sum of log-scales |
# | MintNet (09) | triangular with a positive diagonal | an iteration | a sum of log-slopes |
# | composition (below) | each of its parts is | the parts', in reverse | the parts', added |
#
# **Sampling** is the easy direction: draw $z \sim p_Z$ (a known density, with a sampler), push it: $x = f_\theta(z)$.
# No determinant is needed, and by N6 the points have the density $p_X$. In the library all this is `Flow`: a base
# distribution and bijections, given in the order in which $z$ meets them.


# %%
def twisted(rng):
    """Four layers in the plane, with weights large enough to be seen."""
    first, second = (nfedu.AdditiveCoupling(2, (16,), flip=flip, activation="tanh", rng=rng) for flip in (False, True))
    layers = [nfedu.Rescale(2, [1.2, 0.6]), first, second, nfedu.SinhArcsinh(2, 0.4, 1.3)]
    flow = nfedu.Flow(nfedu.StandardNormal(2), layers)
    for layer in (first, second):
        layer.net.weights[-1].value[...] = 0.8 * rng.standard_normal((16, 1))
    return flow


flow = twisted(rng)
report = check_flow(flow, flow.sample(6, rng))
print(report.summary())
lesson.claim("N6", "number of checks of a 2-D flow that fail", len(report.failures), 0, check_flow)

# %% [markdown]
# Is `log_prob` the N6 of that map? The determinant is of a numerical Jacobian, so that no log-det of ours is used.

# %%
x = flow.sample(200, rng)
J = jacobians(lambda x: flow.bijection.x_to_z(x)[0], x)  # by the complex step
det = J[:, 0, 0] * J[:, 1, 1] - J[:, 0, 1] * J[:, 1, 0]
by_hand = stats.norm.logpdf(flow.x_to_z(x)[0]).sum(axis=1) + np.log(abs(det))
words = "log p at 200 points: SciPy's normal and a numerical 2×2 determinant"
lesson.claim("N6", words, abs(flow.log_prob(x) - by_hand).max(), 1e-12, nfedu.Flow.log_prob)

# %% [markdown]
# And do samples have that density? We count them in cells.

# %%
x = flow.sample(200_000, rng)
error = abs(misfit(x, flow, (-3, -3), (3, 3)))
lesson.claim("N6", "200 000 samples counted in 145 cells: χ² against p, in deviations", error, 4, nfedu.Flow.sample)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 4, figsize=(10, 2.9))
z = rng.standard_normal((3000, 2))
samples_axes(axes[0], z, -4, 4, "tab:blue", "z")
show_warp(axes[1], lambda z: flow.z_to_x(z)[0])
samples_axes(axes[2], flow.z_to_x(z)[0], -3.5, 3.5, "tab:orange")
show_density(axes[3], flow, -3.5, 3.5, bar=True)
for ax, title in zip(axes, ["draw z", "a grid under f", "push it: x = f(z)", "p(x) by N6"], strict=True):
    half = 4 if ax is axes[0] else 3.5
    ax.set(title=title, xlim=(-half, half), ylim=(-half, half))
caption = """Sampling: latents are drawn from the base and pushed through the map. The cloud and the density, which is
computed the other way round, from x to z, agree: points are many where p is bright."""
lesson.show(fig, "02a_sampling", caption)

# %% [markdown]
# ## Composition (组合)
#
# One invertible map with an affordable determinant is a poor model. Many of them, one after the other, are a rich one,
# and stay as easy. Let $Z_0 = Z$, $Z_m = f^{(m)}(Z_{m-1})$ and $X = Z_M$, so $X = f^{(M)} \circ \dots \circ
# f^{(1)}(Z_0)$. The inverse undoes the last layer first: $Z_{m-1} = (f^{(m)})^{-1}(Z_m)$ for $m = M, \dots, 1$. The
# chain rule for this composition is a product of matrices, each at the point that the data have reached by then:
#
# $$
# \frac{\partial f_\theta^{-1}(x)}{\partial x} =
# \frac{\partial Z_0}{\partial Z_1}\,\frac{\partial Z_1}{\partial Z_2} \cdots \frac{\partial Z_{M-1}}{\partial Z_M},
# \qquad
# \frac{\partial Z_{m-1}}{\partial Z_m} = \frac{\partial (f^{(m)})^{-1}(Z_m)}{\partial Z_m}.
# $$
#
# The determinant of a product is the product of the determinants, and so is its modulus:
#
# $$
# p_X(x; \theta) = p_Z\big(f_\theta^{-1}(x)\big)
# \prod_{m=1}^{M} \left|\det \frac{\partial (f^{(m)})^{-1}(Z_m)}{\partial Z_m}\right|
# $$ (N7)
#
# So log-dets add: `Chain` composes the maps and adds. Since $\partial(\ell_1 + \dots + \ell_M)/\partial \ell_m = 1$ its
# `backward` hands the same `g_log_det` to every layer ([00b](00b_backward_of_a_flow.py)).
#
# **By hand.** $z_1 = 2z_0 + 1$, then $x = e^{z_1}$, at $z_0 = 1$: $z_1 = 3$, $x = e^3$. On the way back $\partial
# z_1/\partial x = 1/x = e^{-3}$ and $\partial z_0/\partial z_1 = \frac12$. So $\log p_X(e^3) = \log p_Z(1) - \log 2 -
# 3$, which is $-1.4189 - 0.6931 - 3 = -5.1121$. The same by one formula: $X$ is log-normal, the exponential of
# $N(1, 2^2)$.

# %%
two = nfedu.Flow(nfedu.StandardNormal(1), [nfedu.Affine(1, 2.0, 1.0), nfedu.Exp(1)])
log_p = two.log_prob(np.exp([[3.0]]))[0]
error = max(abs(log_p + 5.1121) - 5e-5, abs(log_p - stats.lognorm(2, scale=np.e).logpdf(np.exp(3.0))))
lesson.claim("N7", "pencil: log p(e³) = −5.1121, and SciPy's log-normal", error, 1e-12, nfedu.Chain)

# %% [markdown]
# Five kinds of layers in a row, in one, three and five dimensions: the sum against one determinant of the whole.

# %%
worst = 0.0
for n in (1, 3, 5):
    layers = [nfedu.SinhArcsinh(n, 0.3, 0.9), nfedu.Rescale(n, rng.uniform(-2, -0.5, n))]
    layers += [nfedu.Reverse(n), nfedu.Exp(n)]
    layers += [nfedu.AffineCoupling(n, (8,), activation="tanh", rng=rng)] if n > 1 else []
    chain = nfedu.Chain(layers)
    z = 0.5 * rng.standard_normal((50, n))
    x, log_det, _ = chain.z_to_x(z)
    for direction, at, found in (("z_to_x", z, log_det), ("x_to_z", x, chain.x_to_z(x)[1])):
        dense = np.linalg.slogdet(layer_jacobians(chain, direction, at)[0])[1]
        worst = max(worst, abs(found - dense).max())
lesson.claim("N7", "sum of the layers' log-dets = slogdet of the whole Jacobian", worst, 1e-10, nfedu.Chain)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 5, figsize=(10, 4.2))
for m in range(5):
    layers = [nfedu.Shift(2), *copy.deepcopy(flow.bijection.bijections[:m])]  # a shift by 0 stands for no layer at all
    prefix = nfedu.Flow(flow.base, layers)
    show_density(axes[0, m], prefix, -9, 9, points=600, most=0.62, bar=m == 4)
    show_warp(axes[1, m], lambda z, prefix=prefix: prefix.z_to_x(z)[0])
    axes[0, m].set_title(f"after {m}: {type(layers[m]).__name__}" if m else "base, N(0, I)")
    for ax in axes[:, m]:
        ax.set(xlim=(-4, 4), ylim=(-4, 4), xticks=(-3, 0, 3), yticks=(-3, 0, 3), ylabel="" if m else "$x_2$")
        ax.tick_params(labelleft=m == 0)
caption = """Above the density after each layer (one scale of colours; ∫ p over a box twice as wide), below what has
become of a square grid. Each picture is a flow by itself. Rescaling and sinh-arcsinh change the cells' areas and the
peak; the couplings only shear them, and the peak stays."""
lesson.show(fig, "02a_layer_by_layer", caption)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(8.6, 3.2), width_ratios=[1, 1, 1.1])
names = ["base", *(type(layer).__name__ for layer in flow.bijection.bijections)]
z0 = np.array([[-0.6, 0.9]])


def after(k):
    show_sum(axes, stages(flow.base, flow.bijection.bijections), k, z0, names)


caption = """Layer after layer: what has become of a grid and of the density, and of one point (circle). Its log p is a
sum, to which each layer adds the log-det of its inverse there: nothing for the couplings, which only shear; here more
than nothing (blue) for the others, since cells shrink at this place. (Each density's colours end at its own peak.)"""
words = [f"after {k}: {name}" if k else name for k, name in enumerate(names)]
lesson.slide(fig, after, words, "02a_sum", caption, "layers", start=4)

# %% [markdown]
# ### Erratum
#
# **M3.** The notes print the factor as $\partial f^{(m)}(Z_{m-1})/\partial Z_m$. But $f^{(m)}(Z_{m-1})$ *is* $Z_m$, so
# that factor is $\partial Z_m/\partial Z_m = 1$: a density without its normalizing part.


# %%
class Printed:
    n = 2

    def log_prob(self, x):
        return flow.base.log_prob(flow.x_to_z(x)[0])  # every factor 1


printed = abs(density_on_grid(Printed(), -6, 6, 500).integral - 1)
corrected = abs(density_on_grid(flow, -6, 6, 500).integral - 1)
lesson.claim("M3", "|∫p − 1| with the inverses' Jacobians; printed: factors 1", corrected, 1e-3, nfedu.Chain, printed)

# %% [markdown]
# ## What simple layers do to a grid and to a density
#
# The library's layers without a network, each with the standard normal's density before it. All are invertible because
# they are monotone in each coordinate, or exchange coordinates; a triangular matrix is a coupling with a linear
# network.

# %% tags=["hide-input"]
linear = nfedu.AdditiveCoupling(2, (), rng=rng)
linear.net.weights[0].value[...] = 0.8
layers = {
    "Affine": nfedu.Affine(2, [1.6, 0.6], [0.5, -1]),
    "SinhArcsinh": nfedu.SinhArcsinh(2, [0.6, 0], [1, 0.7]),
    "Exp": nfedu.Exp(2),
    "Logit, inverse": nfedu.Chain([nfedu.Rescale(2, 2.0), nfedu.Logit(2, margin=0.0)]),
    "linear coupling": linear,
    "that, then Reverse": nfedu.Chain([copy.deepcopy(linear), nfedu.Reverse(2)]),
}
boxes = {"SinhArcsinh": (-5, 5, 4), "Exp": (1e-3, 8, 4), "Logit, inverse": (1e-3, 1 - 1e-3, 0.5)}
fig, axes = plt.subplots(2, 6, figsize=(10, 3.7))
for (above, below), (name, layer) in zip(axes.T, layers.items(), strict=True):
    low, high, step = boxes.get(name, (-4, 4, 3))
    ticks = step * np.arange(-1, 2) if low < 0 else step * np.arange(3)
    show_warp(above, lambda z, layer=layer: layer.z_to_x(z)[0], lines=9)
    show_density(below, nfedu.Flow(nfedu.StandardNormal(2), layer), low, high, points=300)
    for ax in (above, below):
        ax.set(xticks=ticks, yticks=ticks, xlim=(round(low), round(high)), ylim=(round(low), round(high)))
        ax.set_ylabel("$x_2$" if name == "Affine" else "")
    above.set(title=name, xlabel="")
caption = """A grid over [−2, 2]² (above) and the standard normal's density (below) after one layer; colours from 0 to
each picture's own maximum. Where lines crowd, the density is high. Exp and the inverse logit map the plane onto a
quarter of it and onto a square; exchanging the coordinates reflects the picture. (∫ p over the box that is shown.)"""
lesson.show(fig, "02a_layers", caption)

# %% [markdown]
# ## In five lines
#
# - A flow is a base density and an invertible map with parameters; the determinant normalizes, whatever θ is.
# - Three requirements: invertible for all θ, a cheap log-determinant, a base that is easy to sample and to evaluate.
# - To sample: draw $z$, push it. For the density: pull $x$ back and add the log-determinant.
# - Compositions of flows are flows; the log-dets add, each layer's taken at the point that has been reached there.
# - So we need layers that are invertible by construction, and learn only what is inside them.
#
# **Exercise.** Show that two lower triangular layers in a row are one, so nothing is gained; then put
# `nfedu.Reverse(n)` between them. Which matrices can you reach now that you could not before? (Hint: what is reverse ·
# lower · reverse?)
# %%
lesson.end()
