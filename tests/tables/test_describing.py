"""Columns: what is said of them, what their numbers say, and those that have no density."""

import json

import numpy as np
import pytest

from nfedu import tables
from nfedu.tables import Column, Data
from nfedu.tables.faults import check_density, superfluous, warnings
from nfedu.tables.lattice import step_of
from nfedu.tables.notices import noticed
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
    assert tables.describe(values, positive=["a"], interval={"a": (-1, 3)}).columns == [Column("a", 0.0, 3.0, digits=2)]


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
    assert rounded == "values repeat, so taken as age whole. To say something else: --interval age LOW HIGH"
    assert "heavy-tailed: gain. To say something else: --positive gain, --real gain" in heavy
    assert above == "no value is below 0, though samples may be; if none can: --positive pay"
    said = {"positive": ["pay"], "whole": ["age"], "real": ["gain"]}
    assert noticed(tables.describe(given, **said), given, ["pay", "age", "gain"]) == []


def test_a_column_that_numbers_the_rows_is_named():
    given = data(["id", "a"], np.arange(7, 407), REAL[:, 0])
    assert warnings(given, tables.describe(given)) == [
        "column id: numbers the rows, and says nothing of them; --drop id"
    ]
    given.rows = given.rows[::-1].copy()
    [line] = warnings(given, tables.describe(given))
    assert line.endswith("--drop id")  # in any order


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


