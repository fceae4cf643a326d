"""What the documentation says can be done, its links lead somewhere, and its site is built and asks no network."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from documents import README, ROOT, blocks, follow, make_quick

from unalter.cli.main import cli

DOCS = ROOT / "docs"
FOLLOWED = [DOCS / "index.md", DOCS / "reference" / "python.md", *sorted((DOCS / "how-to").glob("*.md"))]
EVERY = [README, *sorted(DOCS.rglob("*.md"))]


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", FOLLOWED, ids=named)
def test_all_that_a_page_says_can_be_done(page: Path, tmp_path: Path, small_data: Path, small_run: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_quick(monkeypatch, small_data / "recipe.yaml", report="report" in page.stem, map_every=0)
    shutil.copytree(small_data, tmp_path / "Data")
    if "--out runs/mnist " not in page.read_text("utf-8"):
        shutil.copytree(small_run, tmp_path / "runs" / "mnist")
    follow(page)


def test_the_tutorial_starts_with_nothing(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_quick(monkeypatch, "altered-mnist", batch_size=100)
    follow(DOCS / "tutorial.md")
    assert len(list((tmp_path / "denoised").iterdir())) == 200
    for name in ("sevens.png", "map.html", "pairs.csv", "recipe.yaml", "runs/tutorial/maps.html"):
        assert (tmp_path / name).is_file(), name


def test_few_blocks_cannot_be_run():
    reasons = [block.reason for page in EVERY for block in blocks(page) if block.reason]
    assert len(reasons) <= 2


@pytest.mark.parametrize("page", EVERY, ids=named)
def test_links_and_pictures_are_there(page: Path):
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^()\s]+)\)", text) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.skipif(find_spec("mkdocs") is None, reason="MkDocs is not installed")
def test_the_site_is_built_and_asks_no_network(tmp_path: Path):
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    site = tmp_path / "site"
    pages = {path.relative_to(site).as_posix(): path.read_text("utf-8") for path in site.rglob("*.html")}
    for name, text in pages.items():
        tags = re.findall(r"<(?:script|link|img|iframe|source|video)\b[^>]*>", text)
        asked = [tag for tag in tags if re.search(r"""\b(?:src|srcset|href)=["']?(?:https?:)?//""", tag)]
        assert asked == [], name
    for path in site.rglob("*.css"):
        assert not re.search(r"""(?:@import|url\()\s*["']?(?:https?:)?//""", path.read_text("utf-8")), path
    assert pages["explanation/models.html"].count("<math") > 20
    assert "arithmatex" not in pages["explanation/models.html"] + pages["explanation/tsne.html"]
    for command in cli.commands:
        assert f'id="unalter-{command}"' in pages["reference/cli.html"]
