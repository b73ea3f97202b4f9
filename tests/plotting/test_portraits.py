"""A portrait shows what is known of a layer by other means, and a mistake; a broken layer ends in a line."""

import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from scipy.special import ndtr
from scipy.stats import lognorm

import nfedu
from nfedu import __main__ as program
from nfedu.checks.subject.guard import Trouble
from nfedu.plotting import compare_jacobians, portrait
from nfedu.plotting.portraits import portrait as portraits
from tests.conftest import ROOT
from tests.registry import ENTRIES, built, points

RNG = np.random.default_rng(0)
PLAIN = [entry for entry in ENTRIES if "," not in entry.name] + [e for e in ENTRIES if "training, in" in e.name]


class Own(nfedu.Bijection):
    """x = z, to be changed."""

    def __init__(self, n=2):
        self.n = n

    def z_to_x(self, z):
        return z * 1.0, np.zeros(len(z)), lambda g_x, g_log_det: g_x

    def x_to_z(self, x):
        return x * 1.0, np.zeros(len(x)), lambda g_z, g_log_det: g_z


class Doubled(Own):
    """x = 2z whose log-dets are forgotten."""

    def z_to_x(self, z):
        return 2 * z, np.zeros(len(z)), lambda g_x, g_log_det: 2 * g_x

    def x_to_z(self, x):
        return x / 2, np.zeros(len(x)), lambda g_z, g_log_det: g_z / 2


class Sheared(Own):
    """x = W z, with one entry of the gradient wrong."""

    W = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 2.0, 1.0]])
    missing = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.03, 0.0]])

    def z_to_x(self, z):
        return z @ self.W.T, np.zeros(len(z)), lambda g_x, g_log_det: g_x @ (self.W - self.missing)

    def x_to_z(self, x):
        inverse = np.linalg.inv(self.W)
        return x @ inverse.T, np.zeros(len(x)), lambda g_z, g_log_det: g_z @ inverse


class Single(Own):
    """x = 2z + cz reversed, with n even, in float32, though it does not show."""

    c = 1e-4

    def z_to_x(self, z):
        z = z.astype(np.float32)
        x = (2 * z + np.float32(self.c) * z[:, ::-1]).astype(float)
        log_det = np.full(len(z), self.n / 2 * np.log(4 - self.c**2))
        return x, log_det, lambda g_x, g_log_det: 2 * g_x + self.c * g_x[:, ::-1]

    def x_to_z(self, x):
        scale = 4 - self.c**2
        log_det = np.full(len(x), -self.n / 2 * np.log(scale))
        return (2 * x - self.c * x[:, ::-1]) / scale, log_det, lambda g_z, _: (2 * g_z - self.c * g_z[:, ::-1]) / scale


class Bent(Own):
    """x = z for z < 0 and 2z for z > 0, on real numbers only."""

    def z_to_x(self, z):
        slope = np.where(z > 0, 2.0, 1.0) if z.dtype == float else 1 / 0
        return z * slope, np.log(slope).sum(axis=1), lambda g_x, g_log_det: g_x * slope

    def x_to_z(self, x):
        slope = np.where(x > 0, 0.5, 1.0)
        return x * slope, np.log(slope).sum(axis=1), lambda g_z, g_log_det: g_z * slope


def cube(n):
    source = next(
        block
        for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        if "Cube" in block
    )
    space = {}
    exec(source, space)
    return space["Cube"](n)


def chain():
    """A layer whose Jacobian has few zeros, and entries of many sizes."""
    return nfedu.Chain([built(next(e for e in ENTRIES if e.name == "MaskedAutoregressive"), 5), nfedu.Reverse(5)] * 2)


def panels(figure):
    """The six axes of a portrait, without the bars of colours."""
    return [ax for part in figure.subfigs for ax in part.axes]


def integral(ax):
    return float(re.search(r"∫ p = (\S+)", ax.texts[0].get_text())[1])


def matrix(ax):
    """What a panel shows of a Jacobian, n + 1 rows, its masked zeros as zeros."""
    return ax.images[0].get_array().filled(0)


