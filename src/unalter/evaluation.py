"""How well models give pictures back, beside the altered input and two classical filters."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unalter.config import DataOptions
from unalter.data import Folders, read_folders
from unalter.errors import InputError, raise_together
from unalter.files import whole_file
from unalter.inference import Model, load
from unalter.metrics import LEAST_SIZE, psnr, ssim
from unalter.pairing import pair_by_name
from unalter.pictures import grid, to_uint8
from unalter.run import RunFolder, model_folder

_GRID_COLUMNS = 12


@dataclass(frozen=True)
class Scores:
    """The scores of one method, one value a picture."""

    method: str
    ssim: np.ndarray
    """float32 [N]"""
    psnr: np.ndarray
    """float32 [N], decibel"""

    def extremes(self, count: int) -> dict[str, np.ndarray]:
        """The rows of the best, typical and worst pictures by SSIM, at most `count` each."""
        order = np.argsort(-self.ssim, kind="stable")
        count = min(count, len(order))
        middle = (len(order) - count) // 2
        return {"best": order[:count], "typical": order[middle : middle + count], "worst": order[::-1][:count]}


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found."""

    scores: list[Scores]
    """Models first, then `input`, `median` (3 x 3) and `nl-means` (non-local means)."""
    names: list[str]
    labels: np.ndarray
    groups: list[str]
    """The group of every picture, from the truth's column `group`; empty text where there is none."""
    label_names: tuple[str, ...] = ()
    """Of the classes, by label; empty where pictures have no labels."""

    def parts(self) -> list[tuple[str, np.ndarray]]:
        """What is scored by itself, and bool [N]: all, each group where there are groups, each label."""
        parts = [("all", np.ones(len(self.names), bool))]
        groups = np.array(self.groups)
        if len(set(self.groups)) > 1:
            parts += [(group or "(none)", groups == group) for group in sorted(set(self.groups))]
        if self.label_names:
            names = [(self.label_names[label], label) for label in np.unique(self.labels)]
            parts += [(f"label {name}" if name.isdigit() else name, self.labels == label) for name, label in names]
        return parts

    def table(self) -> str:
        """Mean SSIM and PSNR of each method, of each of the parts."""
        parts = self.parts()
        lines = []
        for metric, digits in (("SSIM", 3), ("PSNR", 1)):
            columns = [one.method for one in self.scores]
            widths = [max(8, len(name)) for name in columns]
            head = "  ".join(f"{name:>{width}}" for name, width in zip(columns, widths, strict=True))
            lines.append(f"{metric:<12}{'n':>6}  {head}")
            for name, rows in parts:
                values = [getattr(one, metric.lower())[rows].mean() for one in self.scores]
                row = "  ".join(f"{v:>{width}.{digits}f}" for v, width in zip(values, widths, strict=True))
                lines.append(f"{name[:12]:<12}{rows.sum():>6}  {row}")
            lines.append("")
        return "\n".join(lines)


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
        data: a folder or zip with clean/ and aug/, or a file of arrays.
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
    run, where = Path(run), None if data is None else Path(data)
    models = _models(run, model, device)
    known = next((one.label_names for one in models if one.classes), ())
    folders = read_folders(where, DataOptions.from_values(reading), known=known)
    rows, partner, groups = _true_pairs(folders, None if truth is None else Path(truth))
    altered, clean = folders.altered.rows(rows), folders.clean.rows(partner)
    if not folders.classes and any(one.classes for one in models):
        models = [one for one in models if not one.classes]  # without labels a CVAE cannot be asked
        if not models:
            raise InputError("a CVAE needs labels, and these pictures have none: give them by --labels")
    channels = max(altered.images.shape[1], models[0].shape[0])  # a colour model takes grey pictures too
    targets, inputs = (_unit(part.images, channels) for part in (clean, altered))
    results = {one.name: one.denoise(inputs, clean.labels) for one in models}
    scores = scored(results, inputs, targets, filters)
    evaluation = Evaluation(scores, altered.names, clean.labels, groups, folders.label_names)
    target = Path(out) if out is not None else run / "evaluation"
    _write_scores(target / "scores.csv", evaluation)
    with whole_file(target / "summary.txt") as aside:
        aside.write_text(evaluation.table(), "utf-8")
    for one, score in zip(models, scores, strict=False):
        _draw_grid(target / f"{one.name}.png", inputs, results[one.name], targets, score)
    return evaluation


def scored(
    results: dict[str, np.ndarray], inputs: np.ndarray, targets: np.ndarray, filters: bool = True
) -> list[Scores]:
    """The scores of models' results, of the altered pictures themselves and of classical filters.

    Args:
        results: by method, float32 [N, C, H, W] in 0..1.
        inputs, targets: altered pictures and clean ones, of the same shape.
        filters: whether to score the filters.
    """
    x = torch.from_numpy(targets)
    scores = [_score(name, result, x) for name, result in results.items()]
    scores.append(_score("input", inputs, x))
    if filters:
        scores += [_score(name, _filtered(inputs, apply), x) for name, apply in _filters().items()]
    return scores


