from __future__ import annotations

import pytest
import torch

from unalter.nn import Architecture, Output, new_model
from unalter.training.obedience import Obedience

CPU = torch.device("cpu")
CONFIG = Architecture(16, 16, latent=6, variational=True, classes=4, widths=(8, 16), pose=True, obedient=True)
N = 32
FLOAT32 = torch.autocast("cpu", enabled=False)


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.rand(N, 1, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def y() -> torch.Tensor:
    return torch.arange(N) % CONFIG.classes


def passed(model, x, y, told) -> Output:
    return model(x, y, noise(), told)


def test_further_pictures_are_of_the_codes_of_the_batch_and_of_drawn_ones(x, y):
    model = new_model(CONFIG, seed=0).eval()
    told = Obedience.told(y)
    output = passed(model, x, y, told)
    plain = passed(model, x, y, None)
    torch.testing.assert_close(output.logits, plain.logits)
    assert output.retold is not None and output.logvar is not None
    own = len(told) - len(told) // 4
    z = output.mu + (0.5 * output.logvar).exp() * torch.empty_like(output.mu).normal_(generator=noise())
    torch.testing.assert_close(output.retold[:own], model.decode(z[:own], told[:own]))
    assert len(output.retold) == len(told)
    assert (output.retold[own:] - model.decode(z[own : len(told)], told[own:])).abs().max() > 1e-3


def test_labels_told_are_others_and_as_often_those_that_there_are(y):
    for size in (2, 3, 16, 128):
        labels = torch.arange(size)
        told = Obedience.told(labels)
        assert 2 <= len(told) <= max(2, size // 4)
        assert len(told) == len(set(told.tolist()))
        assert (told != labels[: len(told)]).all() or size == 3


def test_it_teaches_the_decoder_alone(x, y):
    model, obedience = new_model(CONFIG, seed=0), Obedience(CONFIG, 0, CPU)
    told = Obedience.told(y)
    obedience.error(passed(model, x, y, told), told, FLOAT32).backward()
    taught = [name for name, one in model.named_parameters() if one.grad is not None and one.grad.any()]
    assert {name.partition(".")[0] for name in taught} == {"decoder", "embedding"}


def test_the_classifier_learns_from_its_own_steps_only(x, y):
    model, obedience = new_model(CONFIG, seed=0), Obedience(CONFIG, 0, CPU)
    told = Obedience.told(y)

    def classifier() -> list[torch.Tensor]:
        return [one.clone() for one in obedience.state_dict()["classifier"].values()]

    x = x.roll(1) * 0.2 + 0.8 * (y / CONFIG.classes)[:, None, None, None]  # brightness is the class
    before = classifier()
    output = passed(model, x, y, told)
    obedience.error(output, told, FLOAT32).backward()
    assert all(torch.equal(*pair) for pair in zip(before, classifier(), strict=True))
    gradients = [None if weight.grad is None else weight.grad.clone() for weight in model.parameters()]
    first, *_, last = [_wrong(obedience, x, y, told, output) for _ in range(30)]
    assert last < 0.5 * first
    for weight, gradient in zip(model.parameters(), gradients, strict=True):
        assert weight.grad is None if gradient is None else torch.equal(weight.grad, gradient)


def _wrong(obedience: Obedience, x, y, told, output: Output) -> float:
    obedience.learn(output, x, y, 1.0, noise(), FLOAT32)
    shown = output._replace(retold=(x * 0.998 + 0.001).logit())
    return obedience.error(shown, y, FLOAT32).item()


@pytest.mark.parametrize("size", [2, 3])
def test_a_batch_of_two_is_enough(x, y, size: int):
    model, obedience = new_model(CONFIG, seed=0), Obedience(CONFIG, 0, CPU)
    told = Obedience.told(y[:size])
    output = passed(model, x[:size], y[:size], told)
    error = obedience.error(output, told, FLOAT32)
    obedience.learn(output, x[:size], y[:size], 1.0, noise(), FLOAT32)
    assert torch.isfinite(error)
