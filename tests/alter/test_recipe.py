import numpy as np
import pytest
import torch
import yaml

from unalter.alter import PictureRandom, Recipe, load_recipe, picture_keys, presets
from unalter.alter.backgrounds import Backgrounds
from unalter.alter.operations import Blend, Blur, Flip, Invert, Rotate
from unalter.alter.recipe import Branch
from unalter.errors import InputError

SHAPES = [(1, 28, 28), (3, 9, 14)]


def streams(count: int) -> PictureRandom:
    return PictureRandom(picture_keys(1, torch.arange(count)))


def pictures(count: int, shape: tuple[int, int, int]) -> torch.Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))


def random_backgrounds(count: int, shape: tuple[int, int, int]) -> torch.Tensor:
    """As a file can hold them: multiples of 1/255."""
    return torch.randint(256, (count, *shape), generator=torch.Generator().manual_seed(1)).float() / 255


def written(tmp_path, text: str):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


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
    recipe, x, keys = load_recipe(name, shape), pictures(40, shape), picture_keys(1, torch.arange(40))
    together = recipe(x, PictureRandom(keys))
    for k in range(0, 40, 7):
        assert torch.equal(recipe(x[k : k + 1], PictureRandom(keys[k : k + 1])), together[k : k + 1])
    order = torch.randperm(40, generator=torch.Generator().manual_seed(2))
    assert torch.equal(recipe(x[order], PictureRandom(keys[order])), together[order])


def test_branches_are_taken_by_share():
    shares = [0.1, 0.3, 0.6]
    recipe = Recipe("r", tuple(Branch(share, ()) for share in shares))
    counts = recipe.taken(streams(20000)).bincount(minlength=3) / 20000
    for count, share in zip(counts.tolist(), shares, strict=True):
        assert count == pytest.approx(share, abs=4 * (share * (1 - share) / 20000) ** 0.5)


def test_shares_need_not_add_up_to_one():
    half, whole = (
        Recipe("r", tuple(Branch(scale * share, ()) for share in (0.2, 0.8))).taken(streams(500)) for scale in (0.5, 1)
    )
    assert torch.equal(half, whole)


def test_a_picture_goes_through_the_branch_that_taken_tells():
    recipe = Recipe("r", (Branch(0.5, (Invert(probability=1.0),)), Branch(0.5, ())))
    x = random_backgrounds(200, (1, 4, 4))
    taken = recipe.taken(streams(200))[:, None, None, None]
    torch.testing.assert_close(recipe(x, streams(200)), torch.where(taken == 0, 1 - x, x))


def test_steps_come_in_their_order():
    x = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    turned, flipped = Rotate(degrees=(90.0, 90.0), sampling="nearest"), Flip()
    expected = torch.rot90(x, 1, (-2, -1)).flip(-1)
    altered = Recipe("r", (Branch(1.0, (turned, flipped)),))(x, streams(3))
    torch.testing.assert_close(altered, expected, atol=0.5 / 255 + 1e-5, rtol=0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", presets())
def test_a_saved_recipe_does_the_same_bit_for_bit(tmp_path, name, shape):
    recipe = load_recipe(name)
    if recipe.needs_backgrounds:
        recipe = recipe.with_backgrounds(random_backgrounds(5, shape))
    recipe.save(tmp_path / "recipe.yaml")
    again = load_recipe(tmp_path / "recipe.yaml")
    assert again == recipe
    assert not again.needs_backgrounds
    assert again.to_yaml() == recipe.to_yaml()
    x = pictures(80, shape)
    assert torch.equal(again(x, streams(80)), recipe(x, streams(80)))


def test_yaml_can_be_read_and_edited_by_a_person():
    content = yaml.safe_load(load_recipe("altered-mnist").to_yaml())
    assert content["branches"][1]["steps"][0] == {
        "rotate": {"probability": 1.0, "degrees": [-180, 180], "sampling": "nearest"}
    }


def test_short_forms_mean_the_defaults(tmp_path):
    recipe = load_recipe(written(tmp_path, "branches: [{steps: [flip, blur: ]}, {share: 0.5}]"))
    assert recipe.branches == (Branch(1.0, (Flip(), Blur())), Branch(0.5, ()))
    assert [branch.title for branch in recipe.branches] == ["flip+blur", "none"]


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("branches: [{steps: [spin]}]", "branch 1: unknown alteration 'spin'; known are rotate, .*speckle"),
        ("branches: [{}, {steps: [blur: {radius: 1}]}]", "branch 2: blur has no parameter 'radius'; it has kernel"),
        ("branches: [{steps: [blend: {backgrounds: 1}]}]", "blend has no parameter 'backgrounds'"),
        ("branches: [{steps: [rotate: {degrees: [0, 400]}]}]", r"degrees is \[0, 400\].*between -360 and 360"),
        ("branches: [{steps: [rotate: {sampling: cubic}]}]", "sampling is 'cubic'; it must be nearest or bilinear"),
        ("branches: [{steps: [flip: {axis: both}]}]", "axis is 'both'; it must be horizontal or vertical"),
        ("branches: [{steps: [invert: {probability: 2}]}]", "probability is 2; it must be a number between 0 and 1"),
        ("branches: [{steps: [blur: {sigma: [2, 1]}]}]", r"sigma is \[2, 1\]; it must be two rising numbers"),
        ("branches: [{steps: [blur: {kernel: 4}]}]", "kernel is 4; it must be an odd"),
        ("branches: [{steps: [{flip: , blur: }]}]", "one alteration with its parameters"),
        ("branches: [{share: 0}]", "branch 1: share is 0"),
        ("branches: [{share: most}]", "share is 'most'"),
        ("branches: [{weight: 1}]", "a share and a list of steps"),
        ("branches: []", "a name and a list of branches"),
        ("steps: [flip]", "a name and a list of branches"),
        ("- flip", "a name and a list of branches"),
        ("branches: [", "not YAML"),
    ],
)
def test_what_is_not_understood_is_named_with_its_place(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        load_recipe(path)
    assert str(path) in str(caught.value)


def test_no_such_recipe_lists_the_presets(tmp_path):
    with pytest.raises(InputError, match=r"mine\.yaml: no such recipe; .*altered-mnist, noise"):
        load_recipe(tmp_path / "mine.yaml")
