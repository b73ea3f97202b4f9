# %% [markdown]
# # 00c · Backward of a solution
#
# *Notes: a flow is trained with f⁻¹, 优化目标; some layers have no formula for it, and solve. Statements B7 and B8.*
#
# An inverse may be a linear system to solve, or an equation that an iteration solves. This lesson goes back through
# both, without going back through the algorithm. The rule is that of [00a](00a_backward_by_hand.py): write $\langle g,
# dy\rangle$, move everything off $dx$ (B1).

# %%
import numpy as np
from matplotlib import pyplot as plt
from scipy.linalg import solve_triangular

import nfedu
from nfedu.checks import complex_step, gradient, gradients, worst_difference
from nfedu.course.lesson import begin
from nfedu.plotting import show_density, show_warp

lesson = begin("00c · Backward of a solution")
rng = np.random.default_rng(2)

# %% [markdown]
# ## A triangular solve
#
# $x = Lz$ with $L$ lower triangular; the other way $z = L^{-1} x$ by substitution, never by inverting. Differentiate
# the *equation* $Lz = x$, not the algorithm: $dL\,z + L\,dz = dx$, so $dz = L^{-1}(dx - dL\,z)$, and
#
# $$
# \langle g_z, dz\rangle = \langle \underbrace{L^{-\top} g_z}_{g_x}, dx\rangle - \langle L^{-\top} g_z, dL\,z\rangle
# \quad\Rightarrow\quad g_x = L^{-\top} g_z, \qquad g_L = -(g_x z^\top) \text{ for } i \ge j
# $$ (B7)
#
# since $\langle g_x, dL\,z\rangle = \sum_{ij} (g_x)_i\, dL_{ij}\, z_j$. Above the diagonal $dL_{ij} = 0$: no parameter
# is there, and $g_L$ is masked. $L^\top$ is upper triangular: backward substitutes from the last row to the first.
#
# **By hand.** $L = \begin{pmatrix} 2 & 0 \\ 1 & 4 \end{pmatrix}$, $x = (2, 9)$: $z_1 = 1$, then $z_2 = (9 - 1)/4 = 2$.
# Back with $g_z = (3, 4)$: $L^\top g_x = g_z$ has $4 g_{x_2} = 4$, then $2 g_{x_1} + g_{x_2} = 3$: $g_x = (1, 1)$. So
# $g_L = \begin{pmatrix} -1 & 0 \\ -1 & -2 \end{pmatrix}$. Check $L_{22}$: $\partial z_2/\partial L_{22} = -8/16$,
# times 4 is $-2$.


# %%
def solve(L, X):
    Z = solve_triangular(L, X.T, lower=True).T

    def backward(G):
        G_X = solve_triangular(L, G.T, lower=True, trans="T").T
        return -np.tril(G_X.T @ Z), G_X  # B7

    return Z, backward


L, X = np.array([[2.0, 0.0], [1.0, 4.0]]), np.array([[2.0, 9.0]])
Z, backward = solve(L, X)
error = worst_difference([Z, *backward(np.array([[3.0, 4.0]]))], [[[1, 2]], [[-1, 0], [-1, -2]], [[1, 1]]])
lesson.claim("B7", "pencil: z, g_L and g_x", error, 1e-15, solve)
L = np.tril(rng.standard_normal((4, 4)), -1) + np.diag([1.0, -0.7, 1.5, 0.8])
X, G = rng.standard_normal((2, 5, 4))
found = gradients(lambda L, X: (G * solve(L, X)[0]).sum(), L, X)
error = worst_difference(solve(L, X)[1](G), found)
lesson.claim("B7", "4 × 4, 5 rows: all entries against the complex step", error, 1e-12, solve)

