"""Every row of docs/errors.md: the message, exit code 2, and nothing written."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from unalter.cli.main import main

TABLE = Path(__file__).parents[1] / "docs" / "errors.md"


def rows(of: str) -> dict[str, str]:
    """What is wrong, and the message, of the tables whose first column is headed so."""
    found, head = {}, ""
    for line in TABLE.read_text("utf-8").splitlines():
        if line.startswith("| "):
            what, message, _ = (cell.strip() for cell in line.strip("|").split("|"))
            if message == "the message":
                head = what
            elif head == of:
                found[what] = message.strip("`")
    return found


ROWS = rows("what is wrong")

LOCKS: list[FileLock] = []
"""Held while a mistake is tried."""
MISTAKES: dict[str, Callable[..., list[object]]] = {}
"""By what is wrong: makes it in the current folder, returns the arguments of a command."""


def mistake(what: str) -> Callable[[Callable[..., list[object]]], Callable[..., list[object]]]:
    def keep(make: Callable[..., list[object]]) -> Callable[..., list[object]]:
        MISTAKES[what] = make
        return make

    return keep


def put(folder: str, *names: str, size: int = 28) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names:
        pixels = np.random.default_rng(zlib.crc32(os.fsencode(folder + name))).integers(0, 256, (size, size))
        Image.fromarray(pixels.astype(np.uint8)).save(Path(folder, name))


def put_pairs(count: int = 12) -> None:
    put("d/clean", *(f"clean_{i}_{i % 3}.png" for i in range(count)))
    put("d/aug", *(f"aug_{i}_{i % 3}.png" for i in range(count)))


def train(*more: object) -> list[object]:
    return ["train", "d", "--out", "new", "--recipe", "noise", "--epochs", 1, "--map-every", 0, *more]


mistake("there is no such folder")(lambda data, run: train())


@mistake("one of the two folders is missing")
def _(data, run):
    put("d/clean", "clean_0_0.png")
    return train()


@mistake("a folder is empty")
def _(data, run):
    put("d/clean", "clean_0_0.png")
    put("d/aug")
    return train()


@mistake("the folders are swapped")
def _(data, run):
    put_pairs()
    Path("d/clean").rename("d/x")
    Path("d/aug").rename("d/clean")
    Path("d/x").rename("d/aug")
    return train()


@mistake("aug/ holds the clean pictures")
def _(data, run):
    put_pairs()
    for path in Path("d/clean").iterdir():
        shutil.copy(path, Path("d/aug", path.name.replace("clean", "aug")))
    return ["pair", "d", "--out", "pairs.csv"]


@mistake("no label is in both folders")
def _(data, run):
    put("d/clean", *(f"clean_{i}_1.png" for i in range(9)))
    put("d/aug", *(f"aug_{i + 100}_2.png" for i in range(9)))
    return train()


@mistake("labels disagree inside a pair")
def _(data, run):
    put_pairs(40)
    Path("d/aug/aug_7_1.png").rename("d/aug/aug_7_2.png")
    return train()


@mistake("one clean picture")
def _(data, run):
    put("d/clean", "clean_0_0.png")
    put("d/aug", "aug_0_0.png", "aug_1_0.png")
    return train()


@mistake("pictures that show nothing, to learn a recipe from")
def _(data, run):
    for part in ("clean", "aug"):
        Path("d", part).mkdir(parents=True)
        for i in range(44):
            mask = np.random.default_rng([i, part == "aug"]).integers(10, 12, (28, 28)).astype(np.uint8)
            Image.fromarray(mask).save(Path("d", part, f"{part}_{i}_0.png"))
    return ["recipe", "d", "--out", "r.yaml"]


@mistake("too few pictures to learn a recipe from")
def _(data, run):
    put_pairs()
    return ["recipe", "d", "--out", "recipe.yaml"]


@mistake("a name without index and label")
def _(data, run):
    put_pairs()
    put("d/aug", "holiday.png")
    return train()


@mistake("a label that is no label")
def _(data, run):
    put_pairs()
    put("d/aug", "aug_3_1000.png")
    return train()


@mistake("a file is no picture")
def _(data, run):
    put_pairs()
    Path("d/aug/aug_99_0.png").write_text("<!doctype html><title>Not found</title>")
    return train()


@mistake("a file is cut short")
def _(data, run):
    put_pairs()
    whole = Path("d/aug/aug_3_0.png").read_bytes()
    Path("d/aug/aug_3_0.png").write_bytes(whole[: len(whole) // 2])
    return train()


@mistake("a decompression bomb")
def _(data, run):
    put_pairs()
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 99)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part)) for kind, part in chunks
    )
    Path("d/aug/aug_99_0.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return train()


@mistake("pictures differ in size")
def _(data, run):
    put_pairs()
    put("d/aug", "aug_99_0.png", size=9)
    return train()


@mistake("a kind of file that is not read")
def _(data, run):
    put_pairs()
    Path("d/aug/aug_99_0.xyz").write_text("?")
    return train()


@mistake("a file of several pictures")
def _(data, run):
    put_pairs()
    frames = [Image.new("L", (28, 28), shade) for shade in (0, 99)]
    frames[0].save("d/aug/aug_99_0.tif", save_all=True, append_images=frames[1:])
    return train()


@mistake("a kind of file that other programs are for")
def _(data, run):
    put_pairs()
    Path("d/aug/aug_99_0.heic").touch()
    return train()


@mistake("a pipe in place of a file")
def _(data, run):
    put_pairs()
    os.mkfifo("d/aug/aug_99_0.png")
    return train()


@mistake("a picture beside class folders")
def _(data, run):
    for part in ("clean", "aug"):
        put(f"d/{part}/cats", "1.png")
        put(f"d/{part}/dogs", "2.png")
    put("d/clean", "cover.png")
    return train()


@mistake("the same folder twice")
def _(data, run):
    put("d/clean", "1.png")
    Path("d/aug").symlink_to("clean")
    return train()


@mistake("one folder within the other")
def _(data, run):
    put("d/clean", "1.png")
    put("d/clean/noisy", "1.png")
    return ["pair", "--clean", "d/clean", "--altered", "d/clean/noisy", "--out", "pairs.csv"]


@mistake("several pairs of folders")
def _(data, run):
    for place in ("train/clean", "train/aug", "val/clean", "val/aug"):
        put(f"d/{place}", "1.png")
    return train()


@mistake("several folders that would do")
def _(data, run):
    for place in ("clean", "noisy15", "noisy25"):
        put(f"d/{place}", "1.png")
    return train()


mistake("a pattern in place of a folder")(lambda data, run: ["train", "d*", "--out", "new"])


@mistake("a link to itself")
def _(data, run):
    Path("d").symlink_to("d")
    return train()


@mistake("a packed folder that is no zip")
def _(data, run):
    Path("d.tar.gz").write_bytes(b"packed")
    return ["train", "d.tar.gz", "--out", "new"]


@mistake("a class whose name is no UTF-8")
def _(data, run):
    for part in ("clean", "aug"):
        put(os.fsdecode(f"d/{part}/".encode() + b"K\xe4se"), "1.png")
    return train()


@mistake("a zip without the two folders")
def _(data, run):
    with zipfile.ZipFile("d.zip", "w") as archive:
        archive.writestr("holiday/a.png", b"")
    return ["train", "d.zip", "--out", "new"]


@mistake("a file that is neither folder nor zip nor arrays")
def _(data, run):
    Path("d.txt").write_text("pictures")
    return ["train", "d.txt", "--out", "new"]


def npz(clean: np.ndarray, **more: object) -> list[object]:
    np.savez("d.npz", clean=clean, aug=np.zeros((3, 9, 9), np.uint8), **more)
    return ["train", "d.npz", "--out", "new"]


mistake("floats that are no pictures")(lambda data, run: npz(np.full((3, 9, 9), 255.0) * [[[0], [1], [1]] * 3]))
mistake("whole numbers beyond 16 bits")(lambda data, run: npz(np.full((3, 9, 9), -1)))
mistake("pictures counted by the last axis")(lambda data, run: npz(np.zeros((9, 9, 40))))
mistake("a label that is missing in an array")(
    lambda data, run: npz(np.zeros((4, 9, 9)), clean_labels=[0.0, 1.0, 1.0, float("nan")])
)


@mistake("arrays under other names")
def _(data, run):
    np.savez("d.npz", clean=np.zeros((3, 9, 9), np.uint8), dirty=np.zeros((3, 9, 9), np.uint8))
    return ["train", "d.npz", "--out", "new"]


def without_labels() -> None:
    put("d/clean", *(f"{i}.png" for i in range(12)))
    put("d/aug", *(f"{i}.png" for i in range(12)))


@mistake("a picture without a line in labels.csv")
def _(data, run):
    without_labels()
    Path("d/labels.csv").write_text("file,label\n" + "".join(f"{i}.png,{i % 2}\n" for i in range(11)))
    return train()


@mistake("a labels.csv without its columns")
def _(data, run):
    without_labels()
    Path("d/labels.csv").write_text("name;class\n")
    return train()


def labelled(first: str = "file,label\n", more: str = "", **other: str) -> list[object]:
    """Without labels in names, but with a labels.csv: of `other`, the lines of pictures called by their number."""
    without_labels()
    lines = (other.get(f"of_{i}", f"{i}.png,{i % 2}") for i in range(12))
    Path("d/labels.csv").write_text(first + "".join(f"{line}\n" for line in lines) + more)
    return train()


mistake("a labels.csv without its first line")(lambda data, run: labelled(first=""))
mistake("two labels for one picture in labels.csv")(lambda data, run: labelled(more="0.png,1\n"))
mistake("a label that is missing in labels.csv")(lambda data, run: labelled(of_0="0.png,NaN"))
mistake("a line of labels.csv with too many columns")(lambda data, run: labelled(of_0="0.png,a,b"))
mistake("an open quote in labels.csv")(lambda data, run: labelled(of_11='"11.png,1'))
mistake("a workbook as labels.csv")(lambda data, run: labelled(first="PK\x03\x04"))


@mistake("a CVAE without labels")
def _(data, run):
    without_labels()
    return train("--models", "ae,cvae")


def clean_alone(*more: object) -> list[object]:
    put("digits", *(f"clean_{i}_{i % 3}.png" for i in range(12)))
    return [*more, "--clean", "digits"]


mistake("clean pictures alone, and no recipe")(lambda data, run: clean_alone("train", "--out", "new"))
mistake("clean pictures alone where altered ones are asked for")(lambda data, run: clean_alone("pair"))


@mistake("clean pictures alone, and pairs to be searched for")
def _(data, run):
    return clean_alone("train", "--out", "new", "--recipe", "noise", "--pairing", "appearance")


@mistake("a truth.csv, and clean pictures alone")
def _(data, run):
    return clean_alone("evaluate", run, "--truth", data / "truth.csv", "--out", "scores")


@mistake("clean pictures alone, and a model without its run")
def _(data, run):
    shutil.copytree(run / "ae", "ae")
    return clean_alone("evaluate", "ae", "--out", "scores")


@mistake("a size that is none")
def _(data, run):
    put_pairs()
    return train("--resize", 3)


@mistake("more than fits into memory")
def _(data, run):
    put_pairs()
    return train("--batch-size", 10**9)


@mistake("a training is at work in the run folder")
def _(data, run):
    arguments = resumed(data, run)
    held = FileLock("run/.lock")
    held.acquire()
    LOCKS.append(held)
    return arguments


@mistake("a checkpoint of another architecture")
def _(data, run):
    arguments = resumed(data, run)
    shutil.copy("run/vae/checkpoint.pt", "run/ae/checkpoint.pt")
    return arguments


@mistake("a model of another version")
def _(data, run):
    resumed(data, run)
    weights = Path("run/ae/model.safetensors")
    whole = weights.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = re.sub(rb'\\"format\\": \d+', rb'\\"format\\": 999', whole[8 : 8 + length])
    weights.write_bytes(len(header).to_bytes(8, "little") + header + whole[8 + length :])
    return ["denoise", "run/ae", "data/aug", "--out", "out"]


@mistake("the run folder exists")
def _(data, run):
    put_pairs()
    shutil.copytree(run, "new")
    return train()


@mistake("more processes than processors or GPUs")
def _(data, run):
    return ["train", data, "--devices", "9999", "--out", "new"]


@mistake("several processes that were not told where they meet")
def _(data, run):
    os.environ["WORLD_SIZE"] = "2"
    return ["train", data, "--out", "new"]


@mistake("there is no run to go on with")
def _(data, run):
    Path("new").mkdir()
    return ["train", "--resume", "--out", "new"]


def resumed(data: Path, run: Path) -> list[object]:
    """Arguments that go on with a copy of a run, whose first model is not finished."""
    shutil.copytree(run, "run")
    shutil.copytree(data, "data")
    return ["train", "data", "--resume", "--out", "run"]


@mistake("resumed with other options")
def _(data, run):
    return [*resumed(data, run), "--epochs", 1]


@mistake("resumed with pictures missing or new")
def _(data, run):
    arguments = resumed(data, run)
    sorted(Path("data/aug").iterdir())[0].unlink()
    return arguments


@mistake("resumed with other pixels in a picture")
def _(data, run):
    arguments = resumed(data, run)
    Image.new("L", (28, 28), 200).save(sorted(Path("data/aug").iterdir())[0])
    return arguments


@mistake("a checkpoint is cut short")
def _(data, run):
    arguments = resumed(data, run)
    whole = Path("run/ae/checkpoint.pt").read_bytes()
    Path("run/ae/checkpoint.pt").write_bytes(whole[: len(whole) // 2])
    return arguments


class _Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("was-run"),))


@mistake("a checkpoint carries code")
def _(data, run):
    arguments = resumed(data, run)
    torch.save({"format": _Bomb()}, "run/ae/checkpoint.pt", pickle_module=pickle)
    return arguments


@mistake("a checkpoint of another version")
def _(data, run):
    arguments = resumed(data, run)
    state = torch.load("run/ae/checkpoint.pt", weights_only=True)
    torch.save({**state, "format": 999}, "run/ae/checkpoint.pt")
    return arguments


@mistake("a model is cut short")
def _(data, run):
    resumed(data, run)
    whole = Path("run/ae/model.safetensors").read_bytes()
    Path("run/ae/model.safetensors").write_bytes(whole[: len(whole) // 2])
    return ["denoise", "run/ae", "data/aug", "--out", "out"]


@mistake("an unknown option in the file of options")
def _(data, run):
    put_pairs()
    Path("options.yaml").write_text("epoch: 3\n")
    return train("--config", "options.yaml")


@mistake("an option of the wrong type")
def _(data, run):
    put_pairs()
    Path("options.yaml").write_text("beta: strong\n")
    return train("--config", "options.yaml")


@mistake("an option out of its range")
def _(data, run):
    put_pairs()
    return train("--validation", 0.9)


@mistake("a page of new pictures in a run's map")
def _(data, run):
    put("new/aug", "aug_1_1.png")
    return ["map", run, "new", "--onto", "--out", "onto.html"]


@mistake("a place that cannot be written to")
def _(data, run):
    put_pairs()
    return ["pair", "d", "--out", "nowhere/pairs.csv"]


RECIPE = "name: mine\nbranches:\n  - share: 1.0\n    steps:\n      - {}\n"


def with_recipe(step: str) -> list[object]:
    put_pairs()
    Path("mine.yaml").write_text(RECIPE.format(step))
    return ["pair", "d", "--recipe", "mine.yaml", "--out", "pairs.csv"]


mistake("an unknown alteration")(lambda data, run: with_recipe("rotat: {degrees: [0, 20]}"))
mistake("an impossible fill")(lambda data, run: with_recipe("rotate: {fill: white}"))
mistake("an impossible range")(lambda data, run: with_recipe("rotate: {degrees: [40, 20]}"))


@mistake("a recipe for another size")
def _(data, run):
    put("backgrounds", "00.png", size=9)
    return with_recipe("blend: {weight: [0.5, 0.5]}")


@mistake("no such recipe")
def _(data, run):
    put_pairs()
    return ["pair", "d", "--recipe", "yours.yaml", "--out", "pairs.csv"]


mistake("an AE is asked to generate")(lambda data, run: ["generate", run / "ae", "--out", "g.png"])
mistake("a VAE is asked for a class")(lambda data, run: ["generate", run / "vae", "--label", 1, "--out", "g.png"])
mistake("a label that the model does not know")(lambda data, run: ["generate", run, "--label", 77, "--out", "g.png"])


@mistake("a colour picture for a grey model")
def _(data, run):
    Path("in").mkdir()
    Image.new("RGB", (28, 28), "red").save("in/a.png")
    return ["denoise", run, "in", "--out", "out", "--model", "ae"]


@mistake("pictures of another size than the model's")
def _(data, run):
    put("big", *(f"x_{i}_1.png" for i in range(12)), size=56)
    return ["map", run, "big", "--model", "ae", "--out", "map.png"]


@mistake("one name for several results")
def _(data, run):
    return ["denoise", run, data / "aug", "--out", "result.png"]


@mistake("a device or pipe as output")
def _(data, run):
    os.mkfifo("pipe.png")
    return ["generate", run, "--label", "1", "--out", "pipe.png"]


@mistake("another kind of file as output")
def _(data, run):
    return ["generate", run, "--label", "1", "--out", "made.jpg"]


@mistake("a pipe among the pictures")
def _(data, run):
    put_pairs()
    os.mkfifo("d/aug/aug_99_0.png")
    return train()


@mistake("a link that leads to itself")
def _(data, run):
    put_pairs()
    Path("d/aug/aug_99_0.png").symlink_to("aug_99_0.png")
    return train()


@mistake("a truth.csv without its columns")
def _(data, run):
    Path("truth.csv").write_text("file,target\n")
    return ["evaluate", run, data, "--truth", "truth.csv", "--out", "scores"]


def truth_of(*lines: str) -> Callable[..., list[object]]:
    def make(data: Path, run: Path) -> list[object]:
        clean = sorted(path.name for path in (data / "clean").iterdir())
        altered = sorted(path.name for path in (data / "aug").iterdir())
        text = "".join(line.format(altered=altered, clean=clean) + "\n" for line in ("altered,clean", *lines))
        Path("truth.csv").write_text(text)
        return ["evaluate", run, data, "--truth", "truth.csv", "--out", "scores"]

    return make


mistake("a truth.csv of other pictures")(truth_of("yours.png,{clean[0]}"))
mistake("a truth.csv with two clean pictures of one")(truth_of("{altered[0]},{clean[0]}", "{altered[0]},{clean[1]}"))


@mistake("the folder to export to exists")
def _(data, run):
    put("out", "a.png")
    return ["export", run, "out"]


mistake("one model's folder is shared")(lambda data, run: ["export", run / "ae", "out", "--format", "hub"])
mistake("a push without `--format hub`")(lambda data, run: ["export", run, "out", "--push", "me/digits"])
mistake("a push to no repository")(
    lambda data, run: ["export", run, "out", "--format", "hub", "--push", "digits"],
)
mistake("a name on the Hub that is none")(lambda data, run: ["denoise", "hf://digits", data / "aug", "--out", "out"])


def shared(run: Path, digest: str = "") -> list[object]:
    """Arguments that use a shared folder with one model, whose weights have this hash, else their own."""
    shutil.copytree(run / "ae", "shared/ae", ignore=shutil.ignore_patterns("checkpoint.pt", "maps", "samples"))
    own = hashlib.sha256(Path("shared/ae/model.safetensors").read_bytes()).hexdigest()
    config = {"library_name": "unalter", "files": {"ae/model.safetensors": digest or own}}
    Path("shared/config.json").write_text(json.dumps(config))
    return ["denoise", "shared", "in", "--out", "out"]


mistake("a shared model with other weights")(lambda data, run: shared(run, "0" * 64))


@mistake("a shared model beside a pickle")
def _(data, run):
    arguments = shared(run)
    torch.save({}, "shared/pytorch_model.bin")
    return arguments


def files() -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(Path().rglob("*"))}


def test_every_row_is_tried():
    assert set(MISTAKES) == set(ROWS)


@pytest.mark.parametrize("what", ROWS)
def test_a_mistake_is_said_and_nothing_is_written(what, capsys, tmp_path, monkeypatch, small_data, small_run):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORLD_SIZE", "1")  # so that it is put back, where a mistake sets it
    arguments = MISTAKES[what](small_data, small_run)
    before = files()
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    while LOCKS:
        LOCKS.pop().release()
    said = " ".join(capsys.readouterr().err.split())
    wanted = ".*".join(re.escape(part) for part in ROWS[what].split("…"))
    assert re.search(wanted, said), said
    assert left.value.code == 2
    log = "run/log.txt"  # of a run that was there it says what happened
    assert {name: content for name, content in files().items() if name != log} == {
        name: content for name, content in before.items() if name != log
    }


SAID: dict[str, Callable[[Path], list[object]]] = {}


def said_only(what: str) -> Callable[[Callable[[Path], list[object]]], Callable[[Path], list[object]]]:
    def keep(make: Callable[[Path], list[object]]) -> Callable[[Path], list[object]]:
        SAID[what] = make
        return make

    return keep


@said_only("pictures that are there twice")
def _(_):
    put_pairs()
    shutil.copy("d/clean/clean_3_0.png", "d/clean/clean_99_0.png")
    return train("--models", "ae")


@said_only("pictures of one class only")
def _(_):
    put("d/clean", *(f"clean_{i}_4.png" for i in range(12)))
    put("d/aug", *(f"aug_{i}_4.png" for i in range(12)))
    return train("--models", "cvae")


@said_only("a class with few pictures")
def _(_):
    put_pairs()
    put("d/clean", "clean_77_7.png")
    return train("--models", "cvae")


@said_only("a class that few clean pictures are of is generated, or a training is not finished")
def _(run):
    return ["generate", run, "--label", "7", "--out", "sevens.png"]


@said_only("files left out by `--skip-bad`")
def _(_):
    put_pairs()
    Path("d/aug/aug_99_0.png").write_text("<html>")
    return train("--models", "ae", "--skip-bad")


@said_only("no labels")
def _(_):
    without_labels()
    return train()


@said_only("names whose last numbers are no index and label")
def _(_):
    put("d/clean", *(f"img_{i}_28.png" for i in range(12)))
    put("d/aug", *(f"img_{i}_28.png" for i in range(12)))
    return train("--models", "ae")


@said_only("pictures that use some of 16 bits")
def _(_):
    put_pairs()
    for path in Path("d").rglob("*.png"):
        Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16) << 4).save(path)
    return train("--models", "ae")


def test_all_that_is_only_said_is_tried():
    assert set(SAID) == set(rows("what is the case"))


@pytest.mark.parametrize("what", SAID)
def test_what_is_only_said_stops_nothing(what, capsys, tmp_path, monkeypatch, small_run):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in SAID[what](small_run)])
    said = " ".join(capsys.readouterr().out.split())
    message = rows("what is the case")[what].partition("`")[0]
    assert re.search(".*".join(re.escape(part) for part in message.split("…")), said), said
    assert left.value.code == 0
    assert Path("new/report.html").is_file() or Path("sevens.png").is_file()
