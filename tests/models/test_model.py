from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import unalter
from unalter import InputError
from unalter.data.digits import load_digits
from unalter.models.model import Model
from unalter.nn import Architecture, new_model

MODELS = ("ae", "vae", "cvae")


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    images, labels = load_digits("test")
    return images[:20], labels[:20]


@pytest.mark.parametrize("name", MODELS)
def test_denoise_gives_back_what_it_was_given_in_kind(small_run: Path, digits, name: str):
    images, labels = digits
    model = unalter.load(small_run / name)
    whole = model.denoise(images, labels)
    assert whole.dtype == np.uint8 and whole.shape == images.shape
    floats = model.denoise(images.astype(np.float64) / 255, labels)
    assert floats.dtype == np.float64
    assert np.abs(floats * 255 - whole).max() <= 0.5001
    tensor = model.denoise(torch.from_numpy(images)[:, None], labels)
    assert isinstance(tensor, torch.Tensor) and tensor.shape == (20, 1, 28, 28)
    assert np.array_equal(tensor[:, 0].numpy(), whole)
    one = model.denoise(Image.fromarray(images[3]), labels[3])
    assert isinstance(one, Image.Image) and one.size == (28, 28)
    assert np.abs(np.asarray(one).astype(int) - whole[3]).max() <= 1


@pytest.mark.parametrize("name", MODELS)
def test_denoise_is_decode_of_encode(small_run: Path, digits, name: str):
    images, labels = digits
    model = unalter.load(small_run, name)
    codes = model.encode(images, labels)
    assert codes.shape == (20, 8) and codes.dtype == np.float32
    decoded = model.decode(codes, labels)
    assert np.abs(decoded - model.denoise(images / 255, labels)).max() < 1e-5


def test_relabelled_pictures_are_of_the_code_with_the_label_told(small_run: Path, digits):
    images, labels = digits
    model = unalter.load(small_run, "cvae")
    told = (labels + 3) % 10
    retold = model.relabel(images, labels, told)
    assert retold.dtype == np.uint8 and retold.shape == images.shape
    assert np.abs(model.decode(model.encode(images, labels), told) * 255 - retold).max() <= 0.51
    one = model.relabel(Image.fromarray(images[0]), labels[0], told[0])
    assert isinstance(one, Image.Image) and np.abs(np.asarray(one).astype(int) - retold[0]).max() <= 1
    assert np.array_equal(model.relabel(images, labels, labels), model.denoise(images, labels))
    with pytest.raises(InputError, match="label 12 is unknown"):
        model.relabel(images, labels, 12)
    for name in ("ae", "vae"):
        with pytest.raises(InputError, match=f"the {name} does not know classes: only a CVAE"):
            unalter.load(small_run, name).relabel(images, labels, told)


@pytest.mark.parametrize("name", MODELS)
def test_a_picture_does_not_depend_on_its_batch(small_run: Path, digits, name: str):
    images, labels = digits
    model = unalter.load(small_run, name)
    together = model.denoise(images / 255, labels)
    alone = np.concatenate([model.denoise(images[i : i + 1] / 255, labels[i : i + 1]) for i in range(20)])
    assert np.abs(together - alone).max() < 1e-5
    assert model.denoise(images[:0], labels[:0]).shape == (0, 28, 28)


