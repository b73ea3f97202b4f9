# %% [markdown]
# # 00b · Backward of a flow
#
# *Notes: 优化目标 holds a log|det|, which has to be differentiated too. Statements B5–B6.*
#
# A flow is an invertible map $z \to x$ made of layers; its loss is the mean of $-\log p(x) = -\log p_Z(z) - \log|\det
# \partial z/\partial x|$ (lessons 01 and 02; taken as given here). So a layer returns two things for each point, its
# output and its log-determinant, and both reach the loss. This lesson derives what ordinary networks never meet:
# backward through a coupling with its two outputs, and through $\log|\det W|$. The rule is that of
# [00a](00a_backward_by_hand.py): write $\langle g, dy\rangle$, move everything off $dx$ (B1).

# %%
import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu.checks import gradient, jacobians, parameter_gradients, worst_difference
from nfedu.course.lesson import begin
from nfedu.plotting import show_graph, show_jacobian, show_surface

lesson = begin("00b · Backward of a flow")
rng = np.random.default_rng(1)
log2 = np.log(2)

# %% [markdown]
# ## A coupling and its two outputs
#
# RealNVP's layer (lesson 04): $x_a = z_a$, $x_b = z_b \odot e^{\alpha} + \mu$ with $\mu, \alpha$ a network's functions
# of $z_a$, and $\ell = \log|\det \partial x/\partial z| = \sum_i \alpha_i$. The loss depends on $x$ *and* on $\ell$, so
# two gradients come in, $g_x$ and for each row the number $g_\ell = \partial L/\partial \ell$, and $dL = \langle g_x,
# dx\rangle + g_\ell\,d\ell$. The differentials, line by line:
#
# $$
# dx_a = dz_a, \qquad dx_b = e^{\alpha} \odot dz_b + (z_b \odot e^{\alpha}) \odot d\alpha + d\mu, \qquad d\ell =
# \textstyle\sum_i d\alpha_i
# $$
#
# Insert and collect what multiplies each: $\langle g_b, (z_b \odot e^\alpha) \odot d\alpha\rangle + g_\ell \sum_i
# d\alpha_i$ is $\langle g_b \odot z_b \odot e^\alpha + g_\ell \mathbf 1, d\alpha\rangle$, so
#
# $$
# g_{z_b} = g_b \odot e^\alpha, \quad g_\mu = g_b, \quad g_\alpha = g_b \odot z_b \odot e^\alpha + g_\ell, \quad
# g_{z_a} = g_a + J_{\text{net}}^\top (g_\mu, g_\alpha)
# $$ (B5)
#
# $\alpha$ is used twice, in $x_b$ and in $\ell$: two terms. So is $z_a$, which passes *and* feeds the network. Forget
# either and nothing crashes. Other way, $z_b = (x_b - \mu) \odot e^{-\alpha}$, $\ell = -\sum_i \alpha_i$: now $dz_b =
# e^{-\alpha} \odot (dx_b - d\mu) - z_b \odot d\alpha$, so $g_{x_b} = g_b \odot e^{-\alpha}$, $g_\mu = -g_{x_b}$ and
# $g_\alpha = -g_b \odot z_b - g_\ell$. (`conditions` is the network; the library bounds $\alpha$ by a tanh, lesson 04.)
#
# ```{literalinclude} ../nfedu/bijections/coupling/affine.py
# :pyobject: AffineCoupling.z_to_x
# ```
#
# **By hand.** $n = 2$, $\mu = 3 z_a$, $\alpha = z_a \log 2$, at $z = (1, 2)$: $\alpha = \log 2$, $x_b = 2 \cdot 2 + 3
# = 7$. Let $g_x = (1, 1)$, $g_\ell = -1$. Then $g_{z_b} = 2$, $g_\mu = 1$, $g_\alpha = 1 \cdot 4 - 1 = 3$, and
# $g_{z_a} = 1 + 3 \cdot 1 + \log 2 \cdot 3 \approx 6.0794$. The weights $(3, \log 2)$ get $z_a (g_\mu, g_\alpha) = (1,
# 3)$.

# %%
layer = nfedu.AffineCoupling(2, (), bound=None, rng=rng)
weights = layer.parameters()["net.W0"]
weights.value[...] = 3, log2
x, log_det, backward = layer.z_to_x(np.array([[1.0, 2.0]]))
g_z = backward(np.array([[1.0, 1.0]]), np.array([-1.0]))
error = worst_difference([x, log_det, g_z, weights.grad], [[[1, 7]], [log2], [[4 + 3 * log2, 2]], [[1, 3]]])
lesson.claim("B5", "pencil: x, log-det, g_z and the weights' gradient", error, 1e-14, nfedu.AffineCoupling.z_to_x)

# %% [markdown]
# And with a network, $n = 5$, four points: $L = \langle g, \text{output}\rangle + \sum g_\ell\,\ell$ has just these
# $g$ and $g_\ell$ for its gradients, so its own gradients, by the complex step, are what `backward` must return.

