"""What a report says: gathered from the run folder, the data and the trained models."""

from __future__ import annotations

import csv
import platform
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unalter import __version__
from unalter.alter import PictureRandom, load_recipe, picture_keys
from unalter.config import DataOptions, TrainOptions
from unalter.data import Folders
from unalter.evaluation import Evaluation, Scores, scored
from unalter.inference import Model, load
from unalter.maps import load_maps, series_name
from unalter.pairing import Pairs
from unalter.pairing.pairs import APPEARANCE, NAME, VERIFIED
from unalter.pictures import to_uint8
from unalter.report.figures import Image, line_chart, sheet, still
from unalter.run import ModelFolder, RunFolder
from unalter.training.batches import PairSource

_COLUMNS = 12
_SAMPLES = 10
_MOST_CLASSES = 30
"""Classes that have a row of their own; of more, the first ones."""
_MOST_SCORED = 2_000
"""Validation pictures that are scored; of more, so many at even steps."""


@dataclass(frozen=True)
class Labelled:
    """A sheet with words to its left."""

    name: str
    image: Image


@dataclass(frozen=True)
class Judged:
    """A picture, altered over output over clean, with its score."""

    image: Image
    ssim: float


def of_data(folders: Folders, pairs: Pairs) -> dict[str, Any]:
    """Counts, classes, pairs, and the contact sheet."""
    channels, height, width = folders.clean.images.shape[1:]
    classes = []
    if folders.classes > 1:
        both = [np.bincount(part.labels, minlength=folders.classes) for part in (folders.clean, folders.altered)]
        most = max(int(counts.max()) for counts in both)
        rows = zip(folders.label_names, *both, strict=True)
        classes = [
            {"name": name, "clean": int(c), "altered": int(a), "clean_share": c / most, "altered_share": a / most}
            for name, c, a in rows
        ]
    count = len(folders.altered)
    found = [
        (VERIFIED, "by name, verified by looking", int((pairs.method == VERIFIED).sum())),
        (NAME, "by name", int((pairs.method == NAME).sum())),
        (APPEARANCE, "by looking", int((pairs.method == APPEARANCE).sum())),
        ("none", "without a clean picture here", int((pairs.clean < 0).sum())),
    ]
    order = np.argsort(-pairs.score, kind="stable")
    taken = order[pairs.clean[order] >= 0]
    refused = order[(pairs.clean[order] < 0) & (pairs.likeliest[order] >= 0)]
    blocks = [("surest", taken[:_COLUMNS]), ("least sure that were taken", taken[_COLUMNS:][-_COLUMNS:])]
    blocks.append(("likeliest that were not", refused[:_COLUMNS]))
    return {
        "clean": len(folders.clean), "altered": count, "size": f"{width} × {height}",
        "colour": "colour" if channels == 3 else "grey", "classes": classes[:_MOST_CLASSES],
        "class_count": folders.classes, "notes": folders.notes,
        "pairs": [{"kind": kind, "how": how, "count": n, "share": n / count} for kind, how, n in found if n],
        "doubtful": int((pairs.doubtful >= 0).sum()),
        "contact": [
            Labelled(name, sheet([folders.altered.images[rows], folders.clean.images[pairs.likeliest[rows]]]))
            for name, rows in blocks
            if len(rows)
        ],
    }  # fmt: skip


def of_recipe(run: RunFolder, folders: Folders, seed: int) -> dict[str, Any] | None:
    """The recipe, and what it makes beside real altered pictures."""
    if not run.recipe.is_file():
        return None
    recipe = load_recipe(run.recipe)
    draw = np.random.default_rng(seed)
    clean = np.sort(draw.permutation(len(folders.clean))[: 2 * _COLUMNS])
    real = np.sort(draw.permutation(len(folders.altered))[: 2 * _COLUMNS])
    x = torch.from_numpy(np.array(folders.clean.images[clean])).float() / 255
    made = to_uint8(recipe(x, PictureRandom(picture_keys(seed, torch.from_numpy(clean)))).numpy())
    images = folders.altered.images[real]
    total = sum(branch.share for branch in recipe.branches)
    return {
        "name": recipe.name,
        "branches": [
            {
                "share": branch.share / total,
                "steps": [
                    step.name if step.probability >= 1 else f"{step.name} ({step.probability:.0%})"
                    for step in branch.steps
                ],
            }
            for branch in recipe.branches
        ],
        "yaml": run.recipe.read_text("utf-8"),
        "compared": [
            Labelled("real", sheet([images[:_COLUMNS], images[_COLUMNS:]])),
            Labelled("made by the recipe", sheet([made[:_COLUMNS], made[_COLUMNS:]])),
        ],
    }


