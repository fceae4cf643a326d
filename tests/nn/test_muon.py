import copy
from typing import Any

import pytest
import torch
from torch import nn

from unalter.nn.muon import Muon

OPTIONS: dict[str, Any] = {"lr": 0.02, "weight_decay": 0.1, "momentum": 0.9}
SHAPES = {"kernel": (6, 3, 3, 2), "pointwise": (8, 4, 1, 1), "matrix": (5, 7), "signal": (4, 3, 5)}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}


def weights(layout: torch.memory_format = torch.contiguous_format) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    made = [torch.randn(shape, generator=generator) for shape in SHAPES.values()]
    return [nn.Parameter(w.contiguous(memory_format=layout) if w.ndim == 4 else w) for w in made]


def gradients(step: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1 + step)
    return [torch.randn(shape, generator=generator) for shape in SHAPES.values()]


def take(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], steps: range) -> None:
    for step in steps:
        for parameter, gradient in zip(parameters, gradients(step), strict=True):
            parameter.grad = gradient.reshape(parameter.shape)
        optimizer.step()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_steps_are_those_of_torch_on_flattened_weights(layout):
    whole = weights(layout)
    flat = [nn.Parameter(w.detach().flatten(1).clone()) for w in weights()]
    take(Muon(whole, **OPTIONS), whole, range(4))
    take(torch.optim.Muon(flat, **OPTIONS), flat, range(4))
    for parameter, matrix, start in zip(whole, flat, weights(), strict=True):
        # the updates are made in bfloat16, where another order of the columns rounds otherwise
        moved = (matrix - start.flatten(1)).norm()
        assert (parameter.flatten(1) - matrix).norm() <= (0 if layout == torch.contiguous_format else 0.02) * moved


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_weights_stay_the_parameters_of_their_model_in_their_layout(layout):
    convolution = nn.Conv2d(3, 6, 3, bias=False).to(memory_format=layout)  # pyright: ignore[reportCallIssue]
    place, before = convolution.weight.data_ptr(), convolution.weight.detach().clone()
    optimizer = Muon(convolution.parameters(), **OPTIONS)
    convolution(torch.ones(2, 3, 5, 5)).square().sum().backward()
    optimizer.step()
    assert convolution.weight.data_ptr() == place
    assert convolution.weight.is_contiguous(memory_format=layout)
    assert not torch.equal(convolution.weight, before)


def test_an_update_is_orthogonal_but_for_the_learning_rate():
    weight = nn.Parameter(torch.zeros(6, 3, 3, 3))
    weight.grad = torch.randn(6, 3, 3, 3, generator=torch.Generator().manual_seed(3))
    Muon([weight], lr=1.0, weight_decay=0.0).step()
    values = torch.linalg.svdvals(weight.detach().flatten(1))
    assert values.min() > 0.5  # five Newton-Schulz steps leave them near 1
    assert values.max() < 1.3


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_an_optimizer_that_was_saved_and_loaded_goes_on_identically(layout):
    whole = weights(layout)
    take(Muon(whole, **OPTIONS), whole, range(6))

    stopped = weights(layout)
    first = Muon(stopped, **OPTIONS)
    take(first, stopped, range(3))
    state = copy.deepcopy(first.state_dict())
    again = [nn.Parameter(w.detach().clone()) for w in stopped]
    second = Muon(again, lr=1.0)
    second.load_state_dict(state)
    take(second, again, range(3, 6))

    for expected, resumed in zip(whole, again, strict=True):
        assert torch.equal(resumed, expected)


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad_forgets_the_gradients_of_the_weights(set_to_none):
    parameters = weights()
    optimizer = Muon(parameters, **OPTIONS)
    take(optimizer, parameters, range(1))
    optimizer.zero_grad(set_to_none)
    for parameter in parameters:
        assert (parameter.grad is None) if set_to_none else (parameter.grad is not None and not parameter.grad.any())


def test_a_weight_without_gradient_stays():
    first, second = (nn.Parameter(torch.ones(3, 4)) for _ in range(2))
    optimizer = Muon([first, second], **OPTIONS)
    first.grad = torch.eye(3, 4)
    optimizer.step()
    assert torch.equal(second, torch.ones(3, 4))
    assert not torch.equal(first, torch.ones(3, 4))
