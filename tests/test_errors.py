"""Bad input: each raises ValueError with what was given, what is expected, and what to do."""

import numpy as np
import pytest

import nfedu
from nfedu import checks, datasets
from tests.registry import ENTRIES

RNG = np.random.default_rng(0)
NORMAL = nfedu.StandardNormal(2)
X = RNG.standard_normal((5, 2))


def with_nan():
    x = X.copy()
    x[3, 1] = np.nan
    return x


def coupling(n=4, **options):
    return nfedu.AdditiveCoupling(n, (4,), rng=np.random.default_rng(0), **options)


def image(shape=(1, 4, 4), **options):
    return nfedu.ImageCoupling(shape, **{"filters": 2, "rng": np.random.default_rng(0), **options})


def maf(hidden=(3,), **options):
    return nfedu.MaskedAutoregressive(4, hidden, rng=np.random.default_rng(0), **options)


def batch_norm_of_one():
    layer = nfedu.BatchNorm(2)
    layer.mode = "training"
    return layer.x_to_z(X[:1])


def flow():
    return nfedu.Flow(nfedu.StandardNormal(2), nfedu.Affine(2))


def fit(x, **options):
    return nfedu.fit(flow(), x, rng=np.random.default_rng(0), progress=False, **options)


class Teacher:
    """One that has no n unless told, and a column of log-densities."""

    def __init__(self, *n):
        if n:
            self.n = n[0]

    def log_prob(self, x):
        return -0.5 * (x**2).sum(axis=1, keepdims=True)

    def score(self, x):
        return -x


