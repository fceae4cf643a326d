"""The page itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from unalter._version import __version__
from unalter.models.model import load
from unalter.pipeline.experiment import Experiment
from unalter.report import latent_space as codes
from unalter.report import sections as contents
from unalter.support.console import duration
from unalter.support.files import write_text
from unalter.training.pair_sampler import PairSampler


def write_report(job: Experiment, source: PairSampler) -> None:
    """Write report.html of a run: data, recipe, curves, samples, maps, scores, generated pictures, walks, settings.

    Scores are on the run's validation pictures, which training never saw. Nothing in it is fetched from elsewhere.

    Args:
        job: with at least one trained model in its folder.
        source: its pairs.
    """
    run, dataset, seed = job.run, job.dataset, job.options.seed
    models = [load(folder.path) for folder in run.trained()]
    validation = source.validation()
    environment = Environment(
        loader=PackageLoader("unalter.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["duration"] = duration
    page = environment.get_template("template.html").render(
        title=run.path.absolute().name,
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        version=__version__,
        style=Path(__file__).with_name("style.css").read_text("utf-8"),
        data=contents.of_data(dataset, job.pairs),
        recipe=contents.of_recipe(run, dataset, seed),
        training=contents.of_training(run),
        samples=contents.of_samples(run, dataset.clean.images.shape[1:]),
        maps=contents.of_maps(run),
        has_map_page=run.map_page.is_file(),
        scores=contents.of_scores(models, validation, source.validation_groups(), dataset.label_names),
        generated=codes.of_generation(models, seed),
        walks=codes.of_walks(models, validation, seed),
        settings=contents.of_settings(job),
    )
    write_text(run.report, page)
