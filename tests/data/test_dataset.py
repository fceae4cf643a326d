import numpy as np
import pytest

from unalter.data.dataset import read_altered, read_dataset
from unalter.images.sheet import write_picture
from unalter.support.errors import InputError


def put(folder, *names):
    """Write a 3 x 3 picture of its index's grey under every name."""
    for name in names:
        write_picture(folder / name, np.full((3, 3), int(name.split("_")[-2]), np.uint8))


def test_order_is_natural(tmp_path):
    put(tmp_path, "a_10_0.png", "a_2_0.png", "b_2_10.png", "a_2_9.png", "a_1_5.png", "a_100_0.png", "a_007_3.png")
    pictures = read_altered(tmp_path)
    assert pictures.names == [
        "a_1_5.png", "a_2_0.png", "a_2_9.png", "a_007_3.png", "a_10_0.png", "a_100_0.png", "b_2_10.png"
    ]  # fmt: skip
    np.testing.assert_array_equal(pictures.index, [1, 2, 2, 7, 10, 100, 2])
    assert [pictures.label_names[label] for label in pictures.labels] == ["5", "0", "9", "3", "0", "0", "10"]
    np.testing.assert_array_equal(pictures.images[:, 0, 0, 0], pictures.index)  # pixels and names go together


def test_index_and_label_are_the_last_two_numbers(tmp_path):
    put(tmp_path, "my_3_scan_12_7.PNG")
    pictures = read_altered(tmp_path)
    assert (pictures.index.tolist(), pictures.label_names) == ([12], ("7",))


def test_hidden_files_and_litter_are_passed_over(tmp_path):
    put(tmp_path, "a_1_0.png")
    (tmp_path / ".DS_Store").write_text("junk")
    (tmp_path / "._a_1_0.png").write_text("junk")
    (tmp_path / "Thumbs.db").write_text("junk")
    (tmp_path / "desktop.ini").write_text("junk")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "README.txt").write_text("about these pictures")
    assert read_altered(tmp_path).names == ["a_1_0.png"]


def test_rows_take_pixels_numbers_and_names_along(tmp_path):
    put(tmp_path, *(f"a_{i}_{i % 3}.png" for i in range(6)))
    part = read_altered(tmp_path).rows(np.array([4, 1]))
    assert len(part) == 2
    assert part.names == ["a_4_1.png", "a_1_1.png"]
    np.testing.assert_array_equal(part.images[:, 0, 0, 0], part.index)
    np.testing.assert_array_equal(part.labels, [1, 1])


def test_pictures_have_one_digest_where_their_pixels_are_the_same(tmp_path):
    put(tmp_path, *(f"a_{i}_0.png" for i in (3, 5, 7)), "b_5_1.png")
    pictures = read_altered(tmp_path)
    digests = pictures.digests
    assert [digests.index(digest) for digest in digests] == [0, 1, 2, 1]
    assert {len(digest) for digest in digests} == {16}
    assert pictures.digests is digests  # hashed once
    assert pictures.rows(np.array([3, 2])).digests == [digests[1], digests[2]]


def test_classes_are_those_of_both_folders_and_no_others(tmp_path):
    put(tmp_path / "clean", "c_0_2.png")
    put(tmp_path / "aug", "a_0_6.png")
    dataset = read_dataset(tmp_path)
    assert (dataset.classes, dataset.label_names) == (2, ("2", "6"))


def test_faults_of_both_folders_are_reported_together(tmp_path):
    put(tmp_path / "clean", *(f"c_{i}_0.png" for i in range(9)))
    for name in ("clean_1.png", "clean_1_x.png", "clean_1_1.xyz", "_1_1.png"):
        (tmp_path / "clean" / name).touch()
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path)
    message = str(caught.value)
    for name in ("clean_1.png", "clean_1_x.png", "_1_1.png"):
        assert f"{name}: the name is not of the form X_I_L.png" in message
    assert "clean_1_1.xyz: no picture file" in message
    assert f"{tmp_path / 'aug'}: there is no such folder" in message
    assert "c_0_0.png" not in message
    assert "--skip-bad" in message


def test_empty_and_missing_folders_are_input_errors(tmp_path):
    with pytest.raises(InputError, match="there is no such folder"):
        read_dataset(tmp_path / "nowhere")
    (tmp_path / "clean").mkdir()
    (tmp_path / "aug").mkdir()
    (tmp_path / "aug" / ".hidden").touch()
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path)
    assert str(caught.value).count("the folder is empty") == 2


def test_different_sizes_in_the_two_folders_are_an_input_error(tmp_path):
    put(tmp_path / "clean", "c_0_0.png", "c_1_0.png")
    write_picture(tmp_path / "aug" / "a_0_0.png", np.zeros((3, 4), np.uint8))
    with pytest.raises(InputError, match=r"a_0_0\.png: 4 x 3 pixels where most have 3 x 3"):
        read_dataset(tmp_path)