def of_training(run: RunFolder) -> dict[str, Any]:
    """Curves, seconds and best epochs of every model."""
    histories = {folder.name: _history(folder) for folder in run.trained()}
    models = []
    for name, rows in histories.items():
        best = max(rows, key=lambda row: row["validation_ssim"])
        models.append(
            {
                "name": name,
                "epochs": int(rows[-1]["epoch"]),
                "seconds": rows[-1]["seconds"],
                "ssim": best["validation_ssim"],
                "psnr": best["validation_psnr"],
                "best": int(best["epoch"]),
            }
        )
    charts = [
        ("SSIM on validation pictures", "validation_ssim", 4, histories),
        ("PSNR on validation pictures, dB", "validation_psnr", 2, histories),
        ("loss on training pictures", "loss", 1, histories),
        ("KL divergence, nats a picture", "kl", 1, {n: rows for n, rows in histories.items() if n != "ae"}),
    ]
    drawn = []
    for title, key, digits, of in charts:
        curves = {name: ([row["epoch"] for row in rows], [row[key] for row in rows]) for name, rows in of.items()}
        if curves:
            drawn.append(line_chart(title, curves, digits))
    return {"models": models, "charts": drawn}


def of_samples(run: RunFolder, shape: tuple[int, ...]) -> list[dict[str, Any]]:
    """The sample pictures of every epoch that has some."""
    found = []
    for folder in run.trained():
        epochs = {int(path.stem.removeprefix("epoch_")): path for path in folder.samples(0).parent.glob("epoch_*.png")}
        stages = [{"epoch": epoch, "image": sheet(_cut(path, shape))} for epoch, path in sorted(epochs.items())]
        if stages:
            found.append({"name": folder.name, "stages": stages})
    return found


def of_maps(run: RunFolder) -> list[dict[str, Any]]:
    """The last map of every kind of code."""
    found = []
    for folder in run.trained():
        stored = folder.stored_maps()
        if not stored:
            continue
        epoch = max(stored)
        for kind, one in load_maps(stored[epoch]).maps.items():
            path = folder.map_picture(epoch, kind == "sampled")
            if path.is_file():
                name = f"{series_name(folder.name, kind)}, epoch {epoch}"
                found.append({"name": name, "note": one.note, "image": still(path)})
    return found


def of_scores(models: list[Model], source: PairSource) -> dict[str, Any]:
    """Scores on the validation pictures by label and alteration, and the best, typical and worst of each model."""
    batch = source.validation()
    rows = torch.linspace(0, len(batch.x) - 1, min(_MOST_SCORED, len(batch.x))).round().long()
    inputs, targets = (part[rows.to(part.device)].cpu().numpy() for part in (batch.x_alt, batch.x))
    labels = batch.y[rows.to(batch.y.device)].cpu().numpy()
    groups = source.validation_groups()
    results = {one.name: one.denoise(inputs, labels) for one in models}
    scores = scored(results, inputs, targets)
    chosen = [groups[i] for i in rows.tolist()]
    evaluation = Evaluation(scores, [""] * len(rows), labels, chosen, source.label_names)
    tables = [_table(evaluation, "ssim", 3), _table(evaluation, "psnr", 1)]
    shown = []
    for one, score in zip(models, scores, strict=False):
        pictures = [to_uint8(part) for part in (inputs, results[one.name], targets)]
        shown.append({"name": one.name, "parts": _extremes(score, pictures)})
    return {
        "count": len(rows), "true": chosen.count("true pair"), "tables": tables, "models": shown,
        "headline": {score.method: float(score.ssim.mean()) for score in scores},
    }  # fmt: skip


def of_generation(models: list[Model], seed: int) -> list[dict[str, Any]]:
    """Pictures that never were: for a CVAE a row for each class."""
    found = []
    for model in models:
        if not model.network.shape.variational:
            continue
        if model.classes:
            rows = [
                Labelled(_class_name(model, label), sheet([_generated(model, label, seed + label)]))
                for label in range(min(model.classes, _MOST_CLASSES))
            ]
        else:
            pictures = _generated(model, None, seed, 3 * _COLUMNS)
            rows = [Labelled("", sheet([pictures[i : i + _COLUMNS] for i in range(0, len(pictures), _COLUMNS)]))]
        found.append({"name": model.name, "rows": rows})
    return found


def of_walks(models: list[Model], source: PairSource, seed: int) -> list[dict[str, Any]]:
    """Ways through the code space: between two pictures, along a class, and one code in every class."""
    batch = source.validation()
    images, labels = (part.cpu().numpy() for part in (batch.x_alt, batch.y))
    found = []
    for model in models:
        rows = [Labelled("", sheet([way])) for way in _between(model, images, labels)]
        if rows:
            words = "between two altered pictures" + (" of one class" if model.classes else "")
            found.append({"name": model.name, "what": f"{words}: left and right what was given", "rows": rows})
        if not model.classes:
            continue
        generator = torch.Generator().manual_seed(seed)
        along = []
        for label in range(min(model.classes, _MOST_CLASSES)):
            start, end = model.network.draw(label, 2, generator)
            along.append(Labelled(_class_name(model, label), sheet([_walk(model, start, end, label)])))
        found.append({"name": model.name, "what": "along each class, from one drawn code to another", "rows": along})
        codes = model.network.draw(0, 4, generator)
        several = range(min(model.classes, _COLUMNS))
        kinds = [np.concatenate([_decoded(model, code[None], label) for label in several]) for code in codes]
        rows = [Labelled("", sheet([row])) for row in kinds]
        what = f"codes drawn for {_class_name(model, 0)}, decoded as every class (alike where the code says it already)"
        found.append({"name": model.name, "what": what, "rows": rows})
    return found


