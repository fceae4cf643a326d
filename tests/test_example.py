"""The task's own script where it is handed in: in a package EncDec beside a main.py that asks for its names."""

from __future__ import annotations

import importlib.util
import io
import os
import pickle
import re
import runpy
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import unalter

SCRIPT = Path(__file__).parents[1] / "examples" / "2021055A3.py"
CONSTANTS = """
import os
BATCH_SIZE = 16
LEARNING_RATE = 0.001
EPOCH = 2
SAVEPATH = os.getcwd()
"""
MAIN = """
import importlib
import sys

import torch
from EncDec import BATCH_SIZE, LEARNING_RATE, SAVEPATH

GPU, BONUS = sys.argv[1:]
solution = importlib.import_module("EncDec.2021055A3")
solution.OPTIONS |= {"map_every": 1, "precision": "32-true", "recipe": "Data/recipe.yaml"}

if __name__ == "__main__":
    Data = torch.utils.data.DataLoader(
        solution.AlteredMNIST(), BATCH_SIZE, shuffle=True, num_workers=2, drop_last=True, pin_memory=True
    )
    E, D = solution.Encoder(), solution.Decoder()
    x_alt, x = next(iter(Data))
    before = D(E(x_alt))
    O = torch.optim.Adam(solution.ParameterSelector(E, D), lr=LEARNING_RATE)
    solution.AETrainer(Data, E, D, solution.AELossFn(), O, GPU)
    of_ae = D(E(x_alt))
    solution.VAETrainer(Data, E, D, solution.VAELossFn(), torch.optim.Adam(solution.ParameterSelector()), GPU)
    of_vae = D(E(x_alt))
    if BONUS == "T":
        solution.CVAE_Trainer(Data, E, D, solution.CVAELossFn(), O)
        of_cvae = D(E(x_alt))
        for digit in range(3):
            for _ in range(2):
                solution.CVAE_Generator().save_image(digit=digit, save_path=SAVEPATH)
    trained = [solution.AE_TRAINED(gpu=False), solution.VAE_TRAINED(gpu=False)]
"""
STEP = re.compile(r">>>>> Epoch:(\d+), Minibatch:(\d+), Loss:[\d.]+, Similarity:[-\d.e]+")
EPOCH = re.compile(r"----- Epoch:(\d+), Loss:[\d.]+, Similarity:[-\d.e]+")


@pytest.fixture(scope="module")
def place(tmp_path_factory, small_data) -> Path:
    """The working folder as a grader lays it out."""
    place = tmp_path_factory.mktemp("graded")
    shutil.copytree(small_data, place / "Data")
    for file in sorted((place / "Data" / "aug").iterdir())[::3]:
        Image.open(file).convert("RGB").save(file)
    hand_in(place / "EncDec", CONSTANTS)
    (place / "main.py").write_text(MAIN)
    return place


def hand_in(package: Path, constants: str | None) -> Path:
    """The script in a package of these constants, or in a folder that is none."""
    package.mkdir()
    if constants is not None:
        (package / "__init__.py").write_text(constants)
    return shutil.copy(SCRIPT, package)


