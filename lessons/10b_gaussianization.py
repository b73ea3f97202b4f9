# %% [markdown]
# # 10b · Gaussianization
#
# *Notes: 训练目标的另一种看法. Statement N24.*
# *Papers: Chen & Gopinath 2000, "Gaussianization"; Laparra, Camps-Valls & Malo 2011, who turn at random, as here.*
#
# **What the notes say (训练目标的另一种看法).** Their last line: training makes $D_{KL}(P_{f_\theta^{-1}(\tilde x)} \|
# P_Z)$ small, so the latents of data should be distributed as the base. [10a](10a_training_as_kl.py) showed the chain
# that ends there. Here we look whether they are, and then turn the line into an algorithm: make data Gaussian step by
# step, without any gradient, and have a flow.
#
# **What you need.** KL (10a); that $F(x)$ is uniform if $F$ is the distribution function of $x$, so that
# $\Phi^{-1}(F(x))$ is $N(0, 1)$ (lesson 01, N2); quantiles.

# %%
import numpy as np
from matplotlib import pyplot as plt
from scipy import interpolate, special, stats

import nfedu
from nfedu import datasets, masks
from nfedu.course.lesson import begin
from nfedu.plotting import cleared, samples_axes, show_density, show_images

lesson = begin("10b · Gaussianization")
rng = np.random.default_rng(10)

# %% [markdown]
# ## Are the latents Gaussian?
#
# $\|z\|^2$ should be distributed as χ²(n), each coordinate as $N(0, 1)$. For digits it comes close, on either side:
# latents of training images lie a little too near to 0 on average, those of test images a little too far, and with a
# tail: of a hundred about ten, not one, are beyond the 99 % of χ²(64). (The base adds half of $\|z\|^2$ to a
# row's loss.) Images that are no digits land farther out: the two kinds below do. It need not be so for every kind:
# flows have been seen to find foreign images *likelier* than those that they learned from (Nalisnick et al. 2019).

