"""`python -m nfedu`, or `nfedu`: what one can ask of a layer, or of a table, from the command line."""

import argparse
import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import nfedu

COMMANDS = {
    "check": "judge a layer, and name what is wrong with it",
    "explain": "what a cause means, with the wrong line and the right one",
    "plot": "one picture of a layer: warp, density, Jacobians; or of a model of a table",
    "fit": "learn the density of a table: a CSV, an array, a picture",
    "sample": "new rows from a model that fit has written",
    "score": "how likely the rows of a table are under it, and which are least",
}


def command_line() -> int:
    """Run `main` where BLAS has one thread: a second gains little here, and beside other work they wait for minutes."""
    if os.name == "posix" and "OPENBLAS_NUM_THREADS" not in os.environ:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when NumPy is loaded, which it is: so once more from the start
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return main()


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return 0 when all is well, 1 when a check fails, 2 when the question makes no sense."""
    name = "nfedu"
    try:
        check_package()
        options = parser_of().parse_args(arguments)
        name = f"nfedu {options.command}"
        return options.run(options)
    except ValueError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"{name}: interrupted{f': {stop}' if str(stop) else ''}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 0


def check_package() -> None:
    """Raise ValueError in the folder above the clone: there Python takes the clone's folder for the package."""
    if getattr(nfedu, "__file__", None) is None:
        clone = Path(nfedu.__path__[0])
        raise ValueError(
            f"run from {clone.parent}, Python takes the folder {clone.name} for the package; run "
            "`nfedu` instead of `python -m nfedu`, or go to another folder"
        )


def parser_of() -> argparse.ArgumentParser:
    """Return what reads the command line; each command says what it takes."""
    parser = argparse.ArgumentParser(
        prog="nfedu", description="Normalizing flows in NumPy: tools for layers and data of your own."
    )
    parser.add_argument("--version", action="version", version=f"nfedu {version('nfedu')}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, line in COMMANDS.items():
        module = import_module(f"nfedu.command.{name}")
        command = commands.add_parser(
            name,
            help=line,
            description=module.DESCRIPTION,
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(command_line())
