import numpy as np
import pytest
import torch

from unalter.alter import (
    Blend,
    Blur,
    Branch,
    Flip,
    Invert,
    KeyedDraws,
    Perspective,
    Recipe,
    Rotate,
    Scale,
    Translate,
    fold_in,
    load_recipe,
    presets,
)
from unalter.alter.backgrounds import Backgrounds
from unalter.alter.geometric import sample
from unalter.support.errors import InputError

SHAPES = [(1, 28, 28), (3, 9, 14)]


def streams(count: int) -> KeyedDraws:
    return KeyedDraws(fold_in(1, torch.arange(count)))


def pictures(count: int, shape: tuple[int, int, int]) -> torch.Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))


def random_backgrounds(count: int, shape: tuple[int, int, int]) -> torch.Tensor:
    """As a file can hold them: multiples of 1/255."""
    return torch.randint(256, (count, *shape), generator=torch.Generator().manual_seed(1)).float() / 255


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", presets())
def test_presets_alter_pictures_of_any_shape_within_range(name, shape):
    x = pictures(60, shape)
    altered = load_recipe(name, shape)(x, streams(60))
    assert altered.shape == x.shape
    assert altered.min() >= 0
    assert altered.max() <= 1
    assert ((altered - x).abs().flatten(1).max(1).values > 0.05).float().mean() > 0.9
    levels = altered * 255
    torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0)  # what a file can hold


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", presets())
def test_a_picture_comes_out_the_same_alone_and_in_any_batch(name, shape):
    recipe, x, keys = load_recipe(name, shape), pictures(40, shape), fold_in(1, torch.arange(40))
    together = recipe(x, KeyedDraws(keys))
    for k in range(0, 40, 7):
        assert torch.equal(recipe(x[k : k + 1], KeyedDraws(keys[k : k + 1])), together[k : k + 1])
    order = torch.randperm(40, generator=torch.Generator().manual_seed(2))
    assert torch.equal(recipe(x[order], KeyedDraws(keys[order])), together[order])


def test_branches_are_taken_by_share():
    shares = [0.1, 0.3, 0.6]
    recipe = Recipe("r", tuple(Branch(share, ()) for share in shares))
    counts = recipe.branch_index(streams(20000)).bincount(minlength=3) / 20000
    for count, share in zip(counts.tolist(), shares, strict=True):
        assert count == pytest.approx(share, abs=4 * (share * (1 - share) / 20000) ** 0.5)


def test_shares_need_not_add_up_to_one():
    half, whole = (
        Recipe("r", tuple(Branch(scale * share, ()) for share in (0.2, 0.8))).branch_index(streams(500))
        for scale in (0.5, 1)
    )
    assert torch.equal(half, whole)


def test_a_picture_goes_through_the_branch_that_taken_tells():
    recipe = Recipe("r", (Branch(0.5, (Invert(probability=1.0),)), Branch(0.5, ())))
    x = random_backgrounds(200, (1, 4, 4))
    branch_index = recipe.branch_index(streams(200))[:, None, None, None]
    torch.testing.assert_close(recipe(x, streams(200)), torch.where(branch_index == 0, 1 - x, x))


def test_steps_come_in_their_order():
    x = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    with_values, flipped = Rotate(degrees=(90.0, 90.0), sampling="nearest"), Flip()
    expected = torch.rot90(x, 1, (-2, -1)).flip(-1)
    altered = Recipe("r", (Branch(1.0, (with_values, flipped)),))(x, streams(3))
    torch.testing.assert_close(altered, expected, atol=0.5 / 255 + 1e-5, rtol=0)


def test_blends_with_different_backgrounds_cannot_be_saved(tmp_path):
    blends = [Blend(backgrounds=random_backgrounds(k, (1, 8, 8))) for k in (2, 3)]
    with pytest.raises(InputError, match="different backgrounds"):
        Recipe("r", [Branch(0.5, [blend]) for blend in blends]).save(tmp_path / "recipe.yaml")
    assert list(tmp_path.iterdir()) == []


def test_a_share_that_cannot_be_and_a_recipe_of_nothing_are_input_errors():
    with pytest.raises(InputError, match=r"share is 1\.5; it must be"):
        Branch(1.5, [])
    with pytest.raises(InputError, match=r"branches is \[\]; it must be"):
        Recipe("r", [])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", presets())
