from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # tiny tensors: more threads only wait for each other


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def small_data(tmp_path_factory) -> Path:
    """A data set of 80 clean and 60 altered digits, with truth.csv."""
    from unalter.altering import write_altered
    from unalter.data.digits import write_digit_folder

    folder = tmp_path_factory.mktemp("data")
    write_altered(write_digit_folder(folder / "digits", "train", 80), folder / "data", "altered-mnist", count=60)
    return folder / "data"


@pytest.fixture(scope="session")
def small_run(tmp_path_factory, small_data) -> Path:
    """The three models after two short epochs on `small_data`, with maps. To be read, not to be written to."""
    import unalter

    out = tmp_path_factory.mktemp("run") / "run"
    unalter.train(small_data, out=out, epochs=2, batch_size=16, latent=8, map_every=2, precision="32-true")
    return out
