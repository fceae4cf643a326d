"""The page in a real browser. What is under the middle of the window is known by construction, see conftest."""

import dataclasses
import io
import itertools

import numpy as np
import pytest
from PIL import Image

from unalter.maps.viewer import write_viewer


def state(tab, name):
    return tab.evaluate(f"unalter.state.{name}")


def settled(tab):
    """Two frames have been drawn since, so what was asked for before is on the screen."""
    tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def middle(tab):
    """Where the camera lets what it looks at appear: in the middle of what the panels leave free."""
    return tab.evaluate("unalter.camera.middle")


def hover_middle(tab) -> str:
    """The file name shown for the point in the middle."""
    x, y = middle(tab)
    tab.mouse.move(x + 150, y + 77)
    tab.mouse.move(x, y)
    settled(tab)
    return tab.locator("#hover .file").inner_text()


def colour_at(tab, x, y) -> np.ndarray:
    settled(tab)
    shot = tab.screenshot(clip={"x": round(x), "y": round(y), "width": 1, "height": 1})
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))[0, 0].astype(int)


def level(canvas) -> int:
    """The grey in the middle of a thumbnail."""
    canvas.page.wait_for_function('(canvas) => "drawn" in canvas.dataset', arg=canvas.element_handle())
    return canvas.evaluate("(c) => c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0]")


def go_to_epoch(tab, index):
    tab.locator("#epoch").evaluate("(slider, to) => { slider.value = to; slider.oninput() }", index)
    tab.wait_for_function("(to) => unalter.state.at === to", arg=index)


def test_the_page_opens_with_its_last_epoch(open_page):
    tab = open_page()
    assert tab.title() == "Lattice <of> maps"
    assert tab.locator("#facts").inner_text() == "27 pictures · no network"
    assert tab.locator("#epoch-name").inner_text() == "Epoch 30"
    assert tab.locator("#note").inner_text() == "thirty"
    assert tab.locator("#shown").inner_text() == "27 of 27 points"
    assert tab.locator("#plain").is_hidden()


def test_hover_shows_the_point_that_is_there_at_every_epoch(open_page):
    tab = open_page()
    for index, name in ((2, "aug_11_2.png"), (0, "aug_13_1.png"), (1, "aug_12_0.png")):
        go_to_epoch(tab, index)
        assert hover_middle(tab) == name
    tab.mouse.move(5, 595)
    settled(tab)
    assert tab.locator("#hover").is_hidden()


def test_hover_shows_the_pictures(open_page):
    tab = open_page()
    go_to_epoch(tab, 1)
    hover_middle(tab)
    assert tab.locator("#hover figcaption").all_inner_texts() == ["altered", "reconstruction", "clean"]
    shown = [level(canvas) for canvas in tab.locator("#hover canvas").all()]
    own = 255 * 12 / 26
    assert np.abs(np.array(shown) - [own, 255 - own, own / 2]).max() < 12
    assert tab.locator("#hover .facts").inner_text() == "label 0 · error 0.444"
    go_to_epoch(tab, 0)
    hover_middle(tab)
    assert tab.locator("#hover figcaption").all_inner_texts() == ["altered", "reconstruction"]
    assert "no clean picture known" in tab.locator("#hover .facts").inner_text()


def test_what_is_drawn_is_where_it_is_looked_for(open_page):
    tab = open_page()
    x, y = middle(tab)
    swatch = tab.locator("#classes .swatch").nth(2).evaluate("(swatch) => getComputedStyle(swatch).backgroundColor")
    drawn, wanted = colour_at(tab, x, y), [int(part) for part in swatch[4:-1].split(",")]
    towards = np.array([251, 251, 249]) - wanted  # points fade with distance
    share = (drawn - wanted) @ towards / (towards @ towards)
    assert 0 <= share < 0.6
    assert np.abs(drawn - wanted - share * towards).max() <= 3


def test_points_move_between_epochs(open_page):
    tab = open_page(reduced_motion="no-preference")
    go_to_epoch(tab, 0)
    tab.evaluate(
        """() => {
             unalter.ats = [];
             const watch = () => unalter.ats.push(unalter.state.at) && requestAnimationFrame(watch);
             watch();
           }"""
    )
    tab.locator("#play").click()
    tab.wait_for_function("() => !unalter.state.playing && unalter.state.at === 2")
    seen = tab.evaluate("unalter.ats")
    assert seen == sorted(seen) and any(0 < at < 1 for at in seen) and any(1 < at < 2 for at in seen)
    assert tab.locator("#note").inner_text() == "thirty"
    tab.keyboard.press(",")
    tab.wait_for_function("() => unalter.state.at === 1")
    assert tab.locator("#note").inner_text() == "twenty"