def test_the_three_matrices_are_those_of_known_maps():
    s, W = np.array([2.0, -3.0]), np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
    pairs = RNG.uniform(0.5, 2, (4, 2))
    for layer, x, direction, known in [
        (nfedu.Affine(2, s, 1.0), pairs, "z_to_x", lambda y: np.diag(s)),
        (nfedu.Affine(2, s, 1.0), pairs, "x_to_z", lambda y: np.diag(1 / s)),
        (nfedu.Exp(2), pairs, "z_to_x", lambda y: np.vstack([np.diag(np.exp(y)), np.ones(2)])),
        (nfedu.Exp(2), pairs, "x_to_z", lambda y: np.vstack([np.diag(1 / y), -1 / y])),
        (nfedu.Permute([0, 2, 1]), np.eye(3), "z_to_x", lambda y: W),
        (nfedu.Permute([1, 2, 0]), np.eye(3), "z_to_x", lambda y: np.eye(3)[[1, 2, 0]]),
        (nfedu.Permute([1, 2, 0]), np.eye(3), "x_to_z", lambda y: np.eye(3)[[2, 0, 1]]),
    ]:
        found = compare_jacobians(layer, x, direction)
        J = known(found.point)
        J = J if len(J) > layer.n else np.vstack([J, np.zeros(layer.n)])
        assert np.allclose(found.analytic, J, atol=1e-12)
        assert np.allclose(found.numerical, J, atol=1e-9)
        shown = [matrix(ax) for ax in panels(portrait(layer, x, direction=direction))[3:]]
        assert np.allclose(shown[:2], J, atol=1e-9)
        assert abs(shown[2]).max() < 1e-9


def test_exact_zeros_are_grey_and_nothing_else_is():
    figure = portrait(Sheared(3), np.eye(3))
    analytic, numerical, difference = (ax.images[0].get_array().mask for ax in panels(figure)[3:])
    zeros = np.vstack([Sheared.W == 0, np.ones(3, bool)])
    assert (analytic == zeros).all()
    assert (numerical == zeros).all()
    assert not difference[2, 1]
    grey = panels(figure)[3].get_facecolor()[:3]
    assert grey == to_rgb("0.85")


def test_a_wrong_entry_jumps_out():
    figure = portrait(Sheared(3), RNG.standard_normal((5, 3)))
    ax = panels(figure)[5]
    shown = matrix(ax)
    assert np.isclose(shown[2, 1], -0.03)
    others = np.where(np.arange(12).reshape(4, 3) == 7, 0, shown)
    assert abs(others).max() < 1e-9
    assert ax.images[0].norm.vmax == pytest.approx(0.03)  # the whole scale of colours is its own
    assert ax.get_title() == "max |difference| = 0.03,\nat ∂x₃/∂z₂"
    assert ax.title.get_color() == "tab:red"
    assert [text.get_text() for text in ax.texts if text.get_text() != "0"] == ["−0.03"]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_cube_of_the_readme_shows_half_of_its_log_det_gradient(n):
    layer = cube(n)
    found = compare_jacobians(layer, RNG.standard_normal((6, n)))
    z = found.point
    assert np.allclose(found.difference[n], -z / (1 + z**2), atol=1e-8)
    assert abs(found.difference[:n]).max() < 1e-8
    assert found.worst[0] == n
    assert found.largest == pytest.approx(max(abs(v) for v in -found.inputs.ravel() / (1 + found.inputs.ravel() ** 2)))
    assert "∂log|det|/∂z" in str(found)
    assert compare_jacobians(layer, RNG.standard_normal((6, n)), "x_to_z").agrees


def test_rounding_is_called_so_and_stays_pale():
    figure = portrait(nfedu.SinhArcsinh(2, 0.5, 0.8), RNG.standard_normal((5, 2)))
    ax = panels(figure)[5]
    assert ax.get_title().endswith("rounding")
    assert ax.title.get_color() == "black"
    image = ax.images[0]
    colours = image.cmap(image.norm(image.get_array().compressed()))[:, :3]
    assert colours.min() > 0.96


def test_float32_and_kinks_are_not_accused():
    for seed in range(20):
        for n in (2, 4):
            assert compare_jacobians(Single(n), np.random.default_rng(seed).standard_normal((8, n))).agrees
    assert compare_jacobians(Bent(), np.array([[5e-5, 1.0], [-1e-3, -2.0], [1e-7, 0.3], [1e-12, 2.0]])).agrees
    assert not compare_jacobians(Sheared(3), RNG.standard_normal((5, 3)) * 1e-6).agrees


def test_where_rows_mix_the_others_stand_still():
    layer = nfedu.BatchNorm(2)
    layer.mode = "training"
    x = RNG.standard_normal((6, 2))
    found = compare_jacobians(layer, x, "x_to_z")
    m, r = x.mean(axis=0), 1 / np.sqrt(x.var(axis=0) + layer.epsilon)
    u = (x[found.row] - m) * r
    known = np.vstack([np.diag(r * (1 - 1 / 6 - u**2 / 6)), -r * u / 6])  # through m and v, and so is the log-det
    assert np.allclose(found.numerical, known, atol=1e-8)
    assert np.allclose(found.analytic, known, atol=1e-12)


