# %% [markdown]
# # 03c · NICE on handwritten digits
#
# *Notes: 优化目标 for the layers of NICE, on data that are counts. Statement N8.*
#
# **What the notes say here:** nothing of digits. They give an objective, the sum of $\log p_X$ over a data set (02b),
# and layers (03a). This lesson puts both to work on images, as the NICE paper does, and says what a likelihood
# of *counts* is, how it is reported, and what stands between 1,257 images and a good model.
#
# **What you need:** [03a](03a_nice.py); expectation and Jensen's inequality; logarithms to base 2.

# %%
import numpy as np
from matplotlib import pyplot as plt
from scipy import integrate

import nfedu
from nfedu import datasets
from nfedu.course.lesson import begin
from nfedu.course.trained import Outcome, long_training
from nfedu.plotting import show_images

lesson = begin("03c · NICE on handwritten digits")
rng = np.random.default_rng(3)

# %% [markdown]
# ## Counts are not a density
#
# A pixel is one of 17 levels, $k = 0, \dots, 16$. A density may rise without bound on 17 points: likelihood would grow
# for ever, and mean nothing. So each level gets a bin, $x = (k + u)/17$ with $u$ uniform on $[0, 1)$
# (*dequantization*), and a density $p$ of $x$ gives the level the probability that it has on the bin:
#
# $$
# P(k) = \int_{k/17}^{(k+1)/17} p(x)\,dx = \mathbb{E}_u\!\left[\frac{p\big((k + u)/17\big)}{17}\right],
# \qquad \log P(k) \;\ge\; \mathbb{E}_u \log p\big((k + u)/17\big) - \log 17 .
# $$
#
# The inequality is Jensen's: the logarithm of a mean is at least the mean of the logarithms. The right side is what
# training with fresh noise maximizes. So it is a lower bound of a real probability, and cannot run away. (Theis, van
# den Oord & Bethge 2016, section 3.1.) For 64 pixels $P$ has 64 factors 1/17; in *bits per pixel*, $-\log_2 P/64$, we
# report
#
# $$
# -\frac{\log_2 p(x)}{64} + \log_2 17,
# $$
#
# averaged over noise: at least what a coder with this model would need. A uniform model needs $\log_2 17 = 4.0875$.
#
# **By hand.** Two levels, bins $[0, \frac12]$ and $[\frac12, 1]$, $p(x) = 2x$. $P(0) = \int_0^{1/2} 2x\,dx = \frac14$,
# 2 bits. The bound: $\mathbb{E}_u \log p(u/2) - \log 2$ is $\mathbb{E}_u \log u - \log 2 = -1 - \log 2$: that
# is 2.4427 bits. With a density that is flat on each bin the two would agree.

# %%
probability = integrate.quad(lambda x: 2 * x, 0, 0.5)[0]
bound = integrate.quad(lambda u: np.log(2 * (u / 2)) - np.log(2), 0, 1)[0]
error = max(abs(-np.log2(probability) - 2), abs(-bound / np.log(2) - 2.4427))
lesson.claim("N8", "pencil: P(0) costs 2 bits, its bound 2.4427, by quadrature", error, 5e-5, datasets.dequantise)

split = datasets.digits()
counts = split.train.images
u_mean = datasets.dequantise(np.zeros((20_000, 64)), rng).mean() * 17
error = max(abs(np.floor(datasets.dequantise(counts, rng) * 17) - counts).max(), abs(u_mean - 0.5) / 0.01)
lesson.claim("N8", "noise stays in its level's bin, with mean ½ (error / 0.01)", error, 1, datasets.dequantise)

# %% [markdown]
# What would a model know that looks at each pixel alone, by its levels' frequencies in the training images? Its bits
# per pixel are a mean of entropies. A flow must beat it, or its couplings are for nothing.

