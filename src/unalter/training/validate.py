"""How good a model is on pictures that it is not trained on."""

from __future__ import annotations

import torch

from unalter.images.metrics import psnr, ssim
from unalter.nn import Autoencoder
from unalter.training.pair_sampler import ValidationSet

_BATCH = 256


@torch.no_grad()
def validate(model: Autoencoder, pairs: ValidationSet, autocast: torch.autocast) -> dict[str, float]:
    """Mean SSIM and PSNR of what a model in evaluation mode gives back, as they stand in metrics.csv."""
    similar, noise = [], []
    for x_alt, x, y in pairs.parts(_BATCH):
        with autocast:
            output = model(x_alt, y)
        x_hat = output.logits.float().sigmoid()
        similar.append(ssim(x_hat, x))
        noise.append(psnr(x_hat, x))
    return {
        "validation_ssim": torch.cat(similar).mean().item(),
        "validation_psnr": torch.cat(noise).mean().item(),
    }


def input_ssim(pairs: ValidationSet) -> float:
    """The mean SSIM of the altered pictures as they are."""
    return torch.cat([ssim(x_alt, x) for x_alt, x, _ in pairs.parts(_BATCH)]).mean().item()
