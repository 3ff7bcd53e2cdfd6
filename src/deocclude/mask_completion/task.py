"""One training step of stage 1 (Eq. 4), its validation, and its picture sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deocclude.adversarial import PatchDiscriminator, adversarial_term, discriminator_term
from deocclude.mask_completion.config import MaskCompletionConfig
from deocclude.mask_completion.losses import judged_mask, overlap_losses, segmentation_losses
from deocclude.mask_completion.network import (
    MaskCompletionNetwork,
    complete,
    load_pretrained_encoder,
    soft_masks,
)
from deocclude.mask_completion.report import MaskScores, sheet
from deocclude.mask_completion.second_look import seen_again
from deocclude.perceptual import VGG16Features, perceptual_loss
from deocclude.training.evaluating import evaluating

_FIRST_ENCODER = "modal_hourglass.encoder."
_FROM_INITIAL = 3
"""Of so many samples seen again one starts from its initial mask once more."""


class Lambdas(NamedTuple):
    """Coefficients of Eq. 4; a term with 0 is not computed."""

    segmentation: float = 1.0
    adversarial: float = 1.0
    generation: float = 0.1


class MaskCompletionTask:
    """A `training.TrainingTask`.

    lambdas: those of the config unless given. templates: float32 KxTxT of `fit_templates`; pretrained: start
    the encoder of `lite` from BlazePose's weights. A run that resumes restores both from its checkpoint.
    """

    def __init__(
        self,
        config: MaskCompletionConfig,
        *,
        templates: np.ndarray | None = None,
        pretrained: bool = True,
        lambdas: Lambdas | None = None,
    ) -> None:
        self.config = config
        self.lambdas = lambdas or Lambdas(*config.lambdas)
        generator = MaskCompletionNetwork(config)
        if pretrained:
            load_pretrained_encoder(generator)
        if templates is not None:
            generator.set_templates(templates)
        self.networks = nn.ModuleDict(
            {"generator": generator, "discriminator": PatchDiscriminator(1, config.discriminator_width)}
        )
        if (
            self.lambdas.generation
        ):  # frozen, but among the networks so that it shares their device and precision
            self.networks["features"] = VGG16Features()

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One for the generator, one for the discriminator."""
        return {name: self._optimizer(self.networks[name]) for name in ("generator", "discriminator")}

    def _optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        rate = self.config.learning_rate
        encoder: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, parameter in network.named_parameters():
            (encoder if name.startswith(_FIRST_ENCODER) else others).append(parameter)
        groups = [{"params": others, "lr": rate}]
        if encoder:
            groups.append({"params": encoder, "lr": rate * self.config.encoder_rate})
        if self.config.optimizer == "sgd":
            return torch.optim.SGD(groups, momentum=0.9)
        return torch.optim.AdamW(groups, weight_decay=0.01)

    def step(
        self,
        networks: nn.ModuleDict,
        batch: dict[str, Tensor],
        optimizers: dict[str, torch.optim.Optimizer],
        backward: Callable[[Tensor], None],
        progress: float,
    ) -> dict[str, Tensor]:
        """One update of the generator, then one of the discriminator, on an `ahp.batches` batch.

        Returns every term of Eq. 3 (unweighted, detached), before `judged_from` only those of L_seg, and the
        overlap terms where they count.
        """
        batch = self.as_looked_at(networks["generator"], batch)
        prediction = networks["generator"](batch["image"], batch["initial"])
        fake = judged_mask(prediction.amodal, batch["amodal"], batch["known_amodal"])
        terms = segmentation_losses(prediction, batch)
        if self.config.overlap:
            terms |= overlap_losses(prediction, batch)
        judged = progress >= self.config.judged_from
        if judged:
            terms |= self.judgement_terms(networks, fake, batch)
        optimizers["generator"].zero_grad(set_to_none=True)
        backward(self.total(terms))
        optimizers["generator"].step()

        if judged and self.lambdas.adversarial:
            terms["discriminator"] = discriminator_term(networks["discriminator"], batch["amodal"], fake)
            optimizers["discriminator"].zero_grad(set_to_none=True)
            backward(terms["discriminator"])
            optimizers["discriminator"].step()
        return {name: term.detach() for name, term in terms.items()}

    def as_looked_at(self, generator: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The batch as the looks of `MaskStage` have it.

        The last, a share of `unguided`, lose their initial masks, unless they stand in front of somebody: of
        two people an empty mask means the one who is harder to see. A share of `second_look`, spread over the
        batch, is `seen_again`; of those two thirds start from the modal mask found, the others, and those
        without an initial mask, from what they had.
        """
        guided = torch.ones_like(batch["in_front"])
        if empty := round(self.config.unguided * len(guided)):
            guided[-empty:] = batch["in_front"][-empty:]
        batch = {**batch, "initial": batch["initial"] * guided[:, None, None, None]}
        again = _spread(self.config.second_look, len(guided))
        if not again:
            return batch
        part = {name: values[again] for name, values in batch.items()}
        with evaluating(generator) as network:
            first = network(part["image"], part["initial"])
        found = (first.modal > 0).to(part["initial"].dtype)
        swapped = guided[again] & found.flatten(1).any(dim=1)
        swapped[::_FROM_INITIAL] = False
        part["initial"] = torch.where(swapped[:, None, None, None], found, part["initial"])
        seen = seen_again(part, first)
        where = torch.tensor(again, device=found.device)
        return {name: values.index_copy(0, where, seen[name]) for name, values in batch.items()}

    def judgement_terms(
        self, networks: nn.ModuleDict, fake: Tensor, batch: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """The adversarial and the generation terms of Eq. 3, unweighted, of the `fake` of `judged_mask`."""
        terms = {}
        if self.lambdas.adversarial:
            terms["adversarial"] = adversarial_term(networks["discriminator"], fake)
        if self.lambdas.generation:
            real = batch["amodal"]
            terms["l1"] = (fake - real).abs().mean()
            features = networks["features"]
            size = (self.config.perceptual_size,) * 2
            small = [functional.interpolate(mask, size=size, mode="area") for mask in (fake, real)]
            with torch.no_grad():
                wanted = features(small[1].expand(-1, 3, -1, -1))
            terms["perceptual"] = perceptual_loss(features(small[0].expand(-1, 3, -1, -1)), wanted)
        return terms

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """Eq. 4, of the terms that are there, and the overlap terms with their weight."""
        segmentation = sum(terms[name] for name in terms if name.startswith("ce_"))
        overlap = sum(terms[name] for name in terms if name.startswith("iou_"))
        loss = torch.as_tensor(self.lambdas.segmentation * segmentation + self.config.overlap * overlap)
        if "adversarial" in terms:
            loss = loss + self.lambdas.adversarial * terms["adversarial"]
        if "l1" in terms:
            loss = loss + self.lambdas.generation * (terms["l1"] + terms["perceptual"])
        return loss

    def validate(self, networks: nn.ModuleDict, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """IoUs of the thresholded masks over known pixels; see `MaskScores`."""
        scores = MaskScores()
        with evaluating(networks["generator"]) as generator:
            for batch in batches:
                scores.add(soft_masks(generator(batch["image"], batch["initial"])), batch)
        return scores.summary()

    def picture(self, networks: nn.ModuleDict, batch: dict[str, Tensor]) -> np.ndarray:
        """uint8 HxWx3, one row a sample; see `report.sheet`."""
        with evaluating(networks["generator"]) as generator:
            return sheet(complete(generator(batch["image"], batch["initial"])), batch)


def _spread(share: float, count: int) -> list[int]:
    """Evenly spread indices of a share of `count` samples."""
    chosen = round(share * count)
    return [((2 * index + 1) * count) // (2 * chosen) for index in range(chosen)]
