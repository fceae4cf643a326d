"""What a report says: gathered from the run folder, the data and the trained models."""

from __future__ import annotations

import csv
import platform
import shlex
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from unalter._version import __version__
from unalter.alter import KeyedDraws, fold_in
from unalter.data.dataset import Dataset
from unalter.evaluation.scores import Evaluation, scored
from unalter.images.convert import to_float, to_uint8
from unalter.maps.run_page import series_name
from unalter.maps.store import load_maps
from unalter.models.model import Model
from unalter.pairing.pairs import APPEARANCE, NAME, VERIFIED, Pairs
from unalter.pipeline.experiment import Experiment
from unalter.report.figures import Image, line_chart, sheet, still
from unalter.runs.folder import ModelFolder, RunFolder
from unalter.training.pair_sampler import ValidationSet

COLUMNS = 12
"""Pictures in a row."""
_SAMPLES = 10
MOST_CLASSES = 30
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


def of_data(dataset: Dataset, pairs: Pairs) -> dict[str, Any]:
    """Counts, classes, pairs, and the contact sheet."""
    channels, height, width = dataset.clean.images.shape[1:]
    classes = []
    if dataset.classes > 1:
        both = [np.bincount(part.labels, minlength=dataset.classes) for part in (dataset.clean, dataset.altered)]
        most = max(int(counts.max()) for counts in both)
        rows = zip(dataset.label_names, *both, strict=True)
        classes = [
            {"name": name, "clean": int(c), "altered": int(a), "clean_share": c / most, "altered_share": a / most}
            for name, c, a in rows
        ]
    count = len(dataset.altered)
    found = [
        (VERIFIED, "by name, verified by looking", int((pairs.method == VERIFIED).sum())),
        (NAME, "by name", int((pairs.method == NAME).sum())),
        (APPEARANCE, "by looking", int((pairs.method == APPEARANCE).sum())),
        ("none", "without a pair", int((pairs.clean < 0).sum())),
    ]
    blocks = zip(
        ("surest", "least sure that were taken", "likeliest that were not"), pairs.by_certainty(COLUMNS), strict=True
    )
    return {
        "clean": len(dataset.clean), "altered": count, "size": f"{width} × {height}",
        "colour": "colour" if channels == 3 else "grey", "classes": classes[:MOST_CLASSES],
        "class_count": dataset.classes, "notes": dataset.notes,
        "pairs": [{"kind": kind, "how": how, "count": n, "share": n / count} for kind, how, n in found if n],
        "doubtful": int((pairs.doubtful >= 0).sum()),
        "contact": [
            Labelled(name, sheet([dataset.altered.images[rows], dataset.clean.images[pairs.likeliest[rows]]]))
            for name, rows in blocks
            if len(rows)
        ],
    }  # fmt: skip


def of_recipe(experiment: Experiment) -> dict[str, Any] | None:
    """The recipe: what it does, and real altered pictures beside those that it makes; None where there is none."""
    recipe, dataset, seed = experiment.recipe, experiment.dataset, experiment.options.seed
    if recipe is None:
        return None
    draw = np.random.default_rng(seed)
    clean = np.sort(draw.permutation(len(dataset.clean))[: 2 * COLUMNS])
    real = np.sort(draw.permutation(len(dataset.altered))[: 2 * COLUMNS])
    draws = KeyedDraws(fold_in(seed, torch.from_numpy(clean)))
    made = to_uint8(recipe(to_float(dataset.clean.images[clean]), draws).numpy())
    images = dataset.altered.images[real]
    total = sum(branch.share for branch in recipe.branches)
    compared = [Labelled("made by the recipe", sheet([made[:COLUMNS], made[COLUMNS:]]))]
    if not dataset.one_folder:
        compared.insert(0, Labelled("real", sheet([images[:COLUMNS], images[COLUMNS:]])))
    return {
        "name": recipe.name,
        "branches": [{"share": branch.share / total, "steps": branch.words} for branch in recipe.branches],
        "yaml": experiment.run.recipe.read_text("utf-8"),
        "compared": compared,
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
        ("label not obeyed with other codes, nats", "obedience", 2, _told(histories)),
    ]
    drawn = []
    for title, key, digits, of in charts:
        curves = {name: ([row["epoch"] for row in rows], [row[key] for row in rows]) for name, rows in of.items()}
        if curves:
            drawn.append(line_chart(title, curves, digits))
    return {"models": models, "charts": drawn}


