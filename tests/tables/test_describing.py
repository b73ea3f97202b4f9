"""Columns: what is said of them, what their numbers say, and those that have no density."""

import numpy as np
import pytest

from nfedu import tables
from nfedu.tables import Column, Data
from nfedu.tables.describing import noticed
from nfedu.tables.faults import check_density, warnings
from nfedu.tables.lattice import step_of
from nfedu.tables.splitting import parts_of

RNG = np.random.default_rng(0)
REAL = RNG.standard_normal((400, 3))


def data(names, *columns):
    return Data(list(names), np.stack([np.asarray(c, float) for c in columns], axis=1))


@pytest.mark.parametrize("scale", [1e-6, 0.1, 1.0, 7e3])
@pytest.mark.parametrize("offset", [0.0, -3.7])
def test_the_step_of_rounded_numbers_is_found_in_any_units(scale, offset):
    places = RNG.choice([0, 4, 6, 10, 23, 31, 50], 300)  # neighbours are 2 and 3 apart at least, and 1 divides all
    places[:2] = 6, 23
    assert step_of(scale * places + offset) == pytest.approx(scale, rel=1e-9)
    assert step_of(scale * RNG.standard_normal(300) + offset) is None


def test_supports_are_as_said_and_as_the_numbers_say():
    counts = RNG.poisson(8, 400)
    table = tables.describe(
        data("abcdef", np.exp(REAL[:, 0]), counts, counts + 3, RNG.random(400), RNG.integers(0, 2, 400), REAL[:, 1]),
        positive=["a"],
        whole=["b"],
        interval={"d": (0, 1)},
    )
    a, b, c, d, e, f = table.columns
    assert a == Column("a", 0.0) and b == Column("b", 0.0, step=1.0) and d == Column("d", 0.0, 1.0, margin=d.margin)
    assert c == Column("c", step=1.0)  # nothing is said of it: it may be rounded, but no bound is known
    assert e == Column("e", 0.0, 1.0, 1.0) and f == Column("f")


@pytest.mark.parametrize("count", [5, 40])
@pytest.mark.parametrize("step", [1, 2, 5])
@pytest.mark.parametrize("first", [-7, 0, 1, 3])
def test_samples_of_a_column_in_steps_are_on_its_own_grid(count, step, first):
    rng = np.random.default_rng(0)
    values = first + step * np.concatenate([np.arange(count), rng.integers(0, count, 400)])
    table = tables.describe(data("ab", values, rng.standard_normal(len(values))))
    assert table.columns[0].step == step
    dequantised = table.dequantise(np.stack([values, values], axis=1).astype(float), rng)
    np.testing.assert_array_equal(table.nearest(dequantised)[:, 0], values)


def test_bounds_of_whole_numbers_are_whole():
    half = tables.describe(data("a", [1, 2, 3, 2]), whole=["a"], interval={"a": (0.5, np.inf)})
    assert half.columns == [Column("a", 1.0, step=1.0)]


def test_positive_numbers_of_an_interval_are_above_0():
    values = data("a", [0.5, 1.5, 2.25])
    assert tables.describe(values, positive=["a"], interval={"a": (-1, 3)}).columns == [Column("a", 0.0, 3.0)]


def test_an_interval_is_left_by_half_of_what_its_rows_keep_from_the_ends():
    def margin(*values):
        return tables.describe(data("a", [2.5, 3.0, *values]), interval={"a": (2, 4)}).columns[0].margin

    assert margin(2.001) == pytest.approx(2.5e-4) and margin(3.9996) == pytest.approx(1e-4)
    assert margin(2.3) == margin(4.0) == margin(2.0, 3.9996) == 1e-3 and margin(2 + 1e-15) == 1e-12


def test_what_is_estimated_does_not_see_the_test_rows():
    rows = np.random.default_rng(0).uniform(0.2, 0.8, (300, 2))
    test = np.flatnonzero(np.isin(rows[:, 0], parts_of(rows, 0).test[:, 0]))
    rows[test[0]] = 1e-9, 1e6  # near an end, and far out
    columns = tables.learn(rows, interval={"x1": (0, 1)}, progress=False, epochs=1).model.table.columns
    assert columns[0].margin == 1e-3 and columns[1].scale is None
    seen = tables.describe(tables.as_data(rows), interval={"x1": (0, 1)}).columns
    assert seen[0].margin < 1e-8 and seen[1].scale is not None