@pytest.fixture(scope="module")
def killed(place) -> dict[str, list[str]]:
    """A first call, killed in the second epoch of the AE: what it printed, and which plots there were."""
    paths = os.pathsep.join(filter(None, sys.path))
    driver = subprocess.Popen(
        [sys.executable, "main.py", "F", "T"], cwd=place, env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines = []
    for line in driver.stdout or ():
        lines.append(line.strip())
        if line.startswith(">>>>> Epoch:2"):
            break
    plots = sorted(path.name for path in place.glob("*.png"))
    driver.kill()
    assert lines, driver.stderr.read()
    driver.communicate()
    return {"lines": lines, "plots": plots}


def call(place, gpu: str) -> dict:
    """Call main.py in this process: quicker than another one."""
    with pytest.MonkeyPatch.context() as patch:
        forget_package(patch)
        patch.chdir(place)
        patch.syspath_prepend(place)
        patch.setattr(sys, "argv", ["main.py", gpu, "T"])
        return runpy.run_path("main.py", run_name="__main__")


def forget_package(patch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "EncDec"]:
        patch.delitem(sys.modules, name)


@pytest.fixture(scope="module")
def second(place, killed) -> dict:
    """What main.py has when it was called again, to the end; and what it printed."""
    with redirect_stdout(io.StringIO()) as printed:
        return {**call(place, "T"), "lines": printed.getvalue().splitlines()}


def test_a_killed_driver_had_its_first_plot_and_goes_on_where_it_was(place, killed, second):
    assert killed["plots"] == ["AE_epoch_1.png"]
    epochs = [int(found[1]) for line in killed["lines"] + second["lines"] if (found := EPOCH.fullmatch(line))]
    assert epochs == [1, 2] * 3  # AE, VAE, CVAE: each epoch ended once
    assert not [line for line in second["lines"] if not (STEP.fullmatch(line) or EPOCH.fullmatch(line))]
    steps = [STEP.fullmatch(line) for line in killed["lines"] + second["lines"]]
    assert {int(found[2]) for found in steps if found} == {0}  # of an epoch of 3 steps, every tenth
    names = {path.name for path in place.glob("*_epoch_*.png")}
    series = ("AE", "VAE", "VAE_means", "CVAE", "CVAE_means")
    assert names == {f"{kind}_epoch_{epoch}.png" for kind in series for epoch in (1, 2)}
    shown, kept = place / "VAE_epoch_2.png", place / "run-vae" / "vae" / "maps"
    assert shown.read_bytes() == (kept / "VAE_sampled_epoch_2.png").read_bytes()


def test_the_constants_of_the_package_count(place, second):
    text = (place / "run-cvae" / "config.yaml").read_text()
    assert "epochs: 2\n" in text and "batch_size: 16\n" in text and "learning_rate: 0.001\n" in text


def test_after_a_training_encoder_and_decoder_hold_the_trained_weights(place, second):
    x_alt, y = second["x_alt"], None
    assert second["before"].shape == (16, 1, 28, 28)
    for name in ("ae", "vae"):
        denoised = unalter.load(place / f"run-{name}", device="cpu").denoise(x_alt, y)
        torch.testing.assert_close(second[f"of_{name}"].detach(), denoised, atol=1e-4, rtol=1e-4)
    assert second["of_cvae"].shape == x_alt.shape
    assert not torch.allclose(second["before"], second["of_ae"], atol=1e-2)


def test_called_once_more_it_trains_nothing_and_overwrites_nothing(place, second, capsys):
    before = {path: path.read_bytes() for path in place.glob("*.png")}
    assert len([path for path in before if path.name[0].isdigit()]) == 6
    (place / "1.png").unlink()  # the first of two: the other must not be taken for it
    again = call(place, "F")
    assert capsys.readouterr().out == ""
    assert all(path.read_bytes() == content for path, content in before.items() if path != place / "1.png")
    assert len(list(place.glob("[0-9]*.png"))) == 11
    torch.testing.assert_close(again["D"](again["E"](second["x_alt"])), second["of_cvae"], atol=1e-5, rtol=1e-5)


def test_scores_are_those_of_scikit_image_in_whatever_form_pictures_come(place, second):
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    sample = sorted((place / "Data" / "aug").iterdir())[0]  # one in RGB
    original = place / "Data" / "clean" / sample.name.replace("aug", "clean")
    trained, model = second["trained"][0], unalter.load(place / "run-ae", device="cpu")
    x_alt, x = (np.asarray(Image.open(path).convert("L")) for path in (sample, original))
    x_hat = model.denoise(x_alt / np.float32(255)).astype(np.float64)
    expected = structural_similarity(x_hat, x / 255, data_range=1)
    as_read = torch.tensor(np.array(Image.open(sample))).permute(2, 0, 1)
    forms = [(str(sample), original), (as_read, torch.tensor(x)[None]), (x_alt / 255, x.astype(float))]
    for given in forms:
        assert trained.from_path(*given, type="ssim") == pytest.approx(expected, abs=1e-5)
    expected = peak_signal_noise_ratio(x / 255, x_hat, data_range=1)
    assert trained.from_path(*forms[0], type="PSNR") == pytest.approx(expected, abs=1e-3)
    with pytest.raises(unalter.InputError, match="must be SSIM or PSNR"):
        trained.from_path(*forms[0], type="MSE")
    solution = second["solution"]
    a, b = torch.tensor(x_alt)[None], torch.tensor(x)[None]
    assert solution.structure_similarity_index(a, b) == pytest.approx(structural_similarity(x_alt, x), abs=1e-6)
    assert solution.peak_signal_to_noise_ratio(a, b) == pytest.approx(peak_signal_noise_ratio(x, x_alt), abs=1e-6)


def test_losses_take_pictures_and_only_the_variational_ones_weigh_the_code(second):
    solution, x = second["solution"], second["x"]
    x_hat = second["of_ae"]
    mu, logvar = torch.ones(16, 64, requires_grad=True), torch.zeros(16, 64)
    plain = solution.AELossFn()(x_hat, x)
    standard = solution.VAELossFn()(x_hat, x, torch.zeros(16, 64), logvar)
    apart = solution.CVAELossFn()(x_hat, x, mu, logvar)
    torch.testing.assert_close(plain, standard)
    assert apart.item() == pytest.approx(plain.item() + 0.3 * 64 / 2, rel=1e-5)  # beta, and the KL of N(1, I)
    apart.backward()
    assert mu.grad is not None and solution.AELossFn()(x, x) < plain


def test_digits_go_into_a_folder_or_a_file_and_an_unknown_one_nowhere(place, second, tmp_path):
    generator = second["solution"].CVAE_Generator()
    for _ in range(2):
        generator.save_image(2, tmp_path / "new")
        generator.save_image(torch.tensor(2), str(tmp_path / "two.png"))
    assert sorted(path.name for path in tmp_path.rglob("*.png")) == ["2.png", "2_01.png", "two.png", "two_01.png"]
    for digit, path, said in ((10, tmp_path, "label 10 is unknown"), (1, tmp_path / "one.jpg", "written as PNG")):
        with pytest.raises(unalter.InputError, match=said):
            generator.save_image(digit, path)
    assert len(list(tmp_path.rglob("*.*"))) == 4


def test_a_loader_gets_true_pairs_in_every_process(second):
    data = pickle.loads(pickle.dumps(second["Data"].dataset))
    x_alt, x = data[3]
    assert x_alt.shape == x.shape == (1, 28, 28) and x_alt.dtype == torch.float32
    assert x.min() >= 0 and x.max() <= 1
    row = data.pairs.altered[3]
    assert data.dataset.altered.index[row] == data.dataset.clean.index[data.pairs.clean[row]]


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """Make the script a module that lies in a package of these constants, or in none; in an empty working folder."""

    def module(constants: str | None):
        file = hand_in(tmp_path / "EncDec", constants)
        spec = importlib.util.spec_from_file_location("handed_in", file)
        assert spec is not None and spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        return made

    forget_package(monkeypatch)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if not Path(folder, "EncDec").exists()])
    return module