def test_samples_scatter_about_the_mean_and_follow_their_seed(small_run: Path, digits):
    images, _ = digits
    model = unalter.load(small_run, "vae")
    mean = model.encode(images)
    first, again, other = (model.encode(images, sample=True, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    many = np.mean([model.encode(images, sample=True, seed=s) for s in range(150)], 0)
    assert np.abs(many - mean).mean() < 0.1
    assert model.encode(images[:0], sample=True).shape == (0, 8)
    for none in (images, images[:0]):
        with pytest.raises(InputError, match="nothing to sample"):
            unalter.load(small_run, "ae").encode(none, sample=True)


def test_the_label_decides_what_a_cvae_generates(small_run: Path):
    model = unalter.load(small_run, "cvae")
    seven, again, one = (model.generate(label, 5, seed=0, warn=False) for label in (7, 7, 1))
    assert seven.shape == (5, 28, 28) and seven.dtype == np.uint8
    assert np.array_equal(seven, again)
    assert not np.array_equal(seven, one)


def test_a_class_is_generated_alike_alone_and_with_all_others(small_run: Path, tmp_path: Path):
    model = unalter.load(small_run, "cvae")
    for label in ("all", "7"):
        unalter.generate(model, label, 5, out=tmp_path / f"{label}.png", seed=3, verbose=True)
    together, alone = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("all", "7"))
    height = alone.shape[0] - 4  # less the gap below, which the next row has above
    assert np.array_equal(together[7 * height : 8 * height + 4], alone)


def test_where_no_prior_is_known_that_is_said(small_run: Path, tmp_path: Path, capsys):
    """Of 80 clean digits no class has enough to know where its codes lie; all together have, for the VAE."""
    cvae, vae = unalter.load(small_run, "cvae"), unalter.load(small_run, "vae")
    assert vae.has_prior() and not cvae.has_prior(7)
    with pytest.warns(UserWarning, match=r"drawn from N\(0, I\)"):
        cvae.generate(7, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vae.generate(count=2)
        unalter.generate(cvae, "7", 2, out=tmp_path / "sevens.png", verbose=True)
    assert "drawn from N(0, I)" in capsys.readouterr().out


def test_what_cannot_be_generated_is_said(small_run: Path):
    with pytest.raises(InputError, match="an AE cannot generate"):
        unalter.load(small_run, "ae").generate()
    with pytest.raises(InputError, match="does not know classes"):
        unalter.load(small_run, "vae").generate(3)
    assert unalter.load(small_run, "vae").generate(count=2).shape == (2, 28, 28)
    with pytest.raises(InputError, match="needs labels"):
        unalter.load(small_run, "cvae").generate()
    with pytest.raises(InputError, match="label 10 is unknown"):
        unalter.load(small_run, "cvae").generate(10)


def test_a_cvae_says_what_is_wrong_with_labels(small_run: Path, digits):
    images, labels = digits
    model = unalter.load(small_run, "cvae")
    for wrong, message in (
        (None, "needs labels"),
        (labels[:3], "expected 20 labels"),
        (labels + 0.5, "must be whole"),
        (labels + 10, "is unknown"),
        (labels - 5, "must be 0 or more"),
    ):
        with pytest.raises(InputError, match=message):
            model.denoise(images, wrong)
    assert np.array_equal(model.denoise(images[:2], 4), model.denoise(images[:2], [4, 4]))


def test_a_run_gives_its_best_model_and_names_the_others(small_run: Path):
    scores = {name: json.loads((small_run / name / "config.json").read_text())["validation_ssim"] for name in MODELS}
    assert unalter.load(small_run).name == max(scores, key=scores.get)
    with pytest.raises(InputError, match="no such run"):
        unalter.load(small_run / "nowhere")
    with pytest.raises(InputError, match="no trained model 'xyz'"):
        unalter.load(small_run, "xyz")


def test_numbers_that_are_names_of_classes_are_taken_for_names():
    shape = Architecture(height=8, width=8, classes=2, latent=4, variational=True)
    model = Model(new_model(shape, seed=0).eval(), "cvae", torch.device("cpu"), ("1", "999"))
    codes = np.random.default_rng(0).normal(size=(1, 4)).astype(np.float32)
    one, other = model.decode(codes, 1), model.decode(codes, [999])
    assert np.abs(one - other).max() > 0
    np.testing.assert_array_equal(model.decode(codes, "999"), other)
    generated = model.generate(999, 1, seed=0, warn=False)
    z = model.network.sample_codes(1, 1, torch.Generator().manual_seed(1))
    np.testing.assert_array_equal(generated, np.rint(model.decode(z.numpy(), "999") * 255).astype(np.uint8))
    with pytest.raises(InputError, match="label 0 is unknown; the model knows 1, 999"):
        model.generate(0)
