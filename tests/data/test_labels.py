"""Names, folders and tables as people have them: what is a class, what is an index, and what is neither."""

from __future__ import annotations

import os
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest

from unalter.data.classes import find_class
from unalter.data.dataset import Dataset, read_altered, read_dataset
from unalter.data.options import DataOptions
from unalter.images.sheet import write_picture
from unalter.pairing.names import pair_by_name
from unalter.support.errors import InputError

RNG = np.random.default_rng(5)
APART, TOGETHER = (unicodedata.normalize(form, "Äpfel") for form in ("NFD", "NFC"))


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(clean: list[str], altered: list[str] | None = None, folder: str = ".") -> None:
    for part, names in (("clean", clean), ("aug", clean if altered is None else altered)):
        for name in names:
            write_picture(Path(folder, part, name), RNG.integers(0, 256, (4, 4), np.uint8))


def pairs(dataset: Dataset) -> list[tuple[str, str]]:
    found = pair_by_name(dataset)
    return [(dataset.altered.names[row], dataset.clean.names[found.clean[row]]) for row in found.altered]


def said(dataset: Dataset) -> str:
    return " | ".join(dataset.notes)


NUMBERS = {
    "sizes": ([f"img_{i}_28.png" for i in range(6)], "they all end in 28, as with a size"),
    "days": ([f"IMG_20240101_{i + 120}.png" for i in range(6)], "are dates (20240101)"),
    "days, one each": ([f"IMG_202401{i + 10}_{i * 71}.png" for i in range(6)], "are dates (20240110)"),
    "frames": ([f"vid_3_{i * 10}.png" for i in range(6)], "differs more often than the one before it (0 to 50)"),
    "frames above 999": ([f"vid_3_{i * 400}.png" for i in range(6)], "differs more often"),
    "frames of several films": ([f"vid_{i // 20}_{i % 20}.png" for i in range(40)], "differs more often"),
    "months": ([f"scan_{2020 + i // 3}_{i % 3 + 4:02d}.png" for i in range(9)], "are years and months (2020)"),
    "tiles": ([f"tile_{i // 5}_{i % 5}.png" for i in range(25)], "differs more often"),
    "numbers of something": ([f"a_{i}_{i * 7}.png" for i in range(24)], "differs in most"),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_that_are_no_index_and_label_are_not_taken_for_them(kind, data):
    names, words = NUMBERS[kind]
    put(names)
    dataset = read_dataset(data)
    assert (dataset.classes, len(pairs(dataset))) == (0, len(names))
    assert words in said(dataset)


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ([f"x_{i}_{(0, 999)[i % 2]}.png" for i in range(6)], ("0", "999")),
        ([f"x_{i}_4.png" for i in range(6)], ("4",)),
        ([f"{(1, 2, 10)[i % 3]}/{i}.png" for i in range(6)], ("1", "2", "10")),
        ([f"{(1, 2, 10)[i % 3]:03d}/{i}.png" for i in range(6)], ("001", "002", "010")),
        ([f"{'ab'[i % 2]}/x_{i}_{i % 3}.png" for i in range(6)], ("a", "b")),  # class folders before names
        ([f"{'ab'[i % 2]}/x_{i // 2}_1.png" for i in range(6)], ("a", "b")),
        ([f"{('train', 'val')[i % 2]}/{i}.png" for i in range(6)], ()),
        ([f"{('train', 'val')[i % 2]}/{'ab'[i // 2 % 2]}/{i}.png" for i in range(6)], ("a", "b")),
        ([f"{('train', 'car')[i % 2]}/{i}.png" for i in range(6)], ("car", "train")),  # trains and cars
        ([f"{'Aa'[i % 2]}/{i}.png" for i in range(6)], ("A", "a")),
    ],
)
def test_classes_are_called_as_people_call_them(names, classes, data):
    put(names)
    dataset = read_dataset(data)
    assert (dataset.label_names, len(pairs(dataset))) == (classes, len(names))


