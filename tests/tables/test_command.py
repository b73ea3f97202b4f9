"""The commands on tables, as a user gives them."""

import argparse
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import nfedu
from nfedu.__main__ import main
from nfedu.command import fit
from nfedu.command.numbers import whole
from nfedu.tables import TableModel, learning

QUICK = ["--epochs", "20"]
SAID = ["--positive", "income", "--whole", "visits", "--drop", "who"]


@pytest.mark.parametrize(
    "text, number", [("7", 7), ("1e4", 10_000), ("2.0", 2), ("-3", -3), ("10000000000000001", 10**16 + 1)]
)
def test_a_whole_number_may_be_written_as_people_do(text, number):
    assert whole(text) == number


@pytest.mark.parametrize("text", ["1.5", "x", "nan", "inf", ""])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is no whole number"):
        whole(text)


def test_every_whole_number_is_read_alike(capsys):
    for line in (
        "sample m -n x",
        "sample m --seed x",
        "score m d --least x",
        "fit d --epochs x",
        "fit d --layers x",
        "fit d --hidden x",
        "fit d --seed x",
        "plot m --pair 1 x",
        "check p --n x",
    ):
        with pytest.raises(SystemExit, match="2"):
            main(line.split())
        assert "'x' is no whole number" in capsys.readouterr().err


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a table of people."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    t = rng.standard_normal(300)
    rows = zip(np.exp(9 + t).tolist(), rng.poisson(np.exp(1 + 0.4 * t)), strict=True)
    lines = [f"p{k},{income!r},{visits}" for k, (income, visits) in enumerate(rows)]
    (tmp_path / "people.csv").write_text("\n".join(["who,income,visits", *lines]) + "\n")
    return tmp_path


def test_fit_sample_score_plot(folder, capsys):
    assert main(["fit", "people.csv", *SAID, *QUICK]) == 0
    told = capsys.readouterr().out
    assert "people.model.npz: Flow" in told and "test nll, nats per row, 45 rows" in told
    assert "Gaussian" in told and "KDE" in told and "two standard errors" in told
    assert sorted(p.name for p in folder.iterdir()) == ["people.csv", "people.model.npz"]

    assert main(["sample", "people.model.npz", "-n", "500", "--seed", "1", "--out", "new.csv"]) == 0
    assert main(["sample", "people.model.npz", "-n", "500", "--seed", "1"]) == 0
    told = capsys.readouterr().out
    assert told == "new.csv: 500 rows of income, visits\n" + (folder / "new.csv").read_text()
    new = np.loadtxt("new.csv", delimiter=",", skiprows=1)
    assert new.shape == (500, 2) and new[:, 0].min() > 0 and (new[:, 1] == np.round(new[:, 1])).all()
    assert new[:, 1].min() >= 0

    text = (folder / "people.csv").read_text() + "odd,1e9,0\nnone,-3,1\n"
    (folder / "more.csv").write_text(text)
    assert main(["score", "people.model.npz", "more.csv", "--least", "2", "--out", "scores.csv"]) == 0
    told = capsys.readouterr().out
    assert "302 rows, mean log density of 301 of them" in told and "; 1 that cannot be" in told
    assert told.splitlines()[-2:] == [
        "  line 303: -inf  income -3, visits 1",
        told.splitlines()[-1],
    ]
    assert told.splitlines()[-1].startswith("  line 302: ")
    scores = np.loadtxt("scores.csv", delimiter=",", skiprows=1)
    log_p = scores[np.isfinite(scores[:, 1]), 1]
    assert f"{log_p.mean():.3f} ± {log_p.std(ddof=1) / np.sqrt(301):.3f} nats" in told
    model = TableModel.load("people.model.npz")
    assert scores[:, 0].tolist() == list(range(2, 304))
    assert scores[:, 1] == pytest.approx(
        model.log_prob(np.loadtxt("more.csv", delimiter=",", skiprows=1, usecols=(1, 2)))
    )

    for arguments in (["people.csv"], []):
        assert main(["plot", "people.model.npz", *arguments]) == 0
        assert (folder / "people.model.png").stat().st_size > 10_000


