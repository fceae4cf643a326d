"""Every usual way to bring pictures: folders, zip, arrays, IDX; with labels in names, sub-folders, tables, or none."""

import gzip
import os
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from unalter.data.dataset import read_altered, read_dataset
from unalter.data.options import DataOptions
from unalter.data.sources import natural
from unalter.images.sheet import write_picture
from unalter.pairing.names import pair_by_name
from unalter.support.errors import InputError

RNG = np.random.default_rng(3)
CLEAN = RNG.integers(0, 256, (6, 9, 8), np.uint8)
ALTERED = 255 - CLEAN
CLASSES = ["cat", "dog", "cat", "emu", "dog", "cat"]
SKIP, PARTNERS = DataOptions(skip_bad=True), [0, 1, 2, 3, 4, 5]


def put(folder, names, images):
    for name, image in zip(names, images, strict=True):
        write_picture(folder / name, image)


def idx(path, array, compressed=False):
    content = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if compressed else content)


def zipped(folder, file, inside=""):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, inside + path.relative_to(folder).as_posix())


def partners(dataset):
    return pair_by_name(dataset).clean.tolist()


def test_class_sub_folders_are_labels_and_equal_paths_belong_together(tmp_path):
    names = [f"{name}/{i}.png" for i, name in enumerate(CLASSES)]
    put(tmp_path / "clean", names, CLEAN)
    put(tmp_path / "aug", names, ALTERED)
    dataset = read_dataset(tmp_path)
    assert dataset.label_names == ("cat", "dog", "emu")
    assert dataset.classes == 3
    assert [dataset.label_names[label] for label in dataset.clean.labels] == sorted(CLASSES)
    assert dataset.clean.names == sorted(names)
    assert partners(dataset) == PARTNERS
    assert "sub-folders" in dataset.notes[0]


def test_sub_folders_called_by_numbers_are_those_numbers(tmp_path):
    for part, images in (("clean", CLEAN), ("aug", ALTERED)):
        put(tmp_path / part, [f"{label}/x{i}.png" for i, label in enumerate((3, 10, 0, 3, 3, 7))], images)
    dataset = read_dataset(tmp_path)
    assert dataset.label_names == ("0", "3", "7", "10")
    assert dataset.clean.labels.tolist() == [0, 1, 1, 1, 2, 3]


def test_names_of_the_form_say_more_than_sub_folders(tmp_path):
    for part, images in (("clean", CLEAN), ("aug", ALTERED)):
        put(tmp_path / part, [f"batch{i % 2}/{part}_{i}_{i % 3}.png" for i in range(6)], images)
    dataset = read_dataset(tmp_path)
    assert sorted(dataset.clean.labels.tolist()) == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(dataset.clean.index[partners(dataset)], dataset.altered.index)


@pytest.mark.parametrize(
    ("clean", "altered"),
    [
        ([f"{i}.png" for i in range(6)], [f"{i}.jpg" for i in range(6)]),
        ([f"scan {i}.png" for i in range(6)], [f"scan {i}.png" for i in range(6)]),
        ([f"clean_{i}.png" for i in range(6)], [f"noisy-{i:03d}.png" for i in range(6)]),
        ([f"gänse_{i}.png" for i in range(6)], [f"gänse_{i}.bmp" for i in range(6)]),
    ],
    ids=["other endings", "equal names", "last number", "non-ASCII"],
)
def test_without_labels_equal_names_or_last_numbers_belong_together(tmp_path, clean, altered):
    put(tmp_path / "clean", clean, CLEAN)
    put(tmp_path / "aug", altered, ALTERED)
    dataset = read_dataset(tmp_path)
    assert partners(dataset) == PARTNERS
    assert (dataset.classes, dataset.label_names) == (0, ())
    assert set(dataset.altered.labels.tolist()) == {0}
    assert dataset.notes[0].startswith("no labels")


def test_a_last_number_that_two_pictures_share_pairs_nothing(tmp_path):
    put(tmp_path / "clean", ["a_1.png", "b_1.png"], CLEAN[:2])
    put(tmp_path / "aug", ["c_1.png", "d_2.png"], ALTERED[:2])
    assert partners(read_dataset(tmp_path)) == [-1, -1]


