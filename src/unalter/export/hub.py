"""A folder that is a repository of models and a static page at once, as the Hugging Face Hub has them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from unalter._version import __version__
from unalter.evaluation.scores import Evaluation
from unalter.export.onnx import OPSET, real_pictures, write_onnx
from unalter.models.files import FORMAT, load_model, model_config, save_model
from unalter.models.model import load
from unalter.models.shared import LIBRARY, sha256
from unalter.pipeline.experiment import Experiment
from unalter.report.sections import MOST_CLASSES, of_training, on_validation
from unalter.runs.folder import ModelFolder, RunFolder
from unalter.support.console import Console
from unalter.support.errors import InputError
from unalter.training.checkpoint import load_checkpoint

_NOT_SAID = (
    "models", "device", "precision", "recipe", "epochs", "map_every", "map_points", "checkpoint_seconds", "tensorboard",
)  # fmt: skip
"""Options that stand elsewhere on the card, say nothing of the result, or can be paths of whoever trained."""

_MOST_ROWS = MOST_CLASSES + 8
"""Of a table of scores: alterations and labels, as in the report."""


@dataclass(frozen=True)
class _Shared:
    """What the card says of one model."""

    name: str
    title: str
    epochs: int
    unfinished: bool
    weights: int
    sha256: str
    sample: str
    """The path of its sample pictures; empty where it has none."""
    files: list[str]


def write_hub(
    experiment: Experiment, folders: list[ModelFolder], target: Path, name: str, address: str, console: Console
) -> None:
    """Fill a folder with a run's models: weights, ONNX, card, page, samples, recipe and the hashes of all of it.

    Nothing in it says where the data lay, or on whose machine; but pictures of the run are among the samples.

    Args:
        experiment: the run, its data read again for the scores.
        folders: the models to share, of that run.
        target: is there, and empty.
        name: what the card calls it.
        address: how `unalter.load` finds it.

    Raises:
        InputError: an export to ONNX is not right.
    """
    run, options = experiment.run, experiment.options
    epochs = {one["name"]: one["epochs"] for one in of_training(run)["models"]}
    shared = [_write_model(folder, epochs[folder.name], target, console) for folder in folders]
    models = [load(folder.path, device="cpu") for folder in folders]
    sampler = experiment.sampler(torch.device("cpu"))
    evaluation, *_ = on_validation(models, sampler.validation, sampler.validation_groups(), experiment.dataset)
    if run.recipe.is_file():
        shutil.copyfile(run.recipe, target / run.recipe.name)
        if run.backgrounds.is_dir():
            shutil.copytree(run.backgrounds, target / run.backgrounds.name)
    best = max(folders, key=lambda folder: float(model_config(folder).get("validation_ssim", 0))).name
    channels, height, width = models[0].image_shape
    values = {
        "name": name, "address": address, "version": __version__, "opset": OPSET, "models": shared, "best": best,
        "channels": channels, "height": height, "width": width, "latent": options.latent, "epochs": options.epochs,
        "labels": experiment.dataset.label_names, "summary": _bullets(experiment),
        "regular": experiment.dataset.regular,
        "options": {
            f"--{spec.name.replace('_', '-')}": getattr(options, spec.name)
            for spec in fields(options)
            if spec.name not in _NOT_SAID and getattr(options, spec.name) != spec.default
        },
        "recipe": run.recipe.read_text("utf-8").strip() if run.recipe.is_file() else "",
        "count": len(evaluation.names), "tables": _tables(evaluation),
    }  # fmt: skip
    values["metadata"] = _metadata(name, shared, evaluation)
    environment = Environment(
        loader=PackageLoader("unalter.export", "."), autoescape=lambda file: file == "index.html",
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["cell"] = lambda text: Markup(str(escape(text)).replace("|", "&#124;"))
    for source, file in (("card.md", "README.md"), ("index.html", "index.html")):
        (target / file).write_text(environment.get_template(source).render(values) + "\n", "utf-8")
    config = {
        "library_name": LIBRARY, "unalter": __version__, "models": [one.name for one in shared], "best": best,
        "files": {
            path.relative_to(target).as_posix(): sha256(path)
            for path in sorted(target.rglob("*"))
            if path.is_file() and path.name != "README.md"  # people write on in a card
        },
    }  # fmt: skip
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def is_unfinished(folder: ModelFolder) -> bool:
    """Whether a model's training was stopped before its end."""
    if not folder.checkpoint.is_file():
        return False
    try:
        return not load_checkpoint(folder.checkpoint, torch.device("cpu"))["progress"]["finished"]
    except InputError:  # of a version before, or damaged: the weights are whole all the same
        return False


