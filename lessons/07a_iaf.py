# %% [markdown]
# # 07a · IAF: inverse autoregressive flow
#
# *Notes: Inverse Autoregressive Flow (IAF); the figure of both. Statements N19 and N20, misprint M9.*
# *Papers: Kingma et al. 2016 (IAF); Papamakarios et al. 2017 (MAF and IAF).*
#
# What the notes say here, in our words:
#
# - **[如果将过程反转] Turn the process round** and sampling becomes efficient. MAF's scales and shifts look at the data
#   before $x_i$; IAF's look at the latents before $z_i$.
# - **[Z ↦ X]** Draw all $z_i \sim N(0, 1)$; compute all $\mu_i, \alpha_i$ in parallel; then $x_i = \exp(\alpha_i) z_i +
#   \mu_i$, all at once.
# - **[X ↦ Z]** $z_1 = (x_1 - \mu_1)/\exp(\alpha_1)$ first; only then can $\mu_2(z_1), \alpha_2(z_1)$ be computed, then
#   $z_2$, and so on. The drawback: this direction, and with it the density of a given x, costs more.
# - **[Figure]** MAF's inverse pass beside IAF's forward pass: the same picture with z and x exchanged.
#
# You need MAF and its masked network ([06a](06a_maf.py)) and triangular Jacobians ([02b](02b_learning_flows.py)). What
# the slow direction costs, and how an IAF learns through it all the same, is [07b](07b_iaf_learns.py).

# %%
import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu.checks import check_bijection, jacobians, layer_jacobians, worst_difference
from nfedu.course.lesson import begin
from nfedu.networks import MADE
from nfedu.plotting import cleared, show_dependencies, show_jacobian, show_rounds

lesson = begin("07a · IAF: inverse autoregressive flow")
rng = np.random.default_rng(7)
log2 = np.log(2)

# %% [markdown]
# ## The map (IAF, Z ↦ X and X ↦ Z)
#
# $$
# x_i = \exp(\alpha_i(z_{<i}))\, z_i + \mu_i(z_{<i}), \qquad \log\left|\det \frac{\partial x}{\partial z}\right| =
# \sum_i \alpha_i(z_{<i})
# $$ (N19)
#
# *It is a bijection of $\mathbb R^n$, whatever the networks are.* Given x: $\mu_1, \alpha_1$ are constants, so $z_1 =
# (x_1 - \mu_1) e^{-\alpha_1}$ is known, the only one possible. If $z_1 \dots z_{i-1}$ are known, so are $\mu_i(z_{<i})$
# and $\alpha_i(z_{<i})$, and $z_i = (x_i - \mu_i) e^{-\alpha_i}$ follows, again the only one. By induction every x has
# exactly one z.
#
# *Its Jacobian is triangular.* $x_i$ contains no $z_j$ with $j > i$: those entries are 0. $z_i$ itself stands in it
# once, as a factor of $e^{\alpha_i(z_{<i})}$, which does not contain it: $\partial x_i/\partial z_i = e^{\alpha_i}$.
# The determinant is the product of the diagonal (N9), $\prod_i e^{\alpha_i}$. So with $z = f^{-1}(x)$
#
# $$
# \log p(x) = \sum_i \bigl[\log N(z_i; 0, 1) - \alpha_i(z_{<i})\bigr]
# $$
#
# Who holds z, because he has made x himself, has this for nothing. Who is given x must solve for z first.
#
# **By hand**, $n = 3$. Constants $\mu_1 = 2, \alpha_1 = \log 2$; then $\mu_2 = -z_1 2^{z_1}$, $\alpha_2 = z_1 \log 2$;
# $\mu_3 = (z_1 + z_2) 2^{z_1}$, $\alpha_3 = z_1 \log 2$. Let $z = (1, 2, 1)$. All at once: $\mu = (2, -2, 6)$ and
# $e^\alpha = (2, 2, 2)$, so $x_1 = 2 \cdot 1 + 2$, $x_2 = 2 \cdot 2 - 2$, $x_3 = 2 \cdot 1 + 6$: $x = (4, 2, 8)$, and
# $\sum \alpha = 3 \log 2$. Back, round by round: $z_1 = (4 - 2)/2 = 1$. Now $\mu_2 = -2$, $e^{\alpha_2} = 2$, and $z_2
# = (2 + 2)/2 = 2$. Now $\mu_3 = 6$, $e^{\alpha_3} = 2$, and $z_3 = (8 - 6)/2 = 1$. The density there: $\log p(x)$ is
# $-\tfrac12(1 + 4 + 1) - \tfrac32 \log 2\pi - 3 \log 2$, which is $-7.8363$.
#
# In the code the network's answers are $m$ and $a$, those of a MAF whose $x \to z$ this is: $\alpha = -a$ and $\mu =
# -m\, e^{-a}$. That is the next section's subject; here it says which weights to set.