def test_a_table_gives_labels(tmp_path):
    names = [f"{i}.png" for i in range(6)]
    put(tmp_path / "clean", names, CLEAN)
    put(tmp_path / "aug", names, ALTERED)
    lines = [f"clean/{name},{label}" for name, label in zip(names, CLASSES, strict=True)]
    lines += [f"aug/{name},{label}" for name, label in zip(names, CLASSES, strict=True)]
    (tmp_path / "labels.csv").write_text("\ufeffFile,Label,note\n" + "\n".join(f"{line},x" for line in lines))
    dataset = read_dataset(tmp_path)
    assert dataset.label_names == ("cat", "dog", "emu")
    assert dataset.altered.labels.tolist() == [0, 1, 0, 2, 1, 0]
    # elsewhere, with bare names for both folders
    (tmp_path / "labels.csv").rename(tmp_path / "mine.csv")
    (tmp_path / "mine.csv").write_text("file,label\n" + "\n".join(f"{i}.png,{5 - i}" for i in range(6)))
    dataset = read_dataset(tmp_path, DataOptions(labels=str(tmp_path / "mine.csv")))
    assert dataset.clean.labels.tolist() == dataset.altered.labels.tolist() == [5, 4, 3, 2, 1, 0]
    assert read_altered(tmp_path, DataOptions(labels=str(tmp_path / "mine.csv"))).labels.tolist() == [5, 4, 3, 2, 1, 0]


def test_a_table_must_have_its_columns_and_every_picture(tmp_path):
    put(tmp_path / "clean", ["a.png", "b.png"], CLEAN[:2])
    put(tmp_path / "aug", ["a.png", "b.png"], ALTERED[:2])
    table = tmp_path / "labels.csv"
    table.write_text("name,class\na.png,1\n")
    with pytest.raises(InputError, match="needs the columns 'file' and 'label', has name, class"):
        read_dataset(tmp_path)
    table.write_text("file,label\na.png,1\n")
    with pytest.raises(InputError, match=r"no label for .*clean.b\.png and 1 more"):
        read_dataset(tmp_path)


def test_a_models_classes_keep_their_numbers(tmp_path):
    put(tmp_path / "aug", ["dog/1.png", "emu/2.png"], ALTERED[:2])
    known = read_altered(tmp_path, known=("ant", "cat", "dog", "emu"))
    assert known.labels.tolist() == [2, 3]
    assert known.label_names == ("ant", "cat", "dog", "emu")


@pytest.mark.parametrize("inside", ["", "my data/", "a/b/"])
def test_a_zip_of_the_two_folders(tmp_path, inside):
    names = [f"{name}/{i}.png" for i, name in enumerate(CLASSES)]
    put(tmp_path / "d" / "clean", names, CLEAN)
    put(tmp_path / "d" / "aug", names, ALTERED)
    (tmp_path / "d" / "__MACOSX" / "clean").mkdir(parents=True)
    (tmp_path / "d" / "__MACOSX" / "clean" / "._0.png").write_text("junk")
    zipped(tmp_path / "d", tmp_path / "d.zip", inside)
    from_zip, from_folder = read_dataset(tmp_path / "d.zip"), read_dataset(tmp_path / "d")
    assert from_zip.clean.names == from_folder.clean.names
    assert from_zip.label_names == from_folder.label_names
    np.testing.assert_array_equal(from_zip.clean.images, from_folder.clean.images)
    np.testing.assert_array_equal(from_zip.altered.images, from_folder.altered.images)
    np.testing.assert_array_equal(read_altered(tmp_path / "d.zip").images, from_folder.altered.images)