# %%
frequencies = np.stack([(counts == k).mean(axis=0) for k in range(17)])  # (17, 64)
smoothed = (frequencies * len(counts) + 0.1) / (len(counts) + 1.7)
test = split.test.images.astype(int)
alone = -np.log2(smoothed[test, np.arange(64)]).mean()
print(f"  each pixel by itself: {alone:.3f} bits per pixel on the test images")


class Steps:
    """The same model as a density of x: flat on each level's bin, so Jensen's inequality loses nothing."""

    n = 64

    def log_prob(self, x):
        return np.log(17 * smoothed[(17 * x).astype(int), np.arange(64)]).sum(axis=1)


bits, _ = datasets.bits_per_pixel(Steps(), split.test.images, np.random.default_rng(0))
lesson.claim("N8", "flat on each bin: the bound is the counts' own bits", abs(bits - alone), 1e-12, "bits_per_pixel")
uniform = nfedu.Flow(nfedu.StandardLogistic(64), nfedu.Logit(64, margin=0.0))
bits, _ = datasets.bits_per_pixel(uniform, split.test.images, np.random.default_rng(0))
lesson.claim("N8", "pencil: a uniform density costs log₂ 17 = 4.0875 bits", abs(bits - 4.0875), 5e-5, "bits_per_pixel")

# %% [markdown]
# ## The model
#
# 1,797 images of 8×8 pixels. `Logit` takes $[0, 1]$ to the line; a fixed permutation puts even pixels before odd ones,
# so that each half is a coarse copy of the whole image; then couplings with roles exchanged, rescaling next to the base
# (03a says why it may stand there), and a logistic base, as in the paper.
#
# With 1,257 images to learn from the enemy is not the likelihood but memory. Four things are meant to help: fresh noise
# for every batch, softplus instead of ReLU, weight decay, and a running mean of θ.


# %%
def nice_digits(rng, activation="softplus"):
    even_odd = np.r_[0:64:2, 1:64:2]
    options = {"hidden": (128, 128), "activation": activation, "rng": rng}
    layers = [nfedu.AdditiveCoupling(64, flip=bool(m % 2), **options) for m in range(8)]
    data_side = [nfedu.Inverse(nfedu.Permute(even_odd)), nfedu.Logit(64, margin=0.05)]
    return nfedu.Flow(nfedu.StandardLogistic(64), [nfedu.Rescale(64), *layers, *data_side]).astype(np.float32)


validation = np.concatenate([datasets.dequantise(split.validation.images, rng) for _ in range(5)])


def train(flow, rng, epochs, noise="fresh", decay=0.5, mean=0.99):
    x = counts if noise == "fresh" else datasets.dequantise(counts, rng)
    history = nfedu.fit(
        flow, x, validation=validation, transform=datasets.dequantise if noise == "fresh" else None, rng=rng,
        optimizer=nfedu.Adam(4e-3), epochs=epochs, patience=100, anneal=True, weight_decay=decay, average=mean,
    )  # fmt: skip
    measured = (datasets.bits_per_pixel(flow, part.images, np.random.default_rng(0)) for part in split)
    return nfedu.training.DigitsRun(history, *measured)


# %% [markdown]
# All four together, 220 epochs: does it beat the pixels by themselves?

# %%
draw = np.random.default_rng(3)
nice = nice_digits(draw)
run = train(nice, draw, lesson.pick(15, 220))
print(f"  {nice.theta.size:,} weights, best epoch {run.history.best_epoch}; {run}")
history, bits = run.history, run.test[0]
if lesson.length != "quick":
    lesson.claim("N8", "NICE on the digits, test bits per pixel", bits, 2.36, nfedu.fit)
    words = "NICE less pixels by themselves, test bits per pixel"
    lesson.claim("N8", words, bits - alone, -0.1, nfedu.AdditiveCoupling)
longer = lambda flow, rng: Outcome.of(train(flow, rng, 800))  # noqa: E731
long = long_training(lesson, "NICE, 8 couplings", nice_digits, longer, peer=2.330)

