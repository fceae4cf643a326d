"""The prior of a trained model: where its codes of clean pictures lie."""

from __future__ import annotations

import numpy as np
import torch

from unalter.images.convert import to_float
from unalter.models.files import load_model, save_model
from unalter.nn import DiagonalGaussian
from unalter.runs.folder import ModelFolder
from unalter.training.pair_sampler import PairSampler

_BATCH = 256


def fit_prior(folder: ModelFolder, sampler: PairSampler, seed: int, autocast: torch.autocast) -> None:
    """Fit the prior of the best weights to samples of the clean training pictures, and save the model once more.

    A model without prior stays as it is.
    """
    model, config = load_model(folder, sampler.device)
    if model.prior is None:
        return
    images, labels = sampler.clean_images
    codes = []
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad(), autocast:
        for x, y in zip(images.split(_BATCH), labels.split(_BATCH), strict=True):
            mu, logvar = model.posterior(to_float(x), y)
            assert logvar is not None
            codes.append(DiagonalGaussian(mu.cpu(), logvar.cpu()).sample(noise))
    classes = labels.cpu().numpy() if model.config.classes else np.zeros(len(labels), np.int64)
    model.prior.fit(torch.cat(codes).numpy(), classes, seed)
    save_model(folder, model, config)