@pytest.mark.parametrize("columns", [1, 3])
def test_one_column_and_three_are_drawn_too(columns, folder):
    np.save("x.npy", np.random.default_rng(0).standard_normal((200, columns)))
    assert main(["fit", "x.npy", *QUICK, "--out", "x.model.npz"]) == 0
    assert main(["plot", "x.model.npz", "x.npy", "--out", "x.svg"]) == 0


BAD = {
    "fit none.csv": "there is no file none.csv",
    "fit people.csv": "line 2, column who: 'p0' is no number",
    "fit people.csv --drop who --positive wage": "has no column 'wage'",
    "fit people.csv --drop who --interval income 0 x": "--interval income: 'x' is no number",
    "fit people.csv --drop who --out people.csv": "expected a name that ends in .npz",
    "fit people.csv --drop who --out no/m.npz": "the folder no does not exist",
    "fit people.csv --drop who --epochs 0": "--epochs 0: expected a whole number",
    "fit people.csv --drop who --seed -1": "--seed -1: expected a whole number",
    "fit one.csv": "one.csv has 1 row; a density needs 10 at least",
    "fit twice.csv": "column b: equal to a up to scale and shift",
    "fit x.npz --out x.npz": "is the data file; name another one",
    "sample none.npz": "no such file",
    "sample people.csv": "people.csv is no model; the model, a .npz file that `nfedu fit` has written",
    "score none.npz people.csv": "no such file",
    "plot none.npz": "no such file",
    "plot nfedu:Exp people.csv": "data belong to a model",
    "plot nfedu:Exp --drop who": "--drop is for a model, and nfedu:Exp is a layer",
}


@pytest.mark.parametrize("line", BAD)
def test_what_makes_no_sense_is_told_in_a_line(line, folder, capsys):
    (folder / "twice.csv").write_text("a,b\n" + "".join(f"{k**0.5!r},{2 * k**0.5!r}\n" for k in range(30)))
    (folder / "one.csv").write_text("a,b\n1,2\n")
    np.savez("x.npz", np.random.default_rng(0).standard_normal((50, 2)))
    assert main(line.split()) == 2
    told = capsys.readouterr().err.splitlines()
    assert BAD[line] in told[-1] and not (folder / "people.model.npz").exists()
    assert len(told) == 1 and told[0].startswith("nfedu ")


def test_columns_without_density_are_named_before_a_fit(folder, capsys):
    assert main(["fit", "people.csv", "--drop", "who", "--real", "visits", *QUICK]) == 0
    assert "column visits: whole numbers taken for real have no density; --whole visits" in capsys.readouterr().err
    assert main(["fit", "people.csv", "--drop", "who", *QUICK]) == 0
    assert "values repeat, so taken as visits whole" in capsys.readouterr().err
    lines = (folder / "people.csv").read_text().splitlines()
    (folder / "more.csv").write_text(
        "\n".join(["id,income", *(f"{k},{x.split(',')[1]}" for k, x in enumerate(lines[1:]))])
    )
    assert main(["fit", "more.csv", *QUICK]) == 0
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if "id" in line] == [
        "column id: numbers the rows, and says nothing of them; --drop id"
    ]


def test_a_training_says_beforehand_how_long_it_takes_and_then_how_it_goes(folder, monkeypatch, capsys):
    def train(*arguments, **options):
        seen.append(capsys.readouterr().out)
        return nfedu.fit(*arguments, **options)

    seen = []
    monkeypatch.setattr(learning, "fit", train)
    monkeypatch.setattr(fit, "EVERY", 0)
    assert main(["fit", "people.csv", *SAID, "--epochs", "3"]) == 0
    first, second = seen[0].splitlines()
    assert first.startswith("people.model.npz: Flow") and re.fullmatch(r"3 epochs at most, in about \d+ s", second)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [f"  epoch {k} of 3" for k in (1, 2, 3)]
    assert re.search(r"validation nll \d+\.\d+, best \d+\.\d+; 0 s more at most", lines[-1])
    monkeypatch.setattr(fit, "EVERY", 1000)
    assert main(["fit", "people.csv", *SAID, "--epochs", "3"]) == 0
    assert capsys.readouterr().err == ""