# %%
small = nfedu.InverseAutoregressive(3, (), bound=None, rng=rng)  # no hidden layers: m and a are affine
weights, bias = small.parameters().values()  # columns m₁ a₁ m₂ a₂ m₃ a₃
weights.value[...] = [[0, 0, 1, -log2, -1, -log2], [0, 0, 0, 0, -1, 0], [0, 0, 0, 0, 0, 0]]
bias.value[:2] = -1, -log2
z, x = np.array([[1.0, 2.0, 1.0]]), np.array([[4.0, 2.0, 8.0]])
log_p = nfedu.Flow(nfedu.StandardNormal(3), small).log_prob(x)
by_pencil = [x, [3 * log2], z, [-3 - 1.5 * np.log(2 * np.pi) - 3 * log2]]
error = worst_difference([*small.z_to_x(z)[:2], small.x_to_z(x)[0], log_p], by_pencil)
lesson.claim("N19", "pencil: x and log-det from z, z and log p from x", error, 1e-14, nfedu.InverseAutoregressive)

# %% [markdown]
# And any network, n = 6? The layer against N19 as a loop, in which the network is shown nothing of $z_i$ and what comes
# after it.


# %%
def answers(net, y):
    """m and a of a MADE, with whole matrices and the rule of its degrees: what the library's blocks must agree with."""
    for layer, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        last = layer == len(net.weights) - 1
        below, above = net.degrees[layer][:, None], net.degrees[layer + 1]
        y = y @ (W.value * (below < above if last else below <= above)) + b.value
        y = y if last else np.tanh(y)
    return y[:, 0::2], y[:, 1::2]


def iaf_by_hand(net, z):
    """N19 as a loop: x and Σ α. For coordinate i the network is shown z before i, and garbage from there on."""
    x, log_det = np.empty_like(z), np.zeros(len(z))
    for i in range(z.shape[1]):
        m, a = answers(net, np.where(np.arange(z.shape[1]) < i, z, 99.0))
        mu, alpha = -m[:, i] * np.exp(-a[:, i]), -a[:, i]
        x[:, i] = np.exp(alpha) * z[:, i] + mu  # N19
        log_det += alpha
    return x, log_det


options = {"hidden": (24, 24), "activation": "tanh", "bound": None}
layer = nfedu.InverseAutoregressive(6, **options, rng=rng)
for p in layer.parameters().values():
    p.value += 0.3 * rng.standard_normal(p.value.shape)
z = rng.standard_normal((50, 6))
x, log_det, _ = layer.z_to_x(z)
hand, hand_log_det = iaf_by_hand(layer.maf.net, z)
error = worst_difference([x, log_det], [hand, hand_log_det])
statement = "z→x and Σ α = a loop that shows the network z_{<i} only"
lesson.claim("N19", statement, error, 1e-13, nfedu.InverseAutoregressive)

# %% [markdown]
# Then the log-det against the dense Jacobian, the way back, and log p of an x of which nothing else is known.

# %%
J, _ = layer_jacobians(layer, "z_to_x", z)
dense = np.linalg.slogdet(J)[1]
lesson.claim("N19", "Σ α = slogdet of the dense ∂x/∂z", abs(log_det - dense).max(), 1e-10, MADE)
error = abs(layer.x_to_z(hand)[0] - z).max()
lesson.claim("N19", "x→z, step by step, undoes the loop", error, 1e-12, nfedu.InverseAutoregressive.x_to_z)
exact = (-0.5 * z**2 - 0.5 * np.log(2 * np.pi)).sum(axis=1) - hand_log_det
error = abs(nfedu.Flow(nfedu.StandardNormal(6), layer).log_prob(hand) - exact).max()
statement = "log p(x) from x alone = Σ log N(z_i) − α_i of the z that made it"
lesson.claim("N19", statement, error, 1e-12, nfedu.Flow.log_prob)

