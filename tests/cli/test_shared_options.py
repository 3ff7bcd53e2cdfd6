from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from deocclude.cli.shared_options import with_options


@dataclass(frozen=True)
class Shared:
    folder: Annotated[Path, typer.Option(help="Where to.")]
    times: Annotated[int, typer.Option("--repeat", min=1, help="How often.")] = 2


@pytest.fixture
def app():
    app = typer.Typer()

    @app.command()
    @with_options(Shared)
    def first(common: Shared, loud: Annotated[bool, typer.Option("--loud")] = False) -> None:
        """Says it."""
        typer.echo(f"{common} {loud}")

    @app.command()
    @with_options(Shared)
    def second(common: Shared) -> None:
        typer.echo(str(common))

    return app


def told(app, *words):
    return CliRunner().invoke(app, words)


def test_shared_options_arrive_as_one_object_beside_the_commands_own(app):
    found = told(app, "first", "--folder", "a", "--repeat", "3", "--loud")
    assert found.output == f"{Shared(Path('a'), 3)} True\n"
    assert told(app, "second", "--folder", "b").output == f"{Shared(Path('b'))}\n"


def test_they_are_checked_and_explained_as_others_are(app):
    assert told(app, "second").exit_code == 2
    assert told(app, "first", "--folder", "a", "--repeat", "0").exit_code == 2
    assert told(app, "second", "--folder", "a", "--loud").exit_code == 2
    shown = told(app, "first", "--help").output
    for words in ("Says it.", "Where to.", "--repeat", "How often.", "--loud"):
        assert words in shown
    assert "common" not in shown
