"""The page in a real browser, by keyboard, on other windows, and where something is missing."""

import dataclasses
import itertools

import numpy as np
import pytest
from page_in_browser import colour_at, hover_middle, middle, settled, state

from unalter.maps.viewer import write_viewer


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_until_it_is_chosen(open_page, scheme):
    tab = open_page(color_scheme=scheme)
    other = {"light": "dark", "dark": "light"}[scheme]
    corner = colour_at(tab, 600, 595).mean()
    assert (corner > 200) == (scheme == "light")
    tab.emulate_media(color_scheme=other)
    assert (colour_at(tab, 600, 595).mean() > 200) == (other == "light")
    tab.locator("#theme").click()
    assert state(tab, "theme") == scheme
    tab.emulate_media(color_scheme=scheme)
    tab.emulate_media(color_scheme=other)
    assert state(tab, "theme") == scheme


def test_keys(open_page):
    tab = open_page()
    stage = tab.locator("#stage")
    stage.focus()

    def camera():
        settled(tab)
        return np.array(tab.evaluate("[...unalter.camera.lens.position, ...unalter.camera.controls.target]"))

    home = camera()
    for key in ("ArrowLeft", "ArrowUp"):
        tab.keyboard.press(key)
    turned = camera()
    assert np.linalg.norm(turned[:3]) == pytest.approx(np.linalg.norm(home[:3])) and (turned[3:] == home[3:]).all()
    assert np.linalg.norm(turned[:3] - home[:3]) > 0.1
    tab.keyboard.press("Shift+ArrowRight")
    assert np.linalg.norm(camera()[3:]) > 0.01
    tab.keyboard.press("0")
    assert camera() == pytest.approx(home, abs=1e-6)
    tab.keyboard.press("+")
    assert np.linalg.norm(camera()[:3]) < np.linalg.norm(home[:3])
    tab.keyboard.press("-")
    assert camera() == pytest.approx(home, abs=1e-6)
    tab.keyboard.press("c")
    assert state(tab, "colour") == "error"
    tab.keyboard.press("]")
    assert state(tab, "size") > 1
    tab.keyboard.press("t")
    assert state(tab, "theme") == "dark"
    tab.keyboard.press("?")
    assert tab.locator("#help").is_visible()
    tab.keyboard.press("Escape")
    assert tab.locator("#help").is_hidden()
    tab.mouse.click(*middle(tab))
    settled(tab)
    assert state(tab, "pinned") == 11
    tab.keyboard.press("Escape")
    assert state(tab, "pinned") == -1


def test_every_control_can_be_reached_by_keyboard_and_has_a_name(open_page):
    tab = open_page()
    assert tab.evaluate(
        """[...document.querySelectorAll("button, input, [role]")]
           .filter((e) => !(e.ariaLabel || e.getAttribute("aria-labelledby") || e.closest("label") || e.innerText))
           .filter((e) => e.role !== "status").map((e) => e.outerHTML)"""
    ) == []  # fmt: skip
    reached = set()
    for _ in range(25):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("(({ id, name, className }) => id || name || className)(document.activeElement)"))
    assert {"stage", "search", "home", "theme", "help-button", "series", "colour", "group", "play", "epoch"} <= reached


def test_the_map_comes_back_when_the_graphics_were_lost(open_page):
    tab = open_page()
    x, y = middle(tab)
    before = colour_at(tab, x, y)
    tab.evaluate(
        """() => {
             const lose = document.getElementById("points").getContext("webgl2").getExtension("WEBGL_lose_context");
             const canvas = document.getElementById("points");
             const restored = new Promise((done) => canvas.addEventListener("webglcontextrestored", done));
             const lost = new Promise((done) => canvas.addEventListener("webglcontextlost", done));
             lose.loseContext();
             return lost.then(() => new Promise((done) => setTimeout(done, 50))).then(() => {
               lose.restoreContext();
               return restored;
             }).then(() => 0);
           }"""
    )
    assert (colour_at(tab, x, y) == before).all()


def test_nothing_is_drawn_while_nothing_changes(open_page):
    tab = open_page()
    settled(tab)
    tab.wait_for_function("() => unalter.seen === (unalter.seen = unalter.frames.length)", polling=200)
    before = tab.evaluate("unalter.frames.length")
    tab.wait_for_timeout(300)
    assert tab.evaluate("unalter.frames.length") == before


def test_a_phone_shows_all_and_a_tap_keeps_a_point(open_page):
    tab = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [tab.locator(name).bounding_box() for name in ("header", "nav", "#panel", "#timeline")]
    assert all(above["y"] + above["height"] <= below["y"] for above, below in itertools.pairwise(boxes))
    tab.touchscreen.tap(*middle(tab))
    settled(tab)
    assert tab.locator("#card .file").inner_text() == "aug_11_2.png"


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_nothing_overlaps_on_a_desk(open_page, width, height):
    tab = open_page(viewport={"width": width, "height": height})
    tab.mouse.click(*middle(tab))
    tab.keyboard.press("c")
    settled(tab)
    names = ("header", "nav", "#panel", "#timeline", "#card", "#shown-box")
    boxes = {name: tab.locator(name).bounding_box() for name in names}
    for name, a in boxes.items():
        for other, b in boxes.items():
            apart = a["x"] + a["width"] <= b["x"] or a["y"] + a["height"] <= b["y"]
            apart |= b["x"] + b["width"] <= a["x"] or b["y"] + b["height"] <= a["y"]
            assert name == other or apart, (name, other)


def test_one_map_without_labels_pairs_or_thumbnails(open_page, page, tmp_path):
    first, unknown = page.series[0], np.full(27, np.nan, np.float32)
    alone = dataclasses.replace(first, epochs=(7,), points=first.points[:1], notes=("",), error=unknown)
    none = dataclasses.replace(
        page.images, labels=np.zeros(27, np.int64), partner=np.full(27, -1), clean=page.images.clean[:0]
    )
    write_viewer(tmp_path / "a.html", dataclasses.replace(page, series=(alone,), images=none), thumbnails=False)
    tab = open_page(file=tmp_path / "a.html")
    assert tab.locator("#track").is_hidden() and tab.locator("#classes-box").is_hidden()
    assert hover_middle(tab) == "aug_13_1.png"
    assert tab.locator("#hover canvas").count() == 0
    tab.mouse.click(*middle(tab))
    settled(tab)
    assert tab.locator("#neighbours button").all_inner_texts() == ["aug_14_2.png", "aug_15_0.png", "aug_16_1.png"]


def test_without_webgl_the_map_is_drawn_all_the_same(launch, open_page):
    browser = launch("--disable-3d-apis")
    tab = open_page(where=browser)
    assert tab.locator("#plain").is_visible()
    x, y = middle(tab)
    ground = np.array([251, 251, 249])
    assert np.abs(colour_at(tab, x, y) - ground).max() > 30
    assert hover_middle(tab) == "aug_11_2.png"
    before = tab.evaluate("unalter.where(0)")
    tab.keyboard.press("ArrowLeft")
    settled(tab)
    assert np.abs(np.subtract(tab.evaluate("unalter.where(0)"), before)[:2]).max() > 5
    tab.locator("#classes .group").nth(2).click()
    tab.mouse.move(5, 595)
    assert np.abs(colour_at(tab, x, y) - ground).max() <= 2
    browser.close()
