"""Ten folders of ten kinds, as strangers have them: train, denoise, report, on each of them by the command line.

    python benchmarks/folders.py --minutes 0.5 --seed 0

Pictures are those that scikit-learn and scikit-image ship, and shapes drawn here: 8 x 8 to 256 x 256 pixels, grey and
colour, in folders, sub-folders, a zip, arrays, with labels and without, by names that say what belongs together and by
others that do not. For each kind: seconds of each command, pairs found, and SSIM on 20 or more altered pictures that
training never saw, beside that of the altered pictures themselves. The folders stay in --keep to be looked at.
"""

from __future__ import annotations

import argparse
import gzip
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data as photos
from skimage.transform import resize
from sklearn.datasets import load_digits as load_small_digits

from unalter.alter import (
    Blur,
    Branch,
    Contrast,
    Flip,
    GaussianNoise,
    Invert,
    KeyedDraws,
    Occlusion,
    Recipe,
    Rotate,
    SaltAndPepper,
    Scale,
    ShotNoise,
    fold_in,
)
from unalter.data.digits import load_digits
from unalter.images.convert import to_uint8
from unalter.images.metrics import ssim

_HELD = 5
"""Every so manyth picture is kept to score on."""


@dataclass(frozen=True)
class Kind:
    """One stranger's pictures."""

    name: str
    images: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
    """uint8 [N, H, W] or [N, H, W, 3], and labels [N]"""
    recipe: Recipe
    write: Callable[[Path, np.ndarray, np.ndarray, np.ndarray, np.random.Generator], list[str]]
    """Writes clean and altered pictures with labels; gives the words that name the data on the command line."""


def shapes(size: int, count: int, colour: bool) -> Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]:
    """Discs, squares and triangles."""

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        v, u = np.mgrid[:size, :size] / size
        pictures, labels = [], rng.integers(0, 3, count)
        for label in labels:
            cx, cy = rng.uniform(0.35, 0.65, 2)
            r = rng.uniform(0.15, 0.3)
            inside = {
                0: (u - cx) ** 2 + (v - cy) ** 2 < r * r,
                1: np.maximum(abs(u - cx), abs(v - cy)) < r * 0.85,
                2: (v < cy + r * 0.7) & (v - cy + r > 2 * abs(u - cx)),
            }[int(label)]
            paint = rng.integers(90, 256, 3) if colour else np.array([rng.integers(90, 256)] * 3)
            picture = np.where(inside[..., None], paint, 20).astype(np.uint8)
            pictures.append(picture if colour else picture[..., 0])
        return np.stack(pictures), labels

    return draw


