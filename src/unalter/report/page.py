"""The page itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from unalter import __version__
from unalter.config import DataOptions, TrainOptions
from unalter.console import duration
from unalter.data import Folders
from unalter.files import write_text
from unalter.pairing import Pairs
from unalter.report import contents
from unalter.run import RunFolder
from unalter.training.batches import PairSource


def write_report(
    run: RunFolder, data: Path | None, reading: DataOptions, options: TrainOptions, folders: Folders, pairs: Pairs,
    source: PairSource,
) -> None:  # fmt: skip
    """Write report.html of a run: data, recipe, curves, samples, maps, scores, generated pictures, walks, settings.

    Scores are on the run's validation pictures, which training never saw. Nothing in it is fetched from elsewhere.

    Args:
        run: with at least one trained model.
        data, reading, options: what the run was trained on, and how.
        folders, pairs, source: the data, read.
    """
    models = contents.trained_models(run)
    environment = Environment(
        loader=PackageLoader("unalter.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["duration"] = duration
    shape = folders.clean.images.shape[1:]
    page = environment.get_template("template.html").render(
        title=run.path.absolute().name,
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        version=__version__,
        style=Path(__file__).with_name("style.css").read_text("utf-8"),
        data=contents.of_data(folders, pairs),
        recipe=contents.of_recipe(run, folders, options.seed),
        training=contents.of_training(run),
        samples=contents.of_samples(run, shape),
        maps=contents.of_maps(run),
        has_map_page=run.map_page.is_file(),
        scores=contents.of_scores(models, source),
        generated=contents.of_generation(models, options.seed),
        walks=contents.of_walks(models, source, options.seed),
        settings=contents.of_settings(run, data, options, reading),
    )
    write_text(run.report, page)
