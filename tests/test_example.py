"""The task's own script, and a driver that asks for its names as the task's main.py does."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

SCRIPT = Path(__file__).parents[1] / "examples" / "2021055A3.py"


@pytest.fixture
def solution(tmp_path, small_data, monkeypatch):
    """The script as a module that a worker's process can import, beside its data; two epochs in place of fifty."""
    shutil.copytree(small_data, tmp_path / "Data")
    shutil.copy(SCRIPT, tmp_path / "solution.py")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "solution", raising=False)
    module = importlib.import_module("solution")
    module.OPTIONS |= {
        "epochs": 2, "map_every": 2, "batch_size": 4, "recipe": str(tmp_path / "Data" / "recipe.yaml"),
        "precision": "32-true",
    }  # fmt: skip
    return module


def drive(solution, gpu: bool, bonus: bool, folder: Path) -> list[float]:
    """What main.py does."""
    data = DataLoader(
        solution.AlteredMNIST(), batch_size=4, shuffle=True, num_workers=1, drop_last=True, pin_memory=gpu,
        multiprocessing_context="spawn",  # what workers get is pickled: as on Windows and macOS
    )  # fmt: skip
    encoder, decoder = solution.Encoder(), solution.Decoder()
    optimizer = torch.optim.Adam(solution.ParameterSelector(encoder, decoder), lr=1e-3)
    solution.AETrainer(data, encoder, decoder, solution.AELossFn(), optimizer, gpu)
    solution.VAETrainer(data, encoder, decoder, solution.VAELossFn(), optimizer, gpu)
    if bonus:
        solution.CVAE_Trainer(data, encoder, decoder, solution.CVAELossFn(), optimizer)
    sample = sorted((folder / "Data" / "aug").iterdir())[0]
    original = folder / "Data" / "clean" / sample.name.replace("aug", "clean")
    scores = []
    for trained in (solution.AE_TRAINED(gpu=False), solution.VAE_TRAINED(gpu=False)):
        scores += [trained.from_path(str(sample), str(original), type=kind) for kind in ("SSIM", "PSNR")]
        x_alt, x = next(iter(data))
        scores.append(trained.from_path(x_alt[0], x[0], type="SSIM"))
    if bonus:
        for digit in range(3):
            for _ in range(8):
                solution.CVAE_Generator().save_image(digit=digit, save_path=str(folder / "digits"))
    return scores


def test_a_driver_gets_what_it_asks_for(solution, tmp_path, capsys):
    scores = drive(solution, False, True, tmp_path)
    assert len(scores) == 6 and all(isinstance(score, float) and np.isfinite(score) for score in scores)
    assert all(-1 <= scores[i] <= 1 for i in (0, 2, 3, 5))
    out = capsys.readouterr().out
    assert len(re.findall(r"^----- Epoch:\d+, Loss:[\d.e-]+, Similarity:[\d.e-]+$", out, re.MULTILINE)) == 6
    steps = re.findall(r"^>>>>> Epoch:(\d+), Minibatch:(\d+), Loss:[\d.]+, Similarity:[\d.e-]+$", out, re.MULTILINE)
    assert steps[:1] == [("1", "10")] and all(int(step) % 10 == 0 for _, step in steps)
    plots = {path.name for path in tmp_path.glob("*.png")}
    assert {"AE_epoch_2.png", "VAE_epoch_2.png", "VAE_sampled_epoch_2.png", "CVAE_epoch_2.png"} <= plots
    assert len(list((tmp_path / "digits").iterdir())) == 24


def test_a_loader_gets_true_pairs(solution):
    data = solution.AlteredMNIST()
    x_alt, x = data[3]
    assert x_alt.shape == x.shape == (1, 28, 28)
    assert x.min() >= 0 and x.max() <= 1 and x_alt.dtype == torch.float32
    row = data.pairs.altered[3]
    assert data.dataset.altered.index[row] == data.dataset.clean.index[data.pairs.clean[row]]
