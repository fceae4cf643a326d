import numpy as np
import pytest
import torch
import yaml

from unalter import alter
from unalter.alter import (
    Blend,
    Blur,
    Branch,
    Contrast,
    Flip,
    GaussianNoise,
    Invert,
    Occlusion,
    Operation,
    Perspective,
    PictureRandom,
    Recipe,
    Rotate,
    SaltAndPepper,
    Scale,
    ShotNoise,
    Speckle,
    Translate,
    Warp,
    load_recipe,
    picture_keys,
    presets,
)
from unalter.alter.backgrounds import Backgrounds
from unalter.alter.geometry import sample
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


EVERY_STEP = (
    Blend(weight=(0.1, 0.7)),
    Rotate(degrees=(-7.123456789, 1 / 3), sampling="nearest"),
    Flip(probability=0.25, axis="vertical"),
    Scale(factor=(2 / 3, 1.1), probability=1e-7),
    Perspective(distortion=0.1 + 0.2),
    Translate(across=(-0.07, 1e-5), down=(0, 0), sampling="nearest"),
    Blur(sigma=(0.5, 2**0.5), kernel=5),
    Invert(probability=0.1),
    Contrast(gain=(0.5, 1.7), offset=(-1 / 7, 0.1)),
    GaussianNoise(sigma=(0.0, 0.07)),
    SaltAndPepper(share=(0.01, 0.011)),
    Speckle(sigma=(0.1, 0.1)),
    ShotNoise(photons=(33.3, 1e5)),
    Occlusion(area=(0.05, 1 / 9), level=(0.2, 0.4)),
)


def test_every_alteration_is_tested_in_a_recipe():
    public = (getattr(alter, name) for name in alter.__all__)
    kinds = {kind for kind in public if isinstance(kind, type) and issubclass(kind, Operation)}
    assert {type(step) for step in EVERY_STEP} == kinds - {Operation, Warp}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_recipe_made_in_python_is_the_same_when_saved_and_read(tmp_path, shape):
    branches = [Branch(1 / 3, EVERY_STEP), Branch(0.1, []), Branch(1, EVERY_STEP[::-1])]
    recipe = Recipe("mine", branches).with_backgrounds(random_backgrounds(3, shape))
    recipe.save(tmp_path / "recipe.yaml")
    again = load_recipe(tmp_path / "recipe.yaml")
    assert again == recipe
    assert again.to_yaml() == recipe.to_yaml()
    x = pictures(80, shape)
    assert torch.equal(again(x, streams(80)), recipe(x, streams(80)))


@pytest.mark.parametrize("name", ["1e3", "007", "null", "", "yes", "a: b", "ä#ö", "two\nlines"])
def test_any_name_is_kept(tmp_path, name):
    Recipe(name, [Branch(1, [])]).save(tmp_path / "recipe.yaml")
    assert load_recipe(tmp_path / "recipe.yaml").name == name


def test_blends_with_different_backgrounds_cannot_be_saved(tmp_path):
    blends = [Blend(backgrounds=random_backgrounds(k, (1, 8, 8))) for k in (2, 3)]
    with pytest.raises(InputError, match="different backgrounds"):
        Recipe("r", [Branch(0.5, [blend]) for blend in blends]).save(tmp_path / "recipe.yaml")
    assert list(tmp_path.iterdir()) == []


def test_backgrounds_of_another_size_are_told_with_both_sizes(tmp_path):
    recipe = load_recipe("altered-mnist").with_backgrounds(random_backgrounds(2, (1, 28, 28)))
    recipe.save(tmp_path / "recipe.yaml")
    with pytest.raises(InputError, match=r"made for 28 x 28 pictures .* these are 32 x 30; .* put 32 x 30 backgrounds"):
        load_recipe(tmp_path / "recipe.yaml", (1, 32, 30)).check((1, 32, 30))


def test_a_share_that_cannot_be_and_a_recipe_of_nothing_are_input_errors():
    with pytest.raises(InputError, match=r"share is 1\.5; it must be"):
        Branch(1.5, [])
    with pytest.raises(InputError, match=r"branches is \[\]; it must be"):
        Recipe("r", [])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", presets())
def test_traced_gives_the_pictures_of_a_call_and_homographies_that_do_not_depend_on_the_batch(name, shape):
    recipe, x, keys = load_recipe(name, shape), pictures(60, shape), picture_keys(1, torch.arange(60))
    altered, homography = recipe.traced(x, PictureRandom(keys))
    assert torch.equal(altered, recipe(x, PictureRandom(keys)))
    assert (homography.shape, homography.dtype) == ((60, 3, 3), torch.float32)
    for k in range(0, 60, 7):
        alone = recipe.traced(x[k : k + 1], PictureRandom(keys[k : k + 1]))[1]
        torch.testing.assert_close(alone, homography[k : k + 1], atol=1e-6, rtol=0)
    moved = (homography != torch.eye(3)).flatten(1).any(1)
    assert torch.equal(moved, recipe.taken(PictureRandom(keys)) == (1 if name == "altered-mnist" else -1))