# %%
layer = nfedu.AffineCoupling(5, (6,), activation="tanh", rng=rng)
layer.net.weights[-1].value *= 10  # so that it is far from the identity
at, g, g_log_det = rng.standard_normal((4, 5)), rng.standard_normal((4, 5)), rng.standard_normal(4)
worst = 0.0
for direction in ("z_to_x", "x_to_z"):

    def loss(layer, y, direction=direction):
        out, log_det, _ = getattr(layer, direction)(y)
        return (g * out).sum() + g_log_det @ log_det

    for p in layer.parameters().values():
        p.grad[...] = 0
    g_in = getattr(layer, direction)(at)[2](g, g_log_det)
    found = [gradient(lambda y, loss=loss: loss(layer, y), at)]
    found += parameter_gradients(lambda twin, loss=loss: loss(twin, at), layer)
    worst = max(worst, worst_difference([g_in, *(p.grad for p in layer.parameters().values())], found))
words = "n = 5, both directions: input and all parameters, complex step"
lesson.claim("B5", words, worst, 1e-13, nfedu.AffineCoupling)

# %% tags=["hide-input"]
nodes = {
    "$z_a$": (-0.2, 1, "1", "1 + 3\n+ 3 log 2\n= 6.08"),
    "$z_b$": (0, -1, "2", "1 · 2 = 2"),
    "$μ$": (1, 0.45, "3", "1"),
    "$α$": (1, -0.3, "log 2", "1 · 4 − 1\n= 3"),
    "$e^α z_b$": (2, -1, "4", "1"),
    "$x_a$": (3, 1, "1", "$g_a$ = 1"),
    "$x_b$": (3, 0, "7", "$g_b$ = 1"),
    "$ℓ$": (3, -0.75, "log 2", "$g_ℓ$ = −1"),
}
edges = [("$z_a$", "$x_a$", "passes"), ("$z_a$", "$μ$", "· 3"), ("$z_a$", "$α$", "· log 2"), ("$μ$", "$x_b$", "+")]
edges += [("$z_b$", "$e^α z_b$", "· $e^α$"), ("$α$", "$e^α z_b$", "· $z_b e^α$"), ("$e^α z_b$", "$x_b$", "+")]
fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.3), width_ratios=[1.7, 1])
show_graph(left, nodes, [*edges, ("$α$", "$ℓ$", "Σ")])
J = jacobians(lambda z: np.column_stack(layer.z_to_x(z)[:2]), at[:1])[0]
fig.colorbar(show_jacobian(right, J), ax=right, shrink=0.8)
right.axhline(4.5, color="black")
right.set_yticks(range(6), [*"12345", "ℓ"])
right.set_title("all that backward must know, n = 5, d = 2")
caption = """Left: the pencil example; values (blue) go with the arrows, gradients (red) against them, times the slope
that stands on the arrow (1 for +, Σ and passes). z_a has three arrows going out, α two: so many terms their gradients
have. Right: a coupling's Jacobian with the log-det for a last row, by the complex step (grey: exactly 0). A backward
multiplies this matrix from the left by the row (g_x, g_ℓ). The lower left block is the network's; without it or the
last row, training still runs, towards something else."""
lesson.show(fig, "00b_coupling", caption)

# %% [markdown]
# ## The log-determinant's own gradient
#
# Expand $\det W$ along row $i$: $\det W = \sum_k W_{ik} C_{ik}$. The cofactor $C_{ik}$ is made of the *other* rows, so
# $\partial \det W/\partial W_{ij} = C_{ij}$. And $(W^{-1})_{ji} = C_{ij}/\det W$ (Cramer): $\sum_k W_{ik} C_{jk}$ is
# $\det W$ for $i = j$, and else the determinant of a matrix with row $i$ twice, which is 0. Since $d\log|u| = du/u$
# for either sign of $u$,
#
# $$
# \frac{\partial \log|\det W|}{\partial W_{ij}} = \frac{C_{ij}}{\det W} = (W^{-1})_{ji}, \quad\text{so}\quad
# \frac{\partial \log|\det W|}{\partial W} = W^{-\top}, \qquad d\log|\det W| = \operatorname{tr}(W^{-1} dW)
# $$ (B6)
#
# For a lower triangular $W$ with diagonal $e^{\alpha_i}$, $W^{-1}$ is lower too, with diagonal $e^{-\alpha_i}$, and
# so is $dW$: in the product's trace only diagonals meet, $e^{-\alpha_i} \cdot de^{\alpha_i} = d\alpha_i$. No inverse:
# each $\alpha_i$ gets $g_\ell$, as in B5. That is what the structure buys on the way back.
#
# **By hand.** $W = \begin{pmatrix} 3 & 1 \\ 2 & 2 \end{pmatrix}$, $\det = 4$, $W^{-\top} = \begin{pmatrix} 0.5 & -0.5
# \\ -0.25 & 0.75 \end{pmatrix}$. Check one: $\det$ with $W_{22} = 2 + h$ is $4 + 3h$, and $3/4 = 0.75$.

