# %% [markdown]
# # 00a · Backward by hand
#
# *Notes: 优化目标 asks for a maximum over θ, and leaves it to the reader how to go uphill. Statements B1–B4.*
#
# Every layer of this library is differentiated by hand. This lesson teaches how: one rule, and what it makes of a
# linear map, an activation and a network. [00b](00b_backward_of_a_flow.py) goes on to what only flows have, couplings
# with two outputs and log-determinants, [00c](00c_backward_of_a_solution.py) to triangular solves and to inverses that
# only an iteration finds. [00d](00d_is_it_right.py) asks how to find out that a backward is wrong. All of it is
# derived, worked with a pencil, coded, and held against a number that does not come from it. You need: partial
# derivatives, matrix products, the chain rule. A row below a cell is a claim: its tag, what is claimed, the measured
# error (the largest difference, unless the words say number or ratio) and the tolerance that it keeps.

# %%
import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu.checks import complex_step, gradients, parameter_gradients, worst_difference
from nfedu.course.lesson import begin
from nfedu.networks import MLP
from nfedu.networks.mlp import ACTIVATIONS
from nfedu.plotting import show_graph, show_surface

lesson = begin("00a · Backward by hand")
rng = np.random.default_rng(0)
log2, log3 = np.log(2), np.log(3)

# %% [markdown]
# ## What the derivative of a program is
#
# A program computes $y = f(x)$, from $n$ numbers $m$ numbers. Near $x$ it is a linear map, up to what is of second
# order: $f(x + hv) = f(x) + h\,Jv + O(h^2)$, with $J_{ij} = \partial y_i/\partial x_j$, $m \times n$. $Jv$ is how $y$
# moves when $x$ moves along $v$.
#
# At the end stands one number, the loss $L(y)$. Let $g_i = \partial L/\partial y_i$. By the chain rule $\partial
# L/\partial x_j = \sum_i g_i J_{ij}$, which is $J^\top g$: what moves forwards through $J$ comes back through its
# transpose. Both say how much $L$ changes along $v$, one asked at the output, the other at the input:
#
# $$
# \langle g, Jv \rangle = \langle J^\top g, v \rangle \quad\text{for all } g \text{ and } v
# $$ (B1)
#
# (Written out, both are $\sum_{ij} g_i J_{ij} v_j$.) A program is lines one after the other, $J = J_K \cdots J_2 J_1$,
# so $J^\top g = J_1^\top(J_2^\top \cdots (J_K^\top g))$: the *last* line first, and each step takes a vector to a
# vector. No matrix is ever built, and one sweep gives $\partial L/\partial x_j$ for all $j$, where differences need a
# sweep for each.
#
# **How to find a backward.** Take a line's differential, $dy = J\,dx$. Write $\langle g, dy\rangle$ and move
# everything off $dx$, to the other side, until it reads $\langle \textit{something}, dx\rangle$. That something is
# $J^\top g$: if $\langle a, v\rangle = \langle b, v\rangle$ for every $v$, take $v = a - b$, and $|a - b|^2 = 0$.
#
# **By hand.** $f(x_1, x_2) = (x_1 x_2,\ x_1^2)$ at $(2, 3)$: $J = \begin{pmatrix} 3 & 2 \\ 4 & 0 \end{pmatrix}$. Along
# $v = (1, -1)$, $Jv = (1, 4)$. For $g = (1, 2)$, $J^\top g = (3 \cdot 1 + 4 \cdot 2,\ 2 \cdot 1) = (11, 2)$. Now
# $\langle g, Jv\rangle = 1 + 8$ and $\langle J^\top g, v\rangle = 11 - 2$, both 9.


# %%
def products(x):
    x1, x2 = x

    def backward(g):
        return np.array([x2 * g[0] + 2 * x1 * g[1], x1 * g[0]])  # x₁ is used on both lines: a sum

    return np.array([x1 * x2, x1**2]), backward


