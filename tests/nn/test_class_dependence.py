from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unalter.nn.class_dependence import ClassDependence

CLASSES, LATENT = 3, 5


def batches(apart: float, count: int = 40, size: int = 64) -> list[tuple[Tensor, Tensor]]:
    """Codes whose classes lie `apart` standard deviations from each other along the axes, and their labels."""
    generator = torch.Generator().manual_seed(0)
    made = []
    for _ in range(count):
        y = torch.randint(CLASSES, (size,), generator=generator)
        made.append((torch.randn(size, LATENT, generator=generator) + apart * torch.eye(LATENT)[y], y))
    return made


def measured(given: list[tuple[Tensor, Tensor]]) -> float:
    dependence = ClassDependence(CLASSES, LATENT)
    values = [float(dependence(codes, y)) for codes, y in given]
    return sum(values[len(values) // 2 :]) / (len(values) - len(values) // 2)


def test_codes_that_do_not_know_the_class_have_none_and_those_that_are_the_class_all_there_is():
    assert abs(measured(batches(apart=0))) < 0.05
    assert measured(batches(apart=50)) == pytest.approx(CLASSES - 1, abs=0.15)


def test_it_is_the_trace_of_fishers_discriminant():
    apart = 1.5
    means = apart * torch.eye(CLASSES, LATENT)
    between = torch.cov(means.T, correction=0)
    expected = torch.linalg.solve(torch.eye(LATENT) + between, between).trace()
    assert measured(batches(apart)) == pytest.approx(float(expected), rel=0.1)


def test_it_does_not_depend_on_the_units_of_the_codes():
    given = batches(apart=1.5)
    turned = torch.linalg.qr(torch.randn(LATENT, LATENT, generator=torch.Generator().manual_seed(1)))[0]
    assert measured([(7 * codes @ turned + 3, y) for codes, y in given]) == pytest.approx(measured(given), rel=1e-3)


def test_made_small_it_moves_classes_together_and_not_codes_to_one_point():
    *before, (codes, y) = batches(apart=2.0)
    dependence = ClassDependence(CLASSES, LATENT)
    for one in before:
        dependence(*one)
    codes.requires_grad_()
    dependence(codes, y).backward()
    assert codes.grad is not None
    moved = (codes - 64 * 0.3 * codes.grad).detach()  # a gradient of a mean over 64

    def spread(x: Tensor) -> tuple[float, float]:
        means = torch.stack([x[y == k].mean(0) for k in range(CLASSES)])
        return float(means.var(0).sum()), float((x - means[y]).var(0).sum())

    (apart, within), (apart_now, within_now) = spread(codes.detach()), spread(moved)
    assert apart_now < 0.8 * apart
    assert within_now == pytest.approx(within, rel=1e-4)


def test_a_class_that_never_came_up_does_no_harm():
    dependence = ClassDependence(CLASSES + 1, LATENT)
    given = batches(apart=1.5, count=3)
    assert all(torch.isfinite(dependence(*one)) for one in given)
    late = torch.full((64,), CLASSES)
    assert torch.isfinite(dependence(given[0][0], late))
