"""Pictures of programs and of losses over two parameters show the numbers that they are given."""

import numpy as np
from matplotlib.figure import Figure

from nfedu.plotting import show_graph, show_surface


def test_a_graph_has_each_name_value_gradient_and_word_once():
    axes = Figure().subplots()
    show_graph(axes, {"x": (0, 0, "1", "g₁"), "y": (1, 0, "2", "g₂")}, [("x", "y", "· 2")])
    assert sorted(text.get_text() for text in axes.texts) == sorted(["x", "1", "g₁", "y", "2", "g₂", "· 2", ""])


def test_a_surface_has_arrows_of_one_length_that_point_down():
    axes = Figure().subplots()
    line = np.linspace(-1, 1, 41)
    a, b = np.meshgrid(line, line)
    show_surface(axes, line, a**2 + 4 * b**2, -np.array([2 * a, 8 * b]), ("a", "b"), 3.0)
    arrows = axes.collections[-1]
    assert np.allclose(np.hypot(arrows.U, arrows.V), 1)
    assert (np.sign(arrows.U) == -np.sign(arrows.X)).all()
    assert (np.sign(arrows.V) == -np.sign(arrows.Y)).all()