def test_a_zip_of_something_else_and_one_that_is_cut_short(tmp_path):
    put(tmp_path / "d" / "clean", ["a.png"], CLEAN[:1])
    zipped(tmp_path / "d", tmp_path / "d.zip")
    with pytest.raises(InputError, match=r"aug: there is no such folder in the zip"):
        read_dataset(tmp_path / "d.zip")
    whole = (tmp_path / "d.zip").read_bytes()
    (tmp_path / "d.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="neither a folder nor a zip"):
        read_dataset(tmp_path / "d.zip")


def test_a_picture_damaged_inside_a_zip_is_named(tmp_path):
    put(tmp_path / "d" / "clean", [f"{i}.png" for i in range(6)], CLEAN)
    put(tmp_path / "d" / "aug", [f"{i}.png" for i in range(6)], ALTERED)
    (tmp_path / "d" / "aug" / "3.png").write_text("<html>")
    zipped(tmp_path / "d", tmp_path / "d.zip")
    with pytest.raises(InputError, match=r"d\.zip.aug.3\.png: cannot be read as a picture"):
        read_dataset(tmp_path / "d.zip")
    assert len(read_dataset(tmp_path / "d.zip", SKIP).altered) == 5


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_idx_files(tmp_path, compressed):
    end = ".gz" if compressed else ""
    for part, images in (("clean", CLEAN), ("aug", ALTERED)):
        idx(tmp_path / f"{part}-images-idx3-ubyte{end}", images, compressed)
        idx(tmp_path / f"{part}-labels-idx1-ubyte{end}", np.array([4, 0, 1, 1, 2, 4], np.uint8), compressed)
    dataset = read_dataset(tmp_path)
    np.testing.assert_array_equal(dataset.clean.images[:, 0], CLEAN)
    assert [dataset.label_names[label] for label in dataset.altered.labels] == ["4", "0", "1", "1", "2", "4"]
    assert partners(dataset) == PARTNERS
    clean = str(tmp_path / f"clean-images-idx3-ubyte{end}")
    elsewhere = DataOptions(clean=clean, altered=clean.replace("clean-", "aug-"))
    np.testing.assert_array_equal(read_dataset(None, elsewhere).altered.images[:, 0], ALTERED)


@pytest.mark.parametrize("name", ["altered", "aug"])
@pytest.mark.parametrize("kind", ["uint8", "float", "colour last", "colour first"])
def test_arrays_of_numpy(tmp_path, kind, name):
    form = {
        "uint8": lambda x: x,
        "float": lambda x: x.astype(np.float32) / 255,
        "colour last": lambda x: np.stack([x, x // 2, x // 3], 3),
        "colour first": lambda x: np.stack([x, x // 2, x // 3], 1),
    }[kind]
    arrays = {"clean": form(CLEAN), name: form(ALTERED)}
    np.savez(tmp_path / "d.npz", **arrays, clean_labels=np.arange(6), **{f"{name}_labels": np.arange(6)})
    dataset = read_dataset(tmp_path / "d.npz")
    assert dataset.classes == 6
    assert dataset.clean.images.shape == (6, 3 if "colour" in kind else 1, 9, 8)
    np.testing.assert_array_equal(dataset.clean.images[:, 0], CLEAN)
    np.testing.assert_array_equal(read_altered(tmp_path / "d.npz").images[:, 0], ALTERED)


def test_rows_of_arrays_of_unequal_length_do_not_belong_together(tmp_path):
    np.savez(tmp_path / "d.npz", clean=CLEAN, altered=ALTERED[:4])
    assert partners(read_dataset(tmp_path / "d.npz")) == [-1] * 4


def test_one_file_for_each_part(tmp_path):
    np.save(tmp_path / "clean.npy", CLEAN)
    np.savez(tmp_path / "aug.npz", images=ALTERED)
    dataset = read_dataset(tmp_path)
    np.testing.assert_array_equal(dataset.altered.images[:, 0], ALTERED)
    assert dataset.classes == 0


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (CLEAN.astype(np.int64) - 300, "expected whole numbers"),
        (CLEAN.astype(np.float32), "look like 0..255: divide by 255"),
        (CLEAN[0], r"expected pictures \[N, H, W\]"),
        (CLEAN[:0], "has no picture"),
        (np.array([{}], object), "cannot be read as arrays"),
    ],
    ids=["type", "range", "shape", "empty", "objects"],
)
def test_other_arrays_are_an_input_error(tmp_path, array, words):
    np.savez(tmp_path / "d.npz", clean=array, altered=ALTERED)
    with pytest.raises(InputError, match=words):
        read_dataset(tmp_path / "d.npz")


def test_an_npz_file_that_lacks_an_array_says_what_it_has(tmp_path):
    np.savez(tmp_path / "d.npz", clean=CLEAN, second=ALTERED)
    with pytest.raises(InputError, match="needs an array called 'aug' or 'altered', has clean, second"):
        read_dataset(tmp_path / "d.npz")


def test_folders_under_other_names(tmp_path):
    put(tmp_path / "good", [f"{i}.png" for i in range(6)], CLEAN)
    put(tmp_path / "bad", [f"{i}.png" for i in range(6)], ALTERED)
    options = DataOptions(clean=str(tmp_path / "good"), altered=str(tmp_path / "bad"))
    assert partners(read_dataset(None, options)) == PARTNERS
    with pytest.raises(InputError, match="which data"):
        read_dataset(None, DataOptions(clean="x"))


@pytest.mark.parametrize(
    ("clean", "aug"),
    [
        ("x/clean", "x/aug"), ("a/b/clean", "a/b/altered"), ("Clean", "Aug"), ("clean", "noisy"), ("target", "input"),
        ("high", "low"), ("gt", "noisy15"), ("HR", "LR"), ("original", "degraded"), ("clean_images", "noisy_images"),
    ],
)  # fmt: skip
def test_folders_are_found_a_little_further_down_and_by_what_people_call_them(tmp_path, clean, aug):
    put(tmp_path / clean, ["a.png"], CLEAN[:1])
    put(tmp_path / aug, ["a.png"], ALTERED[:1])
    (tmp_path / "notes").mkdir()
    dataset = read_dataset(tmp_path)
    np.testing.assert_array_equal(dataset.altered.images[:, 0], ALTERED[:1])
    assert f"clean pictures are those of {clean}/, altered ones those of {aug}/" in dataset.notes
    np.testing.assert_array_equal(read_altered(tmp_path).images[:, 0], ALTERED[:1])
    zipped(tmp_path, tmp_path / "all.zip")
    assert read_dataset(tmp_path / "all.zip").altered.names == ["a.png"]


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (["train/clean", "train/aug", "val/clean", "val/aug"], "has clean and altered pictures in train/, val/"),
        (["clean", "noisy15", "noisy25"], "noisy15/, noisy25/: which of them holds the altered pictures"),
        (["good", "bad"], "needs clean/ and aug/"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_where_several_folders_would_do_they_are_named(tmp_path, folders, words, packed):
    for folder in folders:
        put(tmp_path / "d" / folder, ["a.png"], CLEAN[:1])
    zipped(tmp_path / "d", tmp_path / "d.zip")
    with pytest.raises(InputError, match=words):
        read_dataset(tmp_path / ("d.zip" if packed else "d"))


def test_links_to_files_and_folders_are_followed_and_loops_are_not(tmp_path):
    put(tmp_path / "store", [f"{i}.png" for i in range(6)], CLEAN)
    (tmp_path / "clean").symlink_to(tmp_path / "store")
    (tmp_path / "aug").mkdir()
    for i in range(6):
        (tmp_path / "aug" / f"{i}.png").symlink_to(tmp_path / "store" / f"{i}.png")
    (tmp_path / "store" / "loop").symlink_to(tmp_path / "store")
    dataset = read_dataset(tmp_path)
    assert (len(dataset.clean), len(dataset.altered)) == (6, 6)
    (tmp_path / "aug" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(InputError, match=r"gone\.png: cannot be read"):
        read_dataset(tmp_path)


def test_folders_that_cannot_be_written_to_are_read(tmp_path):
    put(tmp_path / "clean", ["a.png", "b.png"], CLEAN[:2])
    put(tmp_path / "aug", ["a.png", "b.png"], ALTERED[:2])
    for folder in (tmp_path / "clean", tmp_path / "aug", tmp_path):
        os.chmod(folder, 0o555)
    try:
        assert len(read_dataset(tmp_path).clean) == 2
    finally:
        os.chmod(tmp_path, 0o755)


def test_pictures_of_several_sizes_are_an_error_with_a_way_out(tmp_path):
    put(tmp_path / "clean", ["a.png", "b.png", "c.png"], CLEAN[:3])
    put(tmp_path / "aug", ["a.png", "b.png"], ALTERED[:2])
    write_picture(tmp_path / "aug" / "c.png", np.full((20, 10), 200, np.uint8))
    with pytest.raises(InputError, match=r"--resize 9(.|\n)*c\.png: 10 x 20 pixels where most have 8 x 9"):
        read_dataset(tmp_path)
    dataset = read_dataset(tmp_path, DataOptions(resize=12))
    assert dataset.altered.images.shape == (3, 1, 12, 12)
    wide = dataset.altered.images[2, 0]  # 10 x 20 in 12 x 12: 6 x 12 in the middle
    assert (wide[:, 3:9] == 200).all()
    assert wide.sum() == 200 * 6 * 12
    assert "12 x 12" in dataset.notes[1]
    assert len(read_dataset(tmp_path, SKIP).altered) == 2


def test_bad_pictures_are_left_out_where_asked_for_and_said(tmp_path):
    names = [f"x_{i}_{i % 2}.png" for i in range(6)]
    put(tmp_path / "clean", names, CLEAN)
    put(tmp_path / "aug", names, ALTERED)
    (tmp_path / "aug" / "x_2_0.png").write_text("<html>")
    (tmp_path / "aug" / "holiday.png").write_bytes((tmp_path / "aug" / "x_1_1.png").read_bytes())
    (tmp_path / "clean" / "x_9_1.gif").touch()
    with pytest.raises(InputError, match="--skip-bad"):
        read_dataset(tmp_path)
    for _ in range(2):  # decoded, and from the cache
        dataset = read_dataset(tmp_path, SKIP)
        assert dataset.altered.index.tolist() == [0, 1, 3, 4, 5]
        np.testing.assert_array_equal(dataset.altered.images[:, 0], ALTERED[[0, 1, 3, 4, 5]])
        assert len(dataset.clean) == 6
        said = "\n".join(dataset.notes)
        assert "3 left out" in said
        assert all(name in said for name in ("x_2_0.png", "holiday.png", "x_9_1.gif"))


def test_where_all_are_bad_nothing_is_left(tmp_path):
    put(tmp_path / "clean", ["a.png"], CLEAN[:1])
    (tmp_path / "aug").mkdir()
    (tmp_path / "aug" / "a.png").write_text("<html>")
    with pytest.raises(InputError, match="no picture is left"):
        read_dataset(tmp_path, SKIP)


def test_names_sort_as_people_sort_them():
    names = ["a10", "a9", "a", "b1", "10", "9", "a09", "é2"]
    assert sorted(names, key=natural) == ["9", "10", "a", "a9", "a09", "a10", "b1", "é2"]


def test_pictures_that_would_not_fit_into_memory_are_refused(tmp_path, monkeypatch):
    from unalter.data import decode
    from unalter.support import memory

    monkeypatch.setattr(memory, "free_memory", lambda: 800)
    monkeypatch.setattr(decode, "_FIRST", 4)
    for part in ("clean", "aug"):
        for i in range(3):
            Image.fromarray(CLEAN[i]).save((tmp_path / part).with_name(f"{part}{i}.png"))
    with pytest.raises(InputError, match=r"not enough memory: 6 pictures of 8 x 9 pixels need about 0\.0 GiB"):
        read_altered(tmp_path)


def test_a_table_leaves_the_index_of_names_as_it_is(tmp_path):
    for part, images in (("clean", CLEAN), ("aug", ALTERED)):
        put(tmp_path / part, [f"{part}_{i}_0.png" for i in range(6)], images)
    (tmp_path / "labels.csv").write_text(
        "file,label\n" + "".join(f"{part}/{part}_{i}_0.png,{i % 2}\n" for part in ("clean", "aug") for i in range(6))
    )
    dataset = read_dataset(str(tmp_path))
    assert partners(dataset) == PARTNERS
    assert dataset.clean.labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_a_class_that_a_model_does_not_know_is_an_input_error(tmp_path):
    put(tmp_path / "aug", ["dog/1.png", "emu/2.png"], ALTERED[:2])
    with pytest.raises(InputError, match="label 'emu' is unknown; the model knows cat, dog"):
        read_altered(tmp_path, known=("cat", "dog"))
    with pytest.raises(InputError, match="label 'dog' is unknown"):
        read_altered(tmp_path, known=("0", "1"))
