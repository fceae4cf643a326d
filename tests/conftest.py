import shutil
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # tiny tensors: more threads only wait for each other

_RECIPE = """\
name: small
branches:
  - share: 0.4
    steps:
      - blend: {weight: [0.5, 0.5]}
  - share: 0.6
    steps:
      - rotate: {degrees: [-180, 180]}
      - flip: {probability: 0.5}
      - invert: {probability: 0.5}
"""


@pytest.fixture(scope="session", autouse=True)
def _not_the_users_cache(tmp_path_factory):
    """One for all tests: what was learned from `small_data` is learned once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def empty_cache(tmp_path_factory, monkeypatch) -> Path:
    """A cache folder of the test's own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def small_data(tmp_path_factory) -> Path:
    """A data set of 80 clean and 60 altered digits, with truth.csv and the recipe, less its background."""
    from unalter.alter.backgrounds import pattern_backgrounds
    from unalter.commands.alter import alter
    from unalter.data.digits import write_digit_folder
    from unalter.images.sheet import write_picture

    folder = tmp_path_factory.mktemp("data")
    recipe = folder / "with-background" / "recipe.yaml"
    write_picture(recipe.parent / "backgrounds" / "00.png", pattern_backgrounds(1, 28, 28)[0])
    recipe.write_text(_RECIPE)
    alter(write_digit_folder(folder / "digits", "train", 80), folder / "data", recipe, count=60)
    (folder / "data" / "recipe.yaml").write_text(_RECIPE)
    return folder / "data"


@pytest.fixture(scope="session")
def small_run(tmp_path_factory, small_data) -> Path:
    """The three models after two short epochs on `small_data`, with maps. To be read, not to be written to."""
    import unalter

    out = tmp_path_factory.mktemp("run") / "run"
    unalter.train(
        small_data, out=out, recipe=str(small_data / "recipe.yaml"), epochs=2, batch_size=16, latent=8, map_every=2,
        precision="32-true",
    )  # fmt: skip
    return out


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub on this machine, whose copies go into a cache of the test's own; somebody is logged in."""
    from hub_server import HubServer

    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's executable; tests of pages are skipped where there is none (`make browser`)."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium here; make browser installs it")
    return found


@pytest.fixture(scope="session")
def launch(chromium):
    """Start a headless Chromium with further flags; closed when the tests end."""
    from playwright.sync_api import sync_playwright

    flags = (
        "--no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-component-update "
        "--disable-sync --use-angle=swiftshader --enable-unsafe-swiftshader"
    )
    with sync_playwright() as playwright:

        def start(*more: str):
            return playwright.chromium.launch(executable_path=chromium, args=[*flags.split(), *more])

        yield start


@pytest.fixture(scope="session")
def browser(launch):
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture
def open_file(browser):
    """Open a page in a window of its own; whatever it asked the network for or complained of fails the test."""
    seen = []

    def opened(file: Path, where=None, **window):
        usual = {"reduced_motion": "reduce", "color_scheme": "light"}
        tab = (where or browser).new_context(**(usual | window)).new_page()
        tab.set_default_timeout(15_000)
        tab.on("request", lambda request: seen.append(request.url) if request.url != file.as_uri() else None)
        tab.on("console", lambda message: seen.append(message.text) if message.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: seen.append(str(error)))
        tab.goto(file.as_uri())
        return tab

    yield opened
    for context in browser.contexts:
        context.close()
    assert [url for url in seen if not url.startswith(("blob:", "data:"))] == []
