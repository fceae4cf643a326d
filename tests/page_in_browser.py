"""What a test asks of the page of maps in a browser."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


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
