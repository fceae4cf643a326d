"""Trained models in use: pictures in, pictures and codes out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unalter.data.classes import find_class
from unalter.images.convert import as_batch
from unalter.models.files import find_model, load_model
from unalter.nn import Autoencoder, DiagonalGaussian
from unalter.support.device import choose_device
from unalter.support.errors import InputError

_BATCH = 256
"""Pictures that are on the device at a time."""


def load(path: str | Path, model: str | None = None, device: str | torch.device = "auto") -> Model:
    """Load a trained model.

    Args:
        path: a run folder, or the folder of one model (`runs/x/cvae`).
        model: which model of a run folder: ae, vae or cvae; None: the best on validation.
        device: auto (CUDA where there is one), cpu or cuda.

    Raises:
        InputError: there is no such model or device, or its files are damaged.
    """
    chosen = choose_device(str(device))
    network, config = load_model(find_model(Path(path), model), chosen)
    return Model(network, config["model"], chosen, tuple(map(str, config.get("labels", ()))))


class Model:
    """A trained model.

    Pictures are numpy, torch or PIL, uint8 0..255 or float 0..1, [N, H, W], [N, C, H, W] or one picture; results
    have the type, dtype, range and shape of what was given. Labels are one, or one a picture, each a number or
    the name of a class; a CVAE needs them, the others pass them over.
    """

    def __init__(
        self, network: Autoencoder, name: str, device: torch.device, label_names: tuple[str, ...] = ()
    ) -> None:
        self.network = network
        self.name = name
        """ae, vae or cvae"""
        self.device = device
        """where it is"""
        self.label_names = label_names
        """of the classes that it knows, by label"""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures."""
        config = self.network.config
        return config.channels, config.height, config.width

    @property
    def classes(self) -> int:
        """How many classes the model knows; 0 where it does not know of any."""
        return self.network.config.classes

    @torch.no_grad()
    def denoise(self, images: Any, labels: Any = None) -> Any:
        """The clean pictures of altered ones: decode(encode(x)), a VAE decodes the mean.

        Raises:
            InputError: pictures of another shape or range; labels missing, too many or unknown.
        """
        batch, restore = as_batch(images, self.image_shape)
        y = self._labels(labels, len(batch))
        parts = [self.network(x, labels).logits.sigmoid().cpu() for x, labels in self._batches(batch, y)]
        return restore(torch.cat(parts) if parts else batch)

    def relabel(self, images: Any, labels: Any, told: Any) -> Any:
        """The pictures of other classes in the same hand: encoded with their own labels, decoded with `told`.

        Args:
            images: altered or clean ones.
            labels: their own, one or one a picture.
            told: the labels to decode with, one or one a picture.

        Raises:
            InputError: asked of a model that knows no classes; otherwise as `denoise`.
        """
        if self.classes == 0:
            raise InputError(f"the {self.name} does not know classes: only a CVAE can draw a picture as another one")
        batch, restore = as_batch(images, self.image_shape)
        codes, _ = self._posterior(batch, self._labels(labels, len(batch)))
        return restore(self.decode(codes, told).reshape(batch.shape))

    @torch.no_grad()
    def encode(self, images: Any, labels: Any = None, *, sample: bool = False, seed: int = 0) -> Any:
        """The codes of pictures: [N, latent] float32, numpy (torch where torch was given).

        A VAE gives the means, or with `sample` one draw from each posterior.

        Raises:
            InputError: as `denoise`; or `sample` asked of an AE.
        """
        batch, _ = as_batch(images, self.image_shape)
        mu, logvar = self._posterior(batch, self._labels(labels, len(batch)))
        if sample:
            if logvar is None:
                raise InputError("an AE's codes are not distributions: there is nothing to sample")
            mu = DiagonalGaussian(mu, logvar).sample(torch.Generator(mu.device).manual_seed(seed))
        return mu.to(images.device) if isinstance(images, Tensor) else mu.numpy()

    @torch.no_grad()
    def decode(self, codes: Any, labels: Any = None) -> Any:
        """The pictures of codes [N, latent]: float32 in 0..1, [N, H, W] or in colour [N, 3, H, W].

        Raises:
            InputError: codes of another width; labels missing or unknown.
        """
        z = torch.as_tensor(codes, dtype=torch.float32)
        if z.ndim != 2 or z.shape[1] != self.network.config.latent:
            raise InputError(f"expected codes [N, {self.network.config.latent}], got {list(z.shape)}")
        y = self._labels(labels, len(z))
        parts = [self.network.decode(x, labels).sigmoid().cpu() for x, labels in self._batches(z, y)]
        images = torch.cat(parts) if parts else torch.empty(0, *self.image_shape)
        if self.image_shape[0] == 1:
            images = images.squeeze(1)
        return images.to(codes.device) if isinstance(codes, Tensor) else images.numpy()

    def generate(
        self, label: int | str | None = None, count: int = 16, seed: int | None = None, *, warn: bool = True
    ) -> np.ndarray:
        """New pictures: codes drawn from where those of clean pictures lie, decoded, for a CVAE with `label`.

        Args:
            label: the class, its number or name; a CVAE needs it, a VAE cannot be asked for one.
            count: how many.
            seed: the same seed gives the same pictures of a class, whichever others are asked for; None: others
                each time.
            warn: with a `UserWarning` where the model has no prior of this class (see `has_prior`).

        Returns:
            uint8 [count, H, W], in colour [count, 3, H, W].

        Raises:
            InputError: asked of an AE, a label missing, unknown or not to be had, a count below 1.
        """
        if not self.network.config.variational:
            raise InputError("an AE cannot generate: its codes have no distribution to draw from; use a VAE or CVAE")
        if self.classes == 0 and label is not None:
            raise InputError("a VAE does not know classes; leave the label out, or use a CVAE")
        if count < 1:
            raise InputError(f"count is {count}; it must be at least 1")
        known = self._labels(label, count)  # a wrong one is told before anything is drawn
        one = 0 if known is None else int(known[0])
        if warn and not self.has_prior(label):
            warnings.warn(self.without_prior, UserWarning, stacklevel=2)
        generator = torch.Generator()
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed + one)
        z = self.network.sample_codes(one, count, generator)
        return np.rint(self.decode(z.numpy(), label) * 255).astype(np.uint8)

    def has_prior(self, label: int | str | None = None) -> bool:
        """Whether it is known where the codes of a class lie; else they are drawn from the standard normal.

        It is fitted at the end of a training, for classes that have enough clean pictures.
        """
        known = self._labels(label, 1)
        return self.network.prior is not None and self.network.prior.fitted(0 if known is None else int(known[0]))

    @property
    def without_prior(self) -> str:
        """What to say where it is not known."""
        return (
            f"the {self.name} does not know where the codes of these pictures lie (training is not finished, or has "
            "too few clean ones of the class): they are drawn from N(0, I), and look less like real ones"
        )

    @torch.no_grad()
    def _posterior(self, batch: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Means and, of a variational model, logarithms of variances, on the CPU: [N, latent] each."""
        mu, logvar = [torch.empty(0, self.network.config.latent)], [torch.empty(0, self.network.config.latent)]
        for x, labels in self._batches(batch, y):
            means, spread = self.network.posterior(x, labels)
            mu.append(means.cpu())
            if spread is not None:
                logvar.append(spread.cpu())
        return torch.cat(mu), torch.cat(logvar) if self.network.config.variational else None

    def _batches(self, batch: Tensor, y: Tensor | None) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Parts of a batch and of its labels, on the device one after another."""
        for start in range(0, len(batch), _BATCH):
            part = slice(start, start + _BATCH)
            yield batch[part].to(self.device), None if y is None else y[part].to(self.device)

    def _labels(self, labels: Any, count: int) -> Tensor | None:
        if self.classes == 0:
            return None
        if labels is None:
            raise InputError(f"a CVAE needs labels: give one ({self._known}), or one a picture")
        given = np.asarray(labels.detach().cpu() if isinstance(labels, Tensor) else labels)
        if given.dtype.kind in "iu" and self._called_by_numbers:
            given = given.astype(str)
        if given.dtype.kind == "U":
            texts, which = np.unique(given, return_inverse=True)
            given = np.array([self._number(str(one)) for one in texts], np.int64)[which.reshape(given.shape)]
        if given.dtype.kind not in "iu":
            raise InputError(f"labels must be whole numbers, not {given.dtype}")
        y = torch.as_tensor(given.astype(np.int64))
        if y.ndim == 0:
            y = y.expand(count)
        if y.shape != (count,):
            raise InputError(f"expected {count} labels, one a picture, got shape {list(y.shape)}")
        if count and not (y.min() >= 0 and y.max() < self.classes):
            wrong = y[(y < 0) | (y >= self.classes)][0].item()
            raise InputError(f"label {wrong} is unknown; the model knows {self._known}")
        return y

    @property
    def _called_by_numbers(self) -> bool:
        """Whether classes have numbers for names that are not their places: a number is a name then."""
        names = self.label_names
        return names != tuple(map(str, range(len(names)))) and all(name.isdecimal() for name in names)

    @property
    def _known(self) -> str:
        """The classes, in words."""
        if self.label_names == tuple(map(str, range(self.classes))):
            return f"0..{self.classes - 1}"
        return ", ".join(self.label_names[:20]) + (", ..." if self.classes > 20 else "")

    def _number(self, label: str) -> int:
        """The place of a class that was called by its name."""
        place = find_class(label, self.label_names)
        if place is not None:
            return place
        raise InputError(f"label {label!r} is unknown; the model knows {self._known}")