def of_settings(run: RunFolder, data: Path | None, options: TrainOptions, reading: DataOptions) -> dict[str, Any]:
    """Every option, and the command that makes the run again."""
    words = ["unalter", "train", *([str(data)] if data is not None else []), "--out", f"{run.path}-again"]
    rows = []
    for given in (reading, options):
        for spec in fields(given):
            value, usual = getattr(given, spec.name), spec.default
            rows.append({"name": spec.name, "value": _words(value) or "–", "usual": value == usual})
            if value == usual:
                continue
            name = spec.name.replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{name}" if value else f"--no-{name}")
            else:
                words += [f"--{name}", _words(value)]
    made_with = {"unalter": __version__, "torch": torch.__version__, "NumPy": np.__version__}
    made_with |= {"Python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    made_with |= {"threads": str(torch.get_num_threads())}
    return {"rows": rows, "command": shlex.join(words), "made_with": made_with}


def trained_models(run: RunFolder) -> list[Model]:
    """Every model of the run that has weights."""
    return [load(folder.path) for folder in run.trained()]


def _history(folder: ModelFolder) -> list[dict[str, float]]:
    with open(folder.metrics, newline="", encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def _cut(path: Path, shape: tuple[int, ...]) -> list[np.ndarray]:
    """The first pictures of a sample file: altered, output and clean, uint8 [N, C, H, W] each."""
    from PIL import Image as Pillow

    with Pillow.open(path) as opened:
        pixels = np.asarray(opened)[::2, ::2]  # see `unalter.pictures.grid`: scale 2, gap 2
    pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    _, height, width = shape
    count = min(_SAMPLES, (pixels.shape[2] - 2) // (width + 2))
    lefts, tops = range(2, count * (width + 2), width + 2), range(2, 3 * (height + 2), height + 2)
    return [np.stack([pixels[:, top : top + height, left : left + width] for left in lefts]) for top in tops]


def _table(evaluation: Evaluation, metric: str, digits: int) -> dict[str, Any]:
    rows = []
    parts = evaluation.parts()
    for name, which in parts[: _MOST_CLASSES + 8]:
        values = [float(getattr(one, metric)[which].mean()) for one in evaluation.scores]
        cells = [
            {"text": f"{value:.{digits}f}", "best": value == max(values), "share": value / max(1e-9, max(values))}
            for value in values
        ]
        rows.append({"name": name, "count": int(which.sum()), "cells": cells})
    return {"metric": metric.upper(), "methods": [one.method for one in evaluation.scores], "rows": rows}


def _extremes(score: Scores, pictures: Sequence[np.ndarray]) -> list[dict[str, Any]]:
    order = np.argsort(-score.ssim, kind="stable")
    count = min(_COLUMNS, len(order))
    middle = (len(order) - count) // 2
    parts = {"best": order[:count], "typical": order[middle : middle + count], "worst": order[::-1][:count]}
    return [
        {"name": name, "cells": [Judged(sheet([p[i : i + 1] for p in pictures]), float(score.ssim[i])) for i in rows]}
        for name, rows in parts.items()
    ]  # fmt: skip


def _generated(model: Model, label: int | None, seed: int, count: int = _COLUMNS) -> np.ndarray:
    return model.generate(label, count, seed).reshape(count, *model.shape)


def _between(model: Model, images: np.ndarray, labels: np.ndarray, count: int = 4) -> list[np.ndarray]:
    """Ways from one picture to another, those two at the ends: uint8 [_COLUMNS, C, H, W] each."""
    first = {label: np.flatnonzero(labels == label) for label in np.unique(labels).tolist()}
    if model.classes:
        ends = [(rows[0], rows[-1], label) for label, rows in first.items() if len(rows) > 1]
    else:
        rows = [of[0] for of in first.values()]
        rows = rows if len(rows) > 1 else np.arange(min(len(labels), 2 * count)).tolist()
        ends = [(a, b, None) for a, b in zip(rows[::2], rows[1::2], strict=False)]
    ways = []
    for a, b, label in ends[:count]:
        start, end = torch.from_numpy(model.encode(images[[a, b]], label))
        inside = _walk(model, start, end, label, _COLUMNS - 2)
        ways.append(np.concatenate([to_uint8(images[[a]]), inside, to_uint8(images[[b]])]))
    return ways


def _walk(model: Model, start: torch.Tensor, end: torch.Tensor, label: int | None, steps: int = _COLUMNS) -> np.ndarray:
    along = torch.linspace(0, 1, steps)[:, None]
    return _decoded(model, start + along * (end - start), label)


def _decoded(model: Model, codes: torch.Tensor, label: int | None) -> np.ndarray:
    return to_uint8(model.decode(codes.numpy(), label)).reshape(len(codes), *model.shape)


def _class_name(model: Model, label: int) -> str:
    return model.label_names[label] if label < len(model.label_names) else str(label)


def _words(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
