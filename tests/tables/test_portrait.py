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
