"""Alterations, training and inference on a device: on the one that stands in for a GPU, and on CUDA where there is."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from stand_in import DEVICE, StandIn

from unalter.alter import KINDS, KeyedDraws, Recipe, fold_in, load_recipe
from unalter.alter.kinds import jpeg, perspective
from unalter.alter.kinds.blend import Blend
from unalter.alter.recipe import Branch
from unalter.models.model import Model
from unalter.support.errors import InputError
from unalter.training import trainer as trainer_module
from unalter.training.options import TrainOptions

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))
from _trainer import new_trainer, take_steps  # noqa: E402
from dispatched import counted  # noqa: E402

TINY = TrainOptions(batch_size=8, latent=4, precision="32-true")


def test_the_device_that_stands_in_does_not_mix_with_the_cpu_and_refuses_to_wait_and_float64():
    with StandIn(float64=False) as device:
        there = torch.arange(3, device=DEVICE)
        assert (there + 1).sum().item() == 6
        for mixed in (lambda: there + torch.arange(3), lambda: there[torch.arange(2)]):
            with pytest.raises(RuntimeError, match="two devices"):
                mixed()
        with pytest.raises(TypeError, match="no float64"):
            there.double()
        for waiting in (
            there[0].item, there.nonzero, lambda: there[there > 1], lambda: bool(there[0]), there.cpu,
            lambda: torch.ones(2).to(DEVICE), lambda: there.copy_(torch.arange(3)),
        ):  # fmt: skip
            with pytest.raises(RuntimeError, match="would have to wait"):
                device.without_waiting(waiting)()
            waiting()
        assert device.without_waiting(lambda: there.to("cpu", non_blocking=True))().tolist() == [0, 1, 2]


@pytest.mark.parametrize("device", [DEVICE, pytest.param("cuda", marks=pytest.mark.cuda)])
def test_no_step_of_a_training_waits_and_it_learns_what_it_learns_on_the_cpu(device, tmp_path):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA here")
    trainers = [new_trainer("cvae", TINY, 4, tmp_path / "cpu", torch.device("cpu"))]
    take_steps(trainers[0], 3, lambda done: None)
    with StandIn() if device == DEVICE else nullcontext() as watched:
        trainers.append(new_trainer("cvae", TINY, 4, tmp_path / "there", torch.device(device)))

        def watch(done: int) -> None:
            if watched is not None and done == 1:  # the first step makes what is the same for all
                for one, name in ((trainers[1], "_train_step"), (trainers[1]._sampler, "batch")):
                    setattr(one, name, watched.without_waiting(getattr(one, name)))

        take_steps(trainers[1], 3, watch)
        there = {name: value.cpu() for name, value in trainers[1]._model.state_dict().items()}
    here = trainers[0]._model.state_dict()
    for name, value in here.items():
        if value.is_floating_point():
            assert (there[name] - value).norm() <= 0.02 * value.norm() + 1e-4, name


def test_a_step_asks_for_few_operations(tmp_path):
    with StandIn():
        counts = counted("ae", TINY, tmp_path, DEVICE)
    assert counts.launches("backward") <= 500
    assert counts.launches() <= 720


def test_on_a_device_a_loss_that_is_not_a_number_is_noticed_a_step_late_and_nothing_of_it_is_saved(
    tmp_path, monkeypatch
):
    true_loss, calls = trainer_module.negative_elbo, []

    def failing(output, x, beta, ssim_weight):
        calls.append(1)
        return true_loss(output, x, beta, float("nan") if len(calls) == 2 else ssim_weight)

    monkeypatch.setattr(trainer_module, "negative_elbo", failing)
    with StandIn():
        trainer = new_trainer("ae", TINY, 5, tmp_path, torch.device(DEVICE))
        with pytest.raises(InputError, match="in epoch 1, step 2"):
            take_steps(trainer, 4, lambda done: None)
        assert len(calls) == 3
        assert not trainer.folder.checkpoint.exists()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not Blend], ids=lambda kind: kind.name)
def test_every_alteration_gives_the_same_on_a_device_without_waiting(kind):
    recipe = Recipe("r", (Branch(0.6, (kind(probability=0.5),)), Branch(0.4, (kind(probability=1.0),))))
    x, keys = torch.rand(6, 3, 9, 10, generator=torch.Generator().manual_seed(0)), fold_in(2, torch.arange(6))
    expected, moved = recipe.apply_with_homography(x, KeyedDraws(keys))
    with StandIn() as device:
        there, streams = x.to(DEVICE), KeyedDraws(keys.to(DEVICE))
        recipe.to(torch.device(DEVICE)).apply_with_homography(there[:1], KeyedDraws(keys[:1].to(DEVICE)))  # constants
        found, there_moved = device.without_waiting(recipe.apply_with_homography)(there, streams)
        assert torch.equal(found.cpu(), expected) and torch.equal(there_moved.cpu(), moved)


@pytest.mark.parametrize("kind", ["shot-noise", "jpeg", "perspective"])
def test_alterations_need_no_float64(kind):
    (made,) = (one for one in KINDS if one.name == kind)
    x, keys = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)), fold_in(2, torch.arange(4))
    expected = made()(x, KeyedDraws(keys))
    with StandIn(float64=False), pytest.MonkeyPatch.context() as patch:
        for module in ("draws", "kinds.jpeg", "kinds.perspective"):
            patch.setattr(f"unalter.alter.{module}.widest_float", lambda device: torch.float32)
        for constants in (jpeg._cosines, perspective._unit_from_square):
            constants.cache_clear()
        found = made()(x.to(DEVICE), KeyedDraws(keys.to(DEVICE))).cpu()
        for constants in (jpeg._cosines, perspective._unit_from_square):
            constants.cache_clear()
    assert (found - expected).abs().mean() < 0.01


def test_a_model_in_use_has_neither_data_nor_results_on_the_device(tmp_path):
    network = new_trainer("vae", TINY, 2, tmp_path, torch.device("cpu")).averaged
    images = load_images()
    here = Model(network, "vae", torch.device("cpu"))
    expected = here.denoise(images), here.encode(images), here.decode(here.encode(images))
    with StandIn(float64=False):
        there = Model(network.to(DEVICE), "vae", torch.device(DEVICE))
        found = there.denoise(images), there.encode(images), there.decode(there.encode(images))
    for one, other in zip(expected, found, strict=True):
        assert abs(one.astype(float) - other.astype(float)).max() <= 1


def load_images():
    from unalter.data.digits import load_digits

    return load_digits("train")[0][:5]


def test_the_preset_is_the_same_on_a_device():
    recipe = load_recipe("altered-mnist", (1, 28, 28))
    x, keys = torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(0)), fold_in(2, torch.arange(20))
    with StandIn():
        found = recipe.to(torch.device(DEVICE))(x.to(DEVICE), KeyedDraws(keys.to(DEVICE))).cpu()
    assert torch.equal(found, recipe(x, KeyedDraws(keys)))


def test_the_script_for_a_gpu_runs_through_without_one():
    done = subprocess.run(
        [BENCHMARKS / "cuda.sh"], capture_output=True, text=True, env={**os.environ, "WHEELS": "none"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.rpartition("\n\n")[2]
    for what in ("as trained", "t-SNE 3D", "tests marked cuda", "whole job: ae"):
        assert what in table
