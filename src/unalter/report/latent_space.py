"""What lies in the code spaces of a run's models: pictures that never were, and ways from one to another."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unalter.data.classes import called
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
                Labelled(_class_name(model, label), sheet([_generated(model, label, seed)]))
                for label in range(min(model.classes, MOST_CLASSES))
            ]
        else:
            pictures = _generated(model, None, seed, 3 * COLUMNS)
            rows = [Labelled("", sheet([pictures[i : i + COLUMNS] for i in range(0, len(pictures), COLUMNS)]))]
        found.append({"name": model.name, "rows": rows})
    return found


def of_walks(models: list[Model], validation: ValidationSet, seed: int) -> list[dict[str, Any]]:
    """Ways through the code space: between two pictures, along a class, and pictures under every label."""
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
            along.append(Labelled(_class_name(model, label), sheet([_walk(model, start, end, label)])))
        found.append({"name": model.name, "what": "along each class, from one drawn code to another", "rows": along})
        names = ", ".join(_class_name(model, label) for label in _shown_classes(model))
        what = f"what was given, its clean picture, and its code under the labels {names}"
        found.append({"name": model.name, "what": what, "rows": _relabelled(model, validation)})
    return found


def _generated(model: Model, label: int | None, seed: int, count: int = COLUMNS) -> np.ndarray:
    return model.generate(_called(model, label), count, seed, warn=False).reshape(count, *model.image_shape)


def _relabelled(model: Model, validation: ValidationSet) -> list[Labelled]:
    """A row for the first picture of each class: altered, clean, and what its code gives with every label."""
    labels = validation.y.cpu().numpy()
    known, first = np.unique(labels, return_index=True)
    x_alt, x, y = validation.rows(torch.from_numpy(first[:COLUMNS]))
    codes = torch.from_numpy(model.encode(x_alt, called(y, model.label_names)))
    retold = [_decoded(model, codes, label) for label in _shown_classes(model)]
    columns = np.stack([to_uint8(x_alt), to_uint8(x), *retold], 1)
    return [Labelled(_class_name(model, int(label)), sheet([row])) for label, row in zip(known, columns, strict=False)]


def _shown_classes(model: Model) -> range:
    return range(min(model.classes, COLUMNS))


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
        start, end = torch.from_numpy(model.encode(images, _called(model, label)))
        inside = _walk(model, start, end, label, COLUMNS - 2)
        ways.append(np.concatenate([to_uint8(images[:1]), inside, to_uint8(images[1:])]))
    return ways


def _walk(model: Model, start: torch.Tensor, end: torch.Tensor, label: int | None, steps: int = COLUMNS) -> np.ndarray:
    along = torch.linspace(0, 1, steps)[:, None]
    return _decoded(model, start + along * (end - start), label)


def _decoded(model: Model, codes: torch.Tensor, label: int | None) -> np.ndarray:
    return to_uint8(model.decode(codes.numpy(), _called(model, label))).reshape(len(codes), *model.image_shape)


def _called(model: Model, label: int | None) -> str | None:
    return None if label is None else _class_name(model, label)


def _class_name(model: Model, label: int) -> str:
    return model.label_names[label] if label < len(model.label_names) else str(label)
