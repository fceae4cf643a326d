"""The three models: one encoder, one decoder, what lies between them.

An AE has a plain code, a VAE a Gaussian one (`variational`), a CVAE is a VAE that knows the label (`classes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unalter.nn.architecture import Architecture
from unalter.nn.class_centring import ClassCentring
from unalter.nn.decoder import Decoder
from unalter.nn.encoder import Encoder
from unalter.nn.gaussian import DiagonalGaussian
from unalter.nn.latent_prior import LatentPrior
from unalter.nn.pose import Pose
from unalter.support.processes import ALONE, Processes

_MIN_LOGVAR, _MAX_LOGVAR = -12.0, 6.0
"""Beyond these a variance is out of float32's useful range; reached only when training goes wrong."""


_DRAWN = 4
"""One of so many codes that get other labels is from N(0, I): those obey sooner than codes of pictures."""


class Output(NamedTuple):
    """What a forward pass gives."""

    logits: Tensor
    """[N, C, H, W]; the sigmoid of it is the picture"""
    mu: Tensor
    """[N, latent]: the code, for a variational model the mean of its posterior"""
    logvar: Tensor | None
    """[N, latent], variational models only"""
    pose: Pose | None = None
    """what the encoder took the pose to be, models with `pose` only"""
    retold: Tensor | None = None
    """[M, C, H, W]: logits of the pictures with other labels that were asked for"""


def new_model(config: Architecture, seed: int) -> Autoencoder:
    """A model with first weights by seed; the caller's random generators are left as they were."""
    with seeded(seed):
        return Autoencoder(config)


_global_generators = Lock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """In this block torch's global generators start from a seed; after it they are where they were before.

    They are the whole process's: two threads do so one after the other.
    """
    with _global_generators, torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


class Autoencoder(nn.Module):
    """Encoder, bottleneck and decoder; no connection passes the bottleneck by."""

    processes: Processes = ALONE
    """Who have a share each of the batches in training (see `over_processes`)."""

    def __init__(self, config: Architecture) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.classes, config.condition) if config.classes else None
        self.encoder = Encoder(config, config.latent * (2 if config.variational else 1))
        self.centring = ClassCentring(config.classes, config.latent) if config.obedient else None
        self.decoder = Decoder(config)
        self.prior = None
        if config.variational:
            self.prior = LatentPrior(max(1, config.classes), config.components, config.latent)

    def posterior(self, x_alt: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Encode: float [N, C, H, W] in 0..1 and labels [N] -> mu [N, latent], logvar [N, latent] or None."""
        mu, logvar, _ = self._encode(x_alt, y)
        return mu, logvar

    def _encode(self, x_alt: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor | None, Pose | None]:
        coded, pose = self.encoder(x_alt, self._condition(y))
        if not self.config.variational:
            return coded.float(), None, pose
        mu, logvar = coded.float().chunk(2, 1)
        if self.centring is not None and y is not None:
            mu = self.centring(mu, y)
        return mu, logvar.clamp(_MIN_LOGVAR, _MAX_LOGVAR), pose

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Codes [N, latent] and labels [N] -> logits [N, C, H, W]."""
        logits = self.decoder(z, self._condition(y)).float()
        top, left = (logits.shape[-2] - self.config.height) // 2, (logits.shape[-1] - self.config.width) // 2
        return logits[..., top : top + self.config.height, left : left + self.config.width]

    def forward(
        self,
        x_alt: Tensor,
        y: Tensor | None = None,
        generator: torch.Generator | None = None,
        told: Tensor | None = None,
        whole: int | None = None,
    ) -> Output:
        """Encode, draw a code from the posterior (with `generator`; without one take its mean), decode.

        With labels `told` [M] as many codes more are decoded, in the same pass so that batchnorm sees what it will
        see in use: the first of the batch, and a few from N(0, I).

        Where `processes` have a share each of a batch of `whole` pictures, `told` are the labels for all of it.
        """
        mu, logvar, pose = self._encode(x_alt, y)
        z = mu
        if logvar is not None and generator is not None:
            z = DiagonalGaussian(mu, logvar).at(self.processes.normal(mu, whole or len(mu), generator))
        if told is None:
            return Output(self.decode(z, y), mu, logvar, pose)
        assert y is not None
        count = len(told) // _DRAWN
        drawn = self.processes.normal(z, count, generator, len(told) - count)
        told = self.processes.share(told)
        relabelled = z[: len(told) - len(drawn)].detach()  # what a code holds is not learned from other labels
        logits = self.decode(torch.cat([z, relabelled, drawn]), torch.cat([y, told]))
        return Output(logits[: len(y)], mu, logvar, pose, logits[len(y) :])

    def sample_codes(self, label: int | None, count: int, generator: torch.Generator) -> Tensor:
        """Codes [count, latent] to generate from, on the CPU; of a class whose prior is not fitted, of N(0, I)."""
        if self.prior is None:
            raise ValueError("only a variational model has codes to draw")
        return self.prior.sample(label or 0, count, generator)

    def _condition(self, y: Tensor | None) -> Tensor | None:
        if self.embedding is None:
            return None
        if y is None:
            raise ValueError("a model with classes needs labels")
        return self.embedding(y)
