"""HTML and SVG from values: what is not markup already is escaped, so that no label of an input can be run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape


class Html(str):
    """A string that is markup."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as escaped text; None is empty."""
    return value if isinstance(value, Html) else Html("" if value is None else escape(str(value)))


def tag(name: str, *content: object, **attributes: object) -> Html:
    """An element. ``cls`` is class, ``_`` in other attributes is ``-``; an attribute that is None is left out."""
    written = "".join(
        f' {"class" if key == "cls" else key.strip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{joined(content)}</{name}>")


def joined(parts: Iterable[object]) -> Html:
    """Parts one after the other."""
    return Html("".join(text(part) for part in parts))


def table(
    caption: str, headings: Sequence[str], rows: Iterable[Sequence[object]], *, words: Collection[str] = ()
) -> Html:
    """A table whose first column heads its rows; columns in ``words`` are text, others are flush right."""
    first, *others = headings
    left = {first, *words}
    head = [tag("th", heading, scope="col", cls=None if heading in left else "n") for heading in headings]
    body = []
    for name, *cells in rows:
        told = zip(others, cells, strict=True)
        body.append(
            tag(
                "tr",
                tag("th", name, scope="row"),
                *(tag("td", "–" if cell is None else cell, cls=None if key in left else "n") for key, cell in told),
            )
        )
    content = tag("table", tag("caption", caption), tag("thead", tag("tr", *head)), tag("tbody", *body))
    # A wide table scrolls in its own box, and a box that scrolls must be reachable by keyboard.
    return tag("div", content, cls="scroll", tabindex="0", role="region", aria_label=caption)


def details(summary: str, *content: object) -> Html:
    """The table behind a plot: closed on the screen, open on paper."""
    return tag("details", tag("summary", summary), *content)


def section(name: str, heading: str, *content: object) -> Html:
    """A chapter of the page."""
    return tag("section", tag("h2", heading, id=name), *content, aria_labelledby=name)


def listed(items: Iterable[object], cls: str | None = None) -> Html:
    """A list of points."""
    return tag("ul", *(tag("li", item) for item in items), cls=cls)
