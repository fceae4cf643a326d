"""Residual blocks, encoder, decoder; AE, VAE and CVAE; losses."""

from unalter.nn.gaussian import DiagonalGaussian
from unalter.nn.losses import Loss, negative_elbo
from unalter.nn.model import Architecture, Autoencoder, Output

__all__ = ["Architecture", "Autoencoder", "DiagonalGaussian", "Loss", "Output", "negative_elbo"]
