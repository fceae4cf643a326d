"""What lies in the code spaces of a run's models: pictures that never were, and ways from one to another."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unalter.images.convert import to_uint8
from unalter.models.model import Model
from unalter.report.figures import sheet
from unalter.report.sections import COLUMNS, MOST_CLASSES, Labelled
from unalter.training.pair_sampler import ValidationSet


def of_generation(models: list[Model], seed: int) -> list[dict[str, Any]]:
    """Pictures that never were: for a CVAE a row for each class."""
    found = []
    for model in models:
        if not model.network.config.variational:
            continue
        if model.classes:
            rows = [
                Labelled(class_name(model, label), sheet([_generated(model, label, seed)]))
                for label in range(min(model.classes, MOST_CLASSES))
            ]
        else:
            pictures = _generated(model, None, seed, 3 * COLUMNS)
            rows = [Labelled("", sheet([pictures[i : i + COLUMNS] for i in range(0, len(pictures), COLUMNS)]))]
        found.append({"name": model.name, "rows": rows})
    return found


def of_walks(models: list[Model], validation: ValidationSet, seed: int) -> list[dict[str, Any]]:
    """Ways through the code space: between two pictures, and along a class."""
    found = []
    for model in models:
        rows = [Labelled("", sheet([way])) for way in _between(model, validation)]
        if rows:
            words = "between two validation pictures" + (" of one class" if model.classes else "")
            found.append({"name": model.name, "what": f"{words}: left and right what was given", "rows": rows})
        if not model.classes:
            continue
        generator = torch.Generator().manual_seed(seed)
        along = []
        for label in range(min(model.classes, MOST_CLASSES)):
            start, end = model.network.sample_codes(label, 2, generator)
            along.append(Labelled(class_name(model, label), sheet([_walk(model, start, end, label)])))
        found.append({"name": model.name, "what": "along each class, from one drawn code to another", "rows": along})
    return found


def _generated(model: Model, label: int | None, seed: int, count: int = COLUMNS) -> np.ndarray:
    return model.by_number.generate(label, count, seed, warn=False).reshape(count, *model.image_shape)


def _between(model: Model, validation: ValidationSet, count: int = 4) -> list[np.ndarray]:
    """Ways from one picture to another, those two at the ends: uint8 [COLUMNS, C, H, W] each."""
    labels = validation.y.cpu().numpy()
    first = {label: np.flatnonzero(labels == label) for label in np.unique(labels).tolist()}
    if model.classes:
        ends = [(rows[0], rows[-1], label) for label, rows in first.items() if len(rows) > 1]
    else:
        rows = [of[0] for of in first.values()]
        rows = rows if len(rows) > 1 else np.arange(min(len(labels), 2 * count)).tolist()
        ends = [(a, b, None) for a, b in zip(rows[::2], rows[1::2], strict=False)]
    ways = []
    for a, b, label in ends[:count]:
        images, _, _ = validation.rows(torch.tensor([int(a), int(b)]))
        start, end = torch.from_numpy(model.by_number.encode(images, label))
        inside = _walk(model, start, end, label, COLUMNS - 2)
        ways.append(np.concatenate([to_uint8(images[:1]), inside, to_uint8(images[1:])]))
    return ways


def _walk(model: Model, start: torch.Tensor, end: torch.Tensor, label: int | None, steps: int = COLUMNS) -> np.ndarray:
    along = torch.linspace(0, 1, steps)[:, None]
    return _decoded(model, start + along * (end - start), label)


def _decoded(model: Model, codes: torch.Tensor, label: int | None) -> np.ndarray:
    return to_uint8(model.by_number.decode(codes.numpy(), label)).reshape(len(codes), *model.image_shape)


def class_name(model: Model, label: int) -> str:
    """What a class of a model is called."""
    return model.label_names[label] if label < len(model.label_names) else str(label)
