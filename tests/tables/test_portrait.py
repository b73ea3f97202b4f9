"""The picture of a model: bars that hold equally many whole numbers, and numbers at the axes with room between."""

import numpy as np
from matplotlib.figure import Figure

import nfedu
from nfedu.plotting import tables as pictured
from nfedu.tables import Column, Table, TableModel


def panel(rows, column):
    model = TableModel(nfedu.Flow(nfedu.StandardNormal(1), nfedu.Affine(1)), Table([column]))
    figure = Figure(figsize=(1.7, 1.6))
    axes = figure.subplots()
    pictured.show_marginal(axes, model, rows, rows, 0)
    figure.draw_without_rendering()
    return axes


def test_of_whole_numbers_met_equally_often_all_bars_are_equally_high():
    axes = panel(np.arange(200.0)[:, None], Column("count", 0, 199, 1.0))
    heights = np.array([bar.get_height() for bar in axes.patches[:-1]])[1:-1]  # not those at the ends
    inner = heights[heights > 0][1:-1]
    assert len(inner) > 20 and np.ptp(inner) < 1e-12


def test_large_numbers_at_an_axis_are_short():
    axes = panel(np.linspace(10_000, 180_000, 100)[:, None], Column("income"))
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert len(labels) >= 2 and max(map(len, labels)) <= 4
    assert axes.xaxis.get_offset_text().get_text() == "1e5"


def model_of(n, **history):
    flow = nfedu.Flow(nfedu.StandardNormal(n), [nfedu.Affine(n), nfedu.bijections.FixedAffine(np.zeros(n), np.eye(n))])
    whole = [Column("count", step=1.0)]
    columns = [Column(f"c{i}") for i in range(n - 1)] + whole
    return TableModel(flow, Table(columns), nfedu.training.History(**history))


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_points_that_the_axes_leave_out_are_counted():
    x = np.r_[np.linspace(0, 1, 1000), 50.0, -9.0][:, None]
    assert texts(panel(x, Column("x"))) == ["4 outside"]  # of data and samples, two each
    assert texts(panel(x[:1000], Column("x"))) == []
    axes = Figure().subplots()
    both = np.c_[x, x[::-1]]
    pictured.show_pair(axes, model_of(2), both, "red", (0, 1), [both])
    assert texts(axes) == ["4 outside"]  # 50 and −9, as either coordinate


def test_whole_columns_have_whole_ticks():
    axes = panel(np.arange(7.0).repeat(20)[:, None], Column("count", 0, 6, 1.0))
    ticks = axes.get_xticks()
    assert len(ticks) >= 2 and np.array_equal(ticks, np.round(ticks))


def test_the_legend_of_training_lies_over_no_curve_and_one_line_is_kept():
    figure = Figure(figsize=(1.7, 1.6))
    axes = figure.subplots()
    pictured.show_training(axes, model_of(2, train=[3.0, 2.0, 1.5], validation=[3.0, 2.1, 2.2], best_epoch=1))
    figure.draw_without_rendering()
    assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1
    lines = {line.get_label(): line for line in axes.lines}
    assert lines["training"].get_xdata().tolist() == [1, 2, 3] and list(lines["kept"].get_xdata()) == [2, 2]
    assert not any(line.get_marker() not in ("", "None", None) for line in axes.lines)


def drawn(figure):
    return [axes for axes in figure.axes if axes.axison]


def test_without_data_no_panel_is_empty():
    for n, pair in ((2, None), (4, None), (4, (1, 3))):
        for axes in drawn(pictured.table_portrait(model_of(n), pair=pair)):
            assert axes.has_data(), (n, pair, axes)


def test_a_pair_is_pictured_alone():
    figure = pictured.table_portrait(model_of(4), pair=(3, 1))
    assert [axes.get_xlabel() for axes in drawn(figure)] == ["count", "count", "c1", "epoch"]


def test_stages_are_counted_as_the_flow_counts_and_say_their_units():
    figure = pictured.table_portrait(model_of(2))
    titles = [axes.get_title() for axes in figure.axes[:5]]
    assert titles[0] == "the base" and titles[-1] == "after layer 1 of 2"
    assert {axes.get_xlabel() for axes in figure.axes[:4]} <= {"whitened", "layer 2: the data's units"}
    assert figure.axes[4].get_xlabel() == "layer 2: the data's units"