@pytest.mark.parametrize(
    ("clean", "altered", "classes", "words"),
    [
        ("Cats", "cats", ("Cats", "dogs"), "classes Cats and cats are taken for one, Cats"),
        (TOGETHER, APART, ("dogs", TOGETHER), ""),
    ],
)
def test_classes_that_differ_in_writing_only_are_one(clean, altered, classes, words, data):
    put([f"{clean}/1.png", "dogs/2.png"], [f"{altered}/1.png", "dogs/2.png"])
    dataset = read_dataset(data)
    assert (dataset.label_names, len(pairs(dataset))) == (classes, 2)
    assert words in said(dataset)


def test_a_stray_picture_is_named_and_turns_no_labels_off(data):
    put([f"{'ab'[i % 2]}/{i}.png" for i in range(6)])
    put(["cover.png"], [])
    with pytest.raises(InputError, match=r"cover\.png: lies in no class folder"):
        read_dataset(data)
    assert read_dataset(data, DataOptions(skip_bad=True)).label_names == ("a", "b")


MEET = {
    "accents": ([f"{TOGETHER}.png"], [f"{APART}.png"], ""),
    "capitals": (["XA.png", "xb.png"], ["xa.png", "XB.png"], "differ by capital letters"),
    "another ending": (["1.png"], ["1.bmp"], ""),
    "a word behind": (["001.png"], ["001_noisy.png"], "names without words such as"),
    "two words": (["tom_clean.png"], ["tom_noisy.png"], "names without words such as"),
    "a strength": (["a.png"], ["a_sigma25.png"], "names that begin with a clean one's"),
    "zeros": (["clean_7.png"], ["noisy-007.png"], "names without words such as"),
    "other words": (["scan 7 a.png", "scan 8 a.png"], ["x7.png", "x8.png"], "the numbers in names"),
}


@pytest.mark.parametrize("kind", MEET)
def test_names_of_one_picture_meet(kind, data):
    clean, altered, words = MEET[kind]
    put(clean, altered)
    dataset = read_dataset(data)
    assert len(pairs(dataset)) == len(altered)
    assert words in said(dataset)


def test_several_altered_pictures_of_one(data):
    put(["001.png", "002.png"], ["001_1.png", "001_2.png", "002_1.png"])
    assert pairs(read_dataset(data)) == [("001_1.png", "001.png"), ("001_2.png", "001.png"), ("002_1.png", "002.png")]


def test_one_name_that_happens_to_be_the_same_does_not_turn_numbers_off(data):
    put(["cover.png", *(f"a{i}b.png" for i in range(6))], ["cover.png", *(f"c{i:02d}.png" for i in range(6))])
    assert len(pairs(read_dataset(data))) == 7


def test_a_name_that_fits_two_pictures_is_said(data):
    put(["a.png", "a.bmp", "b.png"], ["a.tif", "b.png"])
    dataset = read_dataset(data)
    assert pairs(dataset) == [("b.png", "b.png")]
    assert "no pair by name where several clean ones would fit" in said(dataset)
    write_picture(data / "aug" / "a.png", RNG.integers(0, 256, (4, 4), np.uint8))
    assert ("a.png", "a.png") in pairs(read_dataset(data))  # of one ending: no doubt


