"""The site: pages that hold together, and, where a Chromium is there, what a visitor meets."""

from __future__ import annotations

import functools
import http.server
import itertools
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag

import build
import pytest
from bs4 import BeautifulSoup

import glossary
import notebooks
import visit

SITE = Path(__file__).resolve().parent
Pages = dict[str, BeautifulSoup]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    demo = folder / "any.html"
    demo.write_text("<!doctype html><title>any</title>")
    build.build(folder / "out", demo)
    return folder / "out"


@pytest.fixture(scope="module")
def pages(site: Path) -> Pages:
    return {
        str(path.relative_to(site)): BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }


def test_files_of_others_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SystemExit, match="holds files that are no site"):
        build.build(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_links_and_what_is_loaded_are_there(site: Path, pages: Pages) -> None:
    missing = []
    for name, page in pages.items():
        for tag, key in (("a", "href"), ("img", "src"), ("script", "src"), ("link", "href")):
            for place in page.find_all(tag, {key: True}):
                address, anchor = urldefrag(place[key])
                if tag == "a" and address.startswith(("https://", "http://", "mailto:")):
                    continue
                path = (site / name).parent / unquote(address.split("?")[0])
                other = path.resolve() if address else site / name
                if not other.is_file():
                    missing.append(f"{name}: {place[key]}")
                elif anchor and other.suffix == ".html" and not place.get("data-bs-toggle"):
                    there = pages.get(str(other.relative_to(site.resolve())))
                    if there and not there.find(id=unquote(anchor)):
                        missing.append(f"{name}: {place[key]}")
    assert not missing


def test_every_lesson_is_read_in_order(pages: Pages) -> None:
    stems = [path.stem for path in notebooks.lessons()]
    for stem, following in itertools.pairwise(stems):
        onward = pages[f"notebooks/{stem}.html"].find("a", class_="right-next")
        assert onward["href"] == f"{following}.html"
    assert {f"notebooks/{stem}.html" for stem in stems} < set(pages)


def test_lessons_to_download_are_those_of_the_repository(site: Path, pages: Pages) -> None:
    for path in notebooks.lessons():
        button = pages[f"notebooks/{path.stem}.html"].find("a", class_="btn-download-source-button")
        assert (site / "notebooks" / button["href"]).read_bytes() == path.read_bytes()


def test_a_lesson_with_an_address_fetches_no_badge(tmp_path: Path) -> None:
    path = tmp_path / "02_unet_from_scratch.ipynb"
    course = [(path.stem, "any")]
    notebook = notebooks.read(notebooks.lessons()[1])
    repository = "https://github.com/owner/name"
    notebooks.write(notebooks.stamped(notebook, path.stem, course, repository, {"cpu": 60}), path)
    assert notebooks.BADGE in path.read_text("utf-8")
    (title, *_) = build.lesson(path, set()).cells
    assert notebooks.BADGE not in title.source and "**Time:**" in title.source


def test_every_term_leads_to_its_cell(pages: Pages) -> None:
    links = {
        link.text: link["href"] for link in pages["glossary.html"].article.select("li a.reference")
    }
    for term, (home, _) in glossary.defined().items():
        assert links[term].startswith(f"notebooks/{home}.html#"), term


def test_pictures_keep_their_alternative_texts(pages: Pages) -> None:
    for path in notebooks.lessons():
        shown = [image["alt"] for image in pages[f"notebooks/{path.stem}.html"].article("img")]
        stored = [
            meta["alt"]
            for cell in notebooks.read(path).cells
            for output in cell.get("outputs", [])
            for meta in output.get("metadata", {}).values()
            if "alt" in meta
        ]
        assert [" ".join(alt.split()) for alt in shown if alt in stored] == [
            " ".join(alt.split()) for alt in stored
        ]


def test_no_page_is_heavy(site: Path, pages: Pages) -> None:
    for name, page in pages.items():
        places = [tag["src"] for tag in page.find_all(["img", "script"], src=True)]
        places += [tag["href"] for tag in page.find_all("link", rel="stylesheet")]
        files = {((site / name).parent / place.split("?")[0]).resolve() for place in places}
        megabytes = sum(file.stat().st_size for file in [site / name, *files]) / 1e6
        assert megabytes < 3, f"{name} loads {megabytes:.1f} MB"


@pytest.mark.skipif(not visit.chromium(), reason="there is no Chromium")
def test_visitors_meet_no_fault(site: Path, pages: Pages, tmp_path: Path) -> None:
    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Silent, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        names = sorted(set(pages) - {"demo.html"})
        seen = visit.driven(tmp_path, SITE / "visit.mjs", address, *names)
        server.shutdown()
    assert not seen["faults"]
    assert seen["first"].startswith("notebooks/02_unet_from_scratch.html")
    assert seen["solution"] == "opened by keyboard"
    assert seen["demo"] == "reached by keyboard"
