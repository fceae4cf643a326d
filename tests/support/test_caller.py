"""The caller's process is left as it was, and what it has set changes nothing."""

import logging
import os
import random
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

import unalter
from unalter.nn import Architecture, new_model
from unalter.support.caller import guest


def state() -> dict[str, Any]:
    """All that a caller may have set, and expects to find again."""
    loggers = [one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    return {
        "random": random.getstate(),
        "numpy": str(np.random.get_state()),  # noqa: NPY002
        "torch": torch.get_rng_state().tolist(),
        "threads": torch.get_num_threads(),
        "pools": sorted((pool["filepath"], pool["num_threads"]) for pool in threadpool_info()),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "gradients": torch.is_grad_enabled(),
        "errors": np.geterr(),
        "filters": warnings.filters[:],
        "signals": [signal.getsignal(number) for number in signal.valid_signals()],
        "drawing": {name: value for name, value in mpl.rcParams.items() if name != "backend"},
        "backend": dict.__getitem__(mpl.rcParams, "backend"),
        "loggers": {one.name: (one.level, one.propagate, one.handlers[:]) for one in [logging.root, *loggers]},
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "hooks": (sys.excepthook, sys.stdout, sys.stderr, threading.excepthook),
    }


@pytest.fixture
def odd_settings():
    """Everything set to what we would not have it."""
    threads, dtype, errors = torch.get_num_threads(), torch.get_default_dtype(), np.seterr(all="raise")
    torch.set_num_threads(2)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)
    torch.set_default_dtype(dtype)
    torch.set_num_threads(threads)
    np.seterr(**errors)


def calls(run: Path, data: Path, out: Path):
    """Every public call, by name."""
    model = unalter.load(run, "cvae")
    recipe = str(data / "recipe.yaml")
    pictures = np.random.default_rng(0).random((3, 28, 28))
    yield "load", lambda: unalter.load(run, "ae")
    yield "denoise", lambda: model.denoise(pictures, 1)
    yield "encode", lambda: model.encode(pictures, 1, sample=True)
    yield "decode", lambda: model.decode(np.zeros((2, 8)), 1)
    yield "relabel", lambda: model.relabel(pictures, 1, 2)
    yield "generate", lambda: model.generate(1, 2, warn=False)
    yield "TSNE", lambda: unalter.TSNE(3, perplexity=5, max_iter=20, random_state=0).fit_transform(pictures[0])
    yield "evaluate", lambda: unalter.evaluate(run, data, out=out / "e", model="ae", filters=False)
    yield "files", lambda: unalter.denoise(model, [data / "aug"], out / "d")
    yield "sheet", lambda: unalter.generate(model, "1", 4, out=out / "g.png", seed=0, verbose=True)
    yield "map", lambda: unalter.map(model, data, out / "m.png", points=20)
    yield "pair", lambda: unalter.pair(data, out=out / "p.csv", recipe=recipe, names_only=True)
    yield "alter", lambda: unalter.alter(data / "clean", out / "a", "noise", count=4)
    yield "report", lambda: unalter.report(run)
    yield (
        "train",
        lambda: unalter.train(
            data, out=out / "r", recipe=recipe, epochs=1, batch_size=32, latent=4, models=("ae",), map_every=1
        ),
    )


@pytest.mark.usefixtures("odd_settings")
def test_every_public_call_works_and_leaves_all_as_it_was(small_run: Path, small_data: Path, tmp_path: Path, capsys):
    before = state()
    for name, call in calls(small_run, small_data, tmp_path):
        with torch.inference_mode(name in ("denoise", "train")):
            call()
        after = state()
        after["loggers"] = {one: after["loggers"][one] for one in before["loggers"]}  # new ones may come
        assert {key for key in before if before[key] != after[key]} == set(), name


def test_what_imports_leave_behind_is_taken_away(tmp_path: Path, monkeypatch):
    (tmp_path / "rude.py").write_text(
        "import os, warnings\nos.environ['KMP_RUDE'] = '1'\nwarnings.simplefilter('ignore', UserWarning)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    filters = warnings.filters[:]
    with guest():
        import rude  # noqa: F401  # pyright: ignore
    assert "KMP_RUDE" not in os.environ and warnings.filters == filters


def test_guests_at_once_have_one_setting_and_the_last_puts_the_callers_back():
    seen, waiting = [], threading.Barrier(2, timeout=10)
    torch.set_default_dtype(torch.float64)
    try:

        def second():
            with guest():
                waiting.wait()
                waiting.wait()  # the first has gone
                seen.append((torch.get_default_dtype(), torch.get_num_threads()))

        thread = threading.Thread(target=second)
        with guest():
            thread.start()
            waiting.wait()
            mine = torch.get_default_dtype(), torch.get_num_threads()
        waiting.wait()
        thread.join()
        assert seen == [mine] and mine[0] == torch.float32
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_first_weights_are_the_same_when_several_threads_make_them_at_once():
    config = Architecture(height=28, width=28, channels=1, latent=4, variational=False, classes=0)
    alone = [[one.clone() for one in new_model(config, seed).parameters()] for seed in range(4)]
    made: dict[int, list[torch.Tensor]] = {}

    def make(seed: int) -> None:
        for _ in range(5):
            made[seed] = list(new_model(config, seed).parameters())

    before = torch.get_rng_state()
    threads = [threading.Thread(target=make, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(a, b) for seed in range(4) for a, b in zip(alone[seed], made[seed], strict=True))
    assert torch.equal(torch.get_rng_state(), before)