CASES = {
    "columns that are too few": (
        lambda: nfedu.OnColumns(3, nfedu.Exp(2), [1]),
        r"columns = \[1\], expected 2 different ones of 0 … 2",
    ),
    "a column twice": (lambda: nfedu.OnColumns(3, nfedu.Exp(2), [1, 1]), "expected 2 different ones"),
    "a column that is not there": (lambda: nfedu.OnColumns(3, nfedu.Exp(1), [3]), "expected 1 different ones of 0 … 2"),
    "edges that fall": (lambda: nfedu.Histogram(1, [0, 2, 1], [1, 1]), "expected edges that increase"),
    "a mass of 0": (lambda: nfedu.Histogram(1, [0, 1, 2], [1, 0]), "a mass > 0 for each bin"),
    "a tail without a mass": (lambda: nfedu.Histogram(1, [0, 1, 2], [1, 1], 2.0), "with a tail > 0 one more"),
    "matrix above its diagonal": (lambda: nfedu.FixedAffine([0, 0], [[1, 1], [0, 1]]), "zeros above its diagonal"),
    "matrix of another n": (lambda: nfedu.FixedAffine([0, 0], [1, 1, 1]), r"shift has shape \(2,\), matrix \(3,\)"),
    "transposed": (lambda: flow().log_prob(np.zeros((2, 5))), r"shape \(2, 5\).*did you mean x\.T\?"),
    "a row of numbers": (lambda: nfedu.StandardNormal(1).log_prob(np.zeros(5)), r"did you mean z\[:, None\]\?"),
    "d is no integer": (lambda: coupling(d=1.5), "d = 1.5 with n = 4, expected 1 ≤ d < n, an integer"),
    "seed for rng, sample": (
        lambda: flow().sample(3, 0),
        r"rng = 0, expected a generator such as np.random.default_rng",
    ),
    "seed for rng, layer": (lambda: nfedu.AdditiveCoupling(2, rng=0), "rng = 0, expected a generator"),
    "seed for rng, fit": (lambda: nfedu.fit(flow(), X, rng=0), "rng = 0, expected a generator"),
    "seed for rng, noise": (lambda: datasets.dequantise(np.zeros((2, 64)), 0), "rng = 0, expected a generator"),
    "optimizer by name": (lambda: fit(X, optimizer="adam"), r"'adam', expected an optimizer such as nfedu.Adam"),
    "optimizer class": (lambda: fit(X, optimizer=nfedu.Adam), r"expected an optimizer such as nfedu.Adam\(1e-3\)"),
    "base and layers swapped": (lambda: nfedu.Flow([nfedu.Rescale(2)], NORMAL), r"expected Flow\(base, bijections\)"),
    "no layer": (lambda: nfedu.Flow(NORMAL, [np.exp]), "is no bijection; expected layers with z_to_x and x_to_z"),
    "one row, L-BFGS": (lambda: nfedu.fit_lbfgs(flow(), X[:1]), "x has 1 row, expected at least 2 points"),
    "weight_decay < 0": (lambda: fit(X, weight_decay=-1), "weight_decay = -1, expected a number ≥ 0"),
    "momentum": (lambda: nfedu.SGD(0.1, momentum=1.0), "momentum = 1.0, expected 0 ≤ momentum < 1"),
    "beta1": (lambda: nfedu.Adam(beta1=1), "beta1 = 1, expected 0 ≤ beta1 < 1"),
    "permutation of booleans": (lambda: nfedu.Permute([True, False]), "is no permutation"),
    "mixture not symmetric": (
        lambda: nfedu.GaussianMixture([[0, 0.0]], [[1, 0.9], [0, 1]]),
        "a covariance is not finite and symmetric",
    ),
    "mixture weight": (lambda: nfedu.GaussianMixture([[0.0]], 1.0, [np.inf]), "expected 1 numbers ≥ 0"),
    "picture contrast": (
        lambda: datasets.PictureDensity(np.eye(3), contrast=-1),
        "contrast = -1, expected a",
    ),
    "bits of one image": (lambda: datasets.bits_per_pixel(flow(), np.zeros((1, 2)), RNG), "expected ≥ 2 images"),
    "bits of noisy counts": (lambda: datasets.bits_per_pixel(flow(), X, RNG), "expected counts 0, 1, … 16"),
    "wrong shape": (lambda: flow().log_prob(np.zeros((5, 3))), r"shape \(5, 3\), expected \(N, 2\)"),
    "a single point": (lambda: flow().log_prob(np.zeros(2)), r"shape \(2,\).*did you mean x\[None, :\]\?"),
    "no points": (lambda: flow().log_prob(np.zeros((0, 2))), r"shape \(0, 2\), expected \(N, 2\) with N ≥ 1"),
    "text": (lambda: flow().log_prob([["a", "b"]]), "dtype <U1, expected numbers"),
    "NaN": (lambda: flow().log_prob(with_nan()), "1 non-finite entries of 10, the first is nan at row 3, column 1"),
    "infinity": (lambda: NORMAL.log_prob([[np.inf, 0]]), "the first is inf at row 0, column 0"),
    "complex into a real flow": (lambda: flow().log_prob(X + 0j), r"x is complex, the flow is float64.*astype"),
    "hidden = 64": (lambda: nfedu.AffineCoupling(4, 64, rng=RNG), r"hidden = 64, expected .*, such as \(64, 64\)"),
    "hidden of MAF = 64": (lambda: maf(64), r"MaskedAutoregressive: hidden = 64, expected .*, such as \(64, 64\)"),
    "a class for a layer": (lambda: nfedu.Flow(NORMAL, [nfedu.Rescale]), "that is a class: call it, with n"),
    "a class for a base": (lambda: nfedu.Flow(nfedu.StandardNormal, nfedu.Shift(2)), r"as StandardNormal\(2\)"),
    "integer flow": (
        lambda: nfedu.Flow(NORMAL, nfedu.Shift(2)).astype(int),
        "dtype = int64, expected float32, ",
    ),
    "check_flow of a layer": (
        lambda: checks.check_flow(nfedu.Shift(2), X),
        "got a Shift, expected a Flow; for a",
    ),
    "d and a mask": (lambda: coupling(d=1, mask=[True] * 2 + [False] * 2), "got d and a mask, expected one of them"),
    "mask of another length": (
        lambda: coupling(mask=[True, False]),
        r"shape \(2,\) and dtype bool, expected 4 booleans",
    ),
    "mask of numbers": (lambda: coupling(mask=[0, 2, 1, 1]), "dtype int64, expected 4 booleans"),
    "nothing to transform": (
        lambda: coupling(mask=[True] * 4),
        "the mask of 4 coordinates leaves nothing to transform",
    ),
    "nothing that passes": (lambda: coupling(mask=[False] * 4), "the mask of 4 coordinates leaves nothing that passes"),
    "channel mask of one channel": (
        lambda: image((1, 4, 4), mask="channels"),
        "one channel is not to be split by ",
    ),
    "checkerboard of one pixel": (lambda: image((3, 1, 1)), "the mask of 3 coordinates leaves nothing to transform"),
    "unknown mask": (lambda: image(mask="stripes"), r"'stripes', expected one of \['channels', 'checkerboard'\]"),
    "mask of another image": (
        lambda: image((1, 4, 4), mask=nfedu.masks.checkerboard((1, 8, 8))),
        r"shape \(64,\) and dtype bool, expected 16 booleans",
    ),
    "shape of an image": (lambda: image((4, 4)), r"shape = \(4, 4\), expected \(channels, height, width\)"),
    "shape with 0": (lambda: nfedu.Squeeze((1, 0, 4)), r"shape = \(1, 0, 4\), expected \(channels, height, width\)"),
    "odd height": (
        lambda: nfedu.Squeeze((1, 3, 4)),
        "expected an even height and width, to be cut into 2×2",
    ),
    "odd width": (lambda: nfedu.Squeeze((1, 4, 7)), "expected an even height and width"),
    "images not flattened": (
        lambda: image((1, 4, 4)).x_to_z(np.zeros((5, 1, 4, 4))),
        r"shape \(5, 1, 4, 4\), expected \(N, 16\).*images of shape \(1, 4, 4\), flattened.*x\.reshape\(5, -1\)",
    ),
    "images of another size": (
        lambda: nfedu.Squeeze((1, 4, 4)).x_to_z(np.zeros((5, 64))),
        r"shape \(5, 64\), expected \(N, 16\).*images of shape \(1, 4, 4\), flattened",
    ),
    "filters": (lambda: image(filters=0), "filters = 0, blocks = 2, expected integers, filters ≥ 1, blocks ≥ 0"),
    "bound": (lambda: nfedu.AffineCoupling(2, bound=0.0, rng=RNG), "bound = 0.0, expected a number > 0"),
    "channels that do not divide n": (lambda: nfedu.ActNorm(6, 4), "channels = 4 with n = 6, expected a divisor of n"),
    "epsilon": (lambda: nfedu.BatchNorm(2, epsilon=0.0), "epsilon = 0.0, expected a number > 0"),
    "variance": (lambda: nfedu.BatchNorm(2, variance=[1.0, -1.0]), "expected 2 finite numbers ≥ 0"),
    "mean of another length": (
        lambda: nfedu.BatchNorm(2, mean=[1.0, 2.0, 3.0]),
        "expected 2 finite numbers, or one",
    ),
    "a batch of one": (
        lambda: batch_norm_of_one(),
        "1 row when training, expected at least 2, .*raise batch_size",
    ),
    "channels = 0": (lambda: nfedu.ActNorm(4, 0), "ActNorm: channels = 0 with n = 4, expected a divisor of n"),
    "channels = 1.5": (lambda: nfedu.BatchNorm(4, 1.5), "BatchNorm: channels = 1.5 with n = 4"),
    "unknown mode": (lambda: setattr(nfedu.ActNorm(4), "mode", "train"), "mode = 'train', expected one of evaluation"),
    "observing one row": (
        lambda: nfedu.Flow(NORMAL, nfedu.BatchNorm(2)).observe(X[:1]),
        "a batch of 1 row when observing, expected at least 2",
    ),
    "images that are squeezed twice": (
        lambda: nfedu.models.image_real_nvp((1, 28, 26), rng=RNG),
        r"image_real_nvp: shape = \(1, 28, 26\), .* multiples of 4, .*pad the images to \(1, 28, 28\)",
    ),
    "images for MintNet": (
        lambda: nfedu.models.mint_net((3, 30, 30), rng=RNG),
        r"mint_net: shape = \(3, 30, 30\), .* multiples of 4, .*pad the images to \(3, 32, 32\)",
    ),
    "half a coupling": (
        lambda: nfedu.models.image_real_nvp(couplings=1.5, rng=RNG),
        "couplings = 1.5, expected an int",
    ),
    "units without filters": (lambda: nfedu.models.mint_net(units=(1, 1), rng=RNG), "expected as many whole numbers"),
    "masked entries": (lambda: flow().log_prob(np.ma.masked_less(X, 0)), r"x has \d masked entries of 10; fill them"),
    "dates": (lambda: flow().log_prob(np.full((3, 2), "2020-01-01", "M8[D]")), r"datetime64\[D\].*timedelta64"),
    "numbers as text": (lambda: flow().log_prob([["1", "2"]]), "dtype <U1, expected numbers"),
    "a flow of float16": (lambda: nfedu.Flow(NORMAL, nfedu.Shift(2), np.float16), "dtype = float16, expected float32"),
    "counts of 8 bits": (lambda: datasets.dequantise(np.full((2, 4), 255), RNG), "from 255 to 255, expected .* 16,"),
    "counts that are none": (lambda: datasets.dequantise(X, RNG), "expected counts 0, 1, … 16, whole numbers without"),
    "counts that are NaN": (
        lambda: datasets.dequantise(X * np.nan, RNG, 256),
        "counts from nan to nan, expected .* 255",
    ),
    "counts as text": (lambda: datasets.dequantise([["1"]], RNG), "counts of dtype <U1, expected whole numbers"),
    "one level": (lambda: datasets.dequantise(0 * X, RNG, 1), "levels = 1, expected an integer ≥ 2"),
    "teacher without n": (
        lambda: nfedu.distill(flow(), Teacher(), rng=RNG, steps=1),
        "the teacher, a Teacher, has no n; give it that attribute",
    ),
    "teacher in columns": (
        lambda: nfedu.training.kl_divergence(flow(), Teacher(2), 5, RNG),
        r"Teacher: log_prob returned shape \(5, 1\), expected \(5,\)",
    ),
    "base in columns": (
        lambda: nfedu.Flow(Teacher(2), nfedu.Shift(2)).log_prob(X),
        r"Teacher: log_prob returned shape \(5, 1\), expected \(5,\)",
    ),
    "channel that is none": (
        lambda: nfedu.masks.channels((4, 2, 2), passing=(0, 7)),
        r"passing = \(0, 7\) with 4 channels, expected numbers 0 … 3",
    ),
    "shifting no images": (
        lambda: datasets.shifted(np.zeros((3, 65)), RNG),
        r"counts has shape \(3, 65\), expected \(N, 64\)",
    ),
    "share": (lambda: datasets.shifted(np.zeros((3, 64)), RNG, 2.0), "share = 2.0, expected 0 ≤ share ≤ 1"),
    "degrees": (
        lambda: maf(degrees="sorted"),
        "degrees = 'sorted', expected 'sequential', 'random', or for each hidden",
    ),
    "degrees of another width": (lambda: maf(degrees=[[1, 2]]), r"widths \(3,\) a list of that many integers 1 … 3"),
    "degree n": (lambda: maf(degrees=[[1, 2, 4]]), "a list of that many integers 1 … 3"),
    "method": (lambda: maf(method="fast"), r"method = 'fast', expected one of \['cached', 'jacobi', 'naive'\]"),
    "order": (
        lambda: maf(order=[0, 1, 2, 2]),
        r"\[0, 1, 2, 2\] is no permutation, expected each of 0 … n−1 once \(n = 4\)",
    ),
    "order of another n": (lambda: maf(order=[0, 1]), "is no permutation"),
    "MAF, width": (lambda: maf(hidden=(0,)), r"MaskedAutoregressive: hidden = \(0,\), expected integer widths ≥ 1"),
    "MAF, bound": (lambda: maf(bound=-1.0), "MaskedAutoregressive: bound = -1.0, expected a number > 0"),
    "MAF, activation": (lambda: maf(activation="gelu"), "MADE: activation = 'gelu', expected one of"),
    "nothing to factor out": (lambda: nfedu.FactorOut(2, [nfedu.Exp(2)]), "have n = 2, expected less than 2"),
    "d = 0": (lambda: coupling(d=0), r"d = 0 with n = 4, expected 1 ≤ d < n"),
    "d = n": (lambda: coupling(d=4), r"d = 4 with n = 4, expected 1 ≤ d < n"),
    "coupling in one dimension": (lambda: coupling(1), r"n = 1, expected an integer ≥ 2"),
    "n = 0": (lambda: nfedu.StandardNormal(0), r"StandardNormal: n = 0, expected an integer ≥ 1"),
    "n = 2.5": (lambda: nfedu.Rescale(2.5), r"Rescale: n = 2.5, expected an integer"),
    "unknown activation": (
        lambda: coupling(activation="gelu"),
        r"'gelu', expected one of \['relu', 'softplus', 'tanh'\]",
    ),
    "empty hidden layer": (
        lambda: nfedu.AdditiveCoupling(4, (4, 0), rng=RNG),
        r"hidden = \(4, 0\), expected integer widths ≥ 1",
    ),
    "s = 0": (lambda: nfedu.Rescale(2, [1.0, 0.0]), r"s\[1\] = 0, expected s_i ≠ 0: .*cannot be undone"),
    "s of another size": (lambda: nfedu.Rescale(2, [1.0, 2.0, 3.0]), r"shape \(3,\), expected a finite number or 2"),
    "s is NaN": (lambda: nfedu.Affine(2, np.nan), "expected a finite number or 2"),
    "tail = 0": (lambda: nfedu.SinhArcsinh(1, tail=0), "expected δ > 0"),
    "one bin": (lambda: nfedu.Spline(1, bins=1), "bins = 1, bound = 4.0, expected a whole number ≥ 2, a number > 0"),
    "bound = 0": (lambda: nfedu.Spline(1, bound=0), "bound = 0, expected"),
    "margin": (lambda: nfedu.Logit(2, margin=0.5), r"margin = 0.5, expected 0 ≤ margin < 0.5"),
    "outside Logit": (
        lambda: nfedu.Logit(2, margin=0.0).x_to_z([[0.5, 1.0]]),
        r"x\[0, 1\] = 1 lies outside the domain, expected 0 < x < 1 \(1 of 2.*dequantise",
    ),
    "outside Exp": (lambda: nfedu.Exp(1).x_to_z([[-1.0]]), r"x\[0, 0\] = -1 lies outside.*expected 0 < x < inf"),
    "no permutation": (lambda: nfedu.Permute([0, 2, 2]), r"\[0, 2, 2\] is no permutation, expected each of 0 … n−1"),
    "dimensions differ": (lambda: nfedu.Flow(NORMAL, nfedu.Rescale(3)), "base has n = 2, the bijections n = 3"),
    "layers differ": (lambda: nfedu.Chain([nfedu.Rescale(2), nfedu.Rescale(3)]), r"dimensions n = \[2, 3\]"),
    "no layers": (lambda: nfedu.Flow(NORMAL, []), "got no bijections, expected at least one"),
    "no samples": (lambda: flow().sample(0, RNG), "count = 0, expected a whole number of samples ≥ 1"),
    "half a sample": (lambda: datasets.two_moons(1.5, RNG), "two_moons: count = 1.5, expected a whole number"),
    "mixture shape": (lambda: nfedu.GaussianMixture(np.zeros((3, 2)), np.eye(3)), r"shape \(3, 3\), expected a number"),
    "mixture not positive": (
        lambda: nfedu.GaussianMixture([[0, 0.0]], -1.0),
        "is not positive definite",
    ),
    "mixture weights": (lambda: nfedu.GaussianMixture([[0.0]], 1.0, [-1]), "expected 1 numbers ≥ 0"),
    "one row to learn from": (lambda: fit(X[:1]), "x has 1 row, expected at least 2 points"),
    "validation of another shape": (lambda: fit(X, validation=X[:, :1]), r"validation has shape \(5, 1\)"),
    "batch_size = 0": (lambda: fit(X, batch_size=0), "batch_size = 0, expected an integer ≥ 1"),
    "half a row": (lambda: fit(X, batch_size=2.5), "batch_size = 2.5, expected an integer ≥ 1"),
    "patience that is none": (lambda: fit(X, patience=np.nan), "patience = nan, expected an integer ≥ 0, or infinity"),
    "seconds that are none": (lambda: fit(X, seconds=np.nan), "seconds = nan, expected a number > 0"),
    "weights of fewer rows": (lambda: fit(X, weights=np.ones(3)), "weights of 3 rows, expected 5 numbers ≥ 0"),
    "weights of no rows": (lambda: fit(X, validation_weights=np.ones(3)), "validation_weights without validation"),
    "weights < 0": (lambda: fit(X, weights=-np.ones(5)), "expected 5 numbers ≥ 0, one a row"),
    "average = 1": (lambda: fit(X, average=1.0), r"average = 1.0, expected a number in \[0, 1\)"),
    "learning rate": (lambda: nfedu.Adam(-1e-3), "learning_rate = -0.001, expected a finite number > 0"),
    "one row to check": (lambda: checks.check_bijection(nfedu.Rescale(2), X[:1]), "x has 1 row, expected at least 2"),
    "grid in 3-D": (lambda: checks.density_on_grid(nfedu.StandardNormal(3), -1, 1), "n = 3, expected 1 or 2"),
    "grid upside down": (lambda: checks.density_on_grid(NORMAL, 1, -1), "expected low < high"),
    "picture of one shade": (lambda: datasets.PictureDensity(np.ones((4, 4))), "a single shade"),
    "picture of another shape": (lambda: datasets.PictureDensity(np.ones(4)), r"shape \(4,\), expected finite numbers"),
    "bits of another n": (
        lambda: datasets.bits_per_pixel(flow(), np.zeros((3, 64)), RNG),
        r"the flow has n = 2, the images have 64 pixels",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_explained(name):
    call, message = CASES[name]
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
@pytest.mark.parametrize("direction", ["x_to_z", "z_to_x"])
def test_every_layer_refuses_what_is_no_batch_of_its_dimension(entry, direction):
    layer = entry.build(entry.dimensions[-1], np.random.default_rng(0))
    n, step = layer.n, getattr(layer, direction)
    for bad in (np.zeros((4, n + 1)), np.zeros(n), np.full((2, n), np.nan)):
        with pytest.raises(ValueError, match=r"expected|non-finite"):
            step(bad)


def test_a_chain_says_which_layer_met_the_overflow():
    chain = nfedu.Chain([nfedu.Rescale(1, 1e3), nfedu.Exp(1), nfedu.Rescale(1)])
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"layer 2: Rescale: z holds 1 non-finite"):
        chain.z_to_x([[1e3]])


def test_files_missing_or_damaged(tmp_path):
    saved = tmp_path / "flow.npz"
    flow().save(saved)
    whole = saved.read_bytes()
    with pytest.raises(ValueError, match="no such file"):
        nfedu.load(tmp_path / "none.npz")
    for name, content in {"cut": whole[: len(whole) // 2], "empty": b"", "other": b"not a flow"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="truncated or damaged"):
            nfedu.load(tmp_path / name)
    for position in range(0, len(whole), 7):  # a flipped byte is refused, or is one that nothing depends on
        flipped = bytearray(whole)
        flipped[position] ^= 0xFF
        (tmp_path / "flipped").write_bytes(flipped)
        try:
            np.testing.assert_array_equal(nfedu.load(tmp_path / "flipped").theta, flow().theta)
        except ValueError as error:
            assert "cannot" in str(error)
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match=r"no \.npz file with format"):
        nfedu.load(tmp_path / "arrays.npz")
    with pytest.raises(ValueError, match=r"folder .* does not exist; create it first"):
        flow().save(tmp_path / "nowhere" / "flow.npz")


def test_a_file_with_another_theta_is_refused(tmp_path):
    made = flow()
    made._theta = np.append(made.theta, 1.0)
    made.save(tmp_path / "flow.npz")
    with pytest.raises(ValueError, match="its theta has 5 entries, the flow it describes 4"):
        nfedu.load(tmp_path / "flow.npz")


@pytest.mark.parametrize("description", [{}, [], {"base": 3}, {"base": {"class": "Flow", "args": {"m": 1}}}])
def test_a_file_with_a_senseless_description_is_refused(description, tmp_path):
    from nfedu import storage

    storage.write(tmp_path / "flow.npz", description, np.zeros(4))
    with pytest.raises(ValueError, match=r"cannot load|does not have"):
        nfedu.load(tmp_path / "flow.npz")


def test_a_complex_flow_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match=r"save flow.astype\(float\)"):
        flow().astype(complex).save(tmp_path / "flow.npz")


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    saved = tmp_path / "flow.npz"
    flow().save(saved)
    before = saved.read_bytes()

    def full(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="disk full"):
        flow().save(saved)
    assert saved.read_bytes() == before
    assert list(tmp_path.iterdir()) == [saved]


def test_pictures_missing_or_damaged(tmp_path):
    with pytest.raises(ValueError, match=r"none.png: no such file; expected an image"):
        datasets.PictureDensity(tmp_path / "none.png")
    whole = datasets.portrait().read_bytes()
    for name, content in {"cut.jpg": whole[: len(whole) // 2], "text.png": b"hello", "empty.jpg": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="expected a whole PNG or JPEG"):
            datasets.PictureDensity(tmp_path / name)


def test_digits_missing_or_damaged(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        datasets.digits(tmp_path / "none.npz")
    (tmp_path / "cut.npz").write_bytes(datasets.digits.__globals__["FILE"].read_bytes()[:20_000])
    with pytest.raises(ValueError, match="truncated or damaged"):
        datasets.digits(tmp_path / "cut.npz")


class NoAttribute(nfedu.Rescale):
    def __init__(self, n, strength=2.0):
        super().__init__(n, strength)


def test_a_layer_that_cannot_be_saved_says_why(tmp_path):
    own = nfedu.Flow(NORMAL, NoAttribute(2))
    with pytest.raises(ValueError, match="NoAttribute cannot be saved: it keeps no attribute 'strength'"):
        own.save(tmp_path / "flow.npz")
