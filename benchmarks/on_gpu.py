"""What a GPU makes of the program: each part in a process of its own with a time limit, and one table at the end.

    benchmarks/cuda.sh        (which sees to what is missing, and says how)

Without CUDA all parts run on the CPU at tiny sizes: that shows no speed, but that the script is sound.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # to look for CUDA must not begin it here: parts are forked

import numpy as np
import torch
from _trainer import KINDS, new_trainer, take_steps

import unalter
from unalter.commands.alter import alter
from unalter.data.digits import write_digit_folder
from unalter.runs.folder import RunFolder
from unalter.training.options import TrainOptions
from unalter.training.precision import choose_precision

Row = tuple[str, str]
"""What was measured, and what it is."""
TESTS = Path(__file__).parents[1] / "tests"
CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
WARM, STEPS = (30, 150) if CUDA else (1, 2)
"""Steps before the clock is started, and those that are timed."""
BATCH: dict[str, int] = {} if CUDA else {"batch_size": 8}
"""Where none is given, the one for the device."""


def part_tests() -> Iterator[Row]:
    import pytest

    if not CUDA:
        yield "tests marked cuda", "none are run without it"
        return
    files = [str(file) for file in TESTS.rglob("test_*.py") if "mark.cuda" in file.read_text("utf-8")]
    code = pytest.main(["-q", "-x", "-m", "cuda", "-p", "no:cacheprovider", "--rootdir", str(TESTS.parent), *files])
    yield "tests marked cuda", {0: "pass", 5: "none were run"}.get(int(code), f"FAIL (exit code {int(code)})")


def part_step(kind: str) -> Iterator[Row]:
    for name, precision in (("eager, float32", "32-true"), ("as trained", choose_precision("auto", DEVICE))):
        options = TrainOptions(precision=precision, **BATCH).for_device(DEVICE.type, 10**6, BATCH)
        with tempfile.TemporaryDirectory() as folder, peak() as memory:
            trainer = new_trainer(kind, options, WARM + STEPS + 1, Path(folder), DEVICE)
            times = {}

            def after(done: int, times: dict[int, float] = times) -> None:
                if done == WARM and CUDA:
                    torch.cuda.synchronize()
                    torch.cuda.set_sync_debug_mode("error")  # from here on a step that waits ends the part
                elif done == WARM + STEPS and CUDA:
                    torch.cuda.set_sync_debug_mode("default")
                    torch.cuda.synchronize()
                times[done] = time.perf_counter()

            take_steps(trainer, WARM + STEPS, after)
            rate = STEPS * options.batch_size / (times[WARM + STEPS] - times[WARM])
            yield (
                f"{kind}, {name}, batch {options.batch_size}",
                f"{rate:,.0f} images/s; {'no step waits; ' if CUDA else ''}{memory()}",
            )


def part_tsne(count: int) -> Iterator[Row]:
    from unalter.tsne import TSNE

    random = np.random.default_rng(0)
    centres = random.normal(size=(100, 64)) * 2
    codes = (centres[random.integers(100, size=count)] + random.normal(size=(count, 64))).astype(np.float32)
    with peak() as memory:
        start = time.perf_counter()
        perplexity = min(30, count / 4)
        found = TSNE(3, perplexity=perplexity, random_state=0, device=DEVICE.type, max_iter=500 if CUDA else 20).fit(
            codes
        )
        spent = time.perf_counter() - start
        recall = _recall(found.embedding_, found.neighbours_)
    yield (
        f"t-SNE 3D, {count:,} points",
        f"{spent:.1f} s; KL {found.kl_divergence_:.3f}; recall {recall:.3f}; {memory()}",
    )


def _recall(points: np.ndarray, expected: np.ndarray, looked_at: int = 2_000) -> float:
    """The share of some points' nearest neighbours in the data that are among as many in the map."""
    rows = np.random.default_rng(1).permutation(len(points))[:looked_at]
    there, k, shares = torch.from_numpy(points).to(DEVICE), expected.shape[1], []
    for part in np.array_split(rows, max(1, len(rows) * len(points) // 2**26)):
        found = (
            torch.cdist(there[torch.from_numpy(part).to(DEVICE)], there)
            .topk(k + 1, largest=False)
            .indices.cpu()
            .numpy()
        )
        shares += [len(set(a) & set(b)) / k for a, b in zip(expected[part].tolist(), found.tolist(), strict=True)]
    return float(np.mean(shares))


def part_job(data: Path | None, folder: Path) -> Iterator[Row]:
    if data is None:
        digits = write_digit_folder(folder / "digits", "train", *(() if CUDA else (60,)))
        data = folder / "data"
        alter(digits, data, "altered-mnist", **({} if CUDA else {"count": 48}))
    tiny = (
        {} if CUDA else {"batch_size": 16, "latent": 4, "recipe": "altered-mnist", "pairing": "trust", "models": "ae"}
    )
    marks = {}
    with peak() as memory:
        start = time.perf_counter()
        unalter.train(
            data, out=folder / "run", device=DEVICE.type, epochs=50 if CUDA else 1, map_every=10 if CUDA else 0,
            on_step=lambda *_: marks.setdefault("begun", time.perf_counter()), **tiny,
        )  # fmt: skip
        whole, prepared = time.perf_counter() - start, marks["begun"] - start
    yield "whole job: preparation", f"{prepared:.0f} s"
    yield "whole job: after preparation", f"{whole - prepared:.0f} s; {memory()}"
    for model in RunFolder(folder / "run").trained():
        with open(model.metrics, newline="") as file:
            last = list(csv.DictReader(file))[-1]
        yield (
            f"whole job: {model.name}",
            f"SSIM {last['validation_ssim']} after {last['epoch']} epochs, {last['images_per_second']} images/s",
        )


@contextmanager
def peak() -> Iterator[Callable[[], str]]:
    """Tells the most memory of the device that was in use so far in the block."""
    if CUDA:
        torch.cuda.reset_peak_memory_stats()
    yield lambda: f"{torch.cuda.max_memory_allocated() / 2**30:.2f} GiB" if CUDA else "memory not measured"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=460.0, help="for all parts together")
    parser.add_argument("--data", type=Path, help="clean/ and aug/ for the whole job")
    parser.add_argument("--folder", type=Path, required=True, help="for what is written meanwhile")
    parser.add_argument("--only", help="parts whose name has this in it")
    arguments = parser.parse_args()
    sizes = (26_000, 60_000, 1_000_000) if CUDA else (60,)
    parts: dict[str, tuple[float, Callable[[], Iterator[Row]]]] = {}
    for kind in KINDS if CUDA else ("cvae",):
        parts[f"step {kind}"] = 40, lambda kind=kind: part_step(kind)
    parts["tests"] = 60, part_tests
    for count in sizes[:2]:
        parts[f"t-SNE {count}"] = 60, lambda count=count: part_tsne(count)
    parts["job"] = 240, lambda: part_job(arguments.data, arguments.folder)
    for count in sizes[2:]:
        parts[f"t-SNE {count}"] = 200, lambda count=count: part_tsne(count)
    end = time.monotonic() + arguments.seconds
    rows: list[Row] = []
    for name, (limit, part) in parts.items():
        if arguments.only is None or arguments.only in name:
            print(f"== {name}", flush=True)
            rows += guarded(name, part, min(limit, end - time.monotonic()) if CUDA else 10 * limit)
    print(f"\n{_machine()}")
    for what, value in rows:
        print(f"{what:<40} {value}")
    sys.exit(any(value.startswith("FAIL") for _, value in rows))


def guarded(name: str, part: Callable[[], Iterator[Row]], seconds: float) -> list[Row]:
    """The rows of a part, as far as it came in its time."""
    receive, send = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_run, args=(part, send))
    process.start()
    send.close()
    rows, end = [], time.monotonic() + seconds
    try:
        while receive.poll(max(0.0, end - time.monotonic())):
            rows.append(receive.recv())
            print(*rows[-1], flush=True)
    except EOFError:
        process.join()
        return rows if process.exitcode == 0 else [*rows, (name, f"FAIL (exit code {process.exitcode})")]
    process.kill()
    process.join()
    return [*rows, (name, f"FAIL (not done in {max(0, seconds):.0f} s)")]


def _run(part: Callable[[], Iterator[Row]], send: Connection) -> None:
    try:
        for row in part():
            send.send(row)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)


def _machine() -> str:
    name = torch.cuda.get_device_name() if CUDA else "no CUDA here: tiny sizes on the CPU"
    return f"{name}; torch {torch.__version__}, Python {sys.version.split()[0]}, unalter {unalter.__version__}"


if __name__ == "__main__":
    main()
