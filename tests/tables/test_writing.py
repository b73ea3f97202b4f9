"""What a command writes takes the place of nothing that it did not write itself."""

import os

import numpy as np
import pytest

import nfedu
from nfedu.__main__ import main
from nfedu.tables import Column, Table, TableModel

QUICK = ["--epochs", "1"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a model of two columns, their data, a picture that is somebody's, and an array."""
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    table = Table([Column("a"), Column("b")])
    TableModel(nfedu.Flow(nfedu.StandardNormal(2), nfedu.Affine(2)), table).save("m.npz")
    np.savetxt("data.csv", np.random.default_rng(0).standard_normal((50, 2)), delimiter=",", header="a,b", comments="")
    shades = 255 - np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    for name in ("m.png", "letter.png"):
        Image.fromarray(shades).save(name)
    np.savez("array.npz", np.zeros(3))
    (tmp_path / "f.npz.training").write_text("somebody's")
    nfedu.Flow(nfedu.StandardNormal(2), nfedu.Affine(2)).save("flow.npz")
    return tmp_path


def held(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


REFUSED = {
    "plot m.npz": "--out m.png cannot be written: it is there, and nothing in it says that `nfedu plot` wrote it",
    "plot m.npz data.csv --out data.csv": "expected a name that ends in .png, .svg, .pdf",
    "plot m.npz letter.png --out letter.png --force": "is the data file; name another one",
    "plot nfedu:Exp --n 2 --out m.png": "nothing in it says that `nfedu plot` wrote it",
    "sample m.npz --out data.csv": "nothing in it says that `nfedu sample` wrote it; name another file",
    "sample m.npz --out m.npz --force": "is the model file; name another one",
    "score m.npz data.csv --out array.npz": "nothing in it says that `nfedu score` wrote it",
    "score m.npz data.csv --out link.csv --force": "is the data file; name another one",
    "score m.npz data.csv --out m.npz --force": "is the model file; name another one",
    "score m.npz data.csv --out here": "it is no file",
    "fit data.csv --out array.npz": "nothing in it says that `nfedu fit` wrote it",
    "fit data.csv --out flow.npz": "nothing in it says that `nfedu fit` wrote it",
    "fit data.csv --out f.npz": "f.npz.training cannot be written: it is there",
}


@pytest.mark.parametrize("line", REFUSED)
def test_a_file_that_another_wrote_stays_as_it_is(line, folder, capsys):
    os.symlink("data.csv", "link.csv")
    os.mkdir("here")
    before = held(folder)
    assert main(line.split()) == 2
    told = capsys.readouterr().err
    assert REFUSED[line] in told and told.count("\n") == 1
    assert held(folder) == before


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_picture_of_our_own_is_replaced_and_said_to_be(suffix, folder, capsys):
    for k, said in enumerate([f"p{suffix}: a, b", f"p{suffix} (replaced): a, b"]):
        assert main(["plot", "m.npz", "--seed", str(k), "--out", f"p{suffix}"]) == 0
        assert capsys.readouterr().out.startswith(said)


def test_scores_and_models_are_replaced_and_said_to_be(folder, capsys):
    for said in ("s.csv: ", "s.csv (replaced): "):
        assert main(["score", "m.npz", "data.csv", "--out", "s.csv"]) == 0
        assert capsys.readouterr().out.startswith(said)
    assert main(["fit", "data.csv", *QUICK, "--out", "m.npz"]) == 0
    assert capsys.readouterr().out.startswith("m.npz (replaced): Flow")


def test_force_writes_over_what_another_wrote(folder, capsys):
    assert main(["plot", "m.npz", "--force"]) == 0
    assert main(["sample", "m.npz", "-n", "3", "--out", "array.npz", "--force"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("m.png (replaced): ") and told[1].startswith("array.npz (replaced): ")
    assert (folder / "array.npz").read_text().startswith("a,b\n")


def test_a_picture_that_fails_leaves_the_one_before(folder, monkeypatch):
    from matplotlib.figure import Figure

    assert main(["plot", "m.npz", "--out", "p.png"]) == 0
    before = held(folder)

    def broken(self, path, **options):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Figure, "savefig", broken)
    assert main(["plot", "m.npz", "--out", "p.png"]) == 130
    assert held(folder) == before
