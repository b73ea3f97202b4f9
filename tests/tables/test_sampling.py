"""`nfedu sample`, many rows: piece by piece, the same as at once, and a whole file or none."""

import numpy as np
import pytest

import nfedu
from nfedu.__main__ import main
from nfedu.command import sample
from nfedu.tables import Column, Table, TableModel


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A model of two columns in a file of a working folder."""
    monkeypatch.chdir(tmp_path)
    flow = nfedu.Flow(nfedu.StandardNormal(2), nfedu.AffineCoupling(2, rng=np.random.default_rng(0)))
    model = TableModel(flow, Table([Column("a"), Column("b", step=1.0)]))
    model.save("m.npz")
    return model


def test_pieces_are_the_rows_that_are_drawn_at_once(model, monkeypatch):
    monkeypatch.setattr(sample, "PIECE", 2048)
    assert main(["sample", "m.npz", "-n", "5000", "--seed", "3", "--out", "new.csv"]) == 0
    written = np.loadtxt("new.csv", delimiter=",", skiprows=1)
    assert np.array_equal(written, model.sample(5000, np.random.default_rng(3)))


def test_no_piece_is_larger_however_many_rows(model, monkeypatch, tmp_path):
    drawn = []

    def counted(self, count, rng, draw=TableModel.sample):
        drawn.append((count, sum(path.stat().st_size for path in tmp_path.glob("*.part"))))
        return draw(self, count, rng)

    monkeypatch.setattr(TableModel, "sample", counted)
    assert main(["sample", "m.npz", "-n", "100000", "--out", "new.csv"]) == 0
    assert [count for count, _ in drawn] == [sample.PIECE] * 4 + [100_000 - 4 * sample.PIECE]
    assert [size > 0 for _, size in drawn[1:]] == [True] * 4, "what is drawn is written before more is"


def test_a_log_hears_of_it_now_and_then_and_a_short_run_says_nothing(model, monkeypatch, capsys):
    assert main(["sample", "m.npz", "-n", "100000", "--out", "new.csv"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sample, "PATIENCE", 1e-6)
    assert main(["sample", "m.npz", "-n", "100000", "--out", "other.csv"]) == 0
    assert "100000/100000" in capsys.readouterr().err


def test_ctrl_c_half_way_leaves_no_file(model, monkeypatch, tmp_path, capsys):
    pieces = iter([model.sample(sample.PIECE, np.random.default_rng(0))])

    def interrupted(self, count, rng):
        for rows in pieces:
            return rows
        raise KeyboardInterrupt

    monkeypatch.setattr(TableModel, "sample", interrupted)
    assert main(["sample", "m.npz", "-n", "100000", "--out", "new.csv"]) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]
    assert capsys.readouterr().err.splitlines()[-1] == "nfedu sample: interrupted"
