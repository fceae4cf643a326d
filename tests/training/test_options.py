import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from unalter.data.options import DataOptions
from unalter.support.errors import InputError
from unalter.support.options import read_options
from unalter.training.options import TrainOptions

OTHER = {
    "models": ("cvae", "ae"), "epochs": 3, "map_every": 0, "map_points": 9, "max_minutes": 1.5, "seed": 7,
    "device": "cpu", "precision": "32-true", "batch_size": 32, "latent": 8, "beta": 0.25, "ssim_weight": 0.0,
    "pose_weight": 0.0, "muon_lr": 0.5, "learning_rate": 0.00001, "weight_decay": 0.5, "pairing": "appearance",
    "obedience_weight": 10.0,
    "recipe": "none", "true_pairs": 1.0, "unblend": False, "identity_fraction": 0.0, "validation": 0.5,
    "checkpoint_seconds": 5.0, "tensorboard": True,
}  # fmt: skip


def written(tmp_path, text):
    path = tmp_path / "options.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("options", [TrainOptions(), TrainOptions(**OTHER)], ids=["defaults", "others"])
def test_yaml_round_trip(tmp_path, options):
    path = written(tmp_path, options.to_yaml())
    assert TrainOptions.from_values(read_options(path)) == options


def test_the_round_trip_above_covers_every_field():
    default = TrainOptions()
    for name, value in OTHER.items():
        assert value != getattr(default, name)
    assert {spec.name for spec in fields(TrainOptions)} == set(OTHER)


def test_keys_may_be_written_as_on_the_command_line():
    given = {"map-every": 5, "batch-size": 16, "models": "ae, vae", "beta": 2}
    options = TrainOptions.from_values(given)
    assert options == TrainOptions(map_every=5, batch_size=16, models=("ae", "vae"), beta=2.0)
    assert isinstance(options.beta, float)