# %% [markdown]
# ## An inverse that only an iteration knows
#
# MintNet (lesson 09) computes $z = f(x, \theta)$ and finds $x$ by iterating. How can one differentiate a loop that
# stops when it is good enough? As before: not the algorithm, the equation. $f(x, \theta) = z$ gives $J\,dx +
# \frac{\partial f}{\partial\theta} d\theta = dz$ with $J = \partial f/\partial x$, so $dx = J^{-1}(dz - \frac{\partial
# f}{\partial \theta} d\theta)$ (the implicit function theorem; it asks for an $f$ with continuous derivatives and for
# $\det J \ne 0$ at the solution), and
#
# $$
# \frac{\partial x}{\partial \theta} = -J^{-1} \frac{\partial f}{\partial \theta}, \qquad
# g_z = J^{-\top} g_x, \qquad g_\theta = -\left(\frac{\partial f}{\partial \theta}\right)^{\!\top} g_z
# $$ (B8)
#
# One linear system, however many rounds it took; and $(\partial f/\partial\theta)^\top$ is what $f$'s own backward
# applies: call that with $-g_z$. B7 is the case $f = Lx$. The log-det $\ell = -\log|\det J(x, \theta)|$ depends on $x$
# (by B6, $d\ell = -\operatorname{tr} J^{-1} dJ$), so first add what comes from it to $g_x$, and on $\theta$ itself, so
# add that to $g_\theta$.
#
# **By hand.** $x + a x^3 = z$, $a = 1$, $z = 10$: $x = 2$. $J = 1 + 3ax^2 = 13$, $\ell = -\log J$, $\partial
# \ell/\partial x = -6ax/J = -12/13$, $\partial \ell/\partial a = -3x^2/J = -12/13$. With $g_x = 25$, $g_\ell = 13$:
# what reaches $x$ is $25 - 12 = 13$; $g_z = 13/13 = 1$; $g_a = -x^3 \cdot 1 - 12 = -20$.


# %%
def cubic(z, a, rounds=60):
    """x with x + a x³ = z, by Newton's method; log|dx/dz|; backward."""
    x = z / (1 + a)
    for _ in range(rounds):
        x = x - (x + a * x**3 - z) / (1 + 3 * a * x**2)
    J = 1 + 3 * a * x**2

    def backward(g_x, g_log_det):
        g_z = (g_x - g_log_det * 6 * a * x / J) / J  # B8
        return g_z, -(g_z * x**3) - g_log_det * 3 * x**2 / J

    return x, -np.log(J), backward


x, _, backward = cubic(10.0, 1.0)
lesson.claim("B8", "pencil: x, g_z and g_a", worst_difference([x, *backward(25.0, 13.0)], [2, 1, -20]), 1e-13, cubic)

# %% [markdown]
# A cubic has a formula, too, so here somebody knows the answer who never iterated: Cardano.


# %%
def cardano(z, a):
    """The same x in closed form (Cardano's formula), no iteration; and log|dx/dz|."""
    u = (z / (2 * a) + np.sqrt((z / (2 * a)) ** 2 + 1 / (27 * a**3))) ** (1 / 3)
    x = u - 1 / (3 * a * u)
    return x, -np.log(1 + 3 * a * x**2)


z, a, g, l = rng.uniform(0.5, 6, (4, 9))
found = gradients(lambda z, a: (np.array([g, l]) * cardano(z, a)).sum(), z, a)
error = worst_difference(cubic(z, a)[2](g, l), found)
lesson.claim("B8", "by Newton and B8 = Cardano's formula by the complex step", error, 1e-12, cubic)

# %% [markdown]
# The library's, where $f$ is a network and $J$ triangular, so that the system is one substitution:
#
# ```{literalinclude} ../nfedu/bijections/mint/layer.py
# :pyobject: MintLayer.z_to_x
# ```

# %%
layer = nfedu.MintUnit((1, 2, 2), rng=rng)
for p in layer.parameters().values():
    p.value += 0.4 * rng.standard_normal(p.value.shape)
z, g, g_log_det = rng.standard_normal((3, 4)), rng.standard_normal((3, 4)), rng.standard_normal(3)
log_t = layer.parameters()["1.log_t"]


def loss(z=z, value=log_t.value):
    kept, log_t.value = log_t.value, value
    x, log_det, _ = layer.z_to_x(z)
    log_t.value = kept
    return (g * x).sum() + g_log_det @ log_det


hand = layer.z_to_x(z)[2](g, g_log_det), log_t.grad
by_steps = gradient(loss, z, "central"), gradient(lambda v: loss(value=v), log_t.value, "central")
error = worst_difference(hand, by_steps)
lesson.claim("B8", "MintNet's slow way: z and log t, central differences", error, 1e-7, nfedu.MintLayer.z_to_x)