def test_both_parts_are_two_folders(data):
    put(["a.png"], [])
    (data / "aug").symlink_to("clean")
    with pytest.raises(InputError, match="are the same"):
        read_dataset(data)
    (data / "aug").unlink()
    write_picture(data / "clean" / "noisy" / "a.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(InputError, match="lies within"):
        read_dataset(None, DataOptions(clean="clean", altered="clean/noisy"))


def packed(file: str, separator: str = "/", top: str = "") -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(Path().rglob("*")):
            if path.is_file() and path.suffix != ".zip":
                entry = zipfile.ZipInfo()
                entry.filename = (top + path.as_posix()).replace("/", separator)
                archive.writestr(entry, path.read_bytes())


def test_a_zip_of_windows_and_one_with_a_table(data):
    put([f"{i}.png" for i in range(4)])
    Path("Labels.csv").write_text("file,label\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(4)))
    packed("d.zip", "\\", "my data/")
    dataset = read_dataset("d.zip")
    assert (dataset.label_names, len(pairs(dataset))) == (("a", "b"), 4)


def test_a_zip_for_each_part(data):
    put([f"{'ab'[i % 2]}/{i}.png" for i in range(4)])
    for part in ("clean", "aug"):
        with zipfile.ZipFile(f"{part}-all.zip", "w") as archive:
            for path in sorted(Path(part).rglob("*.png")):
                archive.write(path, path.as_posix())
    dataset = read_dataset(None, DataOptions(clean="clean-all.zip", altered="aug-all.zip"))
    assert (dataset.label_names, len(pairs(dataset))) == (("a", "b"), 4)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cl*", "is a pattern"),
        ("loop", "is a link that leads nowhere"),
        ("d.tar.gz", "it is packed; unpack it"),
        ("d.7z", "it is packed; unpack it"),
    ],
)
def test_what_is_no_folder_is_said_once_with_a_way_out(name, words, data):
    (data / "loop").symlink_to("loop")
    for file in ("d.tar.gz", "d.7z"):
        (data / file).write_bytes(b"packed")
    with pytest.raises(InputError, match=words) as caught:
        read_dataset(name)
    assert str(caught.value).count(words) == 1


def test_the_home_folder_is_found(data, monkeypatch):
    put(["a.png"])
    monkeypatch.setenv("HOME", str(data))
    assert len(read_dataset("~").clean) == 1
    assert len(read_dataset(None, DataOptions(clean="~/clean", altered="~/aug")).clean) == 1


@pytest.mark.parametrize("name", ["@eaDir", ".ipynb_checkpoints", "__MACOSX", "#recycle", "System Volume Information"])
def test_what_systems_leave_behind_is_no_class(name, data):
    put([f"{'ab'[i % 2]}/{i}.png" for i in range(4)])
    put([f"{name}/1.png", f"a/{name}/1.png"], [])
    assert read_dataset(data).label_names == ("a", "b")


def test_a_class_folder_whose_name_is_no_text_is_named_at_the_start(data):
    for folder in (b"clean/K\xe4se", b"aug/K\xe4se"):
        os.makedirs(folder)
        write_picture(Path(os.fsdecode(folder), "1.png"), np.zeros((4, 4), np.uint8))
    with pytest.raises(InputError, match=r"class K.udce4se: its name is no UTF-8.*'Käse'"):
        read_dataset(data)


def test_a_set_without_a_class_keeps_the_others_names(data):
    put(["b/1.png", "D/2.png", "007/3.png"])
    known = ("1", "7", "a", "b", "c", "d")
    pictures = read_altered(data, known=known)
    assert [pictures.label_names[label] for label in pictures.labels] == ["7", "d", "b"]
    put(["e/1.png"])
    with pytest.raises(InputError, match="label 'e' is unknown; the model knows 1, 7, a, b, c, d"):
        read_altered(data, known=known)


@pytest.mark.parametrize(
    ("called", "names", "place"),
    [
        ("1", ("001", "002", "010"), 0), ("10", ("001", "002", "010"), 2), ("0", ("001", "002"), None),
        ("1", ("1.0", "2.0"), 0), ("1.0", ("0", "1"), 1), ("1", ("cats", "dogs"), None), ("CATS", ("cats", "dogs"), 0),
        ("1", ("01", "1"), 1), ("001", ("01", "1"), None), (APART, ("x", TOGETHER), 1), ("999", ("1", "999"), 1),
    ],
)  # fmt: skip
def test_a_class_is_found_by_its_name_and_never_by_its_place(called, names, place):
    assert find_class(called, names) == place


