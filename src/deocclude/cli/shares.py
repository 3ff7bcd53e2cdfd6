"""Which samples, beside occluded whole people, stage 1 trains on: for `ahp pack` and `train masks`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from deocclude.ahp.synthesis import SynthesisSettings


def _share(help: str) -> Any:
    return typer.Option(min=0, max=1, help=help)


@dataclass(frozen=True)
class SampleShares:
    """Shares of all samples, or of those that a help text names, in [0, 1]."""

    false_alarm_share: Annotated[
        float, _share("Share from DIR/false_alarms, where nobody is to be seen.")
    ] = 0.0
    unoccluded_share: Annotated[float, _share("Share of people with nothing in front of them.")] = 0.0
    in_front_share: Annotated[float, _share("Share of people who stand in front of another person.")] = 0.0
    seen_share: Annotated[float, _share("Share from DIR/seen, whose hidden part nobody knows.")] = 0.0
    dyed_share: Annotated[float, _share("Share of people whose clothes change colour.")] = 0.0
    person_share: Annotated[
        float, _share("Share of occluded people who have another person in front of them.")
    ] = 0.3

    def settings(self) -> dict[str, float]:
        """By the names of `ahp.batches.BatchSettings`."""
        return {
            "false_alarms": self.false_alarm_share,
            "unoccluded": self.unoccluded_share,
            "in_front": self.in_front_share,
            "seen": self.seen_share,
            "dyed": self.dyed_share,
        }

    def synthesis(self) -> SynthesisSettings:
        from deocclude.ahp.synthesis import SynthesisSettings

        return SynthesisSettings(person_share=self.person_share)
