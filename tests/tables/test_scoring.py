"""`nfedu score` and `plot`: which columns of a file are the model's, which rows cannot be, which argument is which."""

import numpy as np
import pytest

import nfedu
from nfedu.__main__ import main
from nfedu.tables import Column, Table, TableModel


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with models of columns with names and without, a flow, and a layer in a file."""
    monkeypatch.chdir(tmp_path)
    flow = nfedu.Flow(nfedu.StandardNormal(2), nfedu.Affine(2))
    TableModel(flow, Table([Column("income", 0.0), Column("age")])).save("m.npz")
    TableModel(flow, Table([Column("x1"), Column("x2")])).save("bare.npz")
    flow.save("flow.npz")
    (tmp_path / "named.csv").write_text("age,who,income\n2,a,1\n0.5,b,3\n")
    (tmp_path / "bare.csv").write_text("1,2\n3,0.5\n")
    (tmp_path / "turned.csv").write_text("2,-1\n0.5,-3\n-1,-1\n")
    (tmp_path / "other.csv").write_text("height,weight\n1,2\n3,0.5\n")
    (tmp_path / "half.csv").write_text("income,who\n1,a\n")
    (tmp_path / "three.csv").write_text("1,2,3\n3,0.5,1\n")
    return tmp_path


def scored(line, capsys):
    code = main(line.split())
    told = capsys.readouterr()
    return code, told.out, told.err


def test_columns_without_names_are_taken_in_order_and_said_to_be(folder, capsys):
    code, named, err = scored("score m.npz named.csv", capsys)
    assert (code, err) == (0, "")
    code, bare, err = scored("score m.npz bare.csv", capsys)
    assert code == 0 and bare.replace("line 1", "line 2").splitlines()[0] == named.splitlines()[0]
    assert err == "bare.csv does not name its columns: they are taken in the model's order, income, age\n"
    code, _, err = scored("score bare.npz other.csv", capsys)
    assert code == 0 and err == "the model does not name its columns: they are taken in the model's order, x1, x2\n"


def test_rows_that_cannot_be_are_told_by_column(folder, capsys):
    code, out, _ = scored("score m.npz turned.csv", capsys)
    assert code == 0
    assert out.splitlines()[0].endswith("; 1 that cannot be, as columns are described (income real above 0: 1)")
    (folder / "turned.csv").write_text("-2,1\n-1,1\n")
    code, out, _ = scored("score m.npz turned.csv", capsys)
    assert code == 1 and "2 rows; 2 that cannot be" in out


BAD = {
    "score m.npz other.csv": "other.csv has no column 'income'; it has height, weight",
    "score m.npz half.csv": "half.csv has no column 'age'; it has income, who",
    "score m.npz three.csv": "not as many: it has x1, x2, x3, the model income, age",
    "score named.csv m.npz": "named.csv is no model; the model, a .npz file",
    "sample named.csv": "named.csv is no model",
    "plot named.csv": "named.csv is no model; the model, a .npz file that `nfedu fit` has written, comes first",
    "plot named.csv m.npz": "named.csv is no model",
    "plot three.csv --n 2": "three.csv is no model",
    "score m.npz bare.npz": "bare.npz is a model or a flow, and no table",
    "fit m.npz --out other.npz": "m.npz is a model or a flow, and no table",
    "score flow.npz bare.csv": "flow.npz is a flow without the table that it was learned from",
    "plot m.npz --n 2": "--n is for a layer, and m.npz is a model",
    "plot m.npz --with a=1": "--with is for a layer",
    "plot m.npz --direction x_to_z": "--direction is for a layer",
    "score none.csv bare.csv": "no such file",
}


@pytest.mark.parametrize("line", BAD)
def test_the_wrong_file_in_a_place_is_told_in_a_line(line, folder, capsys):
    code, out, err = scored(line, capsys)
    assert (code, out) == (2, "") and BAD[line] in err and err.count("\n") == 1


def test_an_array_is_taken_in_order_without_a_word(folder):
    model = TableModel.load(folder / "m.npz")
    x = np.array([[1.0, 2.0]])
    assert model.log_prob(x) == model.log_prob(nfedu.tables.Data(["age", "income"], x[:, ::-1]))
