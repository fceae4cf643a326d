from __future__ import annotations

import torch
from torch import Tensor

from unalter.nn.class_centring import ClassCentring

CLASSES, LATENT = 3, 5


def batch(seed: int, size: int = 64) -> tuple[Tensor, Tensor]:
    """Codes whose classes lie far apart, and their labels."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(CLASSES, (size,), generator=generator)
    return torch.randn(size, LATENT, generator=generator) + 4 * torch.eye(LATENT)[y] + 2, y


def trained(batches: int = 150) -> ClassCentring:
    centring = ClassCentring(CLASSES + 1, LATENT)
    for seed in range(batches):
        centring(*batch(seed))
    return centring.eval()


def test_all_classes_have_one_mean_and_within_a_class_nothing_changes():
    codes, y = batch(1_000, size=6_000)
    centred = trained()(codes, y)
    for label in range(CLASSES):
        own, now = codes[y == label], centred[y == label]
        assert now.mean(0).abs().max() < 0.2
        torch.testing.assert_close(now - now.mean(0), own - own.mean(0), atol=1e-4, rtol=0)


def test_a_new_mean_is_followed():
    centring = trained().train()
    codes, y = batch(1_000, size=6_000)
    for seed in range(150):
        centring(batch(seed)[0] - 7, batch(seed)[1])
    assert centring.eval()(codes - 7, y).mean(0).abs().max() < 0.2


def test_it_is_a_constant_to_the_gradient_and_in_use_it_stays_as_it_is():
    centring, (codes, y) = trained().train(), batch(0)
    codes.requires_grad_()
    (gradient,) = torch.autograd.grad(centring(codes, y).sum(), codes)
    assert torch.equal(gradient, torch.ones_like(codes))
    centring.eval()
    before = centring.sums.clone()
    centring(codes, y)
    assert torch.equal(centring.sums, before)


def test_classes_that_never_came_up_and_that_come_up_seldom_keep_what_they_have():
    centring = trained()
    seldom = torch.full((64,), CLASSES)
    codes, _ = batch(0)
    assert torch.equal(centring(codes, seldom), codes)
    centring.train()(codes, seldom)
    for seed in range(2_000):
        centring(*batch(seed, size=4))
    torch.testing.assert_close(centring.eval()(codes, seldom).mean(0), torch.zeros(LATENT), atol=1e-4, rtol=0)