def of_samples(run: RunFolder) -> list[dict[str, Any]]:
    """The sample pictures of every epoch that has some."""
    found = []
    for folder in run.trained():
        stages = [{"epoch": epoch, "image": _samples(folder, epoch)} for epoch in folder.sampled_epochs()]
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


def of_scores(models: list[Model], validation: ValidationSet, groups: list[str], dataset: Dataset) -> dict[str, Any]:
    """Scores on the validation pictures by label and alteration, and the best, typical and worst of each model."""
    evaluation, inputs, results, targets = on_validation(models, validation, groups, dataset)
    scores, chosen = evaluation.scores, evaluation.groups
    tables = [_table(evaluation, "ssim", 3), _table(evaluation, "psnr", 1)]
    shown = []
    for one, score in zip(models, scores, strict=False):
        pictures = _shown(*(to_uint8(part) for part in (inputs, results[one.name], targets)))
        parts = [
            {
                "name": name,
                "cells": [Judged(sheet([p[i : i + 1] for p in pictures]), float(score.ssim[i])) for i in rows],
            }
            for name, rows in score.extremes(COLUMNS).items()
        ]
        shown.append({"name": one.name, "parts": parts})
    return {
        "count": len(chosen), "true": chosen.count("true pair"), "tables": tables, "models": shown,
        "headline": {score.method: float(score.ssim.mean()) for score in scores},
    }  # fmt: skip


def on_validation(
    models: list[Model], validation: ValidationSet, groups: list[str], dataset: Dataset
) -> tuple[Evaluation, np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Scores on the validation pictures, or on some at even steps where they are very many.

    Returns:
        The scores; and float32 [N, C, H, W] in 0..1: the altered pictures, what each model made of them by its name,
        and the clean ones.
    """
    rows = torch.linspace(0, len(validation) - 1, min(_MOST_SCORED, len(validation))).round().long()
    inputs, targets, labels = validation.rows(rows)
    results = {one.name: one.by_number.denoise(inputs, labels) for one in models}
    scores = scored(results, inputs, targets, regular=dataset.regular)
    chosen = [groups[i] for i in rows.tolist()]
    return Evaluation(scores, [""] * len(rows), labels, chosen, dataset.label_names), inputs, results, targets


def of_settings(experiment: Experiment) -> dict[str, Any]:
    """Every option, and the command that makes the run again."""
    data = [] if experiment.data is None else [str(experiment.data)]
    words = ["unalter", "train", *data, "--out", f"{experiment.run.path}-again"]
    rows = []
    for given in (experiment.reading, experiment.options):
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


def _told(histories: dict[str, list[dict[str, float]]]) -> dict[str, list[dict[str, float]]]:
    """Of the models that see the label, but for those trained before it was to be obeyed."""
    return {name: rows for name, rows in histories.items() if rows[-1].get("obedience")}


def _history(folder: ModelFolder) -> list[dict[str, float]]:
    with open(folder.metrics, newline="", encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def _samples(folder: ModelFolder, epoch: int) -> Image:
    """The first pictures of a sheet of samples; the sheet as it is where a run of before has nothing else."""
    arrays = folder.sample_arrays(epoch)
    if not arrays.is_file():
        return still(folder.samples(epoch))
    with np.load(arrays) as stored:
        return sheet(_shown(*(stored[name][:_SAMPLES] for name in ("altered", "output", "clean"))))


def _shown(altered: np.ndarray, output: np.ndarray, clean: np.ndarray) -> list[np.ndarray]:
    """What is shown below each other: the clean pictures only where they are not those that were given."""
    return [altered, output] if np.array_equal(altered, clean) else [altered, output, clean]


def _table(evaluation: Evaluation, metric: str, digits: int) -> dict[str, Any]:
    rows = []
    parts = evaluation.parts()
    for name, which in parts[: MOST_CLASSES + 8]:
        values = [float(getattr(one, metric)[which].mean()) for one in evaluation.scores]
        cells = [
            {"text": f"{value:.{digits}f}", "best": value == max(values), "share": value / max(1e-9, max(values))}
            for value in values
        ]
        rows.append({"name": name, "count": int(which.sum()), "cells": cells})
    return {"metric": metric.upper(), "methods": [one.method for one in evaluation.scores], "rows": rows}


def _words(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
