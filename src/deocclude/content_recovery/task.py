"""One training step of stage 2 (Eq. 7), its validation, and its picture sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from deocclude.adversarial import PatchDiscriminator, adversarial_term, discriminator_term
from deocclude.content_recovery.colours import COLOURS
from deocclude.content_recovery.config import ContentRecoveryConfig, ContentTrainingConfig
from deocclude.content_recovery.losses import body_l1, close_up, compared, feature_losses
from deocclude.content_recovery.network import ContentRecoveryNetwork, composite
from deocclude.content_recovery.report import ContentScores, sheet
from deocclude.training.evaluating import evaluating

if TYPE_CHECKING:
    from deocclude.mask_completion.network import MaskCompletionNetwork

Batch = dict[str, Tensor]


class ContentRecoveryTask:
    """A `training.TrainingTask`.

    features: frozen, N3HW in [0, 1] -> feature maps for the perceptual and style losses; VGG16 unless given
    (needs the train extra); among the networks, so that they share their device and precision. mask_network:
    a trained `MaskCompletionNetwork`; it predicts body parts where they are not labelled, and in a share of
    the samples every mask (`ContentTrainingConfig.predicted_share`). Neither is trained.
    """

    def __init__(
        self,
        config: ContentRecoveryConfig,
        training: ContentTrainingConfig,
        *,
        mask_network: MaskCompletionNetwork | None = None,
        features: nn.Module | None = None,
    ) -> None:
        self.config = config
        self.training = training
        self.networks = nn.ModuleDict(
            {
                "generator": ContentRecoveryNetwork(config),
                "discriminator": PatchDiscriminator(3, training.discriminator_width),
            }
        )
        self._mask_network = mask_network.eval().requires_grad_(False) if mask_network is not None else None
        if features is None and (training.perceptual or training.style) and training.perceptual_from < 1:
            from deocclude.perceptual import VGG16Features

            features = VGG16Features()
        if features is not None:
            self.networks["features"] = features

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam, one for the generator, one for the discriminator; copying colours has its own rate."""
        rate, betas = self.training.learning_rate, self.training.betas
        copying: list[Tensor] = []
        painting: list[Tensor] = []
        for name, parameter in self.networks["generator"].named_parameters():
            (copying if name.startswith(COLOURS) else painting).append(parameter)
        groups: list[dict[str, Any]] = [
            {"params": painting},
            {"params": copying, "lr": rate * self.training.colours_rate},
        ]
        return {
            "generator": torch.optim.Adam(groups, rate, betas),
            "discriminator": torch.optim.Adam(self.networks["discriminator"].parameters(), rate, betas),
        }

    def step(
        self,
        networks: Mapping[str, nn.Module],
        batch: Batch,
        optimizers: Mapping[str, torch.optim.Optimizer],
        backward: Callable[[Tensor], None],
        progress: float,
    ) -> dict[str, Tensor]:
        """One update of the generator, then (from `adversarial_from` on) one of the discriminator.

        Returns the terms of Eq. 7 that take part at this progress in [0, 1], unweighted and detached:
        `l1`, `perceptual`, `style`, `adversarial`, `discriminator`.
        """
        batch = self._inputs(batch, self.training.predicted_share)
        output = _paint(networks["generator"], batch)
        body = batch["body"]
        terms = {
            "l1": body_l1(output, batch["original"], body, batch["invisible"], self.training.hidden_weight)
        }
        with_features = "features" in networks and progress >= self.training.perceptual_from
        with_discriminator = bool(self.training.adversarial) and progress >= self.training.adversarial_from
        if with_features or with_discriminator:
            pictures = close_up(
                compared(output, batch["original"], body, batch["invisible"]),
                batch["invisible"],
                self.training.close_up,
            )
        if with_features:
            terms["perceptual"], terms["style"] = feature_losses(pictures, networks["features"])
        if with_discriminator:
            terms["adversarial"] = adversarial_term(networks["discriminator"], pictures.composited)
        optimizers["generator"].zero_grad(set_to_none=True)
        backward(self.total(terms))
        optimizers["generator"].step()

        if with_discriminator:
            terms["discriminator"] = discriminator_term(
                networks["discriminator"], pictures.truth, pictures.composited
            )
            optimizers["discriminator"].zero_grad(set_to_none=True)
            backward(terms["discriminator"])
            optimizers["discriminator"].step()
        return {name: term.detach() for name, term in terms.items()}

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The generator's loss of Eq. 7: the terms times beta_1..beta_4."""
        loss: Tensor = torch.stack(
            [
                getattr(self.training, name) * terms[name]
                for name in ("adversarial", "l1", "perceptual", "style")
                if name in terms
            ]
        ).sum()
        return loss

    def validate(self, networks: Mapping[str, nn.Module], batches: Iterable[Batch]) -> dict[str, float]:
        """l1 and PSNR inside the true hidden part, beside those of simple fills; see `ContentScores`."""
        scores = ContentScores()
        for batch in batches:
            scores.add(self._composited(networks["generator"], batch), batch)
        return scores.summary()

    def picture(self, networks: Mapping[str, nn.Module], batch: Batch) -> np.ndarray:
        """uint8 HxWx3, one row a sample; see `report.sheet`."""
        return sheet(self._composited(networks["generator"], batch), batch)

    def _composited(self, generator: nn.Module, batch: Batch) -> Tensor:
        with evaluating(generator) as network:
            painted = _paint(network, self._inputs(batch, 0.0))
            return composite(painted, batch["image"], batch["invisible"])

    def _inputs(self, batch: Batch, predicted_share: float) -> Batch:
        """The batch with `body`, the true amodal mask where it is known, and with stage 1's predictions."""
        batch = {**batch, "body": batch["amodal"] * batch["known"]}
        if self._mask_network is None:
            return batch
        from deocclude.content_recovery.predicted import with_predictions

        self._mask_network.to(batch["image"].device)
        return with_predictions(self._mask_network, batch, predicted_share)


def _paint(generator: nn.Module, batch: Batch) -> Tensor:
    painted: Tensor = generator(
        batch["image"], batch["modal"], batch["amodal"], batch["parsing_modal"], batch["parsing_amodal"]
    )
    return painted.float()