# %% [markdown]
# **Trap.** B8 holds at the solution. Let $x_k$ be off by $e_k$: B8 there, $1/J(x_k)$ in one dimension, is off by $-J'
# e_k/J^2$, up to $O(e_k^2)$. Differentiating through the rounds ("unrolling") keeps each of them in memory, and where
# they converge at a fixed rate it is worse in the long run. For $x_{k+1} = x_k + (z - f(x_k))/c$, $e_k \approx e_0
# \rho^k$ with $\rho = 1 - J/c$, $|\rho| < 1$; the derivative $D_k$ of $x_k$ follows $D_{k+1} = D_k(1 - J(x_k)/c) +
# 1/c$, its error $E_k = D_k - 1/J$ follows $E_{k+1} \approx \rho E_k - J' e_k/(cJ)$: each round adds what $x_k$ was
# off. So for large $k$, $E_k \approx -k \rho^{k-1} J' e_0/(cJ)$ (its start, $\rho^k E_0$, has no factor $k$), which is
# $k \cdot J/(c\rho)$ times the error of B8. Below, $c = 40$ and $J = 13$: $13/27$ more each round.


# %%
def unrolled(z, k):
    x = 0 * z
    for _ in range(k):
        x = x + (z - x - x**3) / 40
    return x


rounds, ten = np.arange(5, 81), np.array(10.0)
of_x = np.array([abs(unrolled(ten, k) - 2) for k in rounds])
by_b8 = np.array([abs(1 / (1 + 3 * unrolled(ten, k) ** 2) - 1 / 13) for k in rounds])
through = np.array([abs(complex_step(lambda z, k=k: unrolled(z, k), ten, np.array(1.0)) - 1 / 13) for k in rounds])
slope = np.polyfit(rounds[20:60], (through / by_b8)[20:60], 1)[0]  # J/cρ = 13/27
lesson.claim("B8", "unrolled / B8, errors: grows by 13/27 a round, relative", abs(slope * 27 / 13 - 1), 0.02, unrolled)

# %% tags=["hide-input"]
draw = np.random.default_rng(0)
mint = nfedu.Flow(nfedu.StandardNormal(2), nfedu.MintUnit((1, 1, 2), rng=draw))
for name, p in mint.parameters().items():  # large enough to be seen
    if "K" in name:
        p.value *= 1.6
    elif "log_t" in name:
        p.value -= 0.7
    elif "b3" not in name:
        p.value += 0.8 * draw.standard_normal(p.value.shape)
fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.5), width_ratios=[1, 1.1, 1.3])
show_warp(axes[0], lambda z: mint.z_to_x(z)[0])
show_density(axes[1], mint, -13, 13, points=500)
for ax in axes[:2]:
    ax.set(xlim=(-5, 5), ylim=(-5, 5))
for errors, name in ((through, "∂x/∂z, unrolled"), (of_x, "x itself"), (by_b8, "∂x/∂z by B8, at $x_k$")):
    axes[2].semilogy(rounds, errors, label=name)
axes[2].set(xlabel="rounds k", ylabel="error")
axes[2].legend()
for ax, title in zip(axes, ("grid under z → x, by iteration", "p(x)", "x + x³ = 10, stopped early"), strict=True):
    ax.set_title(title)
caption = """Left: a map z→x that has no formula: MintNet's, found by iteration, and the density that it makes of a
normal one (∫ p over a wider box). Right: an iteration stopped after k rounds; the derivative by B8 is as good as x
is, the one through the rounds starts well and falls behind, by a factor that grows with k."""
lesson.show(fig, "00c_implicit", caption)

# %% [markdown]
# **Exercise.** Derive the backward of $x = Wz$ and of $z = W^{-1}x$ with $\ell = \pm\log|\det W|$ for a full $W$: put
# B2, B6 and B7 together, code it as a layer, and let `python -m nfedu check` judge it. In which
# direction does the input's gradient need no solve? Can $g_W$ do without $W^{-1}$ in either?
# %%
lesson.end()
