"""report.html: what it says, and that it works in a real browser."""

import re
import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

import unalter
from unalter.cli.main import main
from unalter.data.digits import load_digits
from unalter.images.sheet import write_picture
from unalter.report.figures import line_chart, sheet, shown

SECTIONS = ["data", "recipe", "training", "samples", "maps", "scores", "generated", "labels", "walks", "settings"]


@pytest.fixture(scope="module")
def text(small_run) -> str:
    return (small_run / "report.html").read_text("utf-8")


def called(*arguments) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return left.value.code


def test_every_section_is_there_and_nothing_is_fetched(text):
    assert re.findall(r'<section id="(\w+)">', text) == SECTIONS
    assert re.findall(r'<a href="#(\w+)">', text) == SECTIONS
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)


def test_what_it_links_to_is_there(text, small_run):
    links = set(re.findall(r'href="([^#"]+)"', text))
    assert {"maps.html", "pairs.csv", "recipe.yaml", "config.yaml", "log.txt", "cvae/metrics.csv"} <= links
    assert all((small_run / link).exists() for link in links)


def test_scores_are_those_of_the_best_epoch(text, small_run):
    for name in ("ae", "vae", "cvae"):
        rows = (small_run / name / "metrics.csv").read_text().splitlines()
        column = rows[0].split(",").index("validation_ssim")
        best = max(float(row.split(",")[column]) for row in rows[1:])
        card = re.search(rf'<li class="{name}">.*?<b>([\d.]+)</b>', text)
        assert card is not None and abs(float(card[1]) - best) < 0.002
    table = text[text.index('<section id="scores">') :].replace("<wbr>", "")
    for part in ("true pair", "rotate+flip+invert", "label ", "median", "nl-means"):
        assert part in table


def test_the_command_makes_the_same_run_again(text, small_run):
    command = re.search(r"<pre>unalter train (.*?)</pre>", text)
    options = yaml.safe_load((small_run / "config.yaml").read_text())
    assert command is not None
    for name in ("epochs", "batch_size", "latent", "map_every", "recipe", "precision"):
        assert f"--{name.replace('_', '-')} {options[name]}" in command[1]


def test_the_command_report_writes_it_anew(small_run, small_data, tmp_path, capsys):
    shutil.copytree(small_run, tmp_path / "run")
    (tmp_path / "run" / "report.html").unlink()
    assert called("report", tmp_path / "run") == 0
    assert "report.html" in capsys.readouterr().out
    anew = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert re.findall(r'<section id="(\w+)">', anew) == SECTIONS
    shutil.copytree(small_data, tmp_path / "moved")
    assert called("report", tmp_path / "run", tmp_path / "moved") == 0
    sorted((tmp_path / "moved" / "aug").iterdir())[0].unlink()
    assert called("report", tmp_path / "run", tmp_path / "moved") == 2
    assert called("report", tmp_path) == 2


def test_names_of_classes_and_files_cannot_break_the_page(tmp_path, open_file):
    images, labels = load_digits("train")
    names = {0: "<b>&zero", 1: "eins'\"", 2: "größe"}
    for i in range(90):
        if labels[i] in names:
            picture = images[i]
            write_picture(tmp_path / "d" / "clean" / names[labels[i]] / f"{i}.png", picture)
            write_picture(tmp_path / "d" / "aug" / names[labels[i]] / f"{i}.png", 255 - picture)
    run = unalter.train(
        tmp_path / "d", out=tmp_path / "a run", recipe="noise", epochs=1, batch_size=8, map_every=1, latent=4
    )
    tab = open_file(run.path / "report.html")
    assert tab.locator("#generated .name").all_inner_texts() == ["<b>&zero", "eins'\"", "größe"]
    assert tab.locator("h1").inner_text() == "a run"


def test_without_labels_there_is_no_cvae_and_no_class(tmp_path, open_file):
    images, _ = load_digits("train")
    for i in range(60):
        write_picture(tmp_path / "d" / "clean" / f"{i}.png", images[i])
        write_picture(tmp_path / "d" / "aug" / f"{i}.png", 255 - images[i])
    run = unalter.train(
        tmp_path / "d", out=tmp_path / "run", recipe="none", epochs=1, batch_size=8, map_every=0, latent=4
    )
    assert not (run.path / "cvae").exists()
    tab = open_file(run.path / "report.html")
    assert tab.locator("#generated h3").all_inner_texts() == ["VAE"]
    assert tab.locator(".classes").count() == 0
    assert tab.locator("section#maps, section#recipe").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_it_can_be_read_wide_and_on_a_phone_light_and_dark(small_run, open_file, width, scheme):
    tab = open_file(small_run / "report.html", viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


def test_the_slider_shows_one_epoch_at_a_time(small_data, tmp_path, open_file):
    recipe = str(small_data / "recipe.yaml")
    run = unalter.train(
        small_data,
        out=tmp_path / "run",
        models="ae",
        recipe=recipe,
        epochs=3,
        batch_size=16,
        map_every=1,
        map_points=12,
    )
    tab = open_file(run.path / "report.html")
    assert tab.locator(".stages figure:visible").get_attribute("data-epoch") == "3"
    tab.locator(".slider input").evaluate("(slider) => { slider.value = 0; slider.dispatchEvent(new Event('input')) }")
    assert tab.locator(".stages figure:visible").get_attribute("data-epoch") == "1"
    assert tab.locator(".slider span").inner_text() == "epoch 1"


def test_without_script_every_epoch_is_shown(small_run, open_file):
    tab = open_file(small_run / "report.html", java_script_enabled=False)
    assert tab.locator(".stages figure:visible").count() == 3
    assert tab.locator(".slider").count() == 0


def test_a_sheet_is_its_pictures_with_nothing_between(tmp_path):
    rows = np.random.default_rng(0).integers(1, 256, (2, 3, 1, 5, 4), np.uint8)
    image = sheet([rows[0], rows[1][:2]])
    import base64
    import io

    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(image.uri.split(",")[1]))))
    assert pixels.shape == (image.height, image.width, 2) == (12, 16, 2)
    np.testing.assert_array_equal(pixels[7:12, 6:10, 0], rows[1][1, 0])
    assert pixels[..., 1].sum() == 255 * 5 * 20  # five pictures are opaque, all else is not


def test_large_pictures_are_made_smaller():
    assert shown(np.zeros((2, 3, 200, 100), np.uint8)).shape == (2, 3, 64, 32)
    assert shown(np.zeros((2, 3, 64, 30), np.uint8)).shape == (2, 3, 64, 30)


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5], [1e-4, 2e-4, 1e-4], [100.0, 3000.0]])
def test_a_chart_stays_within_its_frame(values):
    chart = line_chart("<x>", {"ae": (range(1, len(values) + 1), values)}, 3)
    points = re.search(r'polyline class="curve ae" points="([^"]+)"', chart)
    assert points is not None
    places = [tuple(map(float, place.split(","))) for place in points[1].split()]
    assert len(places) == len(values)
    assert all(0 <= x <= 400 and 0 <= y <= 250 for x, y in places)
    assert "&lt;x&gt;" in chart


def test_ticks_are_written_as_they_are():
    chart = line_chart("SSIM", {"ae": (range(1, 4), [0.02, 0.4, 0.7])}, 3)
    ticks = [float(tick) for tick in re.findall(r'text-anchor="end">([^<]+)<', chart)]
    assert np.diff(ticks) == pytest.approx([ticks[1] - ticks[0]] * (len(ticks) - 1))
