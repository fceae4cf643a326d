import copy
from typing import Any

import pytest
import torch
from torch import nn

from unalter.nn.muon import Muon, orthogonalised

OPTIONS: dict[str, Any] = {"lr": 0.02, "weight_decay": 0.1, "momentum": 0.9}
SHAPES = {
    "kernel": (6, 3, 3, 2), "pointwise": (8, 4, 1, 1), "matrix": (5, 7), "signal": (4, 3, 5),
    "tall": (9, 6), "alike": (6, 9), "row": (1, 12),
}  # fmt: skip
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
            parameter.grad = gradient.reshape(parameter.shape).to(parameter.dtype)
        optimizer.step()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_steps_are_those_of_torch_in_double_precision_on_flattened_weights(layout, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda x: x.clone())
    whole = [nn.Parameter(w.detach().double()) for w in weights(layout)]
    flat = [nn.Parameter(w.detach().flatten(1).double()) for w in weights()]
    take(Muon(whole, **OPTIONS), whole, range(4))
    take(torch.optim.Muon(flat, **OPTIONS), flat, range(4))
    for parameter, matrix, start in zip(whole, flat, weights(), strict=True):
        moved = (matrix - start.flatten(1)).norm()
        assert (parameter.flatten(1) - matrix).norm() < 1e-9 * moved


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


@pytest.mark.parametrize("shape", [(64, 576), (3136, 128), (128, 512), (12, 128)], ids=str)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_an_update_is_orthogonal_and_keeps_the_directions(shape, scale):
    u, _, v = torch.linalg.svd(torch.randn(shape, generator=torch.Generator().manual_seed(3)), full_matrices=False)
    given = scale * torch.logspace(0, -2, min(shape))
    (update,) = orthogonalised([(u * given) @ v])
    (exact,) = orthogonalised([((u * given) @ v).double()])
    assert (update - exact).norm() < 5e-4 * exact.norm()
    values = u.T @ update @ v.T
    assert values.diagonal().min() > 0.6  # five iterations leave them near 1
    assert values.diagonal().max() < 1.21
    assert (values - values.diagonal().diag()).norm() < 1e-3


def test_nothing_is_made_of_no_gradient():
    assert not orthogonalised([torch.zeros(3, 4)])[0].any()


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
