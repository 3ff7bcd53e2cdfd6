"""The command line: verbs only. Each verb imports what it needs when it runs, so `--help` answers at once."""

from __future__ import annotations

import errno
import sys

import typer

from deocclude.cli import ahp, demo, evaluate, run, train, weights
from deocclude.errors import DeoccludeError

app = typer.Typer(
    name="deocclude",
    help="Give back every person in a photo whole: visible, whole and hidden masks, and the hidden part.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(train.app, name="train")
app.add_typer(ahp.app, name="ahp")
app.add_typer(weights.app, name="weights")


def main() -> None:
    """Entry point: a `DeoccludeError` or a failing disk becomes one line on stderr and exit status 1."""
    try:
        app()
    except DeoccludeError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EPERM):
            raise
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {where}{error.strerror}; free or choose another place and run again")
