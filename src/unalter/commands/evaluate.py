"""How well models give pictures back, beside the altered input and two classical filters."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unalter.alter.pictures import alter_pictures
from unalter.data.dataset import Dataset, read_dataset
from unalter.data.options import DataOptions
from unalter.evaluation.scores import Evaluation, Scores, scored
from unalter.evaluation.truth import read_truth
from unalter.images.convert import to_float, to_uint8
from unalter.images.metrics import LEAST_SIZE
from unalter.images.sheet import contact_sheet
from unalter.models.files import find_models
from unalter.models.model import Model, load
from unalter.models.shared import fetched
from unalter.pairing.names import pair_by_name
from unalter.pipeline.resume import saved_recipe
from unalter.runs.folder import RunFolder
from unalter.support.errors import InputError
from unalter.support.files import atomic_write

_GRID_COLUMNS = 12


def evaluate(
    run: str | Path,
    data: str | Path | None = None,
    truth: str | Path | None = None,
    model: str | None = None,
    out: str | Path | None = None,
    filters: bool = True,
    device: str = "auto",
    **reading: Any,
) -> Evaluation:
    """Score models on altered pictures whose clean ones are known.

    Writes scores.csv (one row a picture and method), summary.txt and a PNG a model with its best, typical and
    worst pictures into `out`.

    Args:
        run: a run folder (every model in it, or only `model`) or one model's folder.
        data: a folder or zip with clean/ and aug/, or a file of arrays. Where `reading` has clean pictures alone, the
            run's recipe makes the altered ones, once each; of a run without one each picture is its own target.
        truth: a CSV with columns `altered` and `clean` (file names) and maybe `group`; without it the names pair.
        model: only this one of a run folder: ae, vae or cvae.
        out: where results go; default `run`/evaluation.
        filters: also score a median filter and non-local means.
        device: auto, cpu or cuda.
        reading: fields of `DataOptions`.

    Raises:
        InputError: no such run or data, a truth that names files that are not there, no pair at all, or
            pictures of another size than the models'.
    """
    place, where = fetched(run), None if data is None else Path(data)
    if out is None and place != Path(run):
        raise InputError(f"{run}: say where the results go, by --out")
    run = place
    models = _models(run, model, device)
    known = next((one.label_names for one in models if one.classes), ())
    dataset = read_dataset(where, DataOptions.from_values(reading), clean_will_do=True, known=known)
    note = ""
    if dataset.one_folder:
        dataset, groups, note = _made(dataset, run, truth)
        rows = partner = np.arange(len(groups))
    else:
        rows, partner, groups = _true_pairs(dataset, None if truth is None else Path(truth))
    if min(dataset.clean.images.shape[-2:]) < LEAST_SIZE:
        raise InputError(f"pictures must be at least {LEAST_SIZE} x {LEAST_SIZE} pixels: SSIM's window is as large")
    altered, clean = dataset.altered.rows(rows), dataset.clean.rows(partner)
    if not dataset.classes and any(one.classes for one in models):
        models = [one for one in models if not one.classes]  # without labels a CVAE cannot be asked
        if not models:
            raise InputError("a CVAE needs labels, and these pictures have none: give them by --labels")
    channels = max(altered.images.shape[1], models[0].image_shape[0])  # a colour model takes grey pictures too
    targets, inputs = (_floats(part.images, channels) for part in (clean, altered))
    results = {one.name: one.denoise(inputs, clean.labels) for one in models}
    scores = scored(results, inputs, targets, filters, dataset.regular)
    evaluation = Evaluation(scores, altered.names, clean.labels, groups, dataset.label_names, note)
    target = Path(out) if out is not None else run / "evaluation"
    _write_scores(target / "scores.csv", evaluation)
    with atomic_write(target / "summary.txt") as aside:
        aside.write_text(evaluation.table(), "utf-8")
    for one, score in zip(models, scores, strict=False):
        shown = {"altered": inputs, "output": results[one.name], "clean": targets}
        if dataset.regular:
            shown = {"picture": targets, "output": results[one.name]}
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


def _made(dataset: Dataset, run: Path, truth: str | Path | None) -> tuple[Dataset, list[str], str]:
    """Clean pictures alone, with the altered ones that the run's recipe makes of them, their groups, and a note."""
    if truth is not None:
        raise InputError(f"{truth}: says whose the altered pictures are, and there are none: give DATA or --altered")
    of = next((folder for folder in map(RunFolder, (run, run.absolute().parent)) if folder.config.is_file()), None)
    if of is None:
        raise InputError(f"{run}: no run with a recipe to alter clean pictures with; give altered ones too")
    recipe = saved_recipe(of)
    if recipe is None:
        return dataset, [""] * len(dataset.clean), "no altered pictures: every picture is its own target"
    images, groups = alter_pictures(dataset.clean.images, dataset.clean.index, recipe, seed=0)
    made = replace(dataset, altered=replace(dataset.clean, images=images))
    return made, groups, f"no altered pictures: they were made by {of.recipe}"


def _models(run: Path, model: str | None, device: str) -> list[Model]:
    return [load(folder.path, device=device) for folder in find_models(run, model)]


def _floats(images: np.ndarray, channels: int) -> np.ndarray:
    """uint8 [N, 1 or 3, H, W] as float32 in 0..1 with so many channels."""
    return to_float(images).expand(-1, channels, -1, -1).numpy()


def _write_scores(path: Path, evaluation: Evaluation) -> None:
    with atomic_write(path) as aside, open(aside, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(["altered", "label", "group", "method", "ssim", "psnr"])
        for one in evaluation.scores:
            for name, label, group, similar, noise in zip(
                evaluation.names, evaluation.labels, evaluation.groups, one.ssim, one.psnr, strict=True
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
