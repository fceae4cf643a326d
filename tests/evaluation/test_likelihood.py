"""The likelihood of a model against an integral over all its codes, and against a closed form."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from unalter.evaluation.likelihood import log_likelihood
from unalter.nn import Architecture, new_model


class Thin(nn.Module):
    """A variational model of one latent number, with a likelihood that can be integrated on a grid."""

    def __init__(self, spread: float) -> None:
        super().__init__()
        self.config = Architecture(2, 2, latent=1, variational=True)
        self.spread = spread

    def posterior(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        mu = x.flatten(1).mean(1, keepdim=True) - 0.5
        return mu, torch.full_like(mu, 2 * math.log(self.spread))

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        weights = torch.tensor([1.5, -1.0, 0.5, 2.0])
        return (z * weights).reshape(-1, 1, 2, 2)


def estimated(network: nn.Module, x: Tensor, **options: int) -> Tensor:
    return log_likelihood(network, x, **options)  # pyright: ignore[reportArgumentType]


def all_pictures() -> Tensor:
    return torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 4).reshape(-1, 1, 2, 2)


@pytest.mark.parametrize("spread", [0.8, 1.3])
def test_it_is_the_integral_over_all_codes_whatever_the_posterior(spread: float):
    thin, x = Thin(spread), all_pictures()
    z = torch.linspace(-8, 8, 4_001, dtype=torch.float64)[:, None]
    p = thin.decode(z.float()).double().sigmoid().flatten(1)
    density = torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)
    rows = x.flatten(1).double()[:, None]
    likelihood = (p**rows * (1 - p) ** (1 - rows)).prod(2)
    exact = torch.trapezoid(likelihood * density.T, z[:, 0], dim=1)
    assert exact.sum().item() == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(estimated(thin, x, samples=4_000), exact.log().float(), atol=0.08, rtol=0)


def test_more_samples_give_a_tighter_bound_and_the_seed_decides():
    thin, x = Thin(0.3), all_pictures()  # too narrow a posterior: the bound is loose
    few, many = (estimated(thin, x, samples=k).mean() for k in (1, 2_000))
    assert few < many - 0.05
    once, again = (estimated(thin, x, samples=7, seed=3) for _ in range(2))
    assert torch.equal(once, again)


def test_a_decoder_that_looks_at_no_code_gives_its_cross_entropy():
    network = new_model(Architecture(28, 28, latent=4, variational=True, classes=3), 0).eval()
    network.decoder.end.weight.data.zero_()
    assert network.decoder.end.bias is not None
    network.decoder.end.bias.data.fill_(0.7)
    x = (torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0)) > 0.8).float()
    found = log_likelihood(network, x, samples=500, y=torch.arange(5) % 3)
    p = torch.tensor(0.7).sigmoid()
    expected = (x * p.log() + (1 - x) * (1 - p).log()).sum((1, 2, 3))
    torch.testing.assert_close(found, expected, atol=1.0, rtol=0)  # the mean of p(z) / q(z | x) is 1


def test_what_has_no_likelihood_is_refused():
    with pytest.raises(ValueError, match="variational"):
        log_likelihood(new_model(Architecture(28, 28), 0), torch.zeros(1, 1, 28, 28))
    with pytest.raises(ValueError, match="0 or 1"):
        log_likelihood(new_model(Architecture(28, 28, variational=True), 0), torch.full((1, 1, 28, 28), 0.5))