x, v, g = np.array([2.0, 3.0]), np.array([1.0, -1.0]), np.array([1.0, 2.0])
g_x = products(x)[1](g)
# `complex_step` and `gradients`, Im f(x + ih)/h, are derived in 00d: they know nothing of a backward.
lesson.claim("B1", "pencil: Jᵀg = (11, 2)", worst_difference([g_x], [[11, 2]]), 0, products)
pushed = complex_step(lambda x: products(x)[0], x, v)
lesson.claim("B1", "⟨Jᵀg, v⟩ by backward = ⟨g, Jv⟩ by the complex step", abs(g_x @ v - g @ pushed), 1e-14, products)

# %% [markdown]
# ## A linear map, and why biases sum over rows
#
# Points stand in rows: $Y = XW + \mathbf 1 b^\top$, $X$ is $(N, k)$, $W$ is $(k, m)$, $\mathbf 1$ a column of ones.
# For matrices $\langle G, Y\rangle = \sum_{ij} G_{ij} Y_{ij} = \operatorname{tr} G^\top Y$, and a trace lets factors
# go round, $\operatorname{tr} ABC = \operatorname{tr} CAB$. With $dY = dX\,W + X\,dW + \mathbf 1\,db^\top$ (product
# rule)
#
# $$
# \langle G, dY\rangle = \operatorname{tr}(G^\top dX\,W) + \operatorname{tr}(G^\top X\,dW) + \operatorname{tr}(G^\top
# \mathbf 1\,db^\top) = \langle \underbrace{G W^\top}_{g_X}, dX\rangle + \langle \underbrace{X^\top G}_{g_W}, dW\rangle
# + \langle \underbrace{G^\top \mathbf 1}_{g_b}, db\rangle
# $$ (B2)
#
# (First term: $\operatorname{tr}(G^\top dX\,W) = \operatorname{tr}(W G^\top dX)$, and $W G^\top = (G W^\top)^\top$.)
# $G^\top\mathbf 1$ is the sum of G's rows. NumPy *copies* $b$ into every row; all copies move the loss; each sends a
# gradient back, and they add. The transpose of a copy is a sum, the transpose of a sum is a copy.
#
# **By hand.** $X = \begin{pmatrix} 1 & 2 \\ 3 & -1 \end{pmatrix}$, $W = \begin{pmatrix} 1 & 0 \\ 2 & -1
# \end{pmatrix}$, $G = \begin{pmatrix} 1 & 0 \\ 2 & 1 \end{pmatrix}$: $g_X = \begin{pmatrix} 1 & 2 \\ 2 & 3
# \end{pmatrix}$, $g_W = \begin{pmatrix} 7 & 3 \\ 0 & -1 \end{pmatrix}$, $g_b = (3, 1)$. Shapes help you to remember,
# but they do not save you: here all of $G W$, $G W^\top$, $W^\top G$ have the right one.


# %%
def linear(X, W, b):
    def backward(G):
        return G @ W.T, X.T @ G, G.sum(axis=0)  # B2

    return X @ W + b, backward


X, W, G = np.array([[1, 2], [3, -1]]), np.array([[1, 0], [2, -1]]), np.array([[1, 0], [2, 1]])
hand = [[1, 2], [2, 3]], [[7, 3], [0, -1]], [3, 1]
error = worst_difference(linear(X, W, np.ones(2))[1](G), hand)
lesson.claim("B2", "pencil: g_X, g_W and g_b", error, 0, linear)
at, G = [rng.standard_normal(shape) for shape in ((5, 3), (3, 4), (4,))], rng.standard_normal((5, 4))
found = gradients(lambda *at: (G * linear(*at)[0]).sum(), *at)
error = worst_difference(linear(*at)[1](G), found)
lesson.claim("B2", "5 rows, 3 → 4: all entries against the complex step", error, 1e-13, linear)

