"""What the tests of pages share: a parser that checks, and names that try to break out."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

EVIL = "<script>alert('1')</script>&\"\x00"
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Document(HTMLParser):
    """Checks that tags are balanced; keeps the elements and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def check_alone(text: str) -> Document:
    """Check that a page is one document that needs nothing else, and return it."""
    assert text.startswith("<!doctype html>")
    document = Document(text)
    assert document.named("html") == [{"lang": "en"}]
    assert {"name": "viewport"}.items() <= document.named("meta")[1].items()
    assert len(document.named("title")) == len(document.named("h1")) == 1
    tags = {tag for tag, _ in document.tags}
    assert not tags & {"script", "link", "iframe", "object", "image", "use"}
    # Pictures lie in the page, and identifiers refer to it.
    assert not re.search(r"(href|src(?!=\"data:image/png;base64,)|@import|url\((?!#))", text)
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text
    return document


def check_tables(document: Document) -> None:
    """Check that tables can be read by ear, and scrolled by keyboard."""
    assert all(head.get("scope") in ("col", "row") for head in document.named("th"))
    assert len(document.named("caption")) == len(document.named("table"))
    scrolled = [div for div in document.named("div") if div.get("class") == "scroll"]
    assert all(div["tabindex"] == "0" and div["role"] == "region" for div in scrolled)
    assert all(div["aria-label"] for div in scrolled)


def images(text: str) -> list[ElementTree.Element]:
    """Return the drawings of a page."""
    return [ElementTree.fromstring(found) for found in re.findall(r"<svg.*?</svg>", text, re.S)]


def headings(text: str) -> list[str]:
    """Return the headings of a page's parts."""
    return re.findall(r"<h2>(.*?)</h2>", text)
