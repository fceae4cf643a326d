import pytest
import torch
from torch.distributions import Normal, kl_divergence

from unalter.nn import DiagonalGaussian


def some(rows: int = 5, latent: int = 7) -> DiagonalGaussian:
    generator = torch.Generator().manual_seed(0)
    mu, logvar = torch.randn(2, rows, latent, dtype=torch.float64, generator=generator)
    return DiagonalGaussian(mu, 3 * logvar)


def test_kl_is_that_of_torch_distributions_summed_over_the_code():
    gaussian = some()
    normal = Normal(gaussian.mu, (0.5 * gaussian.logvar).exp())
    expected = kl_divergence(normal, Normal(torch.zeros_like(gaussian.mu), 1.0)).sum(1)
    torch.testing.assert_close(gaussian.kl(), expected)


def test_kl_is_zero_for_the_standard_normal_only():
    assert torch.equal(DiagonalGaussian(torch.zeros(2, 3), torch.zeros(2, 3)).kl(), torch.zeros(2))
    assert (some().kl() > 0).all()


def test_samples_have_the_mean_and_the_variance():
    mu, logvar = torch.tensor([[-2.0, 0.0, 3.0]]), torch.tensor([[-4.0, 0.0, 1.0]])
    many = DiagonalGaussian(mu.expand(40000, 3), logvar.expand(40000, 3)).sample(torch.Generator().manual_seed(1))
    std = (0.5 * logvar[0]).exp()
    assert ((many.mean(0) - mu[0]).abs() < 4 * std / 200).all()
    torch.testing.assert_close(many.var(0), logvar[0].exp(), rtol=0.04, atol=0)
    assert torch.corrcoef(many.T).fill_diagonal_(0).abs().max() < 0.02


def test_samples_repeat_with_the_generator_and_only_then():
    gaussian = some()
    first, again, other = (gaussian.sample(torch.Generator().manual_seed(seed)) for seed in (2, 2, 3))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_gradients_pass_through_a_sample():
    gaussian = some()
    gaussian.mu.requires_grad_()
    gaussian.logvar.requires_grad_()
    sample = gaussian.sample(torch.Generator().manual_seed(4))
    sample.sum().backward()
    assert torch.equal(gaussian.mu.grad, torch.ones_like(sample))
    torch.testing.assert_close(gaussian.logvar.grad, 0.5 * (sample - gaussian.mu).detach())


def test_a_gradient_step_on_the_kl_brings_it_down():
    gaussian = some()
    mu, logvar = gaussian.mu.requires_grad_(), gaussian.logvar.requires_grad_()
    before = gaussian.kl().sum()
    before.backward()
    after = DiagonalGaussian(mu - 1e-3 * mu.grad, logvar - 1e-3 * logvar.grad).kl().sum()
    assert after.item() < before.item()
    torch.testing.assert_close(mu.grad, mu)
    assert logvar.grad.flatten().tolist() == pytest.approx((0.5 * (logvar.exp() - 1)).flatten().tolist())
