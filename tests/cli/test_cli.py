"""The command line: what a user types and reads, and what bad input gets."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from unalter.alter import load_recipe
from unalter.cli.main import cli, main
from unalter.training.options import TrainOptions


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(exit_.value.code or 0), captured.out, captured.err


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


COMMANDS = (
    "alter", "cache", "demo", "denoise", "evaluate", "export", "generate", "map", "pair", "recipe", "report", "train",
)  # fmt: skip


def test_help_names_every_command_and_fits_80_columns(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert tuple(sorted(cli.commands)) == COMMANDS
    for name in COMMANDS:
        assert f"  {name} " in out
        assert run(capsys, name, "--help")[0] == 0
    assert max(map(len, out.splitlines())) <= 80


def test_train_help_has_every_option_with_its_default(capsys):
    _, out, _ = run(capsys, "train", "--help")
    text = " ".join(out.split())
    for spec in fields(TrainOptions):
        assert f"--{spec.name.replace('_', '-')} " in text
    for option in ("--resume", "--config", "--unblend / --no-unblend"):
        assert option in text
    assert "[default: ae,vae,cvae]" in text and "[default: 50]" in text and "[default: true]" in text


def test_help_and_wrong_options_do_not_import_torch():
    code = (
        "import sys\nfrom unalter.cli.main import cli, main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit as e: print(e.code)\n"
        "assert not {'torch', 'numpy', 'matplotlib', 'sklearn'} & set(sys.modules)"
    )
    for arguments, status in ((["train", "--help"], "0"), (["train", "--nonsense"], "2"), (["nonsense"], "2")):
        result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert result.stdout.splitlines()[-1] == status


def test_version(capsys):
    import unalter

    assert run(capsys, "--version")[1] == f"unalter {unalter.__version__}\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--models", "ae,gan"], "models is"),
        (["--epochs", "0"], "epochs is 0; it must be at least 1"),
        (["--epochs", "many"], "not a valid integer"),
        (["--device", "tpu"], "device is 'tpu'"),
        (["--recipe", "nowhere.yaml"], "no such recipe"),
        (["--recipe", "none", "--pairing", "appearance"], "with the help of a recipe"),
        (["--pairing", "guess"], "pairing is 'guess'; it must be one of auto, "),
        (["--muon-lr", "1"], "muon_lr is 1.0"),
        (["--won-back", "--true-pairs", "2"], "true_pairs is 2.0"),
        (["--learning-rate", "7", "--batch-size", "1"], "batch_size is 1"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_written(capsys, tmp_path, small_data, options, said):
    code, _, err = run(capsys, "train", small_data, "--out", tmp_path / "out", *options)
    assert code == 2
    assert said in err
    assert tree(tmp_path) == []


def test_wrong_data_is_refused_before_anything_is_written(capsys, tmp_path):
    for data, said in ((tmp_path / "nowhere", "no such folder"), (tmp_path, "clean")):
        code, _, err = run(capsys, "train", data, "--out", tmp_path / "out")
        assert code == 2 and said in err
        assert tree(tmp_path) == []


def test_pictures_too_small_for_ssim_are_refused_before_anything_is_written(capsys, tmp_path):
    for part in ("clean", "aug"):
        (tmp_path / "data" / part).mkdir(parents=True)
        for index in range(4):
            Image.new("L", (6, 9), 10 * index).save(tmp_path / "data" / part / f"{part}_{index}_0.png")
    code, _, err = run(capsys, "train", tmp_path / "data", "--out", tmp_path / "out", "--recipe", "noise")
    assert code == 2 and "at least 7 x 7" in err
    assert not (tmp_path / "out").exists()


def test_cuda_where_there_is_none_is_said(capsys, tmp_path, small_run, small_data, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for arguments in (
        ("train", small_data, "--out", tmp_path / "out"),
        ("evaluate", small_run, small_data, "--out", tmp_path / "out"),
        ("denoise", small_run, small_data / "aug", "--out", tmp_path / "out"),
    ):
        code, _, err = run(capsys, *arguments, "--device", "cuda")
        assert code == 2 and "no CUDA device" in err
    assert tree(tmp_path) == []


def test_a_place_that_cannot_be_written_is_an_error_without_traceback(capsys, tmp_path, small_run, small_data):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    for arguments in (
        ("train", small_data, "--out", blocked / "run", "--recipe", small_data / "recipe.yaml"),
        ("generate", small_run, "--label", "1", "--out", blocked / "g.png"),
        ("pair", small_data, "--out", blocked / "pairs.csv"),
        ("denoise", small_run, small_data / "aug", "--out", blocked),
        ("alter", small_data / "clean", blocked / "x"),
    ):
        code, _, err = run(capsys, *arguments)
        assert code == 2 and err.startswith("error:"), arguments


def test_an_existing_run_is_not_overwritten(capsys, small_run, small_data):
    before = tree(small_run)
    code, _, err = run(capsys, "train", small_data, "--out", small_run)
    assert code == 2 and "--resume" in err
    assert tree(small_run) == before


def test_resume_says_what_is_wrong(capsys, tmp_path, small_run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "no run to resume" in run(capsys, "train", "--resume")[2]
    assert "no config.yaml" in run(capsys, "train", "--resume", "--out", tmp_path)[2]
    code, _, err = run(capsys, "train", "--resume", "--out", small_run, "--epochs", "1")
    assert code == 2 and "epochs (was 2)" in err


def test_resuming_a_finished_run_says_so(capsys, small_run):
    code, out, _ = run(capsys, "train", "--resume", "--out", small_run)
    assert code == 0 and "nothing to resume" in out


def test_options_from_a_file_and_the_command_line_wins(capsys, tmp_path, small_data):
    config = tmp_path / "options.yaml"
    config.write_text(
        "epochs: 1\nmodels: [ae]\nbatch-size: 16\nmap-every: 0\nlatent: 4\nprecision: 32-true\nwon-back: false\n"
        f"recipe: {small_data / 'recipe.yaml'}\n"
    )
    code, _, err = run(capsys, "train", small_data, "--out", tmp_path / "out", "--config", config, "--latent", "6")
    assert code == 0, err
    effective = (tmp_path / "out" / "config.yaml").read_text()
    assert "latent: 6" in effective and "epochs: 1" in effective and "models: [ae]" in effective
    assert "unblend: false" in effective
    config.write_text("epoch: 1\nbeta: strong\n")
    code, _, err = run(capsys, "train", small_data, "--out", tmp_path / "other", "--config", config)
    assert code == 2 and "unknown option 'epoch'" in err and "beta: must be a number" in err
    assert not (tmp_path / "other").exists()


def test_a_run_folder_has_what_was_promised(small_run):
    found = set(tree(small_run))
    assert {"config.yaml", "pairs.csv", "recipe.yaml", "log.txt"} <= found
    for name in ("ae", "vae", "cvae"):
        for file in ("model.safetensors", "config.json", "checkpoint.pt", "metrics.csv", "samples/epoch_002.png"):
            assert f"{name}/{file}" in found
        assert f"{name}/maps/{name.upper()}_epoch_2.png" in found
        assert (f"{name}/maps/{name.upper()}_sampled_epoch_2.png" in found) == (name != "ae")
    log = (small_run / "log.txt").read_text()
    assert "60 of 60 altered pictures have a clean one by name" in log and "verified by looking" in log
    assert "best on validation" in log


def test_denoise_keeps_names_and_tree(capsys, tmp_path, small_run, small_data):
    sources = sorted((small_data / "aug").iterdir())[:4]
    (tmp_path / "in" / "deep er").mkdir(parents=True)
    for place, source in zip(("", "", "deep er", "deep er"), sources, strict=True):
        (tmp_path / "in" / place / source.name).write_bytes(source.read_bytes())
    code, _, err = run(capsys, "denoise", small_run, tmp_path / "in", "--out", tmp_path / "out", "--model", "cvae")
    assert code == 0, err
    assert tree(tmp_path / "out") == tree(tmp_path / "in")
    assert np.asarray(Image.open(tmp_path / "out" / sources[0].name)).shape == (28, 28)


def test_denoise_takes_other_kinds_of_files_and_gives_png(capsys, tmp_path, small_run, small_data):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "Thumbs.db").write_text("junk")
    with Image.open(next((small_data / "aug").iterdir())) as picture:
        picture.save(tmp_path / "in" / "a photo é.jpg")
    code, _, err = run(capsys, "denoise", small_run, tmp_path / "in", "--out", tmp_path / "out", "--model", "ae")
    assert code == 0, err
    assert tree(tmp_path / "out") == ["a photo é.png"]


def test_denoise_gives_pictures_of_another_size_back_in_theirs(capsys, tmp_path, small_run, small_data):
    (tmp_path / "in").mkdir()
    name = next((small_data / "aug").iterdir()).name
    with Image.open(small_data / "aug" / name) as picture:
        picture.save(tmp_path / "in" / "own.png")
        picture.resize((84, 84), Image.Resampling.NEAREST).save(tmp_path / "in" / "large.png")
        wide = Image.new("L", (168, 84))  # brought to 28 x 14
        wide.paste(picture.resize((168, 84)))
        wide.save(tmp_path / "in" / "wide.bmp")
    code, _, err = run(capsys, "denoise", small_run, tmp_path / "in", "--out", tmp_path / "out", "--model", "ae")
    assert code == 0, err
    own, large, wide = (np.asarray(Image.open(tmp_path / "out" / f"{n}.png")) for n in ("own", "large", "wide"))
    assert (large.shape, wide.shape) == ((84, 84), (84, 168))
    assert np.abs(large[1::3, 1::3].astype(int) - own).mean() < 8  # the same, but for resampling


def test_denoise_takes_the_class_from_the_sub_folder(capsys, tmp_path, small_run, small_data):
    source = next((small_data / "aug").glob("*_7.png"))
    for place in ("7", "2"):
        (tmp_path / "in" / place).mkdir(parents=True)
        (tmp_path / "in" / place / "x.png").write_bytes(source.read_bytes())
    arguments = ("--model", "cvae", "--out", tmp_path / "out")
    code, _, err = run(capsys, "denoise", small_run, tmp_path / "in", *arguments)
    assert code == 0, err
    asked = tmp_path / "asked"
    code, _, err = run(capsys, "denoise", small_run, source, "--model", "cvae", "--out", asked, "--label", "2")
    assert code == 0, err
    assert (tmp_path / "out" / "2" / "x.png").read_bytes() == (asked / source.name).read_bytes()
    assert (tmp_path / "out" / "7" / "x.png").read_bytes() != (asked / source.name).read_bytes()


def test_denoise_reports_every_bad_file_and_writes_nothing(capsys, tmp_path, small_run):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (28, 28), "red").save(tmp_path / "in" / "red.png")
    (tmp_path / "in" / "page.png").write_text("<html>")
    code, _, err = run(capsys, "denoise", small_run, tmp_path / "in", "--out", tmp_path / "out")
    assert code == 2 and "red.png: is in colour" in err and "page.png" in err
    assert not (tmp_path / "out").exists()
    Image.new("L", (28, 28)).save(tmp_path / "in" / "fine.png")
    code, _, err = run(
        capsys, "denoise", small_run, tmp_path / "in" / "fine.png", "--out", tmp_path / "in", "--model", "ae"
    )
    assert code == 2 and "overwritten by its own result" in err
    arguments = (tmp_path / "in" / "fine.png", "--out", tmp_path / "out", "--model", "cvae")
    code, _, err = run(capsys, "denoise", small_run, *arguments)
    assert code == 2 and "has no label" in err
    assert run(capsys, "denoise", small_run, *arguments, "--label", 4)[0] == 0


def test_generate_all_gives_every_class_its_rows(capsys, tmp_path, small_run):
    code, _, err = run(capsys, "generate", small_run, "--label", "all", "--count", 4, "--out", tmp_path / "g.png")
    assert code == 0, err
    width, height = Image.open(tmp_path / "g.png").size
    assert height > 2 * width
    for arguments, said in (
        (("--label", "x"), "label 'x' is unknown"),
        (("--label", "12"), "label 12 is unknown"),
        ((), "needs labels"),
        (("--model", "vae", "--label", "3"), "does not know classes"),
        (("--model", "vae", "--label", "all"), "does not know classes"),
    ):
        code, _, err = run(capsys, "generate", small_run, "--out", tmp_path / "no.png", *arguments)
        assert code == 2 and said in err
        assert not (tmp_path / "no.png").exists()


def test_alter_map_and_evaluate(capsys, tmp_path, small_run, small_data):
    code, out, _ = run(capsys, "alter", small_data / "clean", tmp_path / "noisy", "--recipe", "noise", "--count", 9)
    assert code == 0 and len(tree(tmp_path / "noisy" / "aug")) == 9
    code, out, err = run(capsys, "map", small_run, small_data, "--points", 30, "--out", tmp_path / "map.png")
    assert code == 0 and (tmp_path / "map.png").is_file(), err
    new = tmp_path / "noisy" / "aug"
    code, out, err = run(capsys, "map", small_run, new, "--onto", "--model", "ae", "--out", tmp_path / "onto.png")
    assert code == 0 and "9 pictures placed in the last map of the ae" in out and (tmp_path / "onto.png").is_file(), err
    code, _, err = run(capsys, "map", small_run, new, "--onto", "--out", tmp_path / "onto.html")
    assert code == 2 and "ends in .png" in err
    code, out, _ = run(
        capsys, "evaluate", small_run, small_data, "--out", tmp_path / "e", "--no-filters", "--model", "ae"
    )
    assert code == 0 and "SSIM" in out and "median" not in out


def test_pair_writes_the_pairs_and_a_sheet_to_look_at(capsys, tmp_path, small_data):
    recipe, out = small_data / "recipe.yaml", tmp_path / "mine.csv"
    code, said, err = run(capsys, "pair", small_data, "--out", out, "--recipe", recipe, "--names-only")
    assert code == 0, err
    assert "60 of 60 altered pictures have a clean one by name" in said
    assert tree(tmp_path) == ["mine-sheet.png", "mine.csv"]
    assert out.read_text().count("verified") > 55
    width, height = Image.open(tmp_path / "mine-sheet.png").size
    assert width == 2 * (12 * 30 + 2)  # twelve in a row,
    assert 10 <= (height / 2 - 2) / 30 <= 12  # 60 of them over their clean pictures


@pytest.fixture
def no_fit(monkeypatch):
    """Fitting a recipe takes a minute: what is wrong must be found before."""

    def fit_recipe(*_, **__):
        raise AssertionError("the recipe was fitted")

    monkeypatch.setattr("unalter.pipeline.prepare.fit_recipe", fit_recipe)


@pytest.fixture
def quick_fit(monkeypatch, small_data):
    """A fit that is there at once."""
    fitted = SimpleNamespace(recipe=replace(load_recipe(small_data / "recipe.yaml", (1, 28, 28)), name="fitted"))
    monkeypatch.setattr("unalter.pipeline.prepare.fit_recipe", lambda *_, **__: fitted)


@pytest.mark.usefixtures("quick_fit", "empty_cache")
def test_recipe_writes_a_recipe_that_alter_takes(capsys, tmp_path, small_data):
    out = tmp_path / "r" / "found.yaml"
    out.parent.mkdir()
    code, said, err = run(capsys, "recipe", small_data, "--out", out)
    assert code == 0, err
    assert "recipe fitted:" in said and "rotate" in said and f"written: {out}" in said
    assert {"found.yaml", "found-backgrounds/00.png"} <= set(tree(out.parent))
    code, _, err = run(capsys, "alter", small_data / "clean", tmp_path / "again", "--recipe", out, "--count", 5)
    assert code == 0, err


def written(folder: Path, numbers: range, label: int, size: tuple[int, int] = (28, 28)) -> None:
    """Grey squares of their own, as pictures of a data set."""
    folder.mkdir(parents=True)
    for i in numbers:
        pixels = np.random.default_rng(i).integers(0, 256, size, np.uint8)
        Image.fromarray(pixels).save(folder / f"x_{i}_{label}.png")


def bad_data(kind: str, folder: Path) -> Path:
    """A data set that cannot be paired."""
    if kind == "nowhere":
        return folder / "nowhere"
    size = (6, 6) if kind == "tiny" else (28, 28)
    written(folder / "clean", range(12), 1, size)
    if kind != "no aug":
        written(folder / "aug", range(12), 2 if kind == "labels" else 1, size)
    return folder


BAD_DATA = {
    "nowhere": "no such folder", "no aug": "no such folder", "labels": "no label is in both folders",
    "same": "12 of the 12 pictures in aug/ are untouched copies", "tiny": "at least 7 x 7",
}  # fmt: skip


@pytest.mark.usefixtures("no_fit")
@pytest.mark.parametrize("kind", BAD_DATA)
@pytest.mark.parametrize("command", ["pair", "recipe", "train"])
def test_data_that_nothing_can_be_learned_from_are_refused_before_anything_is_written(capsys, tmp_path, command, kind):
    data, out = bad_data(kind, tmp_path / "data"), tmp_path / "out"
    before = tree(tmp_path)
    code, _, err = run(capsys, command, data, "--out", out)
    assert code == 2
    assert err.startswith("error:") and BAD_DATA[kind] in err
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("no_fit")
@pytest.mark.parametrize("command", ["pair", "recipe"])
@pytest.mark.parametrize("place", ["nowhere/out.file", ".", "file/out.file"])
def test_a_file_that_cannot_be_written_is_said_before_the_work(capsys, tmp_path, small_data, command, place):
    (tmp_path / "file").touch()
    before = tree(tmp_path)
    code, _, err = run(capsys, command, small_data, "--out", tmp_path / place)
    assert code == 2
    assert err.startswith("error:") and str(tmp_path / place) in err
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("no_fit")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--precision", "0.3"], "--precision"),
        (["--precision", "1.5"], "--precision"),
        (["--precision", "high"], "not a valid float"),
        (["--recipe", "nowhere.yaml"], "no such recipe"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_wrong_options_of_pair_are_refused_before_anything_is_written(capsys, tmp_path, small_data, options, said):
    code, _, err = run(capsys, "pair", small_data, "--out", tmp_path / "pairs.csv", *options)
    assert code == 2 and said in err
    assert tree(tmp_path) == []


@pytest.mark.parametrize("command", ["pair", "train"])
def test_a_recipe_for_pictures_of_another_size_is_refused(capsys, tmp_path, small_data, command):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("branches: [{steps: [blend: {weight: [0.5, 0.5]}]}]")
    (tmp_path / "backgrounds").mkdir()
    Image.new("L", (14, 14)).save(tmp_path / "backgrounds" / "00.png")
    before = tree(tmp_path)
    code, _, err = run(capsys, command, small_data, "--out", tmp_path / "out", "--recipe", recipe)
    assert code == 2 and "made for 14 x 14 pictures" in err
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("no_fit")
def test_a_run_that_cannot_be_made_is_said_before_the_recipe_is_fitted(capsys, tmp_path, small_data):
    (tmp_path / "file").touch()
    code, _, err = run(capsys, "train", small_data, "--out", tmp_path / "file" / "run")
    assert code == 2 and "choose another --out" in err


def test_python_dash_m():
    result = subprocess.run([sys.executable, "-m", "unalter", "--version"], capture_output=True, text=True)
    assert result.returncode == 0 and result.stdout.startswith("unalter ")


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [(KeyboardInterrupt(), 130, "stopped"), (MemoryError(), 2, "out of memory"),
     (RuntimeError("can't allocate memory"), 2, "out of memory")],
)  # fmt: skip
def test_ctrl_c_and_a_lack_of_memory_end_a_command_in_words(capsys, monkeypatch, tmp_path, raised, code, said):
    def fail(*arguments):
        raise raised

    monkeypatch.setattr("unalter.commands.demo.run_demo", fail)
    found, _, err = run(capsys, "demo", "--out", tmp_path / "demo")
    assert found == code and said in err
