"""Residual blocks, encoder, decoder; AE, VAE and CVAE; losses."""

from unalter.nn.architecture import Architecture, widths_for
from unalter.nn.autoencoder import Autoencoder, Output, new_model, seeded
from unalter.nn.gaussian import DiagonalGaussian
from unalter.nn.halves import DecoderHalf, EncoderHalf
from unalter.nn.losses import Loss, negative_elbo
from unalter.nn.pose import Pose, pose_error

__all__ = [
    "Architecture",
    "Autoencoder",
    "DecoderHalf",
    "DiagonalGaussian",
    "EncoderHalf",
    "Loss",
    "Output",
    "Pose",
    "negative_elbo",
    "new_model",
    "pose_error",
    "seeded",
    "widths_for",
]
