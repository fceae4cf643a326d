"""How well models give pictures back, beside the altered input and two classical filters."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unalter.alter.pictures import alter_pictures
from unalter.data.classes import called
from unalter.data.dataset import Dataset, read_dataset
from unalter.data.memory import as_data
from unalter.data.options import DataOptions
from unalter.evaluation.scores import Evaluation, Scores, scored
from unalter.evaluation.truth import read_truth
from unalter.images.convert import to_float, to_uint8
from unalter.images.metrics import LEAST_SIZE
from unalter.images.sheet import contact_sheet
from unalter.images.style import own_style
from unalter.models.files import find_models
from unalter.models.model import Model, load
from unalter.models.shape import check_shape
from unalter.models.shared import fetched
from unalter.pairing.names import pair_by_name
from unalter.pipeline.resume import saved_recipe
from unalter.runs.folder import RunFolder
from unalter.support.arguments import as_path
from unalter.support.caller import guest
from unalter.support.errors import InputError
from unalter.support.files import atomic_write

_GRID_COLUMNS = 12


@guest()
def evaluate(
    run: str | os.PathLike[str] | Model,
    data: Any = None,
    truth: str | os.PathLike[str] | None = None,
    model: str | None = None,
    out: str | os.PathLike[str] | None = None,
    filters: bool = True,
    device: str | torch.device = "auto",
    **given: Any,
) -> Evaluation:
    """Score models on altered pictures whose clean ones are known.

    Writes scores.csv (one row a picture and method), summary.txt and a PNG a model with its best, typical and
    worst pictures into `out`.

    Args:
        run: a run folder or a `Run` (every model in it, or only `model`), one model's folder, or a `Model`.
        data: as for `train`. Where there are clean pictures alone, the run's recipe makes the altered ones, once each;
            of a run without one each picture is its own target.
        truth: a CSV with columns `altered` and `clean` (file names) and maybe `group`; without it the names pair.
        model: only this one of a run folder: ae, vae or cvae.
        out: where results go; default `run`/evaluation, of a `Model` nowhere.
        filters: also score a median filter and non-local means.
        device: auto, cpu or cuda.
        given: `clean`, `altered`, `labels` and `altered_labels` as for `train`; other fields of `DataOptions`.

    Raises:
        InputError: no such run or data, a truth that names files that are not there, no pair at all, or
            pictures of another size than the models'.
    """
    where, reading = as_data(data, given)
    truth = None if truth is None else as_path(truth, "truth")
    folder = None if isinstance(run, Model) else fetched(run, "run")
    if out is None and folder is not None and folder != as_path(run, "run"):
        raise InputError(f"{run}: say where the results go, by --out")
    models = [run] if isinstance(run, Model) else _models(fetched(run, "run"), model, device)
    known = next((one.label_names for one in models if one.classes), ())
    dataset = read_dataset(where, DataOptions.from_values(reading), clean_will_do=True, known=known)
    check_shape(models[0], dataset.altered.images, where or reading.get("altered") or reading.get("clean"))
    note = ""
    if dataset.one_folder:
        dataset, groups, note = _made(dataset, folder, truth)
        rows = partner = np.arange(len(groups))
    else:
        rows, partner, groups = _true_pairs(dataset, truth)
    if min(dataset.clean.images.shape[-2:]) < LEAST_SIZE:
        raise InputError(f"pictures must be at least {LEAST_SIZE} x {LEAST_SIZE} pixels: SSIM's window is as large")
    altered, clean = dataset.altered.rows(rows), dataset.clean.rows(partner)
    if not dataset.classes and any(one.classes for one in models):
        models = [one for one in models if not one.classes]  # without labels a CVAE cannot be asked
        if not models:
            raise InputError("a CVAE needs labels, and these pictures have none: give them by --labels")
    channels = max(altered.images.shape[1], models[0].image_shape[0])  # a colour model takes grey pictures too
    targets, inputs = (_floats(part.images, channels) for part in (clean, altered))
    results = {one.name: one.by_number.denoise(inputs, clean.labels) for one in models}
    scores = scored(results, inputs, targets, filters, dataset.regular)
    evaluation = Evaluation(scores, altered.names, clean.labels, groups, dataset.label_names, note)
    target = as_path(out, "out") if out is not None else None if folder is None else folder / "evaluation"
    if target is None:
        return evaluation
    _write_scores(target / "scores.csv", evaluation)
    with atomic_write(target / "summary.txt") as aside:
        aside.write_text(evaluation.table(), "utf-8")
    for one, score in zip(models, scores, strict=False):
        shown = {"altered": inputs, "output": results[one.name], "clean": targets}
        if dataset.regular:
            shown = {"picture": targets, "output": results[one.name]}
        with own_style():
            _draw_grid(target / f"{one.name}.png", shown, score)
    return evaluation


def _true_pairs(dataset: Dataset, truth: Path | None) -> tuple[np.ndarray, np.ndarray, list[str]]:
    if truth is not None:
        rows, partner, groups = read_truth(truth, dataset)
    else:
        pairs = pair_by_name(dataset)
        rows = pairs.altered
        partner, groups = pairs.clean[rows], [""] * len(rows)
    if len(rows) == 0 and truth is not None:
        raise InputError(f"{truth}: names no picture")
    if len(rows) == 0:
        raise InputError("no altered picture has its clean one by name; say which belongs to which with --truth")
    return rows, partner, groups


def _made(dataset: Dataset, run: Path | None, truth: Path | None) -> tuple[Dataset, list[str], str]:
    """Clean pictures alone, with the altered ones that the run's recipe makes of them, their groups, and a note."""
    if truth is not None:
        raise InputError(f"{truth}: says whose the altered pictures are, and there are none: give DATA or --altered")
    folders = [] if run is None else [RunFolder(run), RunFolder(run.absolute().parent)]
    of = next((folder for folder in folders if folder.config.is_file()), None)
    if of is None:
        raise InputError(
            f"{run or 'the model'}: no run with a recipe to alter clean pictures with; give altered ones too"
        )
    recipe = saved_recipe(of)
    if recipe is None:
        return dataset, [""] * len(dataset.clean), "no altered pictures: every picture is its own target"
    images, groups = alter_pictures(dataset.clean.images, dataset.clean.index, recipe, seed=0)
    made = replace(dataset, altered=replace(dataset.clean, images=images))
    return made, groups, f"no altered pictures: they were made by {of.recipe}"


