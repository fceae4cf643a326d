"""What comes in from outside where pictures are moved."""

from __future__ import annotations

import pytest
import torch

from unalter.alter import Branch, KeyedDraws, Perspective, Recipe, Rotate, Scale, Translate, fold_in, load_recipe
from unalter.alter.alteration import ParameterError
from unalter.images.foreground import without_fill
from unalter.support.errors import InputError

PICTURES = torch.rand(4, 3, 12, 10, generator=torch.Generator().manual_seed(0))


def moved(step) -> torch.Tensor:
    return step(PICTURES, KeyedDraws(fold_in(1, torch.arange(4))))


@pytest.mark.parametrize("kind", [Rotate, Scale, Perspective, Translate])
@pytest.mark.parametrize("sampling", ["nearest", "bilinear"])
def test_a_value_is_what_black_would_be_on_pictures_less_that_value(kind, sampling):
    black, white = moved(kind(sampling=sampling)), moved(kind(sampling=sampling, fill=1))
    covered = 1 - (white - black)  # how much of each pixel comes from inside
    assert covered.min() >= -1e-6
    assert (covered < 0.5).any()
    torch.testing.assert_close(moved(kind(sampling=sampling, fill=0.25)), black + 0.25 * (1 - covered))


def test_edge_and_mirror_are_numpys(tmp_path):
    right = {fill: moved(Translate(across=(0.3, 0.3), down=(0, 0), fill=fill)) for fill in ("edge", "mirror")}
    torch.testing.assert_close(right["edge"][..., :3], PICTURES[..., :1].expand(4, 3, 12, 3))
    torch.testing.assert_close(right["mirror"][..., :3], PICTURES[..., :3].flip(-1))
    for picture in right.values():
        torch.testing.assert_close(picture[..., 3:], PICTURES[..., :-3])


@pytest.mark.parametrize("fill", [1.5, -0.1, "black", True, float("nan"), None, (0.0, 1.0)])
def test_other_fills_are_refused(fill):
    with pytest.raises(ParameterError, match=r"rotate: fill is .* a number between 0 and 1, or edge or mirror"):
        Rotate(fill=fill)


@pytest.mark.parametrize("fill", [0.5, 1, "edge", "mirror", 0])
def test_a_recipe_keeps_fills_and_its_note(tmp_path, fill):
    recipe = Recipe("r", [Branch(1.0, [Rotate(fill=fill)])], "what it does not explain: little")
    recipe.save(tmp_path / "r.yaml")
    assert load_recipe(tmp_path / "r.yaml") == recipe
    assert ("fill" in (tmp_path / "r.yaml").read_text()) == (fill != 0)  # as before there was a choice
    assert recipe.note in recipe.summary()


def test_a_wrong_fill_in_a_file_is_told_with_its_line(tmp_path):
    (tmp_path / "r.yaml").write_text("branches:\n- steps:\n  - rotate: {fill: white}\n")
    with pytest.raises(InputError, match="line 3: rotate: fill is 'white'"):
        load_recipe(tmp_path / "r.yaml")


def test_what_pictures_were_filled_with_is_taken_for_ground():
    thing = torch.zeros(6, 1, 28, 28)
    thing[:, :, 9:20, 12:16] = 1
    random = KeyedDraws(fold_in(2, torch.arange(6))), KeyedDraws(fold_in(2, torch.arange(6)))
    black, white = (Rotate(degrees=(-40, 40), fill=fill)(thing, r) for fill, r in zip((0, 1), random, strict=True))
    apart = (white - black).abs().mean()
    left = (without_fill(white[:, 0], 1.0) - black[:, 0]).abs().mean()  # where a corner only touches a pixel
    assert left < 0.1 * apart
    inverted = 1 - thing[:, 0]  # all ground: nothing says what else it would be
    assert torch.equal(without_fill(inverted, 1.0), inverted)
