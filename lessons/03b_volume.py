# %% [markdown]
# # 03b · NICE: what volume forbids
#
# *Notes: NICE, det(J) = 1, so nothing needs to be normalized (无须进行额外的归一化): the price. Statement N12.*
#
# **What the notes say here:** the determinant is 1, so no normalization is needed; at the end there is a rescaling.
# They do not say why a rescaling should be needed. This lesson does: it computes how good a model of volume-preserving
# layers can be at all, with and without a rescaling, and how near to that eight Gaussians, two moons and a letter come.
#
# **What you need:** [03a](03a_nice.py); the area of a disc; integration by parts or a table of integrals.

# %%
import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets
from nfedu.checks import density_on_grid, level_area
from nfedu.course.lesson import begin
from nfedu.plotting import cleared, samples_axes, show_density, stages

lesson = begin("03b · NICE: what volume forbids")
rng = np.random.default_rng(3)

# %% [markdown]
# ## A bound that no such model beats
#
# Under a map with $|\det| = 1$ the density is carried along: $p_X(x) = p_Z(h(x))$. Its peak stays $1/(2\pi)$ in the
# plane, and the area where it exceeds any level stays too. With a rescaling of determinant $S = |s_1 s_2|$ all areas
# are multiplied by $S$ and all densities divided by it. So sort the plane by density. The normal exceeds its value at
# radius $r$ on a disc of area $\pi r^2$; a model $q$ of such layers, at the point up to which the area $a$ is denser,
# has
#
# $$
# q^*(a) = \frac{1}{2\pi S}\,e^{-a/2\pi S}, \qquad \log q^*(a) = -\log 2\pi S - \frac{a}{2\pi S},
# $$
#
# *whatever its layers are* (put $a = S \pi r^2$ into $e^{-r^2/2}/2\pi S$). The layers only decide where in the plane
# these densities lie. Let $p$ be the data's density and $A(x)$ the area where $p$ exceeds $p(x)$. To make $\mathbb{E}_p
# \log q$ large, $q$ should be densest where $p$ is: the integral of a product is largest when both factors are sorted
# alike (Hardy, Littlewood & Pólya 1934, theorem 378). Sorted alike, $q$ at $x$ is $q^*(A(x))$. Hence
#
# $$
# -\mathbb{E}_p \log q \;\ge\; \log 2\pi S + \frac{\mathbb{E}_p[A]}{2\pi S} .
# $$
#
# Without rescaling $S = 1$. With it, the derivative in $S$, $\frac1S - \frac{\mathbb{E}[A]}{2\pi S^2}$, is 0 at $S =
# \mathbb{E}[A]/2\pi$:
#
# $$
# -\mathbb{E} \log q \;\ge\; \log 2\pi + \frac{\mathbb{E}_p[A]}{2\pi} \;\; (S = 1),
# \qquad -\mathbb{E} \log q \;\ge\; 1 + \log \mathbb{E}_p[A] \;\; (\text{with rescaling}).
# $$
#
# **By hand.** Data uniform on an area $B$, of any shape: the entropy is $\log B$. Sorting it is arbitrary, and on the
# average over the order half of $B$ comes before a point: $\mathbb{E}[A] = B/2$. So the best that NICE can do is $1 +
# \log (B/2)$, which is $1 - \log 2 = 0.3069$ nats above the entropy: a flat density is not to be had from a normal one
# by carrying areas. There $2\pi S = B/2$: $q^*(0) = 2/B$ is twice the data's density, and $e^{-B/2\pi S} = e^{-2} =
# 0.1353$ of the mass lies beyond the area $B$. For data $N(0, \sigma^2 I)$, $A = \pi r^2$ and $\mathbb{E}[A] =
# \pi\,\mathbb{E}[r^2] = 2\pi\sigma^2$: with rescaling the bound is $1 + \log 2\pi\sigma^2$, the entropy. That is why
# NICE rescales.