# %%
W = np.array([[3.0, 1.0], [2.0, 2.0]])
found = gradient(lambda W: 0.5 * np.log(np.linalg.det(W) ** 2), W)  # ½ log det² = log|det|, and analytic
error = worst_difference([found], [[[0.5, -0.5], [-0.25, 0.75]]])
lesson.claim("B6", "pencil: W⁻ᵀ of a 2×2 matrix, the complex step of log|det|", error, 1e-14, gradient)
A = rng.standard_normal((4, 4))
found = gradient(lambda A: np.linalg.slogdet(A)[1], A, method="central")
error = worst_difference([np.linalg.inv(A).T], [found])
lesson.claim("B6", "4 × 4: W⁻ᵀ against central differences of slogdet", error, 1e-8, "numpy slogdet")

# %% [markdown]
# This gradient is the force that keeps a flow from collapsing. For data with mean 0 and covariance $\Sigma$, $z = Wx$
# and a standard normal base, the mean of $\tfrac12|Wx|^2 - \log|\det W|$ is $\tfrac12\operatorname{tr}(W \Sigma
# W^\top) - \log|\det W|$, the loss up to a constant. Its gradient is $W\Sigma - W^{-\top}$ (the trace's differential
# is $\operatorname{tr}(\Sigma W^\top dW)$, as $\Sigma$ is symmetric): zero where $W \Sigma W^\top = I$, at matrices
# that whiten the data.

# %%
cov = np.array([[1.0, 0.6], [0.6, 0.8]])


def whitening(W):
    """½ tr(W Σ Wᵀ) − log|det W|, and its gradient by hand."""
    return 0.5 * np.trace(W @ cov @ W.T) - np.linalg.slogdet(W)[1], W @ cov - np.linalg.inv(W).T  # B6


error = worst_difference([whitening(W)[1]], [gradient(lambda W: whitening(W)[0], W, method="central")])
lesson.claim("B6", "½ tr(W Σ Wᵀ) − log|det W|: gradient against central differences", error, 1e-8, whitening)
at_rest = whitening(np.linalg.inv(np.linalg.cholesky(cov)))[1]  # Σ = L Lᵀ: L⁻¹ whitens, and is not symmetric
lesson.claim("B6", "the gradient vanishes where W Σ Wᵀ = I: at L⁻¹, Σ = L Lᵀ", abs(at_rest).max(), 1e-14, whitening)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9.5, 4.1))
line, held = np.linspace(-2.5, 2.5, 101), np.array([0.4, 1.0])
first = np.stack(np.meshgrid(line, line), axis=2)  # the first row of W at every place
det = first @ [held[1], -held[0]]
for ax, weight in zip(axes, (0, 1), strict=True):
    L = 0.5 * (first @ cov * first).sum(axis=2) - weight * np.log(np.maximum(abs(det), 1e-9))
    with np.errstate(divide="ignore", invalid="ignore"):
        g = first @ cov - weight * np.array([held[1], -held[0]]) / det[..., None]  # the first row of WΣ − W⁻ᵀ
    show_surface(ax, line, L, -g.transpose(2, 0, 1), ("$W_{11}$", "$W_{12}$"), 3)
axes[1].axline((0, 0), slope=held[1] / held[0], color="tab:red")
axes[0].set_title(r"$\frac{1}{2}$ tr(W Σ Wᵀ) alone")
axes[1].set_title(r"with − log|det W|")
caption = """The loss (dark: low) over the first row of W, the second held at (0.4, 1); arrows, −gradient by hand. Left,
without the log-det, everything falls to (0, 0): then z₁ = 0 whatever x is. Right, the term W⁻ᵀ grows without bound
towards det W = 0 (red) and pushes away from it on both sides, towards one of two minima, which have opposite signs of
det."""
lesson.show(fig, "00b_barrier", caption)

# %% [markdown]
# **Trap.** With $N$ rows and one $W$, each row's $\ell$ is the same $\log|\det W|$: $W$ gets $W^{-\top}$ times the
# *sum* of all $g_\ell$, as a bias would.
#
# **Exercise.** NICE's rescaling, $x_i = s_i z_i$, $\ell = \sum_i \log|s_i|$: find $g_z$ and $g_s$ for both directions.
# Then $x = z + u \tanh(\langle v, z\rangle)$, invertible for $\langle u, v\rangle > -1$, whose Jacobian determinant is
# $1 + \langle u, v\rangle (1 - \tanh^2)$: find the gradients of $z$, $u$ and $v$ from both outputs, and hold them
# against `nfedu.checks.gradients`.
# %%
lesson.end()
