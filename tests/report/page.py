"""A report as a test reads it: its text, its tables by caption, its definition lists, its plots."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """``tables``: caption → rows of cells, headings first. ``facts``: (card or tile, name) → value."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html, self.text = html, ""
        self.tables: dict[str, list[list[str]]] = {}
        self.facts: dict[tuple[str, str], str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._stack: list[str] = []
        self._into: list[str] | None = None
        self._caption, self._name, self._side = "", "", ""
        self._rows: list[list[str]] = []
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag not in ("meta", "br", "link", "input"):
            self._stack.append(tag)
        if tag == "div":
            self._side = next(
                (word for word in ("unsupported", "missing") if word in (given.get("class") or "")), self._side
            )
        if tag == "section":
            self._side = ""
        if tag == "table":
            self._rows = []
        if tag == "tr":
            self._rows.append([])
        if tag in ("caption", "th", "td", "dt", "dd"):
            self._into = []

    def handle_endtag(self, tag: str) -> None:
        assert self._stack, f"</{tag}> closes nothing"
        opened = self._stack.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"
        said = " ".join("".join(self._into or []).split())
        if tag == "caption":
            self._caption = said
        elif tag in ("th", "td"):
            self._rows[-1].append(said)
        elif tag == "dt":
            self._name = said
        elif tag == "dd":
            self.facts[self._side, self._name] = said
        elif tag == "table":
            assert self._caption not in self.tables, f"two tables are called {self._caption!r}"
            self.tables[self._caption] = self._rows
        if tag in ("caption", "th", "td", "dt", "dd"):
            self._into = None

    def handle_data(self, data: str) -> None:
        if "style" in self._stack:
            return
        self.text += data + (" " if self._into is None else "")
        if self._into is not None:
            self._into.append(data)

    def row(self, caption: str, start: str) -> list[str]:
        """The row of a table whose first cell begins with ``start``, without that cell."""
        (found,) = [row for row in self.tables[caption][1:] if row[0].startswith(start)]
        return found[1:]