def test_the_traced_homography_leads_through_all_steps_of_the_branch_at_once():
    moving = [Rotate(), Blur(), Flip(probability=0.5), Scale(), Perspective(probability=0.5), Translate()]
    recipe = Recipe("r", [Branch(0.7, moving), Branch(0.3, [Invert(), Blur()])])
    v, u = torch.meshgrid(torch.linspace(-1, 1, 40), torch.linspace(-1, 1, 52), indexing="ij")
    waves = 0.5 + 0.25 * ((6 * u).sin() + (5 * v).cos())  # smooth, so that resampling hardly blurs it
    middle = (1 - 4 * (u**2 + v**2)).clamp_min(0).sqrt()  # and never outside on its way
    x = (waves * middle).expand(200, 1, 40, 52)
    altered, homography = recipe.traced(x, streams(200))
    moved = recipe.taken(streams(200)) == 0
    assert torch.equal(moved, (homography != torch.eye(3)).flatten(1).any(1))
    at_once = sample(x, homography)
    assert (altered - at_once)[moved].abs().mean() < 0.1 * (at_once - x)[moved].abs().mean()


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


COMMENTED = """# a recipe
name: mine

branches:
  - share: 0.5
    steps:
      - flip
  - share: 0.5
    steps:
      - {step}
"""


@pytest.mark.parametrize(
    ("step", "line", "message"),
    [
        ("spin", 10, "unknown alteration 'spin'; known are blend, rotate, .*speckle, shot-noise, occlusion"),
        ("spin:\n          degrees: [0, 1]", 10, "unknown alteration 'spin'"),
        ("blur: {radius: 1}", 10, "blur takes .* probability, sigma, kernel, not 'radius'"),
        ("blur:\n          sigma: [1, 2]\n          radius: 1", 12, "not 'radius'"),
        ("blur:\n          sigma: [1, 2]\n          sigma: [1, 2]", 12, "sigma is there for the second time"),
        (
            "blur:\n          kernel: 3\n          sigma: [2, 1]",
            12,
            r"sigma is \[2, 1\]; it must be two rising numbers",
        ),
        ("blur: 3", 10, "blur takes .* probability, sigma, kernel"),
        ("blend: {backgrounds: 1}", 10, "blend takes .* probability, weight, not 'backgrounds'"),
        ("rotate: {degrees: [0, 400]}", 10, r"degrees is \[0, 400\].*between -360 and 360"),
        ("rotate: {degrees: 30}", 10, r"degrees is 30; it must be two rising numbers \[low, high\]"),
        ("rotate: {degrees: [[0, 1], 2]}", 10, "a word, a number or a list of numbers must stand here"),
        ("rotate: {sampling: cubic}", 10, "sampling is 'cubic'; it must be nearest or bilinear"),
        ("flip: {axis: both}", 10, "axis is 'both'; it must be horizontal or vertical"),
        ("invert: {probability: 2}", 10, "probability is 2; it must be a number between 0 and 1"),
        ("invert: {probability: yes}", 10, "probability is 'yes'; it must be a number"),
        ("invert: {probability: .nan}", 10, "probability is '.nan'; it must be a number"),
        ("invert: {probability: }", 10, "probability is None; it must be a number"),
        ("blur: {kernel: 4}", 10, "kernel is 4; it must be an odd"),
        ("flip:\n        blur:", 10, "one alteration with its parameters, .*; this has flip and blur"),
        ("[flip]", 10, "one alteration with its parameters"),
        ("", 10, "one alteration with its parameters"),
        ("flip\n  - share: 0", 11, "share is 0; it must be a number above 0 and at most 1"),
        ("flip\n  - share: most", 11, "share is 'most'"),
        ("flip\n  - weight: 1", 11, "a share and a list of steps, not 'weight'"),
        ("flip\n  - steps: {flip: }", 11, "steps are a list"),
        ("flip\n  -", 11, "a share and a list of steps; this has neither"),
        ("flip\n  - flip", 11, "a share and a list of steps, not 'flip'"),
        ("flip\nbranches: []", 11, "branches is there for the second time"),
        ("flip\nsteps: [flip]", 11, "a name and a list of branches, not 'steps'"),
        ("flip\n? [a]\n: b", 11, "a word, .* must stand here"),
        ("flip: *strong", 10, "not YAML: found undefined alias 'strong'"),
        ("blur: {kernel: 3\n  - flip", 12, "not YAML: .* flow mapping that began in line 10, expected ',' or '}'"),
        ("@flip", 10, "not YAML: .*found character '@'"),
        ("flip\n\x07", 11, "not YAML: special characters are not allowed"),
    ],
)
def test_what_is_not_understood_is_named_with_its_line(tmp_path, step, line, message):
    path = written(tmp_path, COMMENTED.replace("{step}", step))
    with pytest.raises(InputError, match=rf"mine\.yaml, line {line}: .*{message}") as caught:
        load_recipe(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty; a recipe has a name and a list of branches"),
        ("- flip", "a recipe has a name and a list of branches"),
        ("flip", "a recipe has a name and a list of branches, not 'flip'"),
        ("name: mine", "branches is .*; it must be a list of one branch or more"),
        ("branches: []", "branches is .*; it must be a list of one branch or more"),
        ("branches: {steps: [flip]}", "branches are a list"),
        ("branches: &all [*all]", "a branch has a share and a list of steps"),
    ],
)
def test_what_is_no_recipe_is_told_what_one_is(tmp_path, text, message):
    with pytest.raises(InputError, match=rf"mine\.yaml, line 1: .*{message}"):
        load_recipe(written(tmp_path, text))


def test_no_such_recipe_lists_the_presets(tmp_path):
    with pytest.raises(InputError, match=r"mine\.yaml: no such recipe; .*altered-mnist, noise"):
        load_recipe(tmp_path / "mine.yaml")