def read_truth(path: Path, folders: Folders) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Read a truth file: rows of altered pictures, rows of their clean ones, and their groups.

    Raises:
        InputError: not readable, without the columns, or naming files that are not in the folders.
    """
    try:
        with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or [])
            entries = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV ({error})") from None
    if not {"altered", "clean"} <= columns:
        raise InputError(f"{path}: needs the columns 'altered' and 'clean', has {', '.join(sorted(columns)) or 'none'}")
    altered_rows = {name: row for row, name in enumerate(folders.altered.names)}
    clean_rows = {name: row for row, name in enumerate(folders.clean.names)}
    problems, rows, partner, groups = [], [], [], []
    for number, entry in enumerate(entries, start=2):
        if entry["altered"] not in altered_rows or entry["clean"] not in clean_rows:
            where = "aug" if entry["altered"] not in altered_rows else "clean"
            name = entry["altered"] if where == "aug" else entry["clean"]
            problems.append(f"line {number}: {name} is not in {where}/")
            continue
        rows.append(altered_rows[entry["altered"]])
        partner.append(clean_rows[entry["clean"]])
        groups.append(entry.get("group") or "")
    raise_together(problems, f"{path} does not fit the folders:")
    return np.array(rows, np.int64), np.array(partner, np.int64), groups


def _true_pairs(folders: Folders, truth: Path | None) -> tuple[np.ndarray, np.ndarray, list[str]]:
    if truth is not None:
        rows, partner, groups = read_truth(truth, folders)
    else:
        pairs = pair_by_name(folders)
        rows = pairs.altered
        partner, groups = pairs.clean[rows], [""] * len(rows)
    if len(rows) == 0 and truth is not None:
        raise InputError(f"{truth}: names no picture")
    if len(rows) == 0:
        raise InputError("no altered picture has its clean one by name; say which belongs to which with --truth")
    if min(folders.clean.images.shape[-2:]) < LEAST_SIZE:
        raise InputError(f"pictures must be at least {LEAST_SIZE} x {LEAST_SIZE} pixels: SSIM's window is as large")
    return rows, partner, groups


def _models(run: Path, model: str | None, device: str) -> list[Model]:
    chosen = model_folder(run, model)
    if model is not None or chosen.path == run.absolute():
        return [load(chosen.path, device=device)]
    return [load(folder.path, device=device) for folder in RunFolder(run).trained()]


def _unit(images: np.ndarray, channels: int) -> np.ndarray:
    """uint8 [N, 1 or 3, H, W] as float32 in 0..1 with so many channels."""
    scaled = images.astype(np.float32) / 255
    return scaled if images.shape[1] == channels else scaled.repeat(channels, 1)


def _score(method: str, results: np.ndarray, x: torch.Tensor) -> Scores:
    x_hat = torch.from_numpy(results)
    parts = zip(x_hat.split(512), x.split(512), strict=True)
    similar = torch.cat([ssim(a.double(), b.double()) for a, b in parts])  # as scikit-image computes
    return Scores(method, similar.float().numpy(), psnr(x_hat, x).numpy())


def _filters() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    from scipy.ndimage import median_filter
    from skimage.restoration import denoise_nl_means

    return {
        "median": lambda picture: median_filter(picture, 3),
        "nl-means": lambda picture: denoise_nl_means(picture, patch_size=5, patch_distance=6, h=0.1),
    }


def _filtered(images: np.ndarray, apply: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    filtered = np.stack([np.stack([apply(channel) for channel in picture]) for picture in images])
    return filtered.clip(0, 1).astype(np.float32)


def _write_scores(path: Path, evaluation: Evaluation) -> None:
    with whole_file(path) as aside, open(aside, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(["altered", "label", "group", "method", "ssim", "psnr"])
        for one in evaluation.scores:
            for name, label, group, similar, noise in zip(
                evaluation.names, evaluation.labels, evaluation.groups, one.ssim, one.psnr, strict=True
            ):
                writer.writerow([name, label, group, one.method, f"{similar:.5f}", f"{noise:.4f}"])


def _draw_grid(path: Path, inputs: np.ndarray, results: np.ndarray, clean: np.ndarray, score: Scores) -> None:
    """Best, typical and worst by SSIM: altered, output and clean below each other, the SSIM under each column."""
    from matplotlib.figure import Figure

    parts = score.extremes(_GRID_COLUMNS)
    count = len(parts["best"])
    figure = Figure(figsize=(0.85 * count + 1.2, 10.2), dpi=110, facecolor="white")
    for place, (name, rows) in enumerate(parts.items()):
        axes = figure.add_subplot(3, 1, place + 1)
        stacked = [to_uint8(inputs[rows]), to_uint8(results[rows]), to_uint8(clean[rows])]
        picture = grid(stacked, scale=1).transpose(1, 2, 0)
        axes.imshow(picture.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        cell = picture.shape[1] / count
        axes.set_xticks([cell * (i + 0.5) for i in range(count)], [f"{v:.2f}" for v in score.ssim[rows]])
        third = picture.shape[0] / 3
        axes.set_yticks([third * (i + 0.5) for i in range(3)], ["altered", "output", "clean"])
        axes.tick_params(length=0, labelsize=9)
        axes.spines[:].set_visible(False)
        axes.set_title(f"{name} (SSIM below each)", loc="left", fontsize=11, weight="bold")
    average = f"mean SSIM {score.ssim.mean():.3f}, PSNR {score.psnr.mean():.1f} dB, {len(score.ssim):,} pictures"
    figure.suptitle(f"{score.method.upper()}: {average}", x=0.01, ha="left", fontsize=13, weight="bold")
    figure.tight_layout(rect=(0, 0, 1, 0.98))
    with whole_file(path) as aside:
        figure.savefig(aside, format="png")
