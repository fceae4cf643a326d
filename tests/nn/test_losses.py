import pytest
import torch
from torch.distributions import Bernoulli

from unalter.images.metrics import ssim
from unalter.nn import DiagonalGaussian, negative_elbo
from unalter.nn.autoencoder import Output

GENERATOR = torch.Generator().manual_seed(0)
X = torch.rand(6, 1, 9, 8, generator=GENERATOR)
LOGITS = 4 * torch.randn(6, 1, 9, 8, generator=GENERATOR)
MU, LOGVAR = torch.randn(2, 6, 5, generator=GENERATOR)


def test_reconstruction_is_the_bernoulli_likelihood_summed_over_pixels_and_averaged_over_pictures():
    loss = negative_elbo(Output(LOGITS, MU, LOGVAR), X, beta=1, ssim_weight=0)
    likelihood = Bernoulli(logits=LOGITS, validate_args=False).log_prob(X).flatten(1).sum(1)
    torch.testing.assert_close(loss.reconstruction, -likelihood.mean())


def test_kl_is_that_of_the_posterior_averaged_over_pictures():
    loss = negative_elbo(Output(LOGITS, MU, LOGVAR), X, beta=0.5, ssim_weight=0)
    torch.testing.assert_close(loss.kl, DiagonalGaussian(MU, LOGVAR).kl().mean())


@pytest.mark.parametrize(("beta", "ssim_weight"), [(1.0, 0.0), (0.0, 10.0), (0.3, 100.0)])
def test_the_total_is_the_weighted_sum_of_the_terms(beta, ssim_weight):
    loss = negative_elbo(Output(LOGITS, MU, LOGVAR), X, beta, ssim_weight)
    expected = loss.reconstruction + beta * loss.kl + (ssim_weight * (1 - loss.ssim) if ssim_weight else 0)
    torch.testing.assert_close(loss.total, expected)
    if ssim_weight:
        torch.testing.assert_close(loss.ssim, ssim(LOGITS.sigmoid(), X).mean())


def test_a_pose_error_is_added_by_its_weight_and_without_one_it_is_zero():
    loss = negative_elbo(Output(LOGITS, MU, LOGVAR), X, 1.0, 1.0)
    assert loss.pose == 0
    posed = loss.with_pose(torch.tensor(0.7), 75.0)
    torch.testing.assert_close(posed.total, loss.total + 75 * 0.7)
    assert posed.pose.item() == pytest.approx(0.7)
    assert all(torch.equal(posed.terms()[name], loss.terms()[name]) for name in ("reconstruction", "kl", "ssim"))


def test_without_posterior_there_is_no_kl_and_beta_means_nothing():
    first, second = (negative_elbo(Output(LOGITS, MU, None), X, beta, 1.0) for beta in (0.0, 9.0))
    assert first.kl == 0
    assert torch.equal(first.total, second.total)


def test_batches_of_equal_size_average():
    whole = negative_elbo(Output(LOGITS, MU, LOGVAR), X, 0.7, 3.0).terms()
    halves = [
        negative_elbo(Output(LOGITS[part], MU[part], LOGVAR[part]), X[part], 0.7, 3.0).terms()
        for part in (slice(3), slice(3, 6))
    ]
    for name, value in whole.items():
        torch.testing.assert_close(value, (halves[0][name] + halves[1][name]) / 2)


def test_the_loss_is_smallest_at_the_clean_picture():
    def at(picture):
        return negative_elbo(Output(picture.clamp(1e-4, 1 - 1e-4).logit(), MU, None), X, 0, 10.0).total

    assert all(at(X) < at((X + shift).clamp(0, 1)) for shift in (-0.1, -0.02, 0.02, 0.1))


def test_terms_are_detached():
    loss = negative_elbo(Output(LOGITS.clone().requires_grad_(), MU, LOGVAR), X, 1.0, 1.0)
    assert loss.total.requires_grad
    assert list(loss.terms()) == ["total", "reconstruction", "kl", "ssim", "pose", "obedience"]
    assert not any(term.requires_grad for term in loss.terms().values())
