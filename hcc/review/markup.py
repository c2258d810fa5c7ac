"""HTML from values: everything that is not markup already is escaped, so that no value of a claim can be run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from html import escape


class Html(str):
    """A string that is markup."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as escaped text; None is empty."""
    return value if isinstance(value, Html) else Html("" if value is None else escape(str(value)))


def tag(name: str, *content: object, **attributes: object) -> Html:
    """An element; ``cls`` is class, other attributes have ``_`` for ``-``; None leaves an attribute out."""
    written = "".join(
        f' {"class" if key == "cls" else key.strip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{''.join(text(part) for part in content)}</{name}>")


def joined(parts: Iterable[object], between: str = "") -> Html:
    """Parts one after the other."""
    return Html(escape(between).join(text(part) for part in parts))


def table(caption: str, headings: Iterable[object], rows: Iterable[Html], cls: str = "") -> Html:
    """A table with a caption for screen readers and column headings; ``rows`` are ``<tr>``.

    A heading that begins with ">" stands over numbers.
    """
    head = tag("tr", *(_heading(heading) for heading in headings))
    named = tag("caption", caption, cls="hcc-hidden")
    return tag("table", named, tag("thead", head), tag("tbody", *rows), cls=f"hcc-table {cls}".strip())


def _heading(heading: object) -> Html:
    """A column heading; one that begins with ">" stands over numbers."""
    words = str(heading)
    right = words.startswith(">")
    return tag("th", words.removeprefix(">"), scope="col", cls="hcc-number" if right else None)


def cells(*values: object, cls: str | None = None) -> Html:
    """A row of cells; a value that is a ``<td>`` or ``<th>`` stays as it is."""
    written = (value if str(value).startswith(("<td", "<th")) else tag("td", value) for value in values)
    return tag("tr", *written, cls=cls)


def plain_button(words: str, key: str, cls: str = "hcc-button") -> Html:
    """A button that does what the key does (keys.js)."""
    return tag("button", words, type="button", data_key=key, cls=cls)


def number(value: object, cls: str = "hcc-number") -> Html:
    """A cell with a number, flush right."""
    return tag("td", value, cls=cls)


def signed(value: Decimal | None) -> str:
    """A score change with its sign and three decimals; a minus that looks like one."""
    return "" if value is None else f"{value:+.3f}".replace("-", "−")


def dollars(value: Decimal | None) -> str:
    """Whole dollars with sign."""
    return "" if value is None else f"{'+' if value >= 0 else '−'}${abs(value):,.0f}"


def score(value: Decimal | None) -> str:
    """A score, or a dash where there is none."""
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def day(value: date | None) -> str:
    """A date as in the results, or a dash."""
    return "–" if value is None else value.isoformat()[:10]
