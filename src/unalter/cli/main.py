"""The command line: one function per command. Nothing heavy is imported until a command runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from unalter._version import __version__
from unalter.cli.exits import escape_what_cannot_be_shown, exit_code, flush
from unalter.cli.export import export
from unalter.cli.flags import FOLDER as _FOLDER
from unalter.cli.flags import data_options, train_options
from unalter.runs.folder import MODELS
from unalter.support.device import DEVICES

_SEED = click.IntRange(0, 2**32 - 1)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="unalter %(version)s")
def cli() -> None:
    """Give back pictures that something was done to.

    DATA is a folder (or zip) with clean/ and aug/, pictures named X_I_L.png (index I, label L); class sub-folders,
    names without labels, a labels.csv, IDX files and npz arrays will do, too.
    RUN is a run folder that 'unalter train' made, one model's folder in it, or a shared one: a folder that 'unalter
    export' made, or hf://user/name.
    """


_devices = click.option("--devices", type=click.IntRange(1), default=1, show_default=True,
                        help="Processes of this computer that work together, each on a GPU of its own.")  # fmt: skip


@cli.command()
@click.option("--out", type=_FOLDER, default=Path("runs/demo"), show_default=True, help="Where to; must not exist.")
@click.option("--seed", type=_SEED, default=0, show_default=True)
def demo(out: Path, seed: int) -> None:
    """Everything, on the digits shipped with the package.

    Takes a few minutes: makes altered data sets, trains the three models, maps, scores, generates.
    """
    from unalter.commands.demo import run_demo
    from unalter.support.console import Console

    run_demo(out, seed, Console())


@cli.command()
@click.argument("data", type=_FOLDER, required=False)
@click.option("--out", type=_FOLDER, help="The run folder; default the next number below runs/.")
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped: --out, or the newest below runs/.")
@click.option("--config", type=_FOLDER, help="A YAML file with options; those on the command line win.")
@_devices
@data_options()
@train_options
def train(data: Path | None, out: Path | None, resume: bool, config: Path | None, devices: int, **options: Any) -> None:
    """Train models on DATA: pairs, training, maps.

    Without an option it does everything: an AE, a VAE and a CVAE, 50 epochs, a 3D t-SNE map of every altered
    picture each 10 epochs.

    Clean pictures will do: --clean DIGITS --recipe none trains regular autoencoders, a preset or YAML file makes
    the altered pictures of them.
    """
    from unalter.commands.train import train as run_training

    run_training(data, out=out, resume=resume, config=config, devices=devices, verbose=True, **options)


_recipe = click.option("--recipe", default="auto", show_default=True, help="auto (fitted), a preset or a YAML file.")


@cli.command()
@click.argument("data", type=_FOLDER, required=False)
@click.option("--out", type=_FOLDER, default=Path("pairs.csv"), show_default=True, help="The CSV file to write.")
@click.option("--target-precision", type=click.FloatRange(0.5, 0.999), default=0.99, show_default=True,
              help="The share of the pairs found by appearance that is to be right.")  # fmt: skip
@click.option("--precision", type=click.FloatRange(0.5, 0.999), hidden=True)  # as it was called before
@click.option("--names-only", is_flag=True, help="Verify the name pairs; do not search for the others.")
@_recipe
@click.option("--seed", type=_SEED, default=0, show_default=True)
@_devices
@data_options()
def pair(
    data: Path | None, out: Path, target_precision: float, precision: float | None, names_only: bool, recipe: str,
    seed: int, devices: int, **reading: Any,
) -> None:  # fmt: skip
    """Find the clean picture of each altered one.

    Writes pairs.csv, with "none" for those whose clean picture is not in DATA, and beside it a contact sheet of
    the most and the least certain pairs. Name pairs are verified by looking; the others are searched for.
    """
    from unalter.commands.pair import pair as find

    if precision is not None:
        click.echo("notice: --precision of 'pair' is now called --target-precision", err=True)
    find(
        data, out=out, recipe=recipe, target_precision=precision or target_precision, names_only=names_only, seed=seed,
        devices=devices, verbose=True, **reading,
    )  # fmt: skip


@cli.command()
@click.argument("data", type=_FOLDER, required=False)
@click.option("--out", type=_FOLDER, default=Path("recipe.yaml"), show_default=True, help="The YAML file to write.")
@click.option("--seed", type=_SEED, default=0, show_default=True)
@data_options()
def recipe(data: Path | None, out: Path, seed: int, **reading: Any) -> None:
    """Find out how the altered pictures were made.

    Looks at the two folders of DATA, paired or not, and writes recipe.yaml: which alterations, how likely, how
    strong; and the backgrounds of blends as PNG beside it.
    """
    from unalter.commands.recipe import recipe as fit

    fit(data, out=out, seed=seed, verbose=True, **reading)


@cli.command()
@click.argument("clean", type=_FOLDER)
@click.argument("out", type=_FOLDER)
@click.option("--recipe", default="altered-mnist", show_default=True, help="A preset, or a YAML file.")
@click.option("--count", type=click.IntRange(1), help="How many pictures to alter; default all.")
@click.option("--seed", type=_SEED, default=0, show_default=True)
@data_options("skip_bad")
def alter(clean: Path, out: Path, recipe: str, count: int | None, seed: int, **reading: Any) -> None:
    """Write an altered data set of the pictures in CLEAN to OUT.

    OUT gets clean/ and aug/, and truth.csv: which altered picture came from which clean one. Where CLEAN is a data
    set with clean/ and aug/ itself, its clean/ is taken.
    """
    from unalter.commands.alter import alter as run_alteration

    made = run_alteration(clean, out, recipe, seed=seed, count=count, verbose=True, **reading)
    _tell(f"{len(made):,} altered pictures written to {out}")


_model = click.option("--model", type=click.Choice(MODELS), help="Default: the best on validation.")
_device = click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True)


@cli.command()
@click.argument("run", type=_FOLDER)
@click.argument("data", type=_FOLDER, required=False)
@click.option("--truth", type=_FOLDER, help="CSV: altered,clean[,group]; without it the names pair.")
@click.option("--model", type=click.Choice(MODELS), help="Default: every model of the run.")
@click.option("--out", type=_FOLDER, help="Where results go; default RUN/evaluation.")
@click.option("--filters/--no-filters", default=True, show_default=True, help="Also score classical filters.")
@_device
@data_options()
def evaluate(**arguments: Any) -> None:
    """Score models where the clean picture is known.

    SSIM and PSNR of every model of RUN, of the altered picture itself and of two classical filters. With --clean
    alone the recipe of RUN makes the altered pictures; of a RUN without one each picture is its own target.
    """
    from unalter.commands.evaluate import evaluate as run_evaluation

    evaluation = run_evaluation(**arguments)
    _tell(f"{evaluation.table()}\nwritten: {arguments['out'] or arguments['run'] / 'evaluation'}")


@cli.command()
@click.argument("run", type=_FOLDER)
@click.argument("paths", type=_FOLDER, nargs=-1, required=True)
@click.option(
    "--out",
    type=_FOLDER,
    required=True,
    help="Folder for the results, names and tree are kept; or, for one file, a .png.",
)
@click.option("--label", help="The class of all pictures; default the L of X_I_L.png or the sub-folder (CVAE only).")
@_model
@_device
def denoise(run: Path, paths: tuple[Path, ...], out: Path, label: str | None, model: str | None, device: str) -> None:
    """Denoise picture files, or folders of them, into PNG files.

    Each PATH is a file or a folder; results go to --out under the same names, ending in .png. For one file --out
    can be the .png file to write.
    """
    from unalter.commands.denoise import denoise as run_denoising
    from unalter.models.model import load

    loaded = load(run, model, device)
    written = run_denoising(loaded, paths, out, label=label, verbose=True)
    _tell(f"{len(written):,} pictures denoised by the {loaded.name}, written to {out}")


@cli.command()
@click.argument("run", type=_FOLDER)
@click.option("--label", default=None, help="A class, or 'all'; needed for a CVAE, not for a VAE.")
@click.option("--count", type=click.IntRange(1), default=16, show_default=True, help="Pictures a class.")
@click.option("--out", type=_FOLDER, required=True, help="The PNG file to write.")
@click.option("--seed", type=_SEED, help="The same seed gives the same pictures.")
@click.option("--model", type=click.Choice(["vae", "cvae"]), help="Default: the CVAE where there is one.")
@_device
def generate(
    run: Path, label: str | None, count: int, out: Path, seed: int | None, model: str | None, device: str
) -> None:
    """Generate pictures, with a CVAE of a given class.

    Draws codes from where those of clean pictures lie, and decodes them (with the label).
    """
    from unalter.commands.generate import generate as draw

    draw(run, label, count, out=out, seed=seed, model=model, device=device, verbose=True)
    _tell(f"written: {out}")


@cli.command()
@click.option("--clear", is_flag=True, help="Remove all that is in it.")
def cache(clear: bool) -> None:
    """Say where decoded pictures, recipes and pairs are kept, and how much it is.

    All of it is made again where it is needed. Nothing of runs or data is there.
    """
    from unalter.commands.cache import describe_cache

    click.echo(describe_cache(clear))


@cli.command()
@click.argument("run", type=_FOLDER)
@click.argument("data", type=_FOLDER, required=False)
@data_options()
def report(run: Path, data: Path | None, **reading: Any) -> None:
    """Write RUN/report.html anew: all of a run on one page.

    'unalter train' writes it, too. DATA need only be given where it lies elsewhere than when RUN was trained.
    """
    from unalter.commands.report import report as write

    _tell(f"written: {write(run, data, **reading)}")


@cli.command(name="map")
@click.argument("run", type=_FOLDER)
@click.argument("data", type=_FOLDER)
@click.option("--out", type=_FOLDER, default=Path("map.png"), show_default=True,
              help="The file to write: .png, or .html for a page to move about in.")  # fmt: skip
@click.option("--points", type=click.IntRange(0), default=0, show_default=True, help="Map only so many; 0: all.")
@click.option("--onto", is_flag=True, help="Place DATA in the run's own last map, which stays as it is.")
@click.option("--trained-on", type=_FOLDER, help="For --onto: what RUN was trained on, if that lies elsewhere now.")
@click.option("--seed", type=_SEED, default=0, show_default=True)
@_model
@_device
@data_options("labels", "resize", "skip_bad", "no_cache")
def map_(
    run: Path, data: Path, out: Path, points: int, onto: bool, trained_on: Path | None, seed: int,
    model: str | None, device: str, **reading: Any,
) -> None:  # fmt: skip
    """Draw the 3D t-SNE map of the codes of DATA.

    DATA is a folder with aug/, or one that holds the pictures itself.
    """
    from unalter.commands.map import map as draw
    from unalter.commands.map import map_onto
    from unalter.models.model import load

    if onto:
        count, name = map_onto(
            run, data, out, trained_on, points=points, seed=seed, model=model, device=device, **reading
        )
        _tell(f"{count:,} pictures placed in the last map of the {name}, written to {out}")
        return
    loaded = load(run, model, device)
    made = draw(loaded, data, out, points=points, seed=seed, **reading)
    _tell(f"{len(made):,} pictures mapped under the {loaded.name}, written to {out}")


cli.add_command(export)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exits with 2 for input that cannot be used, 128 + its number when stopped by a signal."""
    escape_what_cannot_be_shown()
    code = exit_code(lambda: cli.main(arguments, prog_name="unalter", standalone_mode=False))
    flush()
    sys.exit(code)


def _tell(text: str) -> None:
    """Say what became of it; work that is done is done, whether anybody reads that or not."""
    from unalter.support.console import Console

    Console().say(text)
