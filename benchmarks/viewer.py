"""The page of maps in headless Chromium: size, time to open, script time a frame, memory.

    python benchmarks/viewer.py                       # 26,000 points, 25 maps, thumbnails; then 300,000 points, 5 maps
    python benchmarks/viewer.py --points 26000 --keep runs/benchmark

Points are ten drifting clouds, pictures are shipped digits altered by the preset, reconstructions the digits
themselves, each model's a little different. Script time is that of the page's own frame callback; the mean of all
script, events included, is Chromium's count of it. Chromium draws in software here, which is slow but is not script.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from unalter.alter import load_recipe
from unalter.alter.pictures import alter_pictures
from unalter.data.digits import load_digits
from unalter.maps.contents import MapPage, MappedImages, MapSeries
from unalter.maps.viewer import write_viewer

_KINDS = ("AE", "VAE means", "VAE samples", "CVAE means", "CVAE samples")
_FLAGS = (
    "--no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --use-angle=swiftshader --enable-unsafe-swiftshader"
)
_EPOCHS = (10, 20, 30, 40, 50)
_DISTINCT = 26_000
"""Altered pictures that are made; more points than that repeat them."""


def made_page(count: int, kinds: tuple[str, ...]) -> MapPage:
    rng = np.random.default_rng(0)
    digits, labels = (np.concatenate(parts) for parts in zip(load_digits("train"), load_digits("test"), strict=True))
    digits, rows = digits[:, None], np.arange(count) % min(count, _DISTINCT)
    origin = rows % len(digits)
    distinct = np.arange(min(count, _DISTINCT))
    recipe = load_recipe("altered-mnist", (1, 28, 28))
    x_alt = alter_pictures(digits[distinct % len(digits)], distinct, recipe, 0)[0][rows]
    partner = np.where(rng.random(count) < 0.17, origin, -1)
    y = labels[origin]
    return MapPage(
        f"{count:,} points",
        ("made for measuring",),
        MappedImages([f"aug_{i}_{label}.png" for i, label in enumerate(y)], y, x_alt, digits, partner),
        tuple(_made_series(kind, y, partner, digits[origin], rng) for kind in kinds),
    )


def _made_series(kind: str, y: np.ndarray, partner: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> MapSeries:
    count = len(y)
    centres = rng.normal(size=(10, 3)) * 20
    step = rng.normal(size=(count, 3)) * 7
    points = np.stack([centres[y] * share + step + rng.normal(size=(count, 3)) for share in (0.2, 0.5, 0.7, 0.9, 1)])
    error = np.where(partner < 0, np.nan, rng.gamma(2, 0.05, count)).astype(np.float32)
    neighbours = rng.integers(0, count, (count, 8), dtype=np.int32)
    shift = _KINDS.index(kind) // 2  # one reconstruction a model, samples have that of the means
    x_hat = (np.roll(x, shift, -1) * (1 - 0.1 * shift)).astype(np.uint8)
    return MapSeries(kind, _EPOCHS, points.astype(np.float32), ("KL 1.53, recall 0.31",) * 5, neighbours, error, x_hat)


def measure(browser: Browser, path: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    tab.set_default_timeout(180_000)
    counts = context.new_cdp_session(tab)
    counts.send("Performance.enable")
    start = time.monotonic()
    tab.goto(path.absolute().as_uri())
    tab.wait_for_selector("html[data-ready]")
    _two_frames(tab)
    ready = tab.evaluate("unalter.ready") / 1000
    print(f"  usable after           {time.monotonic() - start:8.2f} s (script ready at {ready:.2f} s)")
    tab.mouse.move(640, 400)
    tab.mouse.down()
    _frames(tab, counts, "orbiting", lambda: [tab.mouse.move(640 + 3 * i, 400 + i) for i in range(100)])
    tab.mouse.up()
    tab.wait_for_timeout(1000)
    _frames(tab, counts, "hovering", lambda: [tab.mouse.move(500 + 3 * i, 400 + i) for i in range(60)])
    tab.keyboard.press("0")
    tab.wait_for_timeout(1000)

    def play() -> None:
        tab.keyboard.press(" ")
        tab.wait_for_function("() => !unalter.state.playing")

    _frames(tab, counts, "playing", play)
    times = tab.evaluate(
        """Array.from({ length: 21 }, () => {
             const start = performance.now(); unalter.where(0); return performance.now() - start })"""
    )
    print(f"  project all points     {np.median(times):8.2f} ms (before the first pick after a move)")
    start = time.monotonic()
    tab.mouse.click(640, 400)
    _two_frames(tab)
    print(f"  click until shown      {1000 * (time.monotonic() - start):8.0f} ms")
    if tab.locator("#series label").count() > 1:
        start = time.monotonic()
        tab.keyboard.press("s")
        tab.wait_for_function("() => unalter.state.series === 1")
        print(f"  first switch of series {1000 * (time.monotonic() - start):8.0f} ms")
    for process in browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]:
        if process["type"].lower() in ("renderer", "gpu"):
            status = Path(f"/proc/{process['id']}/status").read_text()
            resident = int(status.split("VmRSS:")[1].split()[0]) / 1024
            print(f"  memory, {process['type'].lower():<8}       {resident:8.0f} MiB")
    context.close()


def _frames(tab: Page, counts: CDPSession, name: str, act) -> None:
    def script() -> float:
        metrics = counts.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "ScriptDuration")

    _two_frames(tab)
    tab.evaluate("unalter.frames.length = 0")
    before = script()
    act()
    _two_frames(tab)
    spent, frames = script() - before, tab.evaluate("[...unalter.frames]")
    median, high = np.percentile(frames, [50, 95])
    print(
        f"  script a frame, {name} {median:7.2f} ms median, {high:.2f} 95th percentile, "
        f"{1000 * spent / len(frames):.2f} mean of all script ({len(frames)} frames)"
    )


def _two_frames(tab: Page) -> None:
    tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, nargs="+", default=[26_000, 300_000])
    parser.add_argument("--keep", type=Path, help="a folder for the pages")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("skipped: no Chromium here (apt-get install chromium)")
        sys.exit(0)
    with tempfile.TemporaryDirectory() as aside, sync_playwright() as playwright:
        for count in options.points:
            path = (options.keep or Path(aside)) / f"maps-{count}.html"
            page = made_page(count, _KINDS if count <= 100_000 else _KINDS[:1])
            start = time.monotonic()
            write_viewer(path, page)
            spent = time.monotonic() - start
            maps = sum(len(series.epochs) for series in page.series)
            print(f"{count:,} points, {maps} maps")
            print(f"  file                   {path.stat().st_size / 1e6:8.2f} MB, written in {spent:.1f} s")
            browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS.split())
            measure(browser, path)
            browser.close()


if __name__ == "__main__":
    main()
