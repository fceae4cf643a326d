"""Trained models in use: pictures in, pictures and codes out."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from unalter.data.given import as_batch
from unalter.data.values import as_array, of_numbers
from unalter.models.files import find_model, folder_for, load_model, save_model
from unalter.models.labels import Classes
from unalter.nn import Autoencoder, DiagonalGaussian
from unalter.support.arguments import as_path, as_seed, as_whole
from unalter.support.caller import guest
from unalter.support.device import choose_device
from unalter.support.errors import InputError

_BATCH = 256
"""Pictures that are on the device at a time."""
_GENERATED = 16


@guest()
def load(
    path: str | os.PathLike[str], model: str | None = None, device: str | torch.device = "auto"
) -> Model:  # fmt: skip
    """Load a trained model.

    Args:
        path: a run folder (or a `Run`), the folder of one model (`runs/x/cvae`), its model.safetensors, a folder that
            `unalter export --format hub` wrote, or one on the Hugging Face Hub: hf://user/name, or
            hf://user/name@revision.
        model: which model of several: ae, vae or cvae; None: the best on validation.
        device: auto (CUDA where there is one), cpu, cuda, cuda:1, or a device of torch.

    Raises:
        InputError: there is no such model or device, or its files are damaged; shared ones are not those that were
            exported, or lie beside a pickle.
    """
    chosen = choose_device(device)
    network, config = load_model(find_model(path, model), chosen)
    details = {key: value for key, value in config.items() if key not in ("format", "unalter", "architecture")}
    return Model(network, config["model"], chosen, tuple(map(str, config.get("labels", ()))), details)


def as_model(given: Any, model: str | None = None, device: str | torch.device = "auto") -> Model:
    """A `Model` as it is; anything else as for `load`."""
    return given if isinstance(given, Model) else load(as_path(given, "run"), model, device)


class Model:
    """A trained model; `load` gives one.

    Pictures are numpy, torch or PIL, or a list of them: [N, H, W], [N, C, H, W], [N, H, W, C] or one picture; uint8
    0..255, float 0..1, bool, or whole numbers of up to 16 bits. Alpha is seen on black. Results have the type, dtype,
    range and shape of what was given. Arrays must be of the model's size; single pictures (PIL, paths, the items of a
    list) are brought to it and back, as files are. Labels are one, or one a picture, each the name of a class or its
    number; a CVAE needs them, the others pass them over. It can be pickled, copied and used by several threads.
    """

    def __init__(
        self, network: Autoencoder, name: str, device: torch.device, label_names: tuple[str, ...] = (),
        details: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.network = network
        self.name = name
        """ae, vae or cvae"""
        self.device = device
        """where it is"""
        self.label_names = label_names
        """of the classes that it knows, by label"""
        self.details = dict(details or {})
        """what else its file says: epoch, score on validation pictures"""

    def __repr__(self) -> str:
        channels, height, width = self.image_shape
        parts = [self.name, f"{width} x {height} pixels, {'grey' if channels == 1 else 'colour'}"]
        if self.classes:
            parts.append(f"{self.classes} classes ({self._labels.known})")
        parts += [f"codes of {self.network.config.latent}", str(self.device)]
        return f"Model({', '.join(parts)})"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures."""
        config = self.network.config
        return config.channels, config.height, config.width

    @property
    def classes(self) -> int:
        """How many classes the model knows; 0 where it does not know of any."""
        return self.network.config.classes

    @property
    def by_number(self) -> Model:
        """The same model with its classes called by their numbers, 0, 1, ...: as labels stand in a `Dataset`."""
        return Model(self.network, self.name, self.device)

    @property
    def _labels(self) -> Classes:
        return Classes(self.classes, self.label_names)

    def to(self, device: str | torch.device) -> Self:
        """Move the model to a device (as for `load`); returns the model itself.

        Raises:
            InputError: there is no such device.
        """
        self.device = choose_device(device)
        self.network.to(self.device)
        return self

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write model.safetensors and config.json into a folder that `load` reads; a model there is replaced.

        Raises:
            InputError: it cannot be a folder, or be written to.
        """
        folder = folder_for(as_path(path, "path"))
        save_model(folder, self.network, {**self.details, "model": self.name, "labels": list(self.label_names)})
        return folder.path

    @guest()
    @torch.no_grad()
    def denoise(self, images: Any, labels: Any = None) -> Any:
        """The clean pictures of altered ones: decode(encode(x)), a VAE decodes the mean.

        Raises:
            InputError: pictures of another shape or range; labels missing, too many or unknown.
        """
        batch, restore = as_batch(images, self.image_shape)
        y = self._labels.of(labels, len(batch))
        parts = [self.network(x, labels).logits.sigmoid().cpu() for x, labels in self._batches(batch, y)]
        return restore(torch.cat(parts) if parts else batch)

    @guest()
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
        codes, _ = self._posterior(batch, self._labels.of(labels, len(batch)))
        return restore(self.decode(codes, told).reshape(batch.shape))

    @guest()
    @torch.no_grad()
    def encode(self, images: Any, labels: Any = None, *, sample: bool = False, seed: int = 0) -> Any:
        """The codes of pictures: [N, latent] float32, numpy (torch where torch was given).

        A VAE gives the means, or with `sample` one draw from each posterior.

        Raises:
            InputError: as `denoise`; or `sample` asked of an AE.
        """
        batch, _ = as_batch(images, self.image_shape)
        mu, logvar = self._posterior(batch, self._labels.of(labels, len(batch)))
        if sample:
            if logvar is None:
                raise InputError("an AE's codes are not distributions: there is nothing to sample")
            mu = DiagonalGaussian(mu, logvar).sample(torch.Generator(mu.device).manual_seed(as_seed(seed)))
        return mu.to(images.device) if isinstance(images, Tensor) else mu.numpy()

    def codes(self, images: Any, labels: Any = None) -> Any:
        """The codes of pictures, as `encode` gives them: features for a map, a search or another model."""
        return self.encode(images, labels)

    @guest()
    @torch.no_grad()
    def decode(self, codes: Any, labels: Any = None) -> Any:
        """The pictures of codes [N, latent]: float32 in 0..1, [N, H, W] or in colour [N, 3, H, W].

        Raises:
            InputError: codes of another width, or that are no numbers; labels missing or unknown.
        """
        given = of_numbers(codes, "codes") if isinstance(codes, (list, tuple)) else codes
        z = torch.from_numpy(np.array(as_array(given, "codes"), np.float32))
        if z.ndim != 2 or z.shape[1] != self.network.config.latent:
            raise InputError(f"expected codes [N, {self.network.config.latent}], got {list(z.shape)}")
        if not z.isfinite().all():
            raise InputError("expected codes that are numbers, got NaN or infinite ones")
        y = self._labels.of(labels, len(z))
        parts = [self.network.decode(x, labels).sigmoid().cpu() for x, labels in self._batches(z, y)]
        images = torch.cat(parts) if parts else torch.empty(0, *self.image_shape)
        if self.image_shape[0] == 1:
            images = images.squeeze(1)
        return images.to(codes.device) if isinstance(codes, Tensor) else images.numpy()

    @guest()
    def generate(
        self, label: Any = None, count: int | None = None, seed: int | None = None, *, warn: bool = True
    ) -> np.ndarray:
        """New pictures: codes drawn from where those of clean pictures lie, decoded, for a CVAE with `label`.

        Args:
            label: the class, its number or name, or a list of them, one a picture; a CVAE needs it, a VAE cannot be
                asked for one.
            count: how many; default 16, of a list as many as it has.
            seed: the same seed gives the same pictures of a class, whichever others are asked for; None: others
                each time.
            warn: with a `UserWarning` where the model has no prior of this class (see `has_prior`).

        Returns:
            uint8 [count, H, W], in colour [count, 3, H, W].

        Raises:
            InputError: asked of an AE, a label missing, unknown or not to be had, a count below 1 or of another number
                than labels.
        """
        if not self.network.config.variational:
            raise InputError("an AE cannot generate: its codes have no distribution to draw from; use a VAE or CVAE")
        if self.classes == 0 and label is not None:
            raise InputError("a VAE does not know classes; leave the label out, or use a CVAE")
        label = list(label) if isinstance(label, Iterator) else label
        several = self._labels.how_many(label)
        number = as_whole((_GENERATED if several is None else several) if count is None else count, "count", 1)
        if several is not None and several != number:
            raise InputError(f"count is {number} and there are {several} labels, one a picture: leave count out")
        start = None if seed is None else as_seed(seed)
        known = self._labels.of(label, number)  # a wrong one is told before anything is drawn
        rows = np.zeros(number, np.int64) if known is None else known.numpy()
        if warn and not self.has_prior(label):
            warnings.warn(self.without_prior, UserWarning, stacklevel=3)  # past `guest`
        z = np.empty((number, self.network.config.latent), np.float32)
        for one in np.unique(rows):
            generator = torch.Generator()
            if start is None:
                generator.seed()
            else:
                generator.manual_seed(start + int(one))
            of = np.flatnonzero(rows == one)
            z[of] = self.network.sample_codes(int(one), len(of), generator).numpy()
        return np.rint(self.by_number.decode(z, None if known is None else rows) * 255).astype(np.uint8)

    def has_prior(self, label: Any = None) -> bool:
        """Whether it is known where the codes of a class (of several: of each) lie; else they are drawn from N(0, I).

        It is fitted at the end of a training, for classes that have enough clean pictures.
        """
        known = self._labels.of(label, 1 if (several := self._labels.how_many(label)) is None else several)
        numbers = [0] if known is None else np.unique(known.numpy()).tolist()
        return self.network.prior is not None and all(map(self.network.prior.fitted, numbers))

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
