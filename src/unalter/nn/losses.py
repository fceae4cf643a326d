"""What training makes small."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.images.metrics import ssim
from unalter.nn.autoencoder import Output
from unalter.nn.gaussian import DiagonalGaussian


@dataclass(frozen=True)
class Loss:
    """The terms of a loss; each a scalar, the mean over the batch."""

    total: Tensor
    """What is differentiated: `reconstruction + beta * kl + ssim_weight * (1 - ssim) + pose_weight * pose`, and with
    labels `+ obedience_weight * obedience`."""
    reconstruction: Tensor
    """Binary cross-entropy in nats, summed over pixels and channels."""
    kl: Tensor
    """KL divergence of the posterior from N(0, I) in nats, summed over latent dimensions; 0 for an AE."""
    ssim: Tensor
    """Structural similarity of reconstruction and clean picture, at most 1."""

    pose: Tensor
    """How far the encoder's poses are from the true ones (see `pose_error`); 0 where there are none."""
    obedience: Tensor
    """Cross-entropy in nats of the label told, in pictures of other codes; 0 for models that see no label."""

    def with_pose(self, error: Tensor, weight: float) -> Loss:
        """The loss with the pose's error added."""
        return replace(self, total=self.total + weight * error, pose=error)

    def with_obedience(self, error: Tensor, weight: float) -> Loss:
        """The loss with what the label told does not do in pictures of other codes added."""
        return replace(self, total=self.total + weight * error, obedience=error)

    def part(self, own: int, whole: int) -> Loss:
        """The terms of so many pictures of a batch, as their part of what the whole batch has."""
        if own == whole:
            return self
        return Loss(**{spec.name: getattr(self, spec.name) * (own / whole) for spec in fields(self)})

    def terms(self) -> dict[str, Tensor]:
        """The terms by name, detached."""
        return {spec.name: getattr(self, spec.name).detach() for spec in fields(self)}


def negative_elbo(output: Output, x: Tensor, beta: float, ssim_weight: float) -> Loss:
    """The negative evidence lower bound (Kingma and Welling 2014), with a term for structural similarity.

    With grey values read as probabilities the cross-entropy is -log p(x | z) of a Bernoulli. `beta` weighs
    the KL term (Higgins et al. 2017). For a model without posterior the KL is 0 and `beta` means nothing.

    Args:
        output: of a forward pass on the altered pictures.
        x: the clean pictures, float [N, C, H, W] in 0..1.
    """
    reconstruction = F.binary_cross_entropy_with_logits(output.logits, x, reduction="none").flatten(1).sum(1).mean()
    if output.logvar is None:
        kl = torch.zeros_like(reconstruction)
    else:
        kl = DiagonalGaussian(output.mu, output.logvar).kl().mean()
    similarity = ssim(output.logits.sigmoid(), x).mean() if ssim_weight else torch.zeros_like(reconstruction)
    total = reconstruction + beta * kl + ssim_weight * (1 - similarity)
    none = torch.zeros_like(total)
    return Loss(total, reconstruction, kl, similarity, pose=none, obedience=none)
