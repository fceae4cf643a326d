import copy

import torch
from torch import nn

from unalter.training.average import averaged_model

DECAY = 0.9


def networks(count: int) -> list[nn.Module]:
    """One network after each of `count` steps: other weights, other statistics, one more batch counted."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    found = []
    for _ in range(count):
        network(torch.randn(5, 3))
        with torch.no_grad():
            network[0].weight.add_(torch.randn(3, 3))
        found.append(copy.deepcopy(network))
    return found


def test_the_window_grows_with_the_steps_up_to_its_width():
    start, *steps = networks(200)
    averaged = averaged_model(start, DECAY)
    expected = {name: value.clone() for name, value in start.state_dict().items()}
    for k, network in enumerate(steps, 1):
        averaged.update_parameters(network)
        kept = min(DECAY, k / (9 + k))
        for name, value in network.state_dict().items():
            count = not value.is_floating_point()
            expected[name] = value if count else kept * expected[name] + (1 - kept) * value
    for name, value in averaged.module.state_dict().items():
        torch.testing.assert_close(value, expected[name])
    assert not any(weight.requires_grad for weight in averaged.parameters())
    assert not averaged.module.training


def test_an_average_that_was_saved_and_loaded_goes_on_identically():
    start, *steps = networks(20)
    whole, first, second = (averaged_model(network, DECAY) for network in (start, start, steps[-1]))
    for network in steps[:10]:
        first.update_parameters(network)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for network in steps[10:]:
        second.update_parameters(network)
    for network in steps:
        whole.update_parameters(network)
    for name, value in whole.state_dict().items():
        assert torch.equal(second.state_dict()[name], value)
