"""How good a model is on pictures that it is not trained on."""

from __future__ import annotations

import torch

from unalter.images.metrics import psnr, ssim
from unalter.nn import Autoencoder
from unalter.support.processes import ALONE, Processes
from unalter.training.pair_sampler import ValidationSet

_BATCH = 256


@torch.no_grad()
def validate(
    model: Autoencoder, pairs: ValidationSet, autocast: torch.autocast, processes: Processes = ALONE
) -> dict[str, float]:
    """Mean SSIM and PSNR of what a model in evaluation mode gives back, as they stand in metrics.csv."""
    found = {}
    for number, (x_alt, x, y) in enumerate(pairs.parts(_BATCH)):
        if number % processes.world != processes.rank:
            continue
        with autocast:
            output = model(x_alt, y)
        x_hat = output.logits.float().sigmoid()
        found[number] = torch.stack([ssim(x_hat, x), psnr(x_hat, x)])
    if processes.world > 1:
        found = {number: part.to(x.device) for own in processes.gather(found) for number, part in own.items()}
    similar, noise = torch.cat([found[number] for number in sorted(found)], 1)
    return {"validation_ssim": similar.mean().item(), "validation_psnr": noise.mean().item()}


def input_ssim(pairs: ValidationSet) -> float:
    """The mean SSIM of the altered pictures as they are."""
    return torch.cat([ssim(x_alt, x) for x_alt, x, _ in pairs.parts(_BATCH)]).mean().item()