def test_traced_gives_the_pictures_of_a_call_and_homographies_that_do_not_depend_on_the_batch(name, shape):
    recipe, x, keys = load_recipe(name, shape), pictures(60, shape), fold_in(1, torch.arange(60))
    altered, homography = recipe.apply_with_homography(x, KeyedDraws(keys))
    assert torch.equal(altered, recipe(x, KeyedDraws(keys)))
    assert (homography.shape, homography.dtype) == ((60, 3, 3), torch.float32)
    for k in range(0, 60, 7):
        alone = recipe.apply_with_homography(x[k : k + 1], KeyedDraws(keys[k : k + 1]))[1]
        torch.testing.assert_close(alone, homography[k : k + 1], atol=1e-6, rtol=0)
    moved = (homography != torch.eye(3)).flatten(1).any(1)
    assert torch.equal(moved, recipe.branch_index(KeyedDraws(keys)) == (1 if name == "altered-mnist" else -1))


def test_the_traced_homography_leads_through_all_steps_of_the_branch_at_once():
    moving = [Rotate(), Blur(), Flip(probability=0.5), Scale(), Perspective(probability=0.5), Translate()]
    recipe = Recipe("r", [Branch(0.7, moving), Branch(0.3, [Invert(), Blur()])])
    v, u = torch.meshgrid(torch.linspace(-1, 1, 40), torch.linspace(-1, 1, 52), indexing="ij")
    waves = 0.5 + 0.25 * ((6 * u).sin() + (5 * v).cos())  # smooth, so that resampling hardly blurs it
    middle = (1 - 4 * (u**2 + v**2)).clamp_min(0).sqrt()  # and never outside on its way
    x = (waves * middle).expand(200, 1, 40, 52)
    altered, homography = recipe.apply_with_homography(x, streams(200))
    moved = recipe.branch_index(streams(200)) == 0
    assert torch.equal(moved, (homography != torch.eye(3)).flatten(1).any(1))
    at_once = sample(x, homography)
    assert (altered - at_once)[moved].abs().mean() < 0.1 * (at_once - x)[moved].abs().mean()


def test_fitted_to_takes_backgrounds_weight_and_share_from_what_was_found():
    found = Backgrounds(np.full((2, 1, 8, 8), 51, np.uint8), 0.25, np.array([0] * 4 + [1] * 4 + [-1] * 2))
    fitted = load_recipe("altered-mnist").fitted_to(found)
    blend, rest = fitted.branches
    assert (blend.title, blend.share) == ("blend", pytest.approx(0.8))
    assert rest.share == pytest.approx(0.2)
    assert rest.steps == load_recipe("altered-mnist").branches[1].steps
    (step,) = blend.steps
    assert isinstance(step, Blend)
    assert step.weight == (0.25, 0.25)
    torch.testing.assert_close(step.backgrounds, torch.full((2, 1, 8, 8), 0.2))


def test_fitted_to_keeps_the_proportions_among_plain_and_among_blended_branches():
    branches = [Branch(0.1, (Blend(),)), Branch(0.3, (Flip(), Blend())), Branch(0.2, (Flip(),)), Branch(0.4, ())]
    found = Backgrounds(np.zeros((1, 1, 8, 8), np.uint8), 0.5, np.array([0, -1]))
    shares = {branch.title: branch.share for branch in Recipe("r", tuple(branches)).fitted_to(found).branches}
    assert shares == pytest.approx({"blend": 0.125, "flip+blend": 0.375, "flip": 0.5 / 3, "none": 1 / 3}, abs=5e-5)


def test_fitted_to_nothing_drops_the_blends():
    fitted = load_recipe("altered-mnist").fitted_to(None)
    assert [branch.title for branch in fitted.branches] == ["rotate+flip+perspective+invert+blur"]
    assert not fitted.blends
    with pytest.raises(InputError, match="only blends"):
        Recipe("r", (Branch(1.0, (Blend(),)),)).fitted_to(None)


@pytest.mark.parametrize("found", [None, Backgrounds(np.zeros((1, 1, 8, 8), np.uint8), 0.5, np.array([0, -1]))])
def test_a_recipe_without_blends_is_left_as_it_is(found):
    assert load_recipe("noise").fitted_to(found) == load_recipe("noise")


def test_a_blend_needs_backgrounds_until_it_has_some():
    recipe = load_recipe("altered-mnist")
    assert recipe.needs_backgrounds
    with pytest.raises(InputError, match="no backgrounds"):
        recipe(pictures(9, (1, 8, 8)), streams(9))
    assert not load_recipe("altered-mnist", (1, 8, 8)).needs_backgrounds
    assert not load_recipe("noise").blends