# %% [markdown]
# ## Activations
#
# $h = \varphi(a)$, entry by entry: $dh = \varphi'(a) \odot da$. $J$ is diagonal, so it is its own transpose:
#
# $$
# g_a = g_h \odot \varphi'(a), \qquad \tanh' = 1 - h^2, \qquad
# \mathrm{ReLU}' = 1 \text{ for } a > 0, \; 0 \text{ for } a < 0
# $$ (B3)
#
# ($\tanh = \sinh/\cosh$, and the quotient rule gives $(\cosh^2 - \sinh^2)/\cosh^2 = 1 - \tanh^2$.) At $a = 0$ ReLU has
# no derivative; code must return something, and 0 is as good as any number up to 1: see kinks in
# [00d](00d_is_it_right.py). Written in the *output* $h$, the slope lets $a$ be forgotten, which halves what a network
# keeps: $h > 0$ for ReLU, and for softplus, $h = \log(1 + e^a)$, $\varphi' = e^a/(1 + e^a) = 1 - e^{-h}$.
#
# **By hand.** $\tanh(\log 2) = (2 - \tfrac12)/(2 + \tfrac12) = 3/5$, slope $16/25$; $\tanh(\log 3) = 4/5$: $9/25$.

# %%
slope = ACTIVATIONS["tanh"][1](np.tanh([log2, log3]))
error = worst_difference([slope], [[0.64, 0.36]])
lesson.claim("B3", "pencil: tanh' at log 2 and log 3 is 16/25, 9/25", error, 1e-15, "ACTIVATIONS")
a, worst = rng.standard_normal((6, 5)), 0.0
for phi, of_output in ACTIVATIONS.values():
    by_steps = gradients(lambda a, phi=phi: phi(a.copy()).sum(), a)[0]  # phi may work in place
    worst = max(worst, worst_difference([of_output(phi(a.copy()))], [by_steps]))
lesson.claim("B3", "ReLU, tanh, softplus: φ' of the output = the complex step", worst, 1e-15, "ACTIVATIONS")

# %% [markdown]
# ## A network: the library's own
#
# ```{literalinclude} ../nfedu/networks/mlp.py
# :pyobject: MLP.__call__
# ```
#
# `backward` goes from the last layer to the first: B2 for each, with B3 between. (`over_rows` is the sum over rows.)
#
# **By hand**: $x = 1$, $W_0 = (\log 2, \log 3)$, no biases: $h = (3/5, 4/5)$. With $W_1 = (5, -5)^\top$, $y = 3 - 4 =
# -1$. Back with $g_y = 1$: $g_{W_1} = h$, $g_{b_1} = 1$, $g_h = (5, -5)$, $g_a = (5 \cdot \tfrac{16}{25},\ {-5} \cdot
# \tfrac{9}{25}) = (3.2, -1.8)$, which is $g_{b_0}$, and $g_{W_0}$ too since $x = 1$, and $g_x = 3.2 \log 2 - 1.8 \log
# 3 \approx 0.2406$.

# %%
net = MLP(1, (2,), 1, "tanh", rng=rng)
for p, value in zip(net.parameters().values(), ([[log2, log3]], [0, 0], [[5], [-5]], [0]), strict=True):
    p.value[...] = value
y, backward = net(np.ones((1, 1)))
g_x = backward(np.ones((1, 1)))
hand = [[3.2, -1.8]], [3.2, -1.8], [[0.6], [0.8]], [1], [[0.2406]], [[-1]]
error = worst_difference([*(p.grad for p in net.parameters().values()), g_x.round(4), y], hand)
lesson.claim("B4", "pencil: a 1 → 2 → 1 network and its eight gradients", error, 1e-14, MLP)

# %% [markdown]
# Now numbers that nobody chose, two hidden layers, each activation: every gradient against the complex step.

# %%
G, x, worst = rng.standard_normal((4, 2)), rng.standard_normal((4, 2)), 0.0