# %% [markdown]
# **M9.** The notes write $\mu_i(z_{\le i}), \alpha_i(z_{\le i})$; it must be $z_{<i}$. Take $\le$, one dimension,
# $\mu_1 = 0$ and $\alpha_1(z_1) = z_1$: $x = z e^z$, whose slope $(1 + z) e^z$ is 0 at $z = -1$ and negative before.
# It falls from 0 to $-1/e$, then rises: two z for each x between $-1/e$ and 0, none below, and no elementary formula.
# The notes print no network; the number below is for one of ours that is allowed to see $z_i$, so that $\sum_i
# \alpha_i$ is no longer what its Jacobian says.


# %%
class PrintedMADE(MADE):
    def mask(self, layer):
        return (self.degrees[layer][:, None] <= self.degrees[layer + 1]).astype(float)  # ≤ where the outputs need <


printed = nfedu.InverseAutoregressive(6, **options, rng=rng)
printed.maf.net = PrintedMADE(6, (24, 24), 2, "tanh", output_scale=1.0, rng=rng)
off = abs(printed.z_to_x(z)[1] - np.linalg.slogdet(layer_jacobians(printed, "z_to_x", z)[0])[1]).max()
lesson.claim("M9", "log-det with μ_i(z_{<i}); printed: μ_i(z_{≤i})", abs(log_det - dense).max(), 1e-10, MADE, off)

# %% [markdown]
# ## Two names for one computation (the notes' figure)
#
# MAF's inverse pass is $z_i = (x_i - m_i(x_{<i}))\, e^{-a_i(x_{<i})}$, with $m, a$ its network's answers. Exchange the
# letters z and x:
#
# $$
# x_i = (z_i - m_i(z_{<i}))\, e^{-a_i(z_{<i})} = e^{\alpha_i} z_i + \mu_i \quad\text{with}\quad \alpha_i = -a_i, \quad
# \mu_i = -m_i e^{-a_i}
# $$ (N20)
#
# which is N19. So in nfedu an IAF *is* a MAF with its directions exchanged, and equality of the two classes' numbers
# would show nothing. What can be shown: MAF's class makes what N19's loop makes, and IAF's what N18's loop makes.
#
# ```{literalinclude} ../nfedu/bijections/autoregressive.py
# :pyobject: InverseAutoregressive
# ```
#
# **The slow halves**, which the notes do not draw: MAF's forward pass, $x_i = e^{a_i(x_{<i})} z_i + m_i(x_{<i})$, and
# with the letters exchanged IAF's inverse. Output $i$ needs the outputs before it: $n$ rounds. Their arrows can be read
# from the fast half's Jacobian $J = \partial z/\partial x$ at the same point: $dz_i = \sum_{j \le i} J_{ij}\, dx_j$,
# solved for $dx_i$, is
#
# $$
# dx_i = \frac{1}{J_{ii}}\, dz_i - \sum_{j<i} \frac{J_{ij}}{J_{ii}}\, dx_j
# $$
#
# $1/J_{ii}$ from its own input, $-J_{ij}/J_{ii}$ from each earlier output. All rounds together give $J^{-1}$.
#
# First the exchange: a MAF and an IAF of the same weights, each pass beside the other's loop.

# %%
u, twins = rng.standard_normal((100, 4)), []
for kind in (nfedu.MaskedAutoregressive, nfedu.InverseAutoregressive):
    twins.append(kind(4, (16,), activation="tanh", bound=None, rng=np.random.default_rng(1)))
    for p in twins[-1].parameters().values():
        p.value += 0.5 * np.random.default_rng(2).standard_normal(p.value.shape)
maf, iaf = twins
net = maf.net


def one_round(x, z=u):
    """N18 at every coordinate, from whatever x is there already."""
    m, a = answers(net, x)
    return np.exp(a) * z + m


slow, after = rng.standard_normal(u.shape), []
for _ in range(4):  # coordinate i is right after i rounds, wherever one starts
    slow = one_round(slow)
    after.append(slow)