# %%
split = datasets.digits()
lines = [masks.checkerboard((1, 8, 8)), np.arange(64) % 2 == 0, np.arange(64) // 8 % 2 == 0]
options = {"activation": "tanh", "rng": rng}
layers = [nfedu.AffineCoupling(64, (128, 128), mask=lines[m // 2 % 3], flip=bool(m % 2), **options) for m in range(8)]
digits = nfedu.Flow(nfedu.StandardNormal(64), [nfedu.Rescale(64), *layers, nfedu.Logit(64)]).astype(np.float32)
print(f"  {nfedu.fit_digits(digits, rng=rng, epochs=lesson.pick(5, 100))}")

# %% [markdown]
# Four kinds of images, their latents, and three numbers for each: how far the coordinates are from $N(0, 1)$ (the
# Kolmogorov distance of lesson 05), the mean of $\|z\|^2/n$, which should be 1, and the share of $\|z\|^2$ beyond 99 %
# of χ²(64), which should be 1 %.

# %%
images = {"training digits": split.train.images, "test digits": split.test.images}
images["upside down"] = split.test.images.reshape(-1, 8, 8)[:, ::-1].reshape(-1, 64)
images["pixels shuffled"] = split.test.images[:, rng.permutation(64)]
x = {name: datasets.dequantise(k, np.random.default_rng(0)) for name, k in images.items()}
latents = {name: digits.x_to_z(given)[0].astype(float) for name, given in x.items()}
distances = {name: stats.kstest(z.ravel(), "norm").statistic for name, z in latents.items()}
tails = {name: np.mean((z**2).sum(axis=1) > stats.chi2(64).ppf(0.99)) for name, z in latents.items()}
print(f"  {'':<16}  distance  |z|²/n  beyond")
for name, z in latents.items():
    print(f"  {name:<16} {distances[name]:9.4f} {np.mean(z**2):7.2f} {tails[name]:7.1%}")
if lesson.length != "quick":
    worse = distances["test digits"] / distances["pixels shuffled"]
    lesson.claim("N24", "Kolmogorov distance of latents, test / shuffled", worse, 0.5, nfedu.Flow.x_to_z)
    distance = distances["test digits"]
    lesson.claim("N24", "Kolmogorov distance of test latents from N(0, 1)", distance, 0.035, nfedu.Flow.x_to_z)
    heavy = 0.01 / max(tails["test digits"], 1e-9)
    lesson.claim("N24", "the tail: 1 % / the test digits' share beyond it in χ²(64)", heavy, 0.3, nfedu.Flow.x_to_z)
    error = tails["training digits"] - 0.01
    lesson.claim("N24", "no tail for training digits: their share − 1 %", error, 0, nfedu.Flow.x_to_z)
    near = (latents["training digits"] ** 2).mean() / (latents["test digits"] ** 2).mean()
    lesson.claim("N24", "mean |z|², training digits / test digits", near, 0.99, nfedu.Flow.x_to_z)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(10, 3.4))
quantiles = np.linspace(0.002, 0.998, 250)
for name, z in latents.items():
    axes[0].plot(stats.norm.ppf(quantiles), np.quantile(z, quantiles), label=name)
    axes[1].plot(stats.chi2(64).ppf(quantiles), np.quantile((z**2).sum(axis=1), quantiles))
for ax, (low, high), title in (
    (axes[0], (-3, 3), "latents against N(0, 1)"),
    (axes[1], (30, 110), "|z|² against χ²(64)"),
):
    same = np.linspace(low, high)
    ax.plot(same, same, color="0.6", linestyle=":")
    ax.set(xlabel="quantiles of the base", ylabel="quantiles of the latents", title=title)
axes[0].set_ylim(-6, 6)
axes[1].set(yscale="log", ylim=(20, 3000))
axes[0].legend()
show_images(axes[2], np.concatenate([images[name][:4] for name in images]) / 16, 4)
axes[2].set_title("of each kind, four images")
caption = """Q–Q plots: what lies on the dotted line is distributed as the base. Training digits lie a little too close
to 0 (memory), test digits have a longer tail, test digits upside down lie far out, and with shuffled pixels farther."""
lesson.show(fig, "10b_latents", caption)

# %% [markdown]
# ## Gaussianization as an algorithm
#
# With $p_i$ the marginals of $p$ and $\varphi$ the density of $N(0, 1)$: $\log\frac{p(z)}{\prod_i \varphi(z_i)} =
# \log\frac{p(z)}{\prod_i p_i(z_i)} + \sum_i \log\frac{p_i(z_i)}{\varphi(z_i)}$. Take the mean over $p$; a term of
# the last sum depends on one coordinate, so its mean is one over $p_i$:
#
# $$
# D_{KL}(p \,\|\, N(0, I)) = \underbrace{D_{KL}\bigl(p \,\|\, \textstyle\prod_i
# p_i\bigr)}_{\text{dependence, “total correlation”}} + \sum_i D_{KL}(p_i \,\|\, N(0, 1))
# $$
#
# **Marginals**: map each coordinate by $\Phi^{-1} \circ F_i$, $F_i$ its distribution function. Then $p_i = \varphi$
# and the second part is 0. The first does not change: a map of each coordinate by itself is a bijection that takes
# $\prod p_i$ along, and KL is invariant (10a). So a step lowers KL by *exactly* the marginals' KL. **Rotate**: KL
# stays, since $N(0, I)$ does, but what was dependence shows in the new marginals. Repeat. If no direction has anything
# to show, all projections are Gaussian, hence so is $p$ (Cramér–Wold).
#
# **By hand.** Two coordinates, variances 1, correlation $0.6$. The marginals are normal: all of KL is dependence,
# $-\frac12 \log(1 - 0.6^2) = 0.2231$. Turn by 45°: independent, with variances $1.6$ and $0.4$. Now all is marginal:
# $\frac12(1.6 - 1 - \log 1.6) + \frac12(0.4 - 1 - \log 0.4) = -\frac12 \log 0.64 = 0.2231$. One step removes it.
#
# Here $F_i$ is a smooth monotone curve through 100 quantiles of the data: a bijection with a known log-det. So what
# comes out is a flow like any other; KL is known on held-out data, and every stage has a density in x.


# %%
def marginal(data):
    """Φ⁻¹∘F of one coordinate, F through quantiles of `data`, with straight lines beyond: x → z and log|dz/dx|."""
    q = (np.arange(100) + 0.5) / 100
    knots = np.quantile(data, q)
    curve = interpolate.PchipInterpolator(knots, special.ndtri(q))  # monotone, as a bijection must be

    def normal(x):
        inside = np.clip(x, knots[0], knots[-1])
        slope = curve.derivative()(inside)
        return curve(inside) + slope * (x - inside), np.log(slope)

    return normal


def rotation(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def step(x, R, normals):
    """Rotate, then make both marginals normal; and the log-det."""
    mapped = [normal(y) for normal, y in zip(normals, (x @ R).T, strict=True)]
    return np.stack([z for z, _ in mapped], axis=1), sum(log_slope for _, log_slope in mapped)


class Gaussianized:
    """The density in x that so many steps imply: N(0, I) of where they lead, times their slopes (N7)."""

    n = 2

    def __init__(self, steps):
        self.steps = steps

    def log_prob(self, x):
        total = np.zeros(len(x))
        for R, normals in self.steps:
            x, log_det = step(x, R, normals)
            total += log_det
        return total - 0.5 * (x**2).sum(axis=1) - np.log(2 * np.pi)


# %% [markdown]
# The example by hand. The marginals' KL comes from samples: an entropy from the gaps between sorted neighbours, one
# that knows nothing of the curves.


# %%
def marginal_kl(z):
    """Σ_i KL(p_i ‖ N(0, 1)) of samples: −entropy by Vasicek's spacings, and the mean of −log φ."""
    return (-stats.differential_entropy(z) + 0.5 * (z**2).mean(axis=0) + 0.5 * np.log(2 * np.pi)).sum()


rho, tilted = 0.6, rng.standard_normal((100_000, 2))
tilted[:, 1] = rho * tilted[:, 0] + np.sqrt(1 - rho**2) * tilted[:, 1]
turned = tilted @ rotation(np.pi / 4)
error = max(abs(marginal_kl(tilted)), abs(marginal_kl(turned) - 0.2231))
lesson.claim("N24", "pencil: the marginals' KL, 0 before the turn, 0.2231 after, by spacings", error, 0.01, marginal_kl)
once = [(rotation(np.pi / 4), [marginal(y) for y in turned.T])]
truth = stats.multivariate_normal(cov=[[1, rho], [rho, 1]]).logpdf(tilted)
left = (truth - Gaussianized(once).log_prob(tilted)).mean()
lesson.claim("N24", "pencil: KL after one step from 0.2231", abs(left), 0.005, Gaussianized)

# %% [markdown]
# The algorithm: eight Gaussians in a ring, forty rounds at random angles. Curves are fitted to some points, KL is
# measured on others, by the density that the steps imply; does each round lower it by just its marginals' KL?

# %%
data = datasets.eight_gaussians_density()
fitted, held_out, steps, fallen = data.sample(100_000, rng), data.sample(10_000, rng), [], []
stages, rounds = [held_out], lesson.pick(16, 40)
for _ in range(rounds):
    R = rotation(rng.uniform(0, np.pi))
    steps.append((R, [marginal(y) for y in (fitted @ R).T]))
    fallen.append(marginal_kl(fitted @ R))
    fitted, _ = step(fitted, *steps[-1])
    stages.append(step(stages[-1], *steps[-1])[0])
log_data = data.log_prob(held_out)
kls = [(log_data - Gaussianized(steps[:k]).log_prob(held_out)).mean() for k in range(rounds + 1)]
print(f"  KL, held out, in nats: {kls[0]:.3f}; after one round {kls[1]:.3f}, after {rounds} {kls[-1]:.3f}")
lesson.claim("N24", "Gaussianization: KL at the end / at the start", kls[-1] / kls[0], lesson.pick(0.25, 0.1), marginal)
error = abs(-np.diff(kls) - fallen).max()
lesson.claim("N24", "each round lowers KL by its marginals' KL: largest difference, nats", error, 0.02, marginal_kl)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 4, figsize=(10, 5.8), sharex="row", sharey="row")
for top, bottom, k in zip(*axes, (0, 1, 6, rounds), strict=True):
    samples_axes(top, stages[k], -4, 4, letter="z" if k else "x")
    top.set_title(f"after {k} round{'s' * (k > 1)}" if k else "data, held out")
    show_density(bottom, Gaussianized(steps[:k]), -4, 4, points=lesson.pick(150, 400), most=0.4, bar=k == rounds)
    bottom.set_title(f"the density: KL {kls[k]:.3f}")
caption = """Above: held-out points lose their modes and become nearly a Gaussian cloud. Below: what the same steps say
of x, the density that they imply; it starts as N(0, I) and gathers where the data are. No gradient was taken."""
lesson.show(fig, "10b_gaussianization", caption)

fig, axes = plt.subplots(1, 3, figsize=(9, 3.1))
shown = [k for k in (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 40) if k <= rounds]


def gaussianized(i):
    samples_axes(cleared(axes)[0], stages[shown[i]][:5000], -4, 4, letter="z" if i else "x")
    show_density(axes[1], Gaussianized(steps[: shown[i]]), -4, 4, points=150, most=0.4)
    axes[2].plot(kls, "o-", markersize=3)
    axes[2].axvline(shown[i], color="tab:red")
    axes[2].set(xlabel="rounds", ylim=(0, None), title=f"KL, held out: {kls[shown[i]]:.3f} nats")


caption = """Round after round: held-out points, whose gaps close; the density of x that the rounds so far imply (one
scale of colours), out of which eight spots separate; and the KL that is left. The first round puts spots wherever modes
of its two directions cross, also where no data are; later rounds look along other directions, and take those away."""
words = [f"{k} round{'s' * (k != 1)}" for k in shown]
lesson.slide(fig, gaussianized, words, "10b_moving", caption, "after", start=4)

fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2))
left.plot(kls, "o-", markersize=3)
left.set(xlabel="rounds", ylabel="KL, nats, held out", ylim=(0, None))
right.plot(fallen, -np.diff(kls), "o", markersize=4)
right.axline((0, 0), slope=1, color="0.6", linestyle=":")
right.set(xlabel="KL of the marginals after the turn", ylabel="how far KL falls in the round")
caption = """KL falls, and in each round by what the marginals had after the turn (dotted: equal): left by held-out
log-densities, right against the marginals' entropies from spacings between samples."""
lesson.show(fig, "10b_rounds", caption)

# %% [markdown]
# **In short.** A trained flow turns data into noise, nearly: test latents have a tail, foreign images lie far out. KL
# from $N(0, I)$ is dependence plus marginals. Making the marginals normal removes the second part and leaves the first;
# a rotation exchanges the two and leaves the sum. Alternating them builds a flow without gradients, each step lowering
# KL by what it can see, and never by more.
#
# **Exercise.** Replace the random angles by those that make the marginals least normal: how many rounds less does it
# take? And which part of the KL is left when every marginal, in every direction, is normal?

# %%
lesson.end()