def weighted(y):
    return (G * y).sum()  # a loss whose gradient is G


for activation in ACTIVATIONS:
    net = MLP(2, (6, 5), 2, activation, output_scale=1.0, rng=rng)
    g_x = net(x)[1](G)
    worst = max(worst, worst_difference([g_x], gradients(lambda x, net=net: weighted(net(x)[0]), x)))
    found = parameter_gradients(lambda net: weighted(net(x)[0]), net)
    worst = max(worst, worst_difference([p.grad for p in net.parameters().values()], found))
lesson.claim("B4", "2 → 6 → 5 → 2, three activations: x and all parameters, complex step", worst, 1e-13, MLP)

# %% [markdown]
# **Why a closure.** `backward` needs the $h_l$ of *its* call. Kept in the network (`self.h`), they would be the last
# call's: two batches alive at once, or one network used twice, and gradients are silently another's. A closure keeps
# them exactly as long as somebody holds `backward`, and evaluation, which drops it, pays no memory.
#
# **Why gradients accumulate.** Let one $\theta$ serve twice, $L = \ell(u(\theta), v(\theta))$. Then $dL = \langle g_u,
# J_u d\theta\rangle + \langle g_v, J_v d\theta\rangle = \langle J_u^\top g_u + J_v^\top g_v, d\theta\rangle$: a sum
# (B4), a copy's transpose again. So every `backward` says `+=`, and whoever starts a new loss sets zeros first.

# %%
net = MLP(2, (6,), 2, "tanh", output_scale=1.0, rng=rng)
middle, first_back = net(x)
second_back = net(middle)[1]  # the same network again: its first call is still alive
g_middle = second_back(G)
once = [p.grad.copy() for p in net.parameters().values()]  # of the second use: the way back begins there
g_x = first_back(g_middle)
error = worst_difference([g_x], gradients(lambda x: weighted(net(net(x)[0])[0]), x))
lesson.claim("B4", "net(net(x)): the first closure kept its own numbers", error, 1e-13, MLP)
twice = parameter_gradients(lambda net: weighted(net(net(x)[0])[0]), net)
error = worst_difference([p.grad for p in net.parameters().values()], twice)
lesson.claim("B4", "net(net(x)): += gives the sum over both uses", error, 1e-13, nfedu.Parameter)
overwritten = worst_difference([p.grad - kept for p, kept in zip(net.parameters().values(), once, strict=True)], twice)
lesson.claim("B4", "with = for +=, one use only: 0.1 / its error", 0.1 / overwritten, 1, nfedu.Parameter)

# %% [markdown]
# **Why θ is one vector.** To an optimizer and to a checker the parameters are points of $\mathbb{R}^P$. `Flow` packs
# them so: a `Parameter` is a window into `flow.theta`, its `grad` into `flow.grad`. Then $\theta \leftarrow \theta -
# t\,g$ is one line, and the slope of the loss along any $v$ must be $\langle g, v\rangle$: for a random $v$ one number
# judges all entries. (Take $v$ random. Along $v = -g$ the slope should be $-|g|^2$, and is so even for a $g$ some
# of whose entries are wrongly 0: then $v$ does not move there either.)

# %%
flow = nfedu.Flow(nfedu.StandardNormal(3), nfedu.AffineCoupling(3, (8,), activation="tanh", rng=rng))
x = rng.standard_normal((20, 3))
flow.nll(x)
g, twin = flow.grad.copy(), flow.astype(complex)  # the same flow, for the complex step


def loss(theta):
    twin.theta[:] = theta
    return -twin.log_prob(x).mean()