def test_a_command_starts_again_with_one_thread_of_blas_unless_told_otherwise(monkeypatch):
    started = []
    monkeypatch.setattr(os, "execv", lambda path, command: started.append((path, command)))
    monkeypatch.setattr(nfedu.__main__, "main", lambda: 0)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "nfedu", "fit", "a b.csv"])
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    for _ in range(2):
        assert nfedu.__main__.command_line() == 0
        assert started == [(sys.executable, [sys.executable, "-m", "nfedu", "fit", "a b.csv"])]
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    assert nfedu.__main__.command_line() == 0 and len(started) == 1


def test_of_thirty_rows_it_is_said_that_they_are_few(folder, capsys):
    lines = (folder / "people.csv").read_text().splitlines()
    (folder / "few.csv").write_text("\n".join(lines[:31]) + "\n")
    assert main(["fit", "few.csv", *SAID, *QUICK]) == 0
    told = capsys.readouterr()
    assert told.err == "30 rows are few for 2 columns: expect little beyond a Gaussian, and no sure verdict\n"
    assert "4 test rows" in told.out.splitlines()[-1]


def test_zeros_have_a_flag(folder, capsys):
    rng = np.random.default_rng(0)
    np.save("x.npy", np.where(rng.random((200, 1)) < 0.02, 0, rng.exponential(size=(200, 1))))
    assert main(["fit", "x.npy", "--positive", "x1"]) == 2
    assert capsys.readouterr().err.rstrip().endswith("; where it can be 0: --interval x1 0 inf")
    assert main(["fit", "x.npy", "--interval", "x1", "0", "inf", *QUICK]) == 0
    assert main(["sample", "x.model.npz", "-n", "3000", "--out", "new.csv"]) == 0
    assert 0 <= np.loadtxt("new.csv", skiprows=1).min() < 0.05


def test_help_of_plot_tells_what_is_for_a_layer_and_what_for_a_model(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["plot", "--help"])
    both, of_layer, of_model = re.split("\nof a layer:\n|\nof a model's DATA:\n", capsys.readouterr().out)
    options = both.split("options:")[1]
    assert "--pair" in options and "--n N" not in options and "--drop" not in options
    assert "--n N" in of_layer and "--direction" in of_layer and "--drop" in of_model


def started(folder, *more):
    command = [sys.executable, "-m", "nfedu", "fit", "people.csv", *SAID, "--epochs", "400", *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, **pipes)


def run_through(folder, *more):
    run = started(folder, *more)
    told = run.communicate()[1]
    assert run.returncode == 0, told


def messages(told):
    """What stands on the standard error, without the lines on a training that takes long."""
    return [line for line in told.splitlines() if not line.startswith("  epoch")]


def theta(path):
    return TableModel.load(path).flow.theta


def test_an_interrupted_training_leaves_a_model_and_goes_on_to_the_same_bits(folder):
    straight = started(folder, "--out", "straight.npz")
    assert not messages(straight.communicate()[1]) and straight.returncode == 0
    run = started(folder, "--out", "m.npz")
    while not (folder / "m.npz.training").exists():
        time.sleep(0.01)
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    told = run.communicate()[1]
    assert run.returncode == 130 and "m.npz holds the best model so far; --resume goes on" in told
    cut, history = theta(folder / "m.npz"), TableModel.load(folder / "m.npz").history
    assert history.interrupted and 0 < len(history.train) < 400 and len(history.validation) == len(history.train)
    again = started(folder, "--out", "m.npz", "--resume")
    again.communicate()
    assert again.returncode == 0 and not (folder / "m.npz.training").exists()
    assert np.array_equal(theta(folder / "m.npz"), theta(folder / "straight.npz"))
    assert (
        not np.array_equal(cut, theta(folder / "m.npz")) and not TableModel.load(folder / "m.npz").history.interrupted
    )