def patches(size: int, count: int, colour: bool, scale: float) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Pieces of photographs; the label says of which."""

    def cut(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        sources = [photos.astronaut(), photos.coffee(), photos.chelsea(), photos.rocket()]
        sources = [resize(s, (int(s.shape[0] * scale), int(s.shape[1] * scale)), anti_aliasing=True) for s in sources]
        pictures, labels = [], rng.integers(0, len(sources), count)
        for label in labels:
            source = sources[label]
            top, left = (int(rng.integers(0, side - size + 1)) for side in source.shape[:2])
            pictures.append(source[top : top + size, left : left + size])
        found = to_uint8(np.stack(pictures))
        return (found if colour else found.mean(-1).astype(np.uint8)), labels

    return cut


def small_digits(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = load_small_digits(return_X_y=True)
    return (pixels.reshape(-1, 8, 8) / 16 * 255).astype(np.uint8), labels


def digits(count: int) -> Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]:
    return lambda rng: tuple(part[:count] for part in load_digits("train"))  # pyright: ignore[reportReturnType]


def save(path: Path, picture: np.ndarray, **how: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, **how)  # pyright: ignore[reportArgumentType]


def numbered(folder, clean, altered, labels, rng):
    for i, label in enumerate(labels):
        save(folder / "clean" / f"clean_{i}_{label}.png", clean[i])
        save(folder / "aug" / f"aug_{i}_{label}.png", altered[i])
    return [str(folder)]


def class_folders_of_jpeg(folder, clean, altered, labels, rng):
    names = ["disc", "square", "triangle"]
    for i, label in enumerate(labels):
        for part, pictures in (("clean", clean), ("aug", altered)):
            save(folder / part / names[label] / f"Bild {i} ü.jpg", pictures[i], quality=95)
    (folder / "clean" / ".DS_Store").write_text("junk")
    return [str(folder)]


def zip_of_bmp(folder, clean, altered, labels, rng):
    numbered(folder / "in" / "my pictures", clean, altered, labels, rng)
    with zipfile.ZipFile(folder / "d.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (folder / "in").rglob("*.png"):
            target = folder / "one.bmp"
            Image.open(path).save(target)
            archive.write(target, path.relative_to(folder / "in").with_suffix(".bmp").as_posix())
    return [str(folder / "d.zip")]


def arrays(folder, clean, altered, labels, rng):
    folder.mkdir(parents=True)
    values = {"clean": clean / np.float32(255), "altered": altered / np.float32(255)}
    np.savez(folder / "d.npz", **values, clean_labels=labels, altered_labels=labels)
    return [str(folder / "d.npz")]


def idx(folder, clean, altered, labels, rng):
    folder.mkdir(parents=True)
    for part, images in (("clean", clean), ("aug", altered)):
        for kind, array in (("images-idx3", images), ("labels-idx1", labels.astype(np.uint8))):
            head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
    return [str(folder)]


def deep_tiff_under_other_names(folder, clean, altered, labels, rng):
    for i in range(len(clean)):
        for part, pictures in (("good", clean), ("bad", altered)):
            save(folder / part / f"{part}-{i:04d}.tif", pictures[i].astype(np.uint16) * 257)
    return ["--clean", str(folder / "good"), "--altered", str(folder / "bad")]


def transparent_webp_with_a_table(folder, clean, altered, labels, rng):
    lines = ["file,label"]
    for i, label in enumerate(labels):
        for part, pictures in (("clean", clean), ("aug", altered)):
            alpha = np.full((*pictures[i].shape[:2], 1), 255, np.uint8)
            save(folder / part / f"{i}.webp", np.concatenate([pictures[i], alpha], -1), lossless=True)
            lines.append(f"{part}/{i}.webp,{('astronaut', 'coffee', 'cat', 'rocket')[label]}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return [str(folder)]


def names_that_say_nothing(folder, clean, altered, labels, rng):
    codes = rng.permutation(10**6)
    for i in range(len(clean)):
        save(folder / "clean" / f"{codes[i]:x}.png", clean[i])
        save(folder / "aug" / f"{codes[-1 - i]:x}.png", altered[i])
    return [str(folder)]


def equal_names(folder, clean, altered, labels, rng):
    for i in range(len(clean)):
        save(folder / "clean" / f"{i}.png", clean[i])
        save(folder / "aug" / f"{i}.png", altered[i])
    return [str(folder)]


def several_sizes_and_bad_files(folder, clean, altered, labels, rng):
    for i in range(len(clean)):
        size = (24, 32, 40)[i % 3]
        for part, pictures in (("clean", clean), ("aug", altered)):
            picture = Image.fromarray(pictures[i]).resize((size, size), Image.Resampling.BICUBIC)
            save(folder / part / f"{i}.png", np.asarray(picture))
    (folder / "aug" / "0.png").write_text("<!doctype html>")
    (folder / "aug" / "movie.gif").touch()
    return [str(folder), "--resize", "32", "--skip-bad"]


def one(*steps) -> Recipe:
    return Recipe("", [Branch(1, steps)])


KINDS = [
    Kind("digits 28x28, X_I_L.png", digits(1200),
         one(Rotate(degrees=(-60, 60)), Invert(probability=0.5), Blur(sigma=(0.3, 0.9))), numbered),
    Kind("shapes 32x32 colour, JPEG, class folders", shapes(32, 900, True), one(GaussianNoise(sigma=(0.1, 0.2))),
         class_folders_of_jpeg),
    Kind("digits 8x8, zip of BMP", small_digits, one(SaltAndPepper(share=(0.05, 0.15))), zip_of_bmp),
    Kind("digits 28x28, npz of floats", digits(900),
         one(Flip(probability=0.5), Occlusion(area=(0.05, 0.15), level=(0, 0))), arrays),
    Kind("digits 28x28, IDX, noise", digits(900), one(GaussianNoise(sigma=(0.2, 0.4))), idx),
    Kind("photos 48x48, 16-bit TIFF, other folders", patches(48, 600, False, 0.5),
         one(Blur(sigma=(0.8, 1.6)), GaussianNoise(sigma=(0.02, 0.05))), deep_tiff_under_other_names),
    Kind("photos 64x64 colour, WebP, labels.csv", patches(64, 500, True, 0.5), one(ShotNoise(photons=(20, 60))),
         transparent_webp_with_a_table),
    Kind("shapes 40x40, names say nothing", shapes(40, 600, False),
         one(Rotate(degrees=(-90, 90)), Scale(factor=(0.7, 1.0))), names_that_say_nothing),
    Kind("shapes of several sizes, bad files", shapes(32, 600, False), one(Contrast(gain=(0.3, 0.8), offset=(0, 0.2))),
         several_sizes_and_bad_files),
    Kind("photos 256x256, 60 of them", patches(256, 60, False, 1.0), one(GaussianNoise(sigma=(0.1, 0.2))), equal_names),
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0.25, help="of training, a model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder, made anew, that everything stays in")
    parser.add_argument("--only", type=int, help="the number of one kind")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.keep or Path(temporary)
        shutil.rmtree(work, ignore_errors=True)
        for number, kind in enumerate(KINDS):
            if arguments.only in (None, number):
                print(f"{number} {kind.name}", flush=True)
                _try(kind, work / str(number), arguments.minutes, arguments.seed)


def _try(kind: Kind, folder: Path, minutes: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    clean, labels = kind.images(rng)
    x = torch.from_numpy(clean[:, None] if clean.ndim == 3 else clean.transpose(0, 3, 1, 2).copy()).float() / 255
    made = kind.recipe(x, KeyedDraws(fold_in(seed, torch.arange(len(x))))).numpy()
    altered = to_uint8(made)[:, 0] if clean.ndim == 3 else to_uint8(made).transpose(0, 2, 3, 1)
    held = np.arange(len(clean)) % _HELD == 0
    where = kind.write(folder / "data", clean[~held], altered[~held], labels[~held], rng)
    for i in np.flatnonzero(held):
        save(folder / "held" / f"x_{i}_{labels[i]}.png", altered[i])
    run = str(folder / "run")
    said, seconds = _called("train", *where, "--out", run, "--max-minutes", minutes, "--epochs", 1000, "--seed", seed)
    for line in said.splitlines():
        if re.search(
            r"by name|by looking|appearance|no clean|labels|left out|epoch takes|of the pictures:|warning", line
        ):
            print(f"    {line.strip()}")
    _, denoised = _called("denoise", run, folder / "held", "--out", folder / "out", "--model", "ae")
    _, reported = _called("report", run)
    names = [f"x_{i}_{labels[i]}.png" for i in np.flatnonzero(held)]
    given, results = ([np.asarray(Image.open(folder / f / name)) for name in names] for f in ("held", "out"))
    scores = [_ssim(pictures, clean[held]) for pictures in (given, results)]
    page = (folder / "run" / "report.html").stat().st_size / 1e6
    print(f"    train {seconds:.0f} s, denoise {denoised:.0f} s, report {reported:.0f} s, {page:.1f} MB")
    print(f"    SSIM {scores[1]:.3f}, of the altered pictures {scores[0]:.3f}", flush=True)


def _called(*words: object) -> tuple[str, float]:
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "unalter", *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        print(f"    unalter {' '.join(map(str, words))}: exit code {done.returncode}\n{done.stderr[-1500:]}")
    return done.stdout, time.monotonic() - began


def _ssim(pictures: list[np.ndarray], clean: np.ndarray) -> float:
    def batch(images: np.ndarray) -> torch.Tensor:
        x = torch.from_numpy(np.ascontiguousarray(images)).double() / 255
        return x[:, None] if x.ndim == 3 else x.permute(0, 3, 1, 2)

    wide = [p if p.ndim == clean.ndim - 1 else np.repeat(p[..., None], 3, -1) for p in pictures]
    return ssim(batch(np.stack(wide)), batch(clean)).mean().item()


if __name__ == "__main__":
    main()
