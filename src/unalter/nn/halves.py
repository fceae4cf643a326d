"""The two halves of an autoencoder as modules that can be had apart: `decoder(encoder(x))`."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from unalter.nn.autoencoder import Autoencoder


class _Half(nn.Module):
    """Has no weights but those of its half, and the labels' embedding."""

    _other: str

    def __init__(self, network: Autoencoder) -> None:
        super().__init__()
        self.hold(network)

    def hold(self, network: Autoencoder) -> None:
        """Be a copy of this network's half from now on, on the device where the module was."""
        place = next(self.parameters(), None)
        self.network = deepcopy(network)
        self.network.prior = None
        setattr(self.network, self._other, None)
        if network.embedding is not None:
            known = network.embedding.weight.detach()
            self.network.embedding = nn.Embedding.from_pretrained(torch.cat([known, known.mean(0, True)]), freeze=False)
        if network.centring is not None:
            self.network.centring = network.centring.with_class_of_all()
        if place is not None:
            self.network.to(place.device)

    def _labels(self, y: Tensor | None, x: Tensor) -> Tensor | None:
        """The labels [B]; where a CVAE gets none, of a class that is the mean of all."""
        classes = self.network.config.classes
        return torch.full((len(x),), classes, device=x.device) if y is None and classes else y


class EncoderHalf(_Half):
    """Pictures [B, C, H, W] in 0..1 -> codes [B, latent, 1, 1], of a VAE the means.

    A CVAE's takes labels [B] too; it does without, and worse.
    """

    _other = "decoder"

    def forward(self, x_alt: Tensor, y: Tensor | None = None) -> Tensor:
        return self.posterior(x_alt, y)[0][..., None, None]

    def posterior(self, x_alt: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Means [B, latent] and, of a VAE or CVAE, logarithms of variances."""
        return self.network.posterior(x_alt, self._labels(y, x_alt))


class DecoderHalf(_Half):
    """Codes [B, latent, 1, 1] or [B, latent] -> pictures [B, C, H, W] in 0..1; labels as for the encoder."""

    _other = "encoder"

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.network.decode(z.flatten(1), self._labels(y, z)).sigmoid()