def _models(run: Path, model: str | None, device: str | torch.device) -> list[Model]:
    return [load(folder.path, device=device) for folder in find_models(run, model)]


def _floats(images: np.ndarray, channels: int) -> np.ndarray:
    """uint8 [N, 1 or 3, H, W] as float32 in 0..1 with so many channels."""
    return to_float(images).expand(-1, channels, -1, -1).numpy()


def _write_scores(path: Path, evaluation: Evaluation) -> None:
    with atomic_write(path) as aside, open(aside, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(["altered", "label", "group", "method", "ssim", "psnr"])
        labels = called(evaluation.labels, evaluation.label_names)
        for one in evaluation.scores:
            for name, label, group, similar, noise in zip(
                evaluation.names, labels, evaluation.groups, one.ssim, one.psnr, strict=True
            ):
                writer.writerow([name, label, group, one.method, f"{similar:.5f}", f"{noise:.4f}"])


def _draw_grid(path: Path, shown: dict[str, np.ndarray], score: Scores) -> None:
    """Best, typical and worst by SSIM: the pictures `shown` below each other, the SSIM under each column."""
    from matplotlib.figure import Figure

    parts = score.extremes(_GRID_COLUMNS)
    count = len(parts["best"])
    figure = Figure(figsize=(0.85 * count + 1.2, 2.85 * len(shown) + 1.65), dpi=110, facecolor="white")
    for place, (name, rows) in enumerate(parts.items()):
        axes = figure.add_subplot(3, 1, place + 1)
        picture = contact_sheet([to_uint8(images[rows]) for images in shown.values()], scale=1).transpose(1, 2, 0)
        axes.imshow(picture.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        cell = picture.shape[1] / count
        axes.set_xticks([cell * (i + 0.5) for i in range(count)], [f"{v:.2f}" for v in score.ssim[rows]])
        height = picture.shape[0] / len(shown)
        axes.set_yticks([height * (i + 0.5) for i in range(len(shown))], list(shown))
        axes.tick_params(length=0, labelsize=9)
        axes.spines[:].set_visible(False)
        axes.set_title(f"{name} (SSIM below each)", loc="left", fontsize=11, weight="bold")
    average = f"mean SSIM {score.ssim.mean():.3f}, PSNR {score.psnr.mean():.1f} dB, {len(score.ssim):,} pictures"
    figure.suptitle(f"{score.method.upper()}: {average}", x=0.01, ha="left", fontsize=13, weight="bold")
    figure.tight_layout(rect=(0, 0, 1, 0.98))
    with atomic_write(path) as aside:
        figure.savefig(aside, format="png")
