"""`deocclude ahp`: whole people and their composites on disk (section 4), one file a verb."""

from __future__ import annotations

import typer

from deocclude.cli.ahp.acquire import acquire
from deocclude.cli.ahp.build import build
from deocclude.cli.ahp.compose import compose
from deocclude.cli.ahp.convert import convert
from deocclude.cli.ahp.false_alarms import false_alarms
from deocclude.cli.ahp.pack import pack
from deocclude.cli.ahp.parser_score import parser_score
from deocclude.cli.ahp.review import review
from deocclude.cli.ahp.seen_people import seen_people
from deocclude.cli.ahp.seen_score import seen_score
from deocclude.cli.ahp.segment import segment
from deocclude.cli.ahp.statistics import statistics
from deocclude.cli.ahp.synthesize import synthesize
from deocclude.cli.ahp.verify import verify

app = typer.Typer(no_args_is_help=True, help="Make whole people and their occluded composites (section 4).")
app.command()(acquire)
app.command()(segment)
app.command("parser-score")(parser_score)
app.command()(review)
app.command()(build)
app.command()(synthesize)
app.command()(compose)
app.command()(pack)
app.command("false-alarms")(false_alarms)
app.command("seen-people")(seen_people)
app.command("seen-score")(seen_score)
app.command()(convert)
app.command()(statistics)
app.command()(verify)
