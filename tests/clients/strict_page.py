"""A strict parser for a page of HTML."""

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """A page read strictly: every element is closed in its order."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "svg"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        """What a reader reads."""
        return " ".join(" ".join(self.words).split())

    def tags(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a name."""
        return [attributes for tag, attributes in self.elements if tag == name]


def faults(html: str) -> list[str]:
    """What makes a page need something from elsewhere, or breaks its own references."""
    page = Page(html)
    found = [tag for tag, _ in page.elements if tag in {"script", "link", "img", "iframe", "object"}]
    found += re.findall(r"url\((?!#[\w-]+\))[^)]*\)", html)
    found += [name for _, given in page.elements for name in given if name.startswith("on")]
    ids = [given["id"] for _, given in page.elements if "id" in given]
    found += [f"id {one!r} twice" for one in set(ids) if ids.count(one) > 1]
    addresses = [str(value) for _, given in page.elements for name, value in given.items() if "href" in name]
    found += [one for one in addresses if one.removeprefix("#") not in ids]
    found += [f"url(#{one})" for one in re.findall(r"url\(#([\w-]+)\)", html) if one not in ids]
    found += ["a table without a caption"] * (len(page.tags("table")) - len(page.tags("caption")))
    return found