def test_options_are_made_before_anything_heavy_is_imported():
    code = (
        "import sys, unalter\n"
        "from unalter.data.options import DataOptions\nfrom unalter.training.options import TrainOptions\n"
        "TrainOptions(epochs=3, device='cpu'), DataOptions(clean='a')\n"
        "heavy = {'torch', 'numpy', 'scipy', 'PIL', 'rich', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_values_give_the_defaults():
    assert TrainOptions.from_values({}) == TrainOptions()


def test_unknown_keys_and_wrong_types_stand_in_one_message():
    values = {"epoch": 5, "epochs": "many", "seed": True, "latent": 1.5, "beta": "much", "models": 3, "device": None,
              "unblend": "perhaps"}  # fmt: skip
    with pytest.raises(InputError) as caught:
        TrainOptions.from_values(values, "my.yaml")
    message = str(caught.value)
    assert message.startswith("my.yaml")
    assert "unknown option 'epoch'" in message
    assert "epochs: must be a whole number, not 'many'" in message
    assert "seed: must be a whole number, not True" in message
    assert "latent: must be a whole number, not 1.5" in message
    assert "beta: must be a number, not 'much'" in message
    assert "models: must be a list, not 3" in message
    assert "device: must be text, not None" in message
    assert "unblend: must be true or false, not 'perhaps'" in message


OUT_OF_RANGE = {
    "models": ("ae", "gan"), "epochs": 0, "map_every": -1, "map_points": -1, "max_minutes": -0.1, "seed": -1,
    "device": "tpu", "precision": "16", "batch_size": 1, "latent": 0, "beta": float("nan"), "ssim_weight": -1.0,
    "pose_weight": -1.0, "muon_lr": 1.0, "learning_rate": 0.0, "weight_decay": -0.1, "pairing": "name",
    "true_pairs": 1.01, "identity_fraction": -0.01, "validation": 0.0, "checkpoint_seconds": -1.0,
}  # fmt: skip


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_a_value_out_of_range_is_named(name):
    with pytest.raises(InputError, match=f"- {name} is .* must be"):
        TrainOptions(**{name: OUT_OF_RANGE[name]})
    with pytest.raises(InputError, match=f"- {name} is .* must be"):
        replace(TrainOptions(), **{name: OUT_OF_RANGE[name]})


def test_several_values_out_of_range_stand_in_one_message():
    given = {name: OUT_OF_RANGE[name] for name in ("epochs", "models", "device", "validation")}
    with pytest.raises(InputError) as caught:
        TrainOptions.from_values(given)
    for name in given:
        assert f"- {name} is" in str(caught.value)


@pytest.mark.parametrize("models", [(), ("ae", "ae"), ("AE",)])
def test_models_are_some_of_the_three_each_once(models):
    with pytest.raises(InputError, match="ae, vae, cvae, each once"):
        TrainOptions(models=models)


@pytest.mark.parametrize(
    ("text", "message"),
    [("epochs: [1", "not YAML"), ("- epochs", "key: value"), ("", "key: value"), ("\x00", "not YAML")],
)
def test_a_file_that_holds_no_options_is_named(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        read_options(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read"):
        read_options(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"recipe: \xe4")
    with pytest.raises(InputError, match=r"latin\.yaml: not YAML"):
        read_options(tmp_path / "latin.yaml")


def test_yaml_holds_plain_values_only():
    assert yaml.safe_load(TrainOptions().to_yaml())["models"] == ["ae", "vae", "cvae"]


@pytest.mark.parametrize("made", [TrainOptions, TrainOptions.from_values], ids=["constructor", "values"])
@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [("epochs", np.int64(3), 3), ("epochs", torch.tensor(3), 3), ("beta", np.float32(0.5), 0.5),
     ("beta", np.int8(2), 2.0), ("beta", 2, 2.0), ("beta", "1e-3", 0.001), ("unblend", np.False_, False),
     ("device", torch.device("cpu"), "cpu"), ("device", np.str_("cpu"), "cpu"),
     ("recipe", Path("a/b.yaml"), str(Path("a/b.yaml"))),
     ("models", np.array(["vae", "ae"]), ("vae", "ae")), ("models", ["vae", "ae"], ("vae", "ae"))],
)  # fmt: skip
def test_what_means_the_same_is_the_same_option(made, name, given, meant):
    options = made({name: given}) if made != TrainOptions else made(**{name: given})
    assert options == TrainOptions(**{name: meant})
    assert type(getattr(options, name)) is type(getattr(TrainOptions(), name))
    assert TrainOptions.from_values(yaml.safe_load(options.to_yaml())) == options


def test_paths_and_numbers_of_numpy_are_options_of_the_data_too():
    options = DataOptions(clean=Path("a"), resize=np.uint8(28), skip_bad=np.True_)  # pyright: ignore[reportArgumentType]
    assert options == DataOptions(clean="a", resize=28, skip_bad=True)
    assert isinstance(options.clean, str) and type(options.resize) is int and options.skip_bad is True


WRONG_TYPES = [
    ("epochs", "3"), ("epochs", np.float64(3)), ("epochs", np.array([3])), ("epochs", True), ("beta", "much"),
    ("beta", np.True_), ("unblend", 1), ("unblend", "no"), ("recipe", 3), ("recipe", None), ("device", 0),
    ("models", 3), ("models", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG_TYPES)
def test_the_constructor_refuses_the_same_types_as_a_file_does(name, value):
    with pytest.raises(InputError, match=f"- {name}: must be") as direct:
        TrainOptions(**{name: value})
    with pytest.raises(InputError) as in_file:
        TrainOptions.from_values({name: value}, "These options")
    assert str(direct.value) == str(in_file.value)


def test_an_unknown_option_of_the_data_is_an_input_error():
    with pytest.raises(InputError, match="unknown option 'resise'"):
        DataOptions.from_values({"resise": 28})


@pytest.mark.parametrize(
    ("given", "words"),
    [({"resize": "large"}, "whole number"), ({"skip_bad": 1}, "true or false"), ({"resize": 5}, "from 7 to 256"),
     ({"resize": 257}, "from 7 to 256"), ({"labels": 3}, "text")],
)  # fmt: skip
def test_wrong_options_of_the_data_are_an_input_error(given, words):
    with pytest.raises(InputError, match=words):
        DataOptions.from_values(given)