def interrupted(arguments, monkeypatch):
    """`fit`, with Ctrl-C after its third epoch."""
    from nfedu.training.checkpoint import Run

    def save(self, write=Run.save):
        write(self)
        self.history.interrupted |= len(self.history.train) == 3

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save", save)
        assert main(["fit", "people.csv", *SAID, *QUICK, *arguments]) == 130


def test_where_a_training_begins_is_said_unless_as_expected(folder, capsys, monkeypatch):
    fit = ["fit", "people.csv", *SAID, *QUICK]
    assert main([*fit, "--resume"]) == 0
    begun = "people.model.npz.training is not there: nothing to resume, starting anew"
    assert capsys.readouterr().out.splitlines()[0] == begun
    interrupted([], monkeypatch)
    assert main([*fit, "--resume"]) == 0
    assert "resume" not in capsys.readouterr().out
    interrupted([], monkeypatch)
    assert main(fit) == 0
    told = capsys.readouterr()
    assert "people.model.npz.training, a training that was interrupted, is dropped" in told.out
    kept = (folder / "people.model.npz").read_bytes()
    assert main([*fit, "--resume"]) == 2
    assert "the training of people.model.npz has ended: nothing to resume" in capsys.readouterr().err
    assert (folder / "people.model.npz").read_bytes() == kept


def test_a_file_without_names_is_said_to_have_none(folder, capsys):
    rows = np.random.default_rng(0).standard_normal((100, 2)).round(6).tolist()
    text = "2019,2020\n" + "".join(f"{a},{b}\n" for a, b in rows)
    (folder / "years.csv").write_text(text)
    assert main(["fit", "years.csv", *QUICK]) == 0
    told = capsys.readouterr().err
    assert "years.csv, line 1, is a row: no line names the columns, which are x1, x2" in told
    (folder / "years.csv").write_text("price,2020\n" + text)
    assert main(["fit", "years.csv", *QUICK]) == 2
    hint = "line 1 was not taken for names, since a name is never a number"
    assert capsys.readouterr().err.rstrip().endswith(hint)
    assert main(["fit", "years.csv", "--drop", "price"]) == 2
    assert hint in capsys.readouterr().err
    assert main(["fit", "people.csv", *SAID, *QUICK]) == 0
    assert "no line names" not in capsys.readouterr().err
    assert main(["fit", "."]) == 2
    assert ". is a folder" in capsys.readouterr().err


def test_to_resume_with_another_seed_is_refused_by_its_name(folder, capsys, monkeypatch):
    interrupted(["--seed", "3"], monkeypatch)
    capsys.readouterr()
    assert main(["fit", "people.csv", *SAID, *QUICK, "--resume", "--seed", "9"]) == 2
    assert "data, validation, and with seed 3, not 9; ask for the same" in capsys.readouterr().err
    assert main(["fit", "people.csv", *SAID, *QUICK, "--resume", "--seed", "3", "--layers", "4"]) == 2
    assert "it was made with other layers" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_at_any_moment_leaves_a_whole_file_or_none(folder):
    begun = time.perf_counter()
    run_through(folder, "--out", "straight.npz")
    seconds = time.perf_counter() - begun
    codes = []
    for moment in seconds * np.random.default_rng(0).uniform(0.1, 0.9, 20):
        (folder / "m.npz").unlink(missing_ok=True)
        run = started(folder, "--out", "m.npz", "--resume")
        time.sleep(moment)
        run.send_signal(signal.SIGINT)
        told = run.communicate()[1]
        codes.append(run.returncode)
        if (folder / "m.npz").exists():
            theta(folder / "m.npz")
        assert not [name for name in os.listdir(folder) if name.endswith(".part")]
        assert run.returncode != 130 or (
            len(messages(told)) == 1 and messages(told)[0].startswith("nfedu") and ": interrupted" in told
        )
    assert {130} <= set(codes) <= {0, 130, -signal.SIGINT}  # the last before there is a command
    run_through(folder, "--out", "m.npz", "--resume")
    assert np.array_equal(theta(folder / "m.npz"), theta(folder / "straight.npz"))
