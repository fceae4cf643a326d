import pytest

from unalter.support.errors import InputError, raise_together


def test_no_problem_raises_nothing():
    raise_together([], "Never seen:")


def test_all_problems_stand_in_one_message_under_the_headline():
    with pytest.raises(InputError) as caught:
        raise_together(iter(["first", "second"]), "Both are wrong:")
    assert str(caught.value) == "Both are wrong:\n  - first\n  - second"


def test_a_long_list_is_cut_and_says_how_much_is_missing():
    with pytest.raises(InputError) as caught:
        raise_together([f"problem {i}" for i in range(20)], "Many:", most=5)
    lines = str(caught.value).splitlines()
    assert lines[1:6] == [f"  - problem {i}" for i in range(5)]
    assert lines[6:] == ["  ... and 15 more"]


def test_what_was_given_and_cannot_be_used_is_a_value_error_as_in_other_libraries():
    assert issubclass(InputError, ValueError)