# %%
def bounds(E_A):
    return {"couplings alone": np.log(2 * np.pi) + E_A / (2 * np.pi), "and rescaling": 1 + np.log(E_A)}


line = np.linspace(-4, 4, 1601)
r2 = line[:, None] ** 2 + line[None, :] ** 2
disc, normal, cell = (r2 <= 4).astype(float), np.exp(-r2 / (2 * 0.5**2)), (line[1] - line[0]) ** 2
entropy = np.log(disc.sum() * cell)
error = abs(bounds(level_area(disc, cell))["and rescaling"] - entropy - 0.3069)
lesson.claim("N12", "pencil: uniform on a disc, bound − entropy = 0.3069", error, 5e-5, level_area)
best = np.exp(-r2 * np.pi / level_area(disc, cell)) / level_area(disc, cell)  # N(0, S I) with 2π S = E[A]
error = abs(1 - (best * disc).sum() * cell - 0.1353)
lesson.claim("N12", "pencil: of the best model 0.1353 lies beside the disc", error, 5e-5, level_area)
error = abs(level_area(normal, cell) - 2 * np.pi * 0.5**2)
lesson.claim("N12", "E[A] of N(0, 0.5² I) is 2π 0.5²", error, 1e-5, level_area)

# %% [markdown]
# Is the bound reached? It is for the best *rearrangement* of areas, which need not be continuous. Diffeomorphisms that
# preserve area come as near to any rearrangement as one likes (Brenier & Gangbo 2003). In the plane, couplings that are
# flipped in turn come as near to any of those, on a bounded region, as one likes (Turaev 2003; Jin et al. 2020,
# "SympNets", where they are called gradient modules). We take both on trust, and measure how near *our* nets come.
#
# First the bound itself, for eight Gaussians: their density and those of normals with several $S$, cell by cell on one
# grid, both sorted. The best of these losses must be $1 + \log \mathbb{E}[A]$; no formula for $q^*$ is used.

# %%
target = datasets.eight_gaussians_density()
grid = density_on_grid(target, -4, 4, 1000)
cell, p = (8 / 1000) ** 2, np.sort(grid.density.ravel())[::-1]
E_A = level_area(grid.density, cell)
told = ", ".join(f"{name} {bound:.3f}" for name, bound in bounds(E_A).items())
print(f"  eight Gaussians: E[A] = {E_A:.3f}; bounds, nats: {told}")


def sorted_alike(scale):
    """The loss of the density of N(0, S I) on as many cells, put where the target is as dense."""
    base = density_on_grid(nfedu.Flow(nfedu.StandardNormal(2), nfedu.Rescale(2, np.sqrt(scale))), -4, 4, 1000)
    return -(p * np.log(np.sort(base.density.ravel())[::-1])).sum() * cell


best = min(sorted_alike(scale) for scale in E_A / (2 * np.pi) * np.array([0.8, 0.9, 1, 1.1, 1.2]))
error = abs(best - bounds(E_A)["and rescaling"])
words = "normals of several S, sorted as the target: the best loss is 1 + log E[A]"
lesson.claim("N12", words, error, 1e-3, level_area)

# %% [markdown]
# ## Eight Gaussians
#
# Eight equal Gaussians fill areas as one of their total area does: with rescaling the bound is their entropy, up to
# their overlap, and what NICE stays above it is what the networks have not learned. The conditioners are tanh networks:
# bounded shifts cannot throw points far out, as ReLU's linear tails do.


# %%
def nice_2d(rng, couplings=12, hidden=(32, 32), rescale=True):
    options = {"hidden": hidden, "activation": "tanh", "rng": rng}
    layers = [nfedu.AdditiveCoupling(2, flip=bool(m % 2), **options) for m in range(couplings)]
    return nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2)] * rescale + layers).astype(np.float32)


def train(flow, x, epochs, rate=8e-3):
    options = {"batch_size": 500, "optimizer": nfedu.Adam(rate), "anneal": True, "average": 0.99}
    history = nfedu.fit(flow, x, rng=rng, epochs=epochs, **options)
    print(f"  {history.steps} steps in {history.seconds:.1f} s")
    return flow