# %% [markdown]
# And one left out at a time, with the same seed and number of epochs: the first three do help. The mean does nothing
# that could be told from chance: where the learning rate falls to 0 anyway, the last θ is quiet by itself.

# %%
left_out = {
    "all four": {},
    "no fresh noise": {"noise": "once"},
    "ReLU": {},
    "no weight decay": {"decay": 0.0},
    "no running mean": {"mean": 0.0},
}
test_bits = {}
for name, change in left_out.items():
    draw = np.random.default_rng(0)
    left = train(nice_digits(draw, "relu" if name == "ReLU" else "softplus"), draw, lesson.pick(3, 60), **change)
    test_bits[name] = left.test
    print(f"  {name:<16} training images {left.train[0]:.3f}, test images {left.test[0]:.3f} ± {left.test[1]:.3f}")
if lesson.length != "quick":
    for name in ("no fresh noise", "ReLU", "no weight decay"):
        loss = test_bits["all four"][0] - test_bits[name][0]
        lesson.claim("N8", f"60 epochs, one seed: all four less {name}, test bits per pixel", loss, -0.01, nfedu.fit)
    loss = abs(test_bits["all four"][0] - test_bits["no running mean"][0])
    lesson.claim("N8", "the running mean changes less than a standard error", loss, test_bits["all four"][1], nfedu.fit)

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
to_bits = lambda nats: np.array(nats) / (64 * np.log(2)) + np.log2(17)  # noqa: E731
left.plot(to_bits(history.train), color="0.6", label="training, last θ")
left.plot(to_bits(history.validation), color="tab:blue", label="validation, mean θ")
left.axvline(history.best_epoch, color="tab:blue", linestyle=":", label="kept")
left.set(
    xlabel="epoch",
    ylabel="bits per pixel",
    ylim=(1.9, 3),
    title=f"test: {run.test[0]:.3f} ± {run.test[1]:.3f} bits per pixel",
)
left.legend()
names = list(test_bits)[::-1]
right.errorbar(
    *zip(*((test_bits[n][0], n) for n in names), strict=True), xerr=[test_bits[n][1] for n in names], fmt="o"
)
right.axvline(test_bits["all four"][0], color="0.7", linestyle=":")
right.set(xlabel="bits per pixel, test images", title=f"one thing left out, {lesson.pick(3, 60)} epochs")
caption = f"""Left: losses while learning. At the θ kept, training images cost {run.train[0]:.3f} bits and validation
images {run.validation[0]:.3f}: the difference is overfitting. Right: what leaving one remedy out costs, one training
each with the same seed; bars are standard errors over the test images, which are the same for all."""
lesson.show(fig, "03c_learning", caption)

fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.4))
show_images(axes[0], counts[:16] / 16, 4)
show_images(axes[1], datasets.dequantise(counts[:16], rng), 4)
show_images(axes[2], long.sample(16, rng), 4)
for ax, title in zip(axes, ["data", "with noise, as the model sees them", "NICE, samples as drawn"], strict=True):
    ax.set_title(title)
caption = """Sixteen training images, the same with noise inside each level's bin, and samples of the same
model after its long training (`--full`), which have the strokes of digits, not always a digit."""
lesson.show(fig, "03c_digits", caption)

# %% [markdown]
# ## In five lines
#
# - Counts need noise before they have a density: uniform in the level's bin.
# - The loss is then an upper bound on the bits of the counts themselves, by Jensen; it cannot run away.
# - Bits per pixel: nats over $64 \log 2$, plus $\log_2 17$ for the bins.
# - With few images the gap between training and test is the loss; what narrows it is measured by leaving it out.
# - One seed and one split say what happened once; [the results](RESULTS.md) are of three seeds, trained for longer.
#
# **Exercise.** Give the digits model to `checks.check_bijection` in float64 (rungs 1 to 5). Then leave `Rescale` out
# and train again: how many bits does N13 buy? Which $s_i$ are smallest, and which latents do they switch off?
# %%
lesson.end()
