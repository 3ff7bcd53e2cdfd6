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


@dataclass(frozen=True)
class More:
    how: Annotated[str, typer.Option(help="In which way.")] = "kindly"


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

    @app.command()
    @with_options(Shared, More)
    def third(common: Shared, more: More, loud: Annotated[bool, typer.Option("--loud")] = False) -> None:
        typer.echo(f"{common} {more} {loud}")

    return app


def told(app, *words):
    return CliRunner().invoke(app, words)


def test_shared_options_arrive_as_one_object_beside_the_commands_own(app):
    found = told(app, "first", "--folder", "a", "--repeat", "3", "--loud")
    assert found.output == f"{Shared(Path('a'), 3)} True\n"
    assert told(app, "second", "--folder", "b").output == f"{Shared(Path('b'))}\n"


def test_a_command_takes_the_options_of_several_objects(app):
    given = told(app, "third", "--how", "gruffly", "--folder", "a")
    assert given.output == f"{Shared(Path('a'))} {More('gruffly')} False\n"
    assert told(app, "first", "--folder", "a", "--how", "gruffly").exit_code == 2


def test_they_are_checked_and_explained_as_others_are(app):
    assert told(app, "second").exit_code == 2
    assert told(app, "first", "--folder", "a", "--repeat", "0").exit_code == 2
    assert told(app, "second", "--folder", "a", "--loud").exit_code == 2
    shown = told(app, "first", "--help").output
    for words in ("Says it.", "Where to.", "--repeat", "How often.", "--loud"):
        assert words in shown
    assert "common" not in shown
