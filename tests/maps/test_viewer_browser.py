"""The page in a real browser. What is under the middle of the window is known by construction, see conftest."""

import numpy as np
from page_in_browser import colour_at, go_to_epoch, hover_middle, level, middle, settled, state


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
