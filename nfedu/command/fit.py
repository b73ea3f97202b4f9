"""`nfedu fit`: learn the density of a table, and say whether it beats simpler ones."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from nfedu import storage
from nfedu.command import tables, writing
from nfedu.command.numbers import whole
from nfedu.command.writing import Target
from nfedu.tables import Learned, describe
from nfedu.tables.faults import check_density, superfluous, warnings
from nfedu.tables.learning import MODELS, untrained
from nfedu.tables.notices import noticed
from nfedu.tables.splitting import parts_of
from nfedu.training import History

EVERY = 15  # seconds, between lines on a training that no terminal shows

DESCRIPTION = """Learn the density of a table's rows. 15 % of them tell when to stop, 15 % are kept for the test, in
which the model stands beside a Gaussian and a kernel density estimate (KDE).

Ctrl-C ends the training: the model at its best is written, and --resume goes on from there, to the same result, to the
last bit, as if it had never stopped. A model file is written whole or not at all."""

EXAMPLES = """examples:
  nfedu fit people.csv                                    writes people.model.npz
  nfedu fit people.csv --positive income --interval rate 0 1 --whole count age --drop name
  nfedu fit people.csv --model real_nvp --out people.npz --seed 1
  nfedu fit points.npy                                    an array, (N, n)
  nfedu fit letters.png                                   a picture: points where it is dark

then: nfedu sample people.model.npz; nfedu score people.model.npz people.csv; nfedu plot people.model.npz people.csv

exit code: 0 the model is written, whether it wins or not; 2 there is nothing to learn from; 130 interrupted"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `fit` takes."""
    tables.add_file(parser)
    parser.add_argument("--model", choices=sorted(MODELS), default="maf", help="which model (maf)")
    for kind, told in (
        ("positive", "columns whose numbers are above 0"),
        (
            "whole",
            "columns of whole numbers, from 0 on if no row is below, with --interval from LOW to HIGH; a probability "
            "is reported for a density",
        ),
        ("real", "columns of any numbers, though their values repeat"),
    ):
        parser.add_argument(f"--{kind}", metavar="NAME", nargs="+", action="extend", default=[], help=told)
    told = "a column and its ends, which it may be, HIGH also inf; again for each"
    parser.add_argument("--interval", nargs=3, metavar=("NAME", "LOW", "HIGH"), action="append", default=[], help=told)
    writing.add_out(parser, "MODEL", "where to write the model (DATA.model.npz)")
    parser.add_argument("--resume", action="store_true", help="go on with a training that was interrupted")
    parser.add_argument("--seed", type=whole, default=0, help="of the split, the weights and the batches (0)")
    parser.add_argument("--epochs", type=whole, help="how long to train (about 4000 steps, or a minute)")
    told = "how many layers with networks (by the numbers of rows and columns); a flow has others between them"
    parser.add_argument("--layers", type=whole, help=told)
    parser.add_argument("--hidden", type=whole, nargs="+", metavar="WIDTH", help="widths of their networks (likewise)")


def run(options: argparse.Namespace) -> int:
    """Train, write the model, compare; ValueError, of one line, when there is nothing to learn from."""
    out, seed = out_of(options), tables.seed_of(options)
    if options.epochs is not None and options.epochs < 1:
        raise ValueError(f"--epochs {options.epochs}: expected a whole number ≥ 1")
    checkpoint = checkpoint_of(out, options)
    data = tables.data_of(options)
    said = tables.said_of(options)
    check_density(data)
    table = describe(data, rows=parts_of(data.rows, seed).train, **said)
    known = [*(name for names in said.values() for name in names), *superfluous(data, table)]
    for line in [*noticed(table, data, known), *warnings(data, table)]:
        print(line, file=sys.stderr)
    begin(checkpoint, out, options.resume)
    size = {"epochs": options.epochs, "layers": options.layers, "hidden": options.hidden}
    learned = untrained(data, table, model=options.model, seed=seed, **size)
    announce(learned, out)
    learned.train(checkpoint, True if sys.stderr.isatty() else lines_of(learned.epochs))
    learned.model.save(out.path)
    if learned.model.history.interrupted:
        raise KeyboardInterrupt(f"{out.path} holds the best model so far; --resume goes on")
    report(learned)
    checkpoint.unlink(missing_ok=True)
    return 0


def out_of(options: argparse.Namespace) -> Target:
    """Return where the model is to be written; ValueError where it cannot be, before anything is trained."""
    out = options.out or Path(f"{options.data.stem}.model.npz")
    if out.suffix != ".npz":
        raise ValueError(f"--out {out}: expected a name that ends in .npz")
    return writing.target(out, options, [("data", options.data)], lambda path: holds(path, "theta", "table"))


def checkpoint_of(out: Target, options: argparse.Namespace) -> Path:
    """Return where the training is kept until it is over; ValueError where somebody else's file is."""
    checkpoint = out.path.with_name(out.path.name + ".training")
    writing.target(checkpoint, options, [("data", options.data)], lambda path: holds(path, "run", "theta"))
    return checkpoint


def begin(checkpoint: Path, out: Target, resume: bool) -> None:
    """Say where the training begins, unless that is as one would expect; drop what is not gone on with.

    Raises ValueError where a training is to be resumed that has ended.
    """
    if resume and not checkpoint.exists() and out.path.exists():
        raise ValueError(f"the training of {out.path} has ended: nothing to resume; without --resume it starts anew")
    if resume and not checkpoint.exists():
        print(f"{checkpoint} is not there: nothing to resume, starting anew", flush=True)
    if not resume and checkpoint.exists():
        checkpoint.unlink()
        print(f"{checkpoint}, a training that was interrupted, is dropped; --resume would have gone on", flush=True)


def holds(path: Path, *names: str) -> bool:
    """Return whether a file is one of ours with arrays of these names."""
    try:
        return str(storage.read_arrays(path, "format", *names)[0]).startswith("nfedu")
    except ValueError:
        return False


def announce(learned: Learned, out: Target) -> None:
    """Print what is to be learned, and how long it may take."""
    parts = learned.parts
    rows = f"{len(parts.train)} rows, {len(parts.validation)} to stop by, {len(parts.test)} for the test"
    print(f"{out}: {learned.model.flow!r}; {rows}")
    print(f"{learned.epochs} epochs at most, in about {learned.seconds():.0f} s", flush=True)


def lines_of(epochs: int) -> Callable[[History], None]:
    """Return what prints a line on the training every quarter of a minute: for where no terminal shows a bar."""
    last = perf_counter()

    def tell(history: History) -> None:
        nonlocal last
        if perf_counter() - last < EVERY:
            return
        last, done = perf_counter(), len(history.train)
        left = history.seconds / done * (epochs - done)
        told = f"validation nll {history.validation[-1]:.3f}, best {history.best:.3f}; {left:.0f} s more at most"
        print(f"  epoch {done} of {epochs}, {told}", file=sys.stderr, flush=True)

    return tell


def report(learned: Learned) -> None:
    """Print what was learned, and whether it has won."""
    history, verdict = learned.model.history, learned.verdict()
    print(f"{len(history.train)} epochs in {history.seconds:.0f} s, the best after {history.best_epoch + 1}")
    print(verdict)
    print(learned.advice(verdict) or verdict.won)