def test_data_are_found_from_another_working_folder(alone, tmp_path):
    script = alone(None)
    with pytest.raises(unalter.InputError, match=r"no data: there is none of .*elsewhere/Data, .*EncDec/Data, "):
        script.AETrainer(None, None, None, None, None)
    for nearer in (tmp_path, tmp_path / "EncDec", Path.cwd()):
        (nearer / "Data").mkdir()
        assert script.data_folder() == nearer / "Data"
    (Path.cwd() / "Data" / "clean").mkdir()
    with pytest.raises(unalter.InputError, match=r"elsewhere/Data/aug: there is no such folder"):
        script.AlteredMNIST()
    assert script.working_folder() == Path.cwd() and not script.run_folder("ae").exists()


def test_the_package_says_where_everything_appears(alone, tmp_path):
    assert alone(f"SAVEPATH = {str(tmp_path / 'there')!r}").run_folder("ae") == tmp_path / "there" / "run-ae"


def test_one_class_only_is_told_before_a_cvae_is_trained(alone, tmp_path, small_data, monkeypatch):
    script = alone(None)
    for part in ("clean", "aug"):
        (tmp_path / "Data" / part).mkdir(parents=True)
        for file in (small_data / part).glob("*_7.png"):
            shutil.copy(file, tmp_path / "Data" / part)
    given = []
    monkeypatch.setattr(script, "train", lambda *values: given.append(values))
    with pytest.warns(UserWarning, match="all clean pictures are of class 7"):
        script.CVAE_Trainer(None, None, None, None, None)
    assert [script.device_for(gpu) for _, gpu, *_ in given] == ["auto"]  # main.py does not say


@pytest.mark.parametrize(
    ("constants", "said"),
    [("EPOCH = 'fifty'", "not 'fifty'"), ("BATCH_SIZE = 0", "batch_size is 0"), ("LEARNING_RATE = 'fast'", "'fast'")],
)
def test_constants_that_are_no_numbers_are_told(alone, tmp_path, constants, said):
    script = alone(constants)
    (tmp_path / "Data").mkdir()
    with pytest.raises(unalter.InputError, match=said) as error:
        script.VAETrainer(None, None, None, None, None, "F")
    assert "__init__.py" in str(error.value) and not list(Path.cwd().iterdir())


def test_gpu_is_said_by_letter_or_truth(alone):
    script = alone(None)
    for gpu, device in (("T", "auto"), (True, "auto"), ("t", "auto"), ("F", "cpu"), (False, "cpu")):
        assert script.device_for(gpu) == device
    with pytest.raises(unalter.InputError, match='must be "T" or "F"'):
        script.device_for("cuda")
