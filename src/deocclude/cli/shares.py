"""Which samples, beside occluded whole people, stage 1 trains on: for `ahp pack` and `train masks`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from deocclude.ahp.batches import CompositeDataset, Stage


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

    def composites(
        self, root: Path, size: int, seed: int, *, stage: Stage, density: str, detected: float
    ) -> CompositeDataset:
        """Fresh composites of the training people with these shares. detected: share with N_i's own masks."""
        from deocclude.ahp.batches import BatchSettings, CompositeDataset
        from deocclude.ahp.density import DENSITIES
        from deocclude.ahp.synthesis import SynthesisSettings

        settings = BatchSettings(
            stage=stage,
            detected=detected,
            false_alarms=self.false_alarm_share,
            unoccluded=self.unoccluded_share,
            in_front=self.in_front_share,
            seen=self.seen_share,
            dyed=self.dyed_share,
        )
        synthesis = SynthesisSettings(person_share=self.person_share)
        return CompositeDataset(root, "train", size, seed, DENSITIES[density], settings, synthesis)