def children(count=1000, seed=0):
    """Whole numbers that are 0 in 60 % of the rows, and 1 in a sixth."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(count) < 0.6, 0, 1 + rng.poisson(0.8, count))


def test_numbers_whose_least_is_0_in_many_rows_begin_there():
    rng = np.random.default_rng(0)
    share = np.where(rng.random(1000) < 0.12, 0, rng.beta(1.5, 8, 1000).round(4))
    given = data(["children", "share", "a"], children(), share, rng.standard_normal(1000))
    counts, shares, _ = tables.describe(given).columns
    assert (counts.low, counts.step, shares.low, shares.step) == (0, 1, 0, pytest.approx(1e-4))
    [line] = noticed(tables.describe(given), given, [])
    assert line.startswith(
        "values repeat, so taken as children whole from 0 on, share in steps of 0.0001 from 0 on. To"
    )
    samples = rng.standard_normal((5000, 3)) * 3
    for layer in tables.describe(given).supports():
        samples = layer.z_to_x(samples)[0]
    assert tables.describe(given).nearest(samples)[:, :2].min() == 0


def test_numbers_that_are_never_below_0_are_noticed():
    rng = np.random.default_rng(0)
    counts, pay = rng.poisson(3, 400), rng.exponential(size=400)
    counts[counts == 0] = 1
    given = data(["visits", "pay", "share", "more"], counts, pay, np.r_[0, rng.random(399)], np.r_[0, pay[1:] * 9])
    [_, line] = noticed(tables.describe(given), given, [])
    assert line == (
        "no value is below 0, though samples may be; if none can: --whole visits --positive pay --interval share 0 1 "
        "--interval more 0 inf"
    )


def test_few_rows_do_not_say_where_few_values_end():
    assert tables.describe(data("a", [0] * 18 + [1] * 6 + [2] * 4 + [3] * 2)).columns == [Column("a", 0, step=1.0)]
    assert tables.describe(data("a", [0] * 20 + [1] * 3)).columns == [Column("a", 0, 1, 1.0)]
    assert tables.describe(data("a", [1] * 20 + [2] * 9 + [3] * 5)).columns[0].high == 3


def test_ages_of_thirty_are_whole_though_they_hardly_come_back():
    ages = np.random.default_rng(0).permutation(np.arange(18, 90, 2))[:30] + np.arange(30) % 2
    assert len(np.unique(ages)) == 30 and tables.describe(data("a", ages)).columns[0].whole
    pay = np.random.default_rng(0).integers(10_000, 90_000, 30)  # not so many of these
    assert tables.describe(data("a", pay)).columns == [Column("a", digits=0)]


def test_a_column_that_follows_from_others_but_for_rounding_is_named():
    rng = np.random.default_rng(0)
    celsius, other = 20 + 5 * rng.standard_normal((2, 500))
    given = data(["c", "f", "b", "sum"], celsius.round(1), (1.8 * celsius + 32).round(1), other.round(1),
                 celsius + other + rng.standard_normal(500))  # fmt: skip
    lines = warnings(given, tables.describe(given))
    assert [line.partition(" but for")[0] for line in lines] == ["column f: follows from c"]
    given.rows[:, 3] = (celsius + other).round(1)
    assert any(line.startswith("column sum: follows from c, b but") for line in warnings(given, tables.describe(given)))
    given.rows[:, 1:] += rng.normal(0, 0.3, (500, 3)).round(1)
    assert warnings(given, tables.describe(given)) == []
    flags = rng.integers(0, 2, 500)  # coarse, and much alike, but none follows from the other
    alike = data("ab", flags, np.where(rng.random(500) < 0.9, flags, 1 - flags))
    assert superfluous(alike, tables.describe(alike)) == {}


def test_of_a_column_to_be_dropped_nothing_else_is_said():
    given = data(["id", "pay"], np.arange(1, 401), np.exp(REAL[:, 0]))
    table = tables.describe(given)
    assert noticed(table, given, list(superfluous(given, table)))[-1].endswith("if none can: --positive pay")


def test_numbers_from_a_bound_on_may_be_the_bound():
    values = np.r_[0.0, np.random.default_rng(0).exponential(size=99)]
    [column] = tables.describe(data("a", values), interval={"a": (0, np.inf)}).columns
    assert str(column) == "a real from 0 on" and column.holds(np.array([0.0, -1e-9])).tolist() == [True, False]
    for unit in (1e-6, 1e6):
        [other] = tables.describe(data("a", unit * values), interval={"a": (0, np.inf)}).columns
        assert other.reach == pytest.approx(unit * column.reach) and 0 < column.reach < 0.01
    with pytest.raises(ValueError, match=r"0 cannot be, .*; where it can be 0: --interval a 0 inf"):
        tables.describe(data("a", values), positive=["a"])
    with pytest.raises(
        ValueError, match=r"-1 cannot be, as the column is described: a real above 0 \(1 such entries\)$"
    ):
        tables.describe(data("a", [-1, *values[1:]]), positive=["a"])


@pytest.mark.parametrize("count", [30, 1500])
def test_samples_of_numbers_that_hardly_come_back_have_their_digits_too(count):
    cents = np.exp(10 + 0.6 * np.random.default_rng(count).standard_normal(count)).round(2)
    for said in ({}, {"positive": ["a"]}, {"interval": {"a": (0, np.inf)}}, {"interval": {"a": (0, 1e6)}}):
        [column] = tables.describe(data("a", cents), **said).columns
        assert column.step is None and column.nearest(cents + 0.004).tolist() == cents.tolist()
    near_0 = tables.describe(data("a", cents), positive=["a"])
    assert near_0.nearest(np.array([[1e-9]]))[0] == 0.01 and near_0.holds(np.array([[0.01]]))
    assert tables.describe(data("a", cents), real=["a"]).columns[0].digits is None
    assert tables.describe(data("a", REAL[:, 0])).columns[0].digits is None


def test_zeros_of_rounded_numbers_that_are_said_to_be_positive_have_a_flag():
    zeros = data("a", np.r_[np.zeros(200), np.random.default_rng(0).exponential(size=800).round(2)])
    for said, flag in (({}, "inf"), ({"interval": {"a": (-1, 20)}}, "20")):
        with pytest.raises(ValueError, match=rf"0 cannot be, .*; where it can be 0: --interval a 0 {flag}$"):
            tables.describe(zeros, positive=["a"], **said)


def test_bounds_do_not_make_rounded_numbers_real():
    given = data("a", np.tile(np.arange(40) / 10, 5))
    [column] = tables.describe(given, interval={"a": (0, 10.04)}).columns
    assert (column.low, column.step) == (0, pytest.approx(0.1)) and column.high == pytest.approx(10)
    for factor in (1 / 3, 1e-3 / 7):  # bounds are met to the last digit
        thirds = data("a", given.rows[:, 0] * factor - 1)
        ends = thirds.rows.min(), thirds.rows.max()
        [column] = tables.describe(thirds, interval={"a": ends}).columns
        assert (column.low, column.high) == ends and column.step == pytest.approx(0.1 * factor)
    given.rows += 0.1
    [column] = tables.describe(given, positive=["a"]).columns
    assert column.low == pytest.approx(0.1) and column.support().x_to_z(np.array([[0.0501]]))[0] < -5


def test_a_histogram_has_edges_where_numbers_jump():
    counts = children(2000)
    [column] = tables.describe(data("a", counts), whole=["a"]).columns
    edges, masses, tail = column.histogram
    assert edges[:2] == (-0.5, 0.5) and masses[0] == (counts == 0).sum() + 0.5 and len(masses) == len(edges)
    beyond = counts[counts > edges[-1]]
    assert tail == pytest.approx(3 * (beyond - edges[-1]).mean()) and masses[-1] == len(beyond) + 0.5
    smooth = np.random.default_rng(0).poisson(8, 400)
    assert tables.describe(data("a", smooth), whole=["a"]).columns[0].histogram is None
    assert tables.Table.of(json.loads(json.dumps(tables.Table([column]).describe()))).columns == [column]