v, words = rng.standard_normal(g.size), f"slope of the loss along a random v, {g.size} parameters: ⟨grad, v⟩"
slope = complex_step(loss, flow.theta, v)
lesson.claim("B4", words, abs(slope - g @ v), 1e-13, nfedu.Flow.nll)
lacking = np.where(np.arange(g.size) < g.size - 6, g, 0)  # the last biases and the log-scale's factors, forgotten
error = abs(complex_step(loss, flow.theta, -lacking) + lacking @ lacking)
lesson.claim("B4", "a gradient that lacks six entries, along v = −g: slope + |g|²", error, 1e-13, "loss")
lesson.claim("B4", "the same along the random v: 0.01 / difference", 0.01 / abs(slope - lacking @ v), 1, "loss")

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), width_ratios=[1.3, 1])
nodes = {
    "$x$": (0, 0, "1", "3.2 log 2\n− 1.8 log 3\n= 0.24"),
    "$a_1$": (1, 0.5, "log 2", "5 · 16/25\n= 3.2"),
    "$a_2$": (1, -0.5, "log 3", "−5 · 9/25\n= −1.8"),
    "$h_1$": (2, 0.5, "3/5", "5"),
    "$h_2$": (2, -0.5, "4/5", "−5"),
    "$y$": (3, 0, "−1", "1"),
}
edges = [
    ("$x$", "$a_1$", "· log 2"),
    ("$x$", "$a_2$", "· log 3"),
    ("$a_1$", "$h_1$", "tanh"),
    ("$a_2$", "$h_2$", "tanh"),
]
show_graph(left, nodes, [*edges, ("$h_1$", "$y$", "· 5"), ("$h_2$", "$y$", "· (−5)")])

net = MLP(1, (1,), 1, "tanh", output_scale=1.0, rng=rng)  # y = w₁ tanh(w₀ x), all biases 0
net.biases[0].value[...] = 0
w0, w1 = net.weights
points = np.linspace(-2, 2, 9)[:, None]
target = 1.5 * np.tanh(1.2 * points)


def loss_and_slope(a, b):
    """½ mean (y − target)² at w₀ = a, w₁ = b, and its gradient by backward."""
    w0.value[...], w1.value[...] = a, b
    w0.grad[...] = w1.grad[...] = 0
    y, backward = net(points)
    backward((y - target) / len(points))
    return 0.5 * ((y - target) ** 2).mean(), w0.grad.item(), w1.grad.item()


grid = np.linspace(-2.2, 2.2, 45)
L, *up = np.array([[loss_and_slope(a, b) for a in grid] for b in grid]).transpose(2, 0, 1)
show_surface(right, grid, np.sqrt(L), -np.array(up), ("$w_0$", "$w_1$"), 1.6)
for start in ((-0.5, 2.0), (0.05, -0.01), (-2.1, 0.8)):
    way = [np.array(start)]
    for _ in range(300):
        way.append(way[-1] - 0.3 * np.array(loss_and_slope(*way[-1])[1:]))
    right.plot(*np.array(way).T, ".-", color="tab:green", ms=3, lw=1)
right.set_title(r"$\sqrt{L}$ of $w_1 \tanh(w_0 x)$, and where −gradient points")
caption = """Left: the network of the pencil example; values (blue) go along the arrows, gradients (red) against them,
multiplied by what stands on the arrow, tanh by its slope. Two arrows leave x, so two gradients add there. Right: a loss
over two weights. Arrows, −gradient by backward, cross its level lines at right angles; descents (green) end in one of
two equal minima, since tanh is odd, and the one that starts near the saddle at 0 is slow at first."""
lesson.show(fig, "00a_network", caption)

# %% [markdown]
# **Trap.** A loss that is a *mean* over rows has its 1/N in the first $g$, once. A layer's `backward` sums.
#
# **Exercise.** With a pencil: $y = (x W) \odot (x V)$, both factors from one $x$: find $g_x$, $g_W$, $g_V$. Then the
# softmax, $p_i = e^{a_i}/\sum_j e^{a_j}$: show that $g_a = p \odot (g - \langle g, p\rangle)$. Code both as closures,
# and hold them against `nfedu.checks.gradients`, which takes a function and its arguments.
# %%
lesson.end()