held_out = target.sample(20_000, rng)
models, losses = {}, {}
for name, bound in bounds(E_A).items():
    flow = nice_2d(rng, rescale="rescaling" in name)
    models[name] = train(flow, target.sample(20_000, rng), lesson.pick(2, 30))
    losses[name] = -flow.log_prob(held_out).mean()
    if lesson.length != "quick":
        error = abs(losses[name] - bound)
        lesson.claim("N12", f"{name}: |loss on held-out points − bound|, nats", error, 0.3, nfedu.AdditiveCoupling)

# %% [markdown]
# And the densities of the couplings alone, sorted: whatever was learned, they are the normal's.

# %%
curve = density_on_grid(models["couplings alone"], -7, 7, lesson.pick(400, 900)).density.ravel()
sizes = (np.arange(curve.size) + 0.5) * 14**2 / curve.size
error = abs(np.sort(curve)[::-1] - np.exp(-sizes / (2 * np.pi)) / (2 * np.pi))[sizes < 20].max()
statement = "learned or not, sorted by density it is exp(−a/2π)/2π: largest difference, a < 20"
lesson.claim("N12", statement, error, 1e-3, nfedu.AdditiveCoupling)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 4, figsize=(10, 2.9), width_ratios=[1, 1, 1, 1.2])
peak = grid.density.max()
show_density(axes[0], target, most=peak)
axes[0].set_title(f"target, entropy {-target.log_prob(held_out).mean():.3f}")
sizes = np.arange(p.size) * cell
for ax, (name, flow), colour in zip(axes[1:], models.items(), ("tab:blue", "tab:orange"), strict=False):
    found = show_density(ax, flow, -6, 6, lesson.pick(400, 800), most=peak, bar=name == "and rescaling")
    ax.set(title=f"{name}:\n{losses[name]:.3f}, bound {bounds(E_A)[name]:.3f}", xlim=(-3, 3), ylim=(-3, 3), ylabel="")
    sorted_q = np.sort(found.density.ravel())[::-1]
    axes[3].plot(np.arange(sorted_q.size) * (12 / lesson.pick(400, 800)) ** 2, sorted_q, color=colour, label=name)
axes[3].plot(sizes, p, color="0.3", label="target")
axes[3].plot(sizes, np.exp(-sizes / (2 * np.pi)) / (2 * np.pi), "k:", label="exp(−a/2π)/2π")
axes[3].set(xlim=(0, 8), xlabel="area a where it is denser", ylabel="density")
axes[3].legend()
caption = """One scale of colours. Couplings alone can place densities, not change them: sorted by density (right), they
give the dotted curve of the normal, whatever was learned. One scale per coordinate replaces it by a wider or narrower
normal's: S = E[A]/2π would give the target's curve; what was learned lies in between. Modes are joined by bridges,
since a continuous map cannot tear the plane."""
lesson.show(fig, "03b_volume", caption)

# %% [markdown]
# ## Two moons, and a letter
#
# Any picture is a density: `PictureDensity` samples points by the darkness of its pixels, and knows its exact density
# and entropy. A letter is nearly uniform on its ink, so our bound says what NICE can do: about 0.3 nats above the
# entropy, a stroke that fades from its middle to its edge, with 13.5% of the mass beside it. (A photograph has far more
# edges than such a small flow can bend its map for: try `datasets.portrait()`.)


# %%
def letter(glyph):
    """A picture of one letter, (200, 200), black on white, in a typeface that comes with Matplotlib."""
    fig = plt.figure(figsize=(2, 2), dpi=100, layout="none")
    fig.text(0.5, 0.47, glyph, fontsize=130, ha="center", va="center", family="DejaVu Serif", style="italic")
    fig.canvas.draw()
    pixels = np.asarray(fig.canvas.buffer_rgba())[..., 0].astype(float)
    plt.close(fig)
    return pixels