def _write_model(folder: ModelFolder, epochs: int, target: Path, console: Console) -> _Shared:
    to = RunFolder(target).model(folder.name)
    to.path.mkdir()
    network, config = load_model(folder, torch.device("cpu"))
    save_model(to, network, config | {"format": FORMAT})  # again: weights of a version before lack `format: pt`
    model, digest = load(to.path, device="cpu"), sha256(to.weights)
    difference = write_onnx(model, real_pictures(folder, model), digest, to.path)
    console.say(f"{folder.name}: ONNX differs from torch by {difference:.1g} at most")
    sample = ""
    if folder.sampled_epochs():
        sample = f"samples/{folder.name}.png"
        (target / sample).parent.mkdir(exist_ok=True)
        shutil.copyfile(folder.samples(folder.sampled_epochs()[-1]), target / sample)
    return _Shared(
        folder.name, folder.name.upper(), epochs, is_unfinished(folder),
        sum(weight.numel() for weight in network.parameters()), digest, sample,
        [path.relative_to(target).as_posix() for path in sorted(to.path.iterdir())],
    )  # fmt: skip


def _bullets(experiment: Experiment) -> list[str]:
    """What the run was trained on, as the lines of a list; what belongs to a line is indented below it."""
    lines = [line for text in experiment.summary() for line in text.splitlines()]
    return [f"{'  ' if line.startswith(' ') else ''}- {line.strip()}" for line in lines]


def _tables(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Means of every method, of all pictures, of each alteration and each label."""
    tables, parts = [], evaluation.parts()
    for metric, digits in (("SSIM", 3), ("PSNR", 1)):
        rows = [
            {
                "name": name,
                "count": int(which.sum()),
                "means": [f"{getattr(one, metric.lower())[which].mean():.{digits}f}" for one in evaluation.scores],
            }
            for name, which in parts[:_MOST_ROWS]
        ]
        methods = [one.method for one in evaluation.scores]
        tables.append({"metric": metric, "methods": methods, "rows": rows, "more": max(0, len(parts) - _MOST_ROWS)})
    return tables


def _metadata(name: str, shared: list[_Shared], evaluation: Evaluation) -> str:
    """The block on top of the card that the Hub reads."""
    scores = {one.method: one for one in evaluation.scores}
    index = [
        {
            "name": f"{name} {one.title}",
            "results": [
                {
                    "task": {"type": "image-to-image", "name": "Restoration"},
                    "dataset": {"type": "imagefolder", "name": "validation pictures of the run"},
                    "metrics": [
                        {"type": metric, "name": f"{metric.upper()}, mean", "value": round(float(values.mean()), 4)}
                        for metric, values in (("ssim", scores[one.name].ssim), ("psnr", scores[one.name].psnr))
                    ],
                }
            ],
        }
        for one in shared
    ]
    block = {
        "library_name": LIBRARY,
        "pipeline_tag": "image-to-image",
        "tags": ["denoising", "autoencoder", "onnx", *(one.name for one in shared)],
        "title": name,
        "sdk": "static",
        "app_file": "index.html",
        "model-index": index,
    }
    return f"---\n{yaml.safe_dump(block, sort_keys=False, allow_unicode=True)}---"
