import subprocess
import sys
from dataclasses import fields, replace

import pytest

from unalter import alter
from unalter.alter import KINDS, Blend, Blur, Flip, Rotate
from unalter.alter.alteration import Alteration, Parameter
from unalter.fitting.chain import ORDER, parameter_refs

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
FITTED = [kind for kind in KINDS if kind.starts()]


def test_names_and_streams_are_unique_and_known_ones_stay_what_they_were():
    assert len({kind.name for kind in KINDS}) == len({kind.stream for kind in KINDS}) == len(KINDS)
    before = ["rotate", "flip", "scale", "perspective", "translate", "occlusion", "contrast", "invert", "blur"]
    before += ["shot-noise", "gaussian-noise", "speckle", "salt-and-pepper"]
    assert [kind.name for kind in sorted(KINDS, key=lambda kind: kind.stream)][: len(before)] == before
    assert sorted(kind.stream for kind in KINDS)[: len(before)] == list(range(len(before)))
    assert [kind.name for kind in ORDER if kind.name in before] == before


@every_kind
def test_a_kind_is_exported_by_name_and_has_a_file_of_its_own(kind):
    assert getattr(alter, kind.__name__) is kind
    assert kind.__module__.rpartition(".")[2] == kind.name.replace("-", "_")


def test_other_names_are_not_exported():
    with pytest.raises(ImportError):
        from unalter.alter import Nonsense  # noqa: F401


@pytest.mark.parametrize("kind", FITTED, ids=lambda kind: kind.name)
def test_what_is_fitted_can_be_written_in_a_recipe_and_reach_its_bounds(kind):
    for start in kind.starts():
        assert type(start) is kind
        for parameter in kind.fitted:
            assert parameter.low <= parameter.get(start) <= parameter.high
            for bound in (parameter.low, parameter.high):
                assert parameter.get(parameter.set(start, bound)) == bound
    assert {parameter.field for parameter in kind.fitted} <= {field.name for field in fields(kind)}


def test_one_end_of_a_range_moves_the_other_along_where_it_must():
    low, high = Rotate.fitted
    assert low.set(Rotate(degrees=(-10, 20)), 30) == Rotate(degrees=(30, 30))
    assert high.set(Rotate(degrees=(-10, 20)), -500) == Rotate(degrees=(-180, -180))
    assert low.set(Rotate(degrees=(-10, 20)), 5) == Rotate(degrees=(5, 20))
    alone = Parameter("probability", 0, 1, 0.1, (0.1,))
    assert alone.set(Rotate(), 0.3) == Rotate(probability=0.3)


def test_variants_differ_in_one_word_and_come_back():
    for step in (Rotate(degrees=(-2, 2)), Flip(probability=0.3), Blur(kernel=3), Blur(kernel=9)):
        for other in step.variants((28, 28)):
            assert other != step
            assert step in list(other.variants((28, 28)))
    assert [blur.kernel for blur in Blur(kernel=5).variants((28, 28))] == [3, 7]
    assert [blur.kernel for blur in Blur(kernel=5).variants((3, 28))] == [3]
    assert Flip(axis="vertical", probability=0.2).plainer() == Flip(probability=0.2)
    assert replace(Rotate(), sampling="nearest").plainer().sampling == "nearest"


def test_blends_are_not_looked_for_by_a_fit():
    assert Blend not in ORDER
    assert {ref.kind for ref in parameter_refs((Rotate(), Blur()))} == {Rotate, Blur}


def test_a_class_without_a_stream_gets_one_that_depends_on_its_name_alone():
    from dataclasses import dataclass

    @dataclass(frozen=True, kw_only=True)
    class New(Alteration):
        name = "new"

    assert New.stream > 1000
    assert New.stream == type("Other", (Alteration,), {"name": "new"}).stream


def test_importing_alterations_brings_in_little_but_torch():
    heavy = ("sklearn", "scipy", "PIL", "matplotlib", "rich", "unalter.fitting", "unalter.training")
    code = f"import sys, unalter.alter; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