@pytest.mark.parametrize("base", [0, -273.15, 1e5])
@pytest.mark.parametrize("step", [0.1, 0.25, 0.007, 1e-6, 5.0])
def test_samples_of_a_rounded_column_have_its_digits(step, base):
    written = [float(f"{base + k * step:.9f}") for k in range(-300, 300)]
    table = tables.describe(data("a", written * 3))
    noisy = np.array(written)[:, None] + step * np.random.default_rng(0).uniform(-0.4, 0.4, (600, 1))
    assert table.nearest(noisy).ravel().tolist() == written
    thirds = np.arange(30) / 3
    assert tables.describe(data("a", np.tile(thirds, 4))).nearest(thirds[:, None])[:, 0] == pytest.approx(
        thirds, abs=1e-14
    )


def test_what_a_column_cannot_hold_is_named():
    bad = data("ab", [1, 2, 0, 4], [0.5, 1.5, 0.2, 0.3])
    bad.source = "t.csv"
    for said, told in {
        "positive": "t.csv, row 3, column a: 0 cannot be",
        "interval": "t.csv, row 2, column b: 1.5 cannot be, as the column is described: b real",
        "whole": "t.csv, row 1, column b: 0.5 cannot be",
    }.items():
        names = {"positive": ["a"], "interval": {"b": (0, 1)}, "whole": ["b"]}[said]
        with pytest.raises(ValueError, match=told):
            tables.describe(bad, **{said: names})
    with pytest.raises(ValueError, match="has no column 'c'; it has a, b"):
        tables.describe(bad, positive=["c"])
    with pytest.raises(ValueError, match=r"interval from 2 to 1, expected low < high"):
        tables.describe(bad, interval={"a": (2, 1)})
    with pytest.raises(ValueError, match="said to be real, and something else"):
        tables.describe(bad, positive=["a"], real=["a"])


@pytest.mark.parametrize(
    "column",
    [
        Column("real"),
        Column("positive", 0.0),
        Column("above 3", 3.0),
        Column("interval", -1.0, 4.0),
        Column("whole", step=1.0),
        Column("count", 0.0, step=1.0),
        Column("dice", 1.0, 6.0, 1.0),
        Column("rounded", step=0.1, origin=0.05),
    ],
    ids=lambda column: column.name,
)
def test_samples_lie_in_the_support_and_cells_in_the_map(column):
    table = tables.Table([column])
    z = np.linspace(-30, 30, 4001)[:, None]
    layers = table.supports()
    x = layers[0].z_to_x(z)[0] if layers else z
    near = table.nearest(x)
    assert table.holds(near).all()
    if column.step:
        near = near[abs(near[:, 0]) < 1e6]
        place = (near - column.origin) / column.step
        assert abs(place - np.round(place)).max() < 1e-9
        for u in (0.0, 0.5, 1.0):  # every place of a cell has a latent, and rounds to where it came from
            cells = table.shifted(near, np.full(near.shape, u))
            assert not layers or np.isfinite(layers[0].x_to_z(cells)[0]).all()
            assert table.nearest(cells) == pytest.approx(near, abs=1e-9)


def test_columns_without_a_density_are_refused_with_advice():
    a, b, c = REAL.T
    for columns, told in (
        ((a, np.full(400, 7.0), c), "column b: constant, which has no density; leave out with --drop b"),
        ((a, b, 3 - 2e6 * a), r"column c: equal to a up to scale and shift, .* --drop c"),
        ((a, b, 1e5 + a - 3 * b), r"column c: a sum of a, b, so together they have no density; .*--drop c"),
        ((1e9 + a, b, 1e9 + a), "column c: equal to a up to scale"),
    ):
        found = data("abc", *columns)
        with pytest.raises(ValueError, match=told):
            check_density(found)
    near = data("abc", a, b, a + 1e-9 * c)  # close, yet two columns
    check_density(near)
    with pytest.raises(ValueError, match="the table has 1 row; a density needs 10 at least"):
        check_density(data("a", [1.0]))


