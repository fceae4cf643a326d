"""The page itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from unalter._version import __version__
from unalter.models.model import load
from unalter.pipeline.experiment import Experiment
from unalter.report import labels, latent_space, sections
from unalter.support.console import duration
from unalter.support.files import write_text
from unalter.training.pair_sampler import PairSampler


def write_report(experiment: Experiment, sampler: PairSampler) -> None:
    """Write report.html of a run: data, recipe, training, maps, scores, what codes and labels give, and settings.

    Scores are on the run's validation pictures, which training never saw. Nothing in it is fetched from elsewhere.

    Args:
        experiment: with at least one trained model in its folder.
        sampler: its pairs.
    """
    run, dataset, seed = experiment.run, experiment.dataset, experiment.options.seed
    models = [load(folder.path, device=sampler.device) for folder in run.trained()]
    validation, groups = sampler.validation, sampler.validation_groups()
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
        one_folder=dataset.one_folder,
        regular=dataset.regular,
        data=sections.of_data(dataset, experiment.pairs),
        recipe=sections.of_recipe(experiment),
        training=sections.of_training(run),
        samples=sections.of_samples(run),
        maps=sections.of_maps(run),
        has_map_page=run.map_page.is_file(),
        scores=sections.of_scores(models, validation, groups, dataset),
        generated=latent_space.of_generation(models, seed),
        labels=labels.of_labels(models, sampler, seed),
        walks=latent_space.of_walks(models, validation, seed),
        settings=sections.of_settings(experiment),
    )
    write_text(run.report, page)
