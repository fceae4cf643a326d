"""What the label does in a model that is told it: one code under every label, and figures of how far it is obeyed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from unalter.evaluation.conditioning import Conditioning, Judge, conditioning
from unalter.images.convert import to_uint8
from unalter.models.model import Model
from unalter.report.figures import sheet, shown
from unalter.report.latent_space import class_name
from unalter.report.sections import COLUMNS, Labelled
from unalter.training.pair_sampler import PairSampler, ValidationSet

_MOST_LABELS = 10
"""Labels that are told; of more classes so many at even steps."""
_MOST_PICTURES = 300
_MEASURED = 100
"""Pictures whose style is measured under every label: a millisecond and more each."""
_LEARNED_FROM = 4_000
"""Clean pictures that the judge learns from, at most: on MNIST it is right on 97% then."""
_COMPONENTS = 50


def of_labels(models: list[Model], sampler: PairSampler, seed: int) -> list[dict[str, Any]]:
    """For each model that sees a label: a row of pictures for each class, and the figures."""
    told_models = [model for model in models if model.classes]
    if not told_models:
        return []
    validation, judge = sampler.validation, _judge(sampler)
    rows = torch.linspace(0, len(validation) - 1, min(_MOST_PICTURES, len(validation))).round().long()
    x_alt, x, y = validation.rows(rows)
    x_alt, x = to_uint8(x_alt), to_uint8(x)
    found = []
    for model in told_models:
        told = np.unique(np.linspace(0, model.classes - 1, min(model.classes, _MOST_LABELS)).round().astype(int))
        one = {"name": model.name, "told": [class_name(model, int(label)) for label in told], "figures": []}
        one["rows"] = _table(model, validation, told)
        if judge is not None:
            result = conditioning(model.by_number, judge, x_alt, x, y, labels=told, measured=_MEASURED, seed=seed)
            one |= {"figures": _figures(result), "judge": _percent((judge(x) == y).mean()), "count": len(x)}
        found.append(one)
    return found


def _table(model: Model, validation: ValidationSet, told: np.ndarray) -> list[Labelled]:
    """A row for the first picture of each class: altered, clean, and what its code gives with every label."""
    known, first = np.unique(validation.y.cpu().numpy(), return_index=True)
    x_alt, x, y = validation.rows(torch.from_numpy(first[:COLUMNS]))
    codes = model.by_number.encode(x_alt, y)
    retold = [to_uint8(model.by_number.decode(codes, int(label))).reshape(x.shape) for label in told]
    columns = np.stack([to_uint8(x_alt), to_uint8(x), *retold], 1)
    return [Labelled(class_name(model, int(label)), sheet([row])) for label, row in zip(known, columns, strict=False)]


def _figures(result: Conditioning) -> list[dict[str, str]]:
    rows = [
        ("another label told: judged as the label told", _percent(_mean(result.told))),
        ("another label told: judged as its own label still", _percent(result.stayed)),
        ("its own label told: judged as it", _percent(result.right)),
        ("codes from N(0, I): judged as the label told", _percent(result.drawn)),
        ("class read off the codes by a linear classifier", _percent(result.probe)),
        ("slant kept: correlation, within classes", _number(result.slant[1])),
        ("width of strokes kept: correlation, within classes", _number(result.stroke_width[1])),
    ]
    return [{"what": what, "value": value} for what, value in rows]


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.1%}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _judge(sampler: PairSampler) -> Judge | None:
    """A classifier of clean pictures, learned from those that train; None where they are of one class."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    images, labels = sampler.clean_images
    rows = torch.linspace(0, len(images) - 1, min(_LEARNED_FROM, len(images))).round().long().to(images.device)
    x, y = _pixels(images[rows].cpu().numpy()), labels[rows].cpu().numpy()
    if len(np.unique(y)) < 2:
        return None
    machine = make_pipeline(PCA(min(_COMPONENTS, *x.shape), random_state=0), SVC(C=10.0, random_state=0)).fit(x, y)
    return lambda pictures: machine.predict(_pixels(pictures))


def _pixels(images: np.ndarray) -> np.ndarray:
    """uint8 [N, C, H, W] -> float32 [N, P], large ones made smaller."""
    return shown(images).reshape(len(images), -1).astype(np.float32) / 255