def test_real_columns_that_repeat_are_named():
    rng = np.random.default_rng(0)
    counts, zeros = rng.poisson(8, 400), np.where(np.arange(400) < 130, 0, REAL[:, 0])
    found = data("abc", counts, zeros, REAL[:, 1])
    lines = warnings(found, tables.describe(found, real=["a"]))
    assert "column a: whole numbers taken for real have no density; --whole a" in lines
    assert any(line.startswith("column b: 3") and "% of the rows are 0" in line for line in lines)
    assert len(lines) == 2
    rounded = data("a", REAL[:, 0].round(1))
    assert "rounded to 0.1, taken for real" in warnings(rounded, tables.describe(rounded, real=["a"]))[0]
    assert warnings(rounded, tables.describe(rounded)) == []


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_heavy_tails_are_told_from_skew_and_from_several_modes(unit):
    rng = np.random.default_rng(0)
    modes = np.where(rng.random(2000) < 0.1, -9, 9) + 0.1 * rng.standard_normal(2000)
    light = data("abcd", rng.standard_normal(2000), rng.exponential(size=2000), modes, np.exp(REAL.repeat(5, 0)[:, 0]))
    assert [c.scale for c in tables.describe(Data(light.names, light.rows * unit + unit)).columns] == [None] * 4
    cauchy = rng.standard_cauchy((2000, 1)) + 3
    column = tables.describe(Data(["a"], cauchy * unit)).columns[0]
    assert column.scale == pytest.approx(unit, rel=0.1) and column.centre == pytest.approx(3 * unit, rel=0.1)
    assert tables.describe(Data(["a"], cauchy), real=["a"]).columns == [Column("a")]


def test_a_heavy_tailed_column_is_seen_by_its_arcsinh():
    support = Column("a", centre=2.0, scale=3.0).support()
    x = np.array([[-1e5], [2.0], [8.0]])
    z, log_det, _ = support.x_to_z(x)
    assert z == pytest.approx(np.arcsinh((x - 2) / 3))
    assert log_det == pytest.approx(-0.5 * np.log(9 + (x[:, 0] - 2) ** 2))


def test_what_is_taken_for_granted_is_noticed():
    rng = np.random.default_rng(0)
    given = data(["pay", "age", "height", "gain"], *np.exp(REAL[:, :1].T), rng.poisson(20, 400), 170 + REAL[:, 1],
                 rng.standard_cauchy(400))  # fmt: skip
    rounded, heavy, above = noticed(tables.describe(given), given, [])
    assert rounded.startswith("values repeat, so taken as age whole. To say something else: --whole age")
    assert "heavy-tailed: gain. To say something else: --positive gain, --real gain" in heavy
    assert (
        above
        == "all values are above 0, but samples may not be: pay. If none can be below: --positive pay and the like"
    )
    said = {"positive": ["pay"], "whole": ["age"], "real": ["gain"]}
    assert noticed(tables.describe(given, **said), given, ["pay", "age", "gain"]) == []


def test_a_column_that_numbers_the_rows_is_named():
    given = data(["id", "a"], np.arange(7, 407), REAL[:, 0])
    assert warnings(given, tables.describe(given)) == [
        "column id: numbers the rows, and says nothing of them; --drop id"
    ]
    given.rows = given.rows[::-1].copy()
    [line] = warnings(given, tables.describe(given))
    assert line.startswith("column id: whole numbers taken for real")


@pytest.mark.parametrize("unit", [1e200, 1e-200])
def test_numbers_whose_squares_are_none_are_refused(unit):
    with pytest.raises(
        ValueError, match=rf"column b: its numbers go up to .*e.?{np.log10(abs(unit)):.0f}, .* rescale it"
    ):
        tables.learn(tables.as_data(REAL[:, :2] * [1, unit], names=["a", "b"]))


def test_rows_that_are_copies_are_named():
    several = Data(list("abc"), np.repeat(REAL[:100], 4, axis=0))
    [line] = warnings(several, tables.describe(several))
    assert line.startswith("75% of the rows are copies of others, so the test holds rows of the training")
    rounded = RNG.standard_normal((400, 1)).round(2)
    for few in (REAL, RNG.integers(0, 5, (400, 1)).astype(float), rounded[: len(np.unique(rounded))]):
        assert warnings(Data(list("abc")[: few.shape[1]], few), tables.describe(tables.as_data(few))) == []