error = worst_difference(maf.x_to_z(u)[:2], iaf_by_hand(net, u))
lesson.claim("N20", "MAF's inverse pass at u = IAF's loop N19 at u", error, 1e-13, nfedu.MaskedAutoregressive.x_to_z)
error = worst_difference(iaf.x_to_z(u)[:2], [slow, answers(net, slow)[1].sum(axis=1)])
lesson.claim("N20", "IAF's inverse pass at u = MAF's loop N18 at u", error, 1e-13, nfedu.InverseAutoregressive)

# %% [markdown]
# Then the rounds, from a random start: how many coordinates stand after each of them, and are the arrows of a round,
# and of all rounds, those that the fast half's Jacobian says?

# %%
settled = [int((abs(x - slow).max(axis=0) < 1e-13).argmin()) or 4 for x in after]  # that are right already
print("  coordinates that are right after 1, 2, 3, 4 rounds of the slow half:", ", ".join(map(str, settled)))
error = max(abs(np.subtract(settled, [1, 2, 3, 4])))
lesson.claim("N20", "n rounds are needed: after k of them k coordinates are settled", error, 0, one_round)
J = layer_jacobians(maf, "x_to_z", slow)[0]
diagonal = np.einsum("Nii->Ni", J)
arrows = np.tril(-J / diagonal[:, :, None], -1)
error = worst_difference([arrows], [jacobians(one_round, slow)])
lesson.claim("N20", "a round's derivative by earlier outputs = −J_ij / J_ii", error, 1e-12, one_round)
J_slow = layer_jacobians(maf, "z_to_x", u)[0]
error = abs(J_slow @ J - np.eye(4)).max()
lesson.claim("N20", "all rounds: slow Jacobian times fast = I", error, 1e-12, nfedu.MaskedAutoregressive.z_to_x)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 3, figsize=(10, 6.4), width_ratios=[1, 1, 0.9], height_ratios=[0.62, 1])


def known(k):
    cleared(axes[:, :2].flat)
    for column, (low, high, name) in enumerate((("x", "z", "inverse pass of MAF"), ("z", "x", "forward pass of IAF"))):
        show_dependencies(axes[0, column], J[0], low, high, k)
        axes[0, column].set_title(f"{name}: fast")
    for column, (low, high, name) in enumerate((("z", "x", "forward pass of MAF"), ("x", "z", "inverse pass of IAF"))):
        show_rounds(axes[1, column], 1 / diagonal[0], arrows[0], low, high, k)
        axes[1, column].set_title(f"{name}: slow")


for ax, matrix, name in (
    (axes[0, 2], J[0], "J, of both fast halves"),
    (axes[1, 2], J_slow[0], "J⁻¹, of both slow halves"),
):
    fig.colorbar(show_jacobian(ax, matrix, "", ""), ax=ax, shrink=0.85, label="∂output / ∂input")
    ax.set(title=name, xlabel="input j", ylabel="output i")
caption = """The notes' figure (above) and its slow counterparts (below), drawn from the Jacobians of one pair of layers
with the same weights, at one point. An arrow is as wide as its derivative is large; orange: a coordinate's own input,
scaled and shifted. Above, every arrow leaves an input: one round. Below, arrows leave outputs too, which must be there
first: four rounds. On the right the derivatives by inputs, grey: exactly 0. Each row of pictures is one computation
with z and x exchanged. Go from round to round: one ends the fast halves, the slow ones get one output more."""
words = [f"{k} round{'s' * (k != 1)}" for k in range(5)]
lesson.slide(fig, known, words, "07a_duality", caption, "after", start=4)

# %% [markdown]
# What the checker says of the layer of n = 6, both ways and their gradients:

# %%
print(check_bijection(layer, x[:5]).raise_if_failed().summary())

# %% [markdown]
# ## In five lines
#
# - IAF scales and shifts each latent by functions of the *latents* before it (N19; not "up to it": M9).
# - Its Jacobian is triangular with diagonal $e^{\alpha_i}$: $\log|\det| = \sum_i \alpha_i$, free for its own samples.
# - z→x is one round; x→z is n rounds, since each $\mu_i, \alpha_i$ waits for $z_{i-1}$.
# - MAF's inverse pass and IAF's forward pass are one computation with z and x exchanged (N20), and so are the two slow
#   halves.
# - So either one samples fast or one scores fast. Lesson 08 marries the two.
#
# **Exercise.** With the order reversed between layers, is a stack of two IAF layers still triangular? Look at its
# Jacobian. How many rounds does its x→z need, how many its z→x?

# %%
lesson.end()
