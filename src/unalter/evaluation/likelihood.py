"""How likely a variational model finds pictures that it has not seen."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from unalter.nn import Autoencoder, DiagonalGaussian

_DECODED = 2_048
"""Codes that are decoded at once."""


@torch.no_grad()
def log_likelihood(
    network: Autoencoder, x: Tensor, *, samples: int = 500, seed: int = 0, y: Tensor | None = None
) -> Tensor:
    """Estimate log p(x) of each picture by importance sampling from the encoder's posterior.

    log 1/K sum over k of p(x | z_k) p(z_k) / q(z_k | x), the z_k drawn from q(z | x), with p(z) = N(0, I) and
    p(x | z) a Bernoulli for each pixel (Rezende et al. 2014, appendix E; the bound of Burda et al. 2016). It is below
    log p(x) on average, the less the more samples: figures are compared at the same K.

    Args:
        network: a variational model in evaluation mode, trained to give back its own input (`--recipe none`).
        x: float32 [N, C, H, W], every pixel 0 or 1, on the network's device.
        samples: K.
        seed: of the codes that are drawn.
        y: int64 [N], the labels, for a CVAE: then it is log p(x | y).

    Returns:
        float32 [N], in nats, summed over pixels.

    Raises:
        ValueError: a network that is not variational, or pixels between 0 and 1.
    """
    if not network.config.variational:
        raise ValueError("only a variational model has a likelihood")
    if not ((x == 0) | (x == 1)).all():
        raise ValueError("pixels must be 0 or 1: binarise the pictures first")
    generator = torch.Generator(x.device).manual_seed(seed)
    at_once = max(1, _DECODED // len(x))
    mu, logvar = network.posterior(x, y)
    assert logvar is not None
    parts, done = [], 0
    while done < samples:
        count = min(at_once, samples - done)
        means, spreads = (part.repeat_interleave(count, 0) for part in (mu, logvar))
        z = DiagonalGaussian(means, spreads).sample(generator)
        logits = network.decode(z, None if y is None else y.repeat_interleave(count))
        target = x.repeat_interleave(count, 0)
        pixels = -F.binary_cross_entropy_with_logits(logits, target, reduction="none").flatten(1).sum(1)
        prior = -0.5 * z.square().sum(1)  # less what it has in common with the posterior: latent / 2 log 2 pi
        posterior = -0.5 * ((z - means).square() / spreads.exp() + spreads).sum(1)
        parts.append((pixels + prior - posterior).reshape(len(x), count))
        done += count
    return torch.cat(parts, 1).logsumexp(1) - math.log(samples)