def test_the_legend_hides_isolates_and_shows_classes(open_page):
    tab = open_page()  # the middle is of class 2
    tab.locator("#classes .group").nth(2).click()
    assert tab.locator("#shown").inner_text() == "18 of 27 points"
    assert tab.locator("#classes .group").nth(2).get_attribute("aria-pressed") == "false"
    x, y = middle(tab)
    assert np.abs(colour_at(tab, x, y) - [251, 251, 249]).max() <= 2
    tab.mouse.move(x, y)
    settled(tab)
    assert state(tab, "hovered") == -1
    tab.locator("#classes .group").nth(2).dblclick()
    assert tab.locator("#shown").inner_text() == "9 of 27 points"
    assert hover_middle(tab) == "aug_11_2.png"
    tab.locator("#classes .group").nth(2).dblclick()
    assert tab.locator("#shown").inner_text() == "27 of 27 points"
    tab.locator("#pairs .group").nth(1).click()
    assert tab.locator("#shown").inner_text() == "14 of 27 points"
    tab.locator("#show-all").click()
    assert tab.locator("#shown").inner_text() == "27 of 27 points"
    assert tab.locator("#show-all").is_hidden()


def test_a_click_keeps_the_point_and_its_neighbours_can_be_visited(open_page):
    tab = open_page()
    tab.mouse.click(*middle(tab))
    settled(tab)
    assert tab.locator("#card .file").inner_text() == "aug_11_2.png"
    assert tab.locator("#card-title").inner_text() == "Nearest codes, AE"
    titles = [button.get_attribute("title") for button in tab.locator("#neighbours button").all()]
    assert titles == ["aug_12_0.png", "aug_13_1.png", "aug_14_2.png"]
    assert abs(level(tab.locator("#neighbours canvas").first) - 255 * 12 / 26) < 12
    tab.locator("#neighbours button").nth(2).click()
    settled(tab)
    assert tab.locator("#card .file").inner_text() == "aug_14_2.png"
    assert hover_middle(tab) == "aug_14_2.png"  # the camera turns about it now
    tab.locator("#unpin").click()
    assert tab.locator("#card").is_hidden() and state(tab, "pinned") == -1


def test_the_mouse_turns_shifts_and_zooms_the_map_and_keeps_nothing(open_page):
    tab = open_page()
    x, y = middle(tab)
    before = tab.evaluate("unalter.where(0)")
    for button in ("left", "right"):
        tab.mouse.move(x, y)
        tab.mouse.down(button=button)
        tab.mouse.move(x + 80, y + 10, steps=4)
        tab.mouse.up(button=button)
        settled(tab)
        after = tab.evaluate("unalter.where(0)")
        assert np.abs(np.subtract(after, before)[:2]).max() > 20
        before = after
    assert tab.evaluate("unalter.camera.controls.target.length()") > 0.05
    distance = tab.evaluate("unalter.camera.distance")
    tab.mouse.wheel(0, -200)
    tab.wait_for_function("(distance) => unalter.camera.distance < 0.95 * distance", arg=distance)
    assert state(tab, "pinned") == -1


def test_search_finds_files_and_goes_to_them(open_page):
    tab = open_page()
    tab.keyboard.press("/")
    tab.keyboard.type("UG_1")
    assert tab.locator("#hit-count").inner_text() == "11 names"
    assert tab.locator("#hits li").first.inner_text() == "aug_1_1.png"
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        tab.keyboard.press(key)
    settled(tab)
    assert tab.locator("#card .file").inner_text() == "aug_10_1.png"
    assert tab.locator("#hit-box").is_hidden()
    assert hover_middle(tab) == "aug_10_1.png"
    tab.locator("#search").fill("grün")
    assert tab.locator("#hits li").count() == 1
    tab.locator("#hits li").click()
    assert tab.locator("#card .file").inner_text() == "</script><b>grün & 'x'.png"
    tab.locator("#search").fill("no such file")
    assert tab.locator("#hit-count").inner_text() == "0 names"


def test_switching_the_series_keeps_the_epoch_where_it_can(open_page):
    tab = open_page()
    go_to_epoch(tab, 1)
    tab.locator("#series label", has_text="VAE means").click()
    tab.wait_for_function("() => unalter.state.series === 1")
    assert tab.locator("#note").inner_text() == "vae twenty"
    assert hover_middle(tab) == "aug_8_2.png"
    assert tab.locator("#hover figcaption").all_inner_texts() == ["altered", "clean"]
    go_to_epoch(tab, 1)
    assert hover_middle(tab) == "aug_7_1.png"
    tab.keyboard.press("s")
    tab.wait_for_function("() => unalter.state.series === 0")
    assert tab.locator("#note").inner_text() == "thirty"  # nearest to 40


def test_colours_by_label_error_and_pair(open_page):
    tab = open_page()
    go_to_epoch(tab, 1)  # the middle has a clean picture
    x, y = middle(tab)
    seen = {}
    for name in ("Label", "Error", "Pair"):
        tab.locator("#colour label", has_text=name).click()
        assert tab.locator("#scale").is_visible() == (name == "Error")
        seen[name] = tuple(colour_at(tab, x, y))
    assert len(set(seen.values())) == 3
    go_to_epoch(tab, 0)  # and now it has none: grey, in both
    for name in ("Error", "Pair"):
        tab.locator("#colour label", has_text=name).click()
        assert np.ptp(colour_at(tab, x, y)) < 16
    tab.locator("#colour label", has_text="Error").click()
    assert tab.locator("#ramp-ticks span").all_inner_texts() == ["0", "0.44", "≥ 0.89"]


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
    write_viewer(tmp_path / "a.html", dataclasses.replace(page, series=(alone,), pictures=none), thumbnails=False)
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