ROWS = [("0.png", "Käse"), ("1.png", "b"), ("2.png", "Käse"), ("3.png", "b")]


def table(separator: str = ",", head: str = "file{}label\n", quote: str = "") -> str:
    lines = (f"{quote}{name}{quote}{separator}{label}\n" for name, label in ROWS)
    return head.format(separator) + "".join(lines)


TABLES = {
    "comma": table().encode(),
    "byte order mark": table().encode("utf-8-sig"),
    "semicolons": table(";").encode(),
    "tabs of UTF-16": table("\t").encode("utf-16"),
    "UTF-16 without mark": table(";").encode("utf-16-le"),
    "Windows-1252": table(";").encode("cp1252"),
    "sep=;": ("sep=;\r\n" + table(";").replace("\n", "\r\n")).encode(),
    "quotes": table(quote='"').encode(),
    "empty columns": table(";").replace("\n", ";;;\n").encode() + b";;;;\n\n",
    "lines of an old Mac": table().replace("\n", "\r").encode(),
    "spaces and capitals": table(" , ", " File{}LABEL \n").encode(),
    "the same twice": table().encode() + "0.png,Käse\n".encode(),
    "paths of Windows": table().replace("0.png,", "clean\\0.png,").encode() + "aug\\0.png,Käse\n".encode(),
    "names without endings": table().replace(".png", "").encode(),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_is_read_as_spreadsheets_write_it(kind, data):
    put([name for name, _ in ROWS])
    Path("labels.csv").write_bytes(TABLES[kind])
    dataset = read_dataset(data)
    assert dataset.label_names == ("Käse", "b")
    assert dataset.altered.labels.tolist() == [0, 1, 0, 1]
    assert ("no UTF-8: taken for Windows-1252 ('Käse')" in said(dataset)) == (kind == "Windows-1252")


def test_labels_as_floats_are_whole_numbers(data):
    put([name for name, _ in ROWS])
    Path("labels.csv").write_text("file;label\n" + "".join(f"{i}.png;{i % 2 + 1},0\n" for i in range(4)))
    assert read_dataset(data).label_names == ("1", "2")


WRONG = {
    "no first line": (table(head=""), "is the first line a picture. it must name the columns: file,label"),
    "empty": ("", "needs the columns 'file' and 'label', is empty"),
    "no rows": ("file,label\n", "has no label for .*0.png and 7 more"),
    "two labels": (table() + "0.png,b\n", "lines 2 and 6 give 0.png two labels, Käse and b"),
    "NaN": (table().replace("1.png,b", "1.png,NaN"), "line 3: has no label for 1.png"),
    "no label": (table().replace("1.png,b", "1.png,"), "line 3: has no label for 1.png"),
    "an open quote": (table().replace("2.png", '"2.png'), "line 5 cannot be read as CSV"),
    "a comma too many": (table().replace("1.png,b", "1.png,b,x"), "line 3 has 3 columns where the first has 2"),
    "a column twice": (table(head="file,label,label\n").replace("label,label", "label,LABEL"), "column 'label' twice"),
    "a workbook": ("PK\x03\x04" + table(), "is a workbook, not a table of text"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_with_a_table_is_said_with_line_and_column(kind, data):
    put([name for name, _ in ROWS])
    Path("labels.csv").write_text(WRONG[kind][0], "utf-8")
    with pytest.raises(InputError, match=rf"labels\.csv(.|\n)*{WRONG[kind][1]}"):
        read_dataset(data)


def test_lines_of_pictures_that_are_not_there_are_said(data):
    put([name for name, _ in ROWS])
    Path("labels.csv").write_text(table() + "9.png,z\n", "utf-8")
    dataset = read_dataset(data)
    assert dataset.label_names == ("Käse", "b")
    assert "names pictures that are not there: 1, such as 9.png in line 6" in said(dataset)
