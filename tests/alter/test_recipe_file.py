import pytest
import torch
import yaml

from unalter.alter import (
    KINDS,
    Blend,
    Blur,
    Branch,
    Contrast,
    Flip,
    GaussianNoise,
    Invert,
    Jpeg,
    KeyedDraws,
    MotionBlur,
    Occlusion,
    Perspective,
    Recipe,
    Rotate,
    SaltAndPepper,
    Scale,
    ShotNoise,
    Speckle,
    Translate,
    fold_in,
    load_recipe,
    presets,
)
from unalter.support.errors import InputError

SHAPES = [(1, 28, 28), (3, 9, 14)]


def streams(count: int) -> KeyedDraws:
    return KeyedDraws(fold_in(1, torch.arange(count)))


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
    MotionBlur(length=(1.5, 4.7), angle=(-20, 1 / 3)),
    Jpeg(quality=(33.3, 75)),
)


def test_every_alteration_is_tested_in_a_recipe():
    assert {type(step) for step in EVERY_STEP} == set(KINDS)


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


def blended(pictures: torch.Tensor) -> Recipe:
    return Recipe("r", [Branch(1, [Blend(backgrounds=pictures)])])


def backgrounds_of(recipe: Recipe) -> torch.Tensor:
    (step,) = recipe.branches[0].steps
    assert isinstance(step, Blend) and step.backgrounds is not None
    return step.backgrounds


@pytest.mark.parametrize("count", [1, 100, 120])
def test_backgrounds_keep_their_order(tmp_path, count):
    pictures_now = random_backgrounds(count, (1, 4, 4))
    blended(pictures_now).save(tmp_path / "found.yaml")
    assert torch.equal(backgrounds_of(load_recipe(tmp_path / "found.yaml")), pictures_now)
    names = sorted(path.name for path in (tmp_path / "found-backgrounds").iterdir())
    assert (names[0], names[-1]) == {1: ("00.png",) * 2, 100: ("00.png", "99.png"), 120: ("000.png", "119.png")}[count]


def test_every_recipe_of_a_folder_has_its_own_backgrounds(tmp_path):
    three = dict(zip("abc", random_backgrounds(6, (1, 4, 4)).split(2), strict=True))
    for name, pictures_now in three.items():
        blended(pictures_now).save(tmp_path / f"{name}.yaml")
    for name, pictures_now in three.items():
        assert torch.equal(backgrounds_of(load_recipe(tmp_path / f"{name}.yaml")), pictures_now)
    (tmp_path / "mine.yaml").write_text("branches: [{steps: [blend]}]")
    assert load_recipe(tmp_path / "mine.yaml").needs_backgrounds


@pytest.mark.parametrize("theirs", ["01.png", "07.png", "sky.png", "notes.txt"])
def test_saving_leaves_alone_what_others_put_into_the_folder(tmp_path, theirs):
    pictures_now = random_backgrounds(3, (1, 4, 4))
    folder = tmp_path / "r-backgrounds"
    folder.mkdir()
    (folder / theirs).write_bytes(b"mine")
    for _ in range(2):  # the second time into the folder of the first
        blended(pictures_now).save(tmp_path / "r.yaml")
        assert torch.equal(backgrounds_of(load_recipe(tmp_path / "r.yaml")), pictures_now)
        assert [path.name for path in folder.iterdir()] == [theirs]
        assert (folder / theirs).read_bytes() == b"mine"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["r-backgrounds", "r-backgrounds-2", "r.yaml"]


def test_a_recipe_saved_over_another_has_its_own_backgrounds(tmp_path):
    first, second = random_backgrounds(9, (1, 4, 4)).split((5, 4))
    for pictures_now in (first, second, first):
        blended(pictures_now).save(tmp_path / "recipe.yaml", "backgrounds")
        assert torch.equal(backgrounds_of(load_recipe(tmp_path / "recipe.yaml")), pictures_now)
    assert [len(list((tmp_path / name).iterdir())) for name in ("backgrounds", "backgrounds-2")] == [5, 4]


def test_lost_backgrounds_are_written_again(tmp_path):
    pictures_now = random_backgrounds(3, (3, 4, 4))
    blended(pictures_now).save(tmp_path / "r.yaml")
    (tmp_path / "r-backgrounds" / "01.png").unlink()
    blended(pictures_now).save(tmp_path / "r.yaml")
    assert torch.equal(backgrounds_of(load_recipe(tmp_path / "r.yaml")), pictures_now)
    assert not (tmp_path / "r-backgrounds-2").exists()


def test_a_recipe_that_names_no_folder_takes_the_one_beside_it_as_earlier_versions_saved_it(tmp_path):
    pictures_now = random_backgrounds(3, (1, 4, 4))
    recipe = blended(pictures_now)
    recipe.save(tmp_path / "r.yaml", "backgrounds")
    (tmp_path / "r.yaml").write_text(recipe.to_yaml())
    assert torch.equal(backgrounds_of(load_recipe(tmp_path / "r.yaml")), pictures_now)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("nowhere", r"line 2: no such folder of backgrounds: .*nowhere"),
        ("[a, b]", "line 2: backgrounds is the name of a folder beside this file"),
        ("", "line 2: backgrounds is the name of a folder beside this file"),
        (".", "no PNG in the folder of backgrounds"),
    ],
)
def test_a_folder_that_cannot_be_taken_is_told(tmp_path, named, message):
    path = written(tmp_path, f"name: mine\nbackgrounds: {named}\nbranches: [{{steps: [blend]}}]")
    with pytest.raises(InputError, match=message):
        load_recipe(path)


def test_backgrounds_of_another_size_are_told_with_both_sizes(tmp_path):
    recipe = load_recipe("altered-mnist").with_backgrounds(random_backgrounds(2, (1, 28, 28)))
    recipe.save(tmp_path / "recipe.yaml")
    with pytest.raises(InputError, match=r"made for 28 x 28 pictures .* these are 32 x 30; .* put 32 x 30 backgrounds"):
        load_recipe(tmp_path / "recipe.yaml", (1, 32, 30)).check((1, 32, 30))


def test_yaml_can_be_read_and_edited_by_a_person():
    content = yaml.safe_load(load_recipe("altered-mnist").to_yaml())
    assert content["branches"][1]["steps"][0] == {
        "rotate": {"probability": 1.0, "degrees": [-180, 180], "sampling": "nearest"}
    }


def test_short_forms_mean_the_defaults(tmp_path):
    recipe = load_recipe(written(tmp_path, "branches: [{steps: [flip, blur: ]}, {share: 0.5}]"))
    assert recipe.branches == (Branch(1.0, (Flip(), Blur())), Branch(0.5, ()))
    assert [branch.title for branch in recipe.branches] == ["flip+blur", "none"]


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
        ("spin", 10, "unknown alteration 'spin'; known are rotate, flip, .*blur, shot-noise, .*blend"),
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