moons = train(nice_2d(rng), datasets.two_moons(20_000, rng), lesson.pick(3, 20))
picture = datasets.PictureDensity(letter("f"))
larger, inked = nice_2d(rng, 12, (64, 64)), picture.sample(lesson.pick(10_000, 40_000), rng)
drawn = train(larger, inked, lesson.pick(2, 20, 60), 6e-3)
loss = -drawn.log_prob(picture.sample(20_000, rng)).mean()
bound = bounds(level_area(picture.mass, picture.pixel**2))["and rescaling"]
print(f"  the letter: loss {loss:.3f} nats, bound for NICE {bound:.3f}, entropy {picture.entropy():.3f}")
if lesson.length != "quick":
    error = abs(loss - bound)
    lesson.claim("N12", "a letter: |loss on held-out points − bound|, nats", error, 0.08, nfedu.AdditiveCoupling)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 3, figsize=(9.5, 5.4))
samples_axes(axes[0, 0], datasets.two_moons(4000, rng), (-3, -2), (3, 2))
samples_axes(axes[0, 1], moons.sample(4000, rng), (-3, -2), (3, 2), "tab:orange")
show_density(axes[0, 2], moons, (-3, -2), (3, 2), (600, 400), bar=True)
peak = density_on_grid(drawn, -2, 2).density.max()
cells = picture.mass.T.shape  # cell by cell a pixel
show_density(axes[1, 0], picture, picture.low, -picture.low, points=cells, most=peak)
samples_axes(axes[1, 1], drawn.sample(20_000, rng), -2, 2, "tab:orange")
show_density(axes[1, 2], drawn, -2, 2, most=peak, bar=True)
titles = ["two moons, data", "NICE, samples", "NICE, density"]
titles += [f"a letter: entropy {picture.entropy():.2f}", "NICE, samples", f"NICE: {loss:.2f}, bound {bound:.2f}"]
for ax, title in zip(axes.flat, titles, strict=True):
    ax.set_title(title)
caption = """Twelve couplings and one rescaling learn the moons up to a thin bridge, and a letter up to the softness
of its strokes (one scale of colours a row), which the bound foretells: a flat density with sharp edges is out of reach
for layers that preserve volume; in the middle they are about twice as dense as the ink."""
lesson.show(fig, "03b_moons_and_letter", caption)

fig, axes = plt.subplots(1, 2, figsize=(7.4, 3.8))
latents, prefixes = moons.base.sample(3000, rng).astype(np.float32), stages(moons.base, moons.bijection.bijections)[1:]


def passed(k):
    show_density(cleared(axes)[0], prefixes[k], -3, 3, 300, most=0.8)
    axes[1].scatter(*prefixes[k].z_to_x(latents).T, c=np.arctan2(*latents.T), cmap="hsv", s=2, linewidths=0)
    axes[1].set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xlabel="$x_1$")


caption = """The moons' flow, coupling by coupling: the density (one scale of colours), and points coloured by the
direction in which their latents lie. Odd couplings slide columns, even ones rows. The cloud is bent into two arcs; the
peak stays what the rescaling made it."""
words = ["the base, rescaled", *(f"coupling {k}" for k in range(1, 13))]
lesson.slide(fig, passed, words, "03b_stack", caption, "after", start=12)

# %% [markdown]
# ## In five lines
#
# - Layers of determinant 1 carry densities about: sorted by density, every such model is the same curve.
# - Best is to be densest where the data are: this bounds the loss, by the mean area $\mathbb{E}[A]$ alone.
# - One rescaling fits that curve's width; it makes the bound the entropy where data are Gaussians of one size.
# - Of data that are flat on an area NICE stays $1 - \log 2$ nats away. Log-scales that vary (04) lift the bound.
# - What a trained flow lies above its bound, its networks have not learned; we measured it.
#
# **Exercise.** What is the bound for data in $n$ dimensions that are uniform on a volume $B$? (The normal exceeds its
# value at radius $r$ on a ball of volume $V_n r^n$.) Does it get better or worse with $n$?
# %%
lesson.end()