def test_densities_on_a_line_are_the_known_ones_and_zero_outside_of_the_domain():
    for layer, law in [(nfedu.Exp(1), lognorm(1)), (nfedu.Affine(1, 3.0, 1.0), None)]:
        before, after = panels(portrait(layer, np.full((3, 1), 1.5)))[1:3]
        z, p = before.lines[0].get_data()
        assert np.allclose(p, np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
        x, p = after.lines[0].get_data()
        expected = law.pdf(x) if law else np.exp(-(((x - 1) / 3) ** 2) / 2) / np.sqrt(2 * np.pi) / 3
        assert np.allclose(p, expected)
        assert x[0] < 0 and p[0] < 0.01
        low, high = after.get_xlim()
        mass = law.cdf(high) if law else ndtr((high - 1) / 3) - ndtr((low - 1) / 3)
        assert integral(after) == pytest.approx(mass, abs=1e-3)


def test_densities_in_the_plane_integrate_to_the_mass_in_view():
    layer = nfedu.Affine(2, [2.0, 0.5], -1.0)
    before, after = panels(portrait(layer, np.zeros((3, 2))))[1:3]
    for ax, s, t in ((before, (1, 1), 0), (after, (2, 0.5), -1)):
        mass = [
            np.diff(ndtr((np.array(limits) - t) / s_i))[0]
            for limits, s_i in zip((ax.get_xlim(), ax.get_ylim()), s, strict=True)
        ]
        assert integral(ax) == pytest.approx(np.prod(mass), abs=2e-4)
        assert integral(ax) > 0.98
    z_1, z_2 = (
        np.linspace(*limits, 161)[:-1] + np.ptp(limits) / 320 for limits in (before.get_xlim(), before.get_ylim())
    )
    assert np.allclose(before.images[0].get_array(), np.exp(-np.add.outer(z_2**2, z_1**2) / 2) / (2 * np.pi), atol=1e-6)


def test_a_forgotten_log_det_shows_in_the_integral():
    after = panels(portrait(Doubled(), RNG.standard_normal((4, 2))))[2]
    assert integral(after) == pytest.approx(4, rel=0.02)
    assert after.title.get_color() == "tab:red"
    assert "but 99." in after.get_title()
    assert panels(portrait(Own(), RNG.standard_normal((4, 2))))[2].title.get_color() == "black"


def test_a_layer_of_positive_latents_is_shown_on_these():
    for n in (1, 2, 3):
        before, after = panels(portrait(nfedu.Inverse(nfedu.Exp(n)), RNG.standard_normal((4, n))))[1:3]
        assert "z > 0" in before.get_title()
        assert integral(before) == pytest.approx(1, abs=0.02)
        assert integral(after) == pytest.approx(1, abs=0.02)


def test_the_grid_is_that_of_the_map_and_the_others_are_at_their_median():
    layer = nfedu.Chain([Sheared(3), nfedu.Affine(3, 2.0)])
    z = np.array([[0.0, 0, 1], [1, 1, 3], [5, 8, 2]])  # medians 1, 1, 2
    figure = portrait(layer, layer.z_to_x(z)[0], pair=(0, 2))
    ax = panels(figure)[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x_{1}$", "$x_{3}$")
    blue, orange = ax.lines[0].get_xydata(), ax.lines[1].get_xydata()
    assert np.allclose(blue[:, 0], blue[0, 0])  # z₁ fixed
    assert np.allclose(orange[:, 1], orange[0, 1])  # z₃ fixed
    z_1, z_3 = blue[:, 0] / 2 - 0.5 * 1, blue[:, 1] / 2 - 2.0 * 1  # W z with z₂ = 1
    assert z_1[0] == pytest.approx(-2.576, abs=0.1)
    assert (z_3[0], z_3[-1]) == (pytest.approx(-2.576, abs=0.1), pytest.approx(2.576, abs=0.1))


def test_a_permuted_plane_is_seen_where_it_goes():
    figure = portrait(nfedu.Reverse(5), RNG.standard_normal((4, 5)), pair=(0, 3))
    assert [ax.get_xlabel() for ax in panels(figure)[:3]] == ["$x_{5}$", "$z_{1}$", "$x_{5}$"]
    assert [ax.get_ylabel() for ax in panels(figure)[:3]] == ["$x_{2}$", "$z_{4}$", "$x_{2}$"]


@pytest.mark.parametrize("entry", PLAIN, ids=[entry.name for entry in PLAIN])
def test_every_layer_of_the_library_has_its_portrait(entry, monkeypatch):
    monkeypatch.setattr(portraits, "DRAWS", 4000)
    monkeypatch.setattr(portraits, "CELLS", 80)
    n = min(entry.dimensions, key=lambda n: abs(np.prod(n) - 2))
    layer = built(entry, n)
    x = points(layer)
    for direction in ("z_to_x", "x_to_z"):
        figure = portrait(layer, x, direction=direction)
        titles = [ax.get_title() for ax in panels(figure)]
        assert titles[5].endswith("rounding") or titles[5] == "max |difference| = 0", titles[5]
        assert all(ax.title.get_color() == "black" for ax in panels(figure))
        assert all(0.9 < integral(ax) < 1.02 for ax in panels(figure)[1:3])


@pytest.mark.parametrize(
    "layer",
    [
        cube(1),
        cube(2),
        cube(5),
        chain(),
        nfedu.Exp(2),
        nfedu.MintUnit((1, 4, 4), filters=2, rng=RNG),
        nfedu.Rescale(2, [1e-5, 3e4]),
    ],
    ids=lambda layer: f"{type(layer).__name__} {layer.n}",
)
def test_nothing_overlaps_and_nothing_is_cut(layer):
    x = layer.z_to_x(np.random.default_rng(1).standard_normal((7, layer.n)))[0]
    figure = portrait(layer, x)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert figure.bbox.width == pytest.approx(830, abs=1)
    boxes = {}
    for k, ax in enumerate(panels(figure)):
        for bar in (ax, *ax.child_axes):
            labels = [
                bar.title,
                bar.xaxis.label,
                bar.yaxis.label,
                *bar.texts,
                *bar.get_xticklabels(),
                *bar.get_yticklabels(),
            ]
            for i, text in enumerate(labels):
                if text.get_visible() and text.get_text() and inside_limits(bar, text):
                    boxes[k, bar is ax, i, text.get_text()] = text.get_window_extent(canvas.get_renderer())
    for part in figure.subfigs:
        boxes["heading", part._suptitle.get_text()] = part._suptitle.get_window_extent(canvas.get_renderer())
    names = list(boxes)
    for a, name in enumerate(names):
        box = boxes[name]
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, name
        for other in names[:a]:
            assert not box.shrunk(0.98, 0.9).overlaps(boxes[other].shrunk(0.98, 0.9)), (name, other)


def inside_limits(ax, text):
    """Whether a tick's label is drawn: Matplotlib keeps those past the limits, undrawn."""
    for axis, labels in ((ax.xaxis, ax.get_xticklabels()), (ax.yaxis, ax.get_yticklabels())):
        if text in labels:
            low, high = sorted(axis.get_view_interval())
            return low <= axis.get_ticklocs()[labels.index(text)] <= high
    return True


BROKEN = {
    "raises": ("def z_to_x(self, z): raise RuntimeError('oh\\nno')", "raised RuntimeError: oh no (own.py:"),
    "raises on its way back": ("def x_to_z(self, x): raise KeyError('w')", "raised KeyError: 'w'"),
    "wrong shape": ("def z_to_x(self, z): return z[:1], np.zeros(len(z)), lambda g, h: g", "returned shapes (1, 2)"),
    "NaN": ("def z_to_x(self, z): return z * np.nan, np.zeros(len(z)), lambda g, h: g", "returned NaN or infinity"),
    "NaN log-det": ("def z_to_x(self, z): return z, np.full(len(z), np.nan), lambda g, h: g", "NaN or infinity"),
    "NaN back": ("def x_to_z(self, x): return x * np.nan, np.zeros(len(x)), lambda g, h: g", "x_to_z returned NaN"),
    "text": ("def z_to_x(self, z): return z.astype(str), np.zeros(len(z)), lambda g, h: g", "expected finite numbers"),
    "one result": ("def z_to_x(self, z): return z", "expected three results"),
    "backward raises": ("def z_to_x(self, z): return z, np.zeros(len(z)), lambda g, h: 1 / 0", "ZeroDivisionError"),
    "backward has a shape": ("def z_to_x(self, z): return z, np.zeros(len(z)), lambda g, h: g[0]", "expected (7, 2)"),
    "backward is NaN": ("def z_to_x(self, z): return z, np.zeros(len(z)), lambda g, h: g * np.nan", "finite numbers"),
    "exits": ("def z_to_x(self, z): raise SystemExit(0)", "raised SystemExit"),
    "no method": ("x_to_z = None", "has no x_to_z()"),
    "constructor": ("def __init__(self): raise ValueError('no')", "raised ValueError: no"),
    "syntax": ("def (", "cannot be imported"),
}
SOURCE = """
import numpy as np
from tests.plotting.test_portraits import Own

class Layer(Own):
    {}
"""


@pytest.fixture
def plot(monkeypatch, tmp_path, capsys):
    """Run `nfedu plot` in a folder of its own; return the exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(program.COMMANDS, "plot", "")

    def run(*arguments):
        code = program.main(["plot", *arguments])
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("source, words", BROKEN.values(), ids=BROKEN)
def test_a_broken_layer_ends_in_one_line(source, words, plot, tmp_path):
    (tmp_path / "own.py").write_text(SOURCE.format(source))
    code, out, error = plot("own.py:Layer")
    assert code == 2
    assert out == ""
    assert words in error and error.startswith("nfedu plot: ") and error.count("\n") == 1
    assert not list(tmp_path.glob("*.png"))


def test_a_layer_that_hangs_ends_in_one_line(plot, tmp_path, monkeypatch):
    from nfedu.checks.subject import guard

    monkeypatch.setattr(guard.guarded, "__kwdefaults__", {"seconds": 0.3})
    hangs = "def z_to_x(self, z):\n        open('calls', 'a').write('.')\n        while True: pass"
    (tmp_path / "own.py").write_text(SOURCE.format(hangs))
    code, _, error = plot("own.py:Layer")
    assert (code, error) == (2, "nfedu plot: took longer than 0.3 s (own.py:8, in z_to_x)\n")
    assert (tmp_path / "calls").read_text() == "."  # nobody waits twice


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["none.py:Layer"], "there is no file none.py"),
        (["own.py"], "add the class, as in own.py:MyLayer"),
        (["own.py:Other"], "has no class 'Other'"),
        (["own.py:Layer", "--n", "2", "3"], "--n 2 3: expected one dimension"),
        (["own.py:Layer", "--n", "3", "--pair", "1", "1"], "--pair 1 1: expected two different coordinates of 1 … 3"),
        (["own.py:Layer", "--n", "3", "--pair", "0", "2"], "--pair 0 2"),
        (["own.py:Layer", "--out", "picture"], "--out picture cannot be written"),
        (["own.py:Layer", "--out", "picture.py"], "--out picture.py cannot be written"),
        (["own.py:Layer", "--out", "no/folder.png"], "--out no/folder.png cannot be written"),
        (["nfedu:Permute"], "needs 'permutation'"),
        (["nfedu:MintUnit", "--with", "shape=1,2,2", "--n", "3"], "--n 3"),
        (["nfedu:Logit", "--low", "2", "--high", "3"], "outside the domain"),
    ],
)
def test_a_question_that_makes_no_sense_ends_in_one_line(arguments, words, plot, tmp_path):
    (tmp_path / "own.py").write_text(SOURCE.format("pass"))
    code, out, error = plot(*arguments)
    assert (code, out) == (2, "")
    assert words in error and error.startswith("nfedu plot: ") and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(("pic", "Layer"))] == []


def test_the_command_writes_a_picture_also_of_a_wrong_layer(plot, tmp_path):
    from PIL import Image

    (tmp_path / "own.py").write_text("from tests.plotting.test_portraits import *\n\nclass Wrong(Sheared): pass\n")
    code, out, error = plot("own.py:Wrong", "--n", "3")
    assert (code, error) == (0, "")
    assert out == "Wrong.png: Wrong, n = 3, z_to_x; Jacobians: max |difference| = 0.03, at ∂x₃/∂z₂\n"
    with Image.open("Wrong.png") as picture:
        assert picture.size == (830, 638)
    code, out, _ = plot(
        "nfedu:MintUnit", "--with", "shape=1,2,2", "--direction", "x_to_z", "--pair", "2", "3", "--out", "m.svg"
    )
    assert code == 0 and "rounding" in out
    assert "<svg" in (tmp_path / "m.svg").read_text()


def test_in_a_notebook():
    with pytest.raises(ValueError, match=r"pair = \(0, 2\) with n = 2, expected two different numbers 0 … 1"):
        portrait(Own(), np.eye(2), pair=(0, 2))
    with pytest.raises(ValueError, match="direction = 'forward', expected one of z_to_x, x_to_z"):
        portrait(Own(), np.eye(2), direction="forward")
    with pytest.raises(Trouble, match="x has shape"):
        portrait(nfedu.Exp(2), np.ones((3, 4)))
    import matplotlib

    before = dict(matplotlib.rcParams)
    portrait(Own(), np.eye(2))
    assert dict(matplotlib.rcParams) == before
