"""National Drug Codes: every printed shape of a code is the same eleven digits, and nothing else is."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from hcc.rules.ndc import is_ambiguous, ndc9, ndc11


def _read(*texts: str) -> list[str | None]:
    return pl.DataFrame({"text": texts}).select(ndc11(pl.col("text"))).to_series().to_list()


@given(st.integers(0, 10**11 - 1))
def test_every_shape_of_a_code_is_read_alike(number: int) -> None:
    code = f"{number:011d}"
    labeler, product, package = code[:5], code[5:9], code[9:]
    shapes = [code, f"{labeler}-{product}-{package}", f" {labeler} - {product} - {package}"]
    # FDA prints ten digits: each part may lack the zero it begins with, one part at a time.
    if labeler[0] == "0":
        shapes.append(f"{labeler[1:]}-{product}-{package}")
    if product[0] == "0":
        shapes.append(f"{labeler}-{product[1:]}-{package}")
    if package[0] == "0":
        shapes.append(f"{labeler}-{product}-{package[1:]}")
    assert _read(*shapes) == [code] * len(shapes)


def test_what_can_be_read_in_several_ways_or_in_none_is_not_read() -> None:
    texts = [
        "1234567890",
        "123-4567-89",
        "12345-67-89",
        "1234-567-89",
        "1234-5678-9",
        "123456789012",
        "12345-678-9",
        "",
        "x",
    ]
    assert _read(*texts) == [None] * len(texts)
    flags = pl.DataFrame({"text": texts}).select(is_ambiguous(pl.col("text"))).to_series().to_list()
    assert flags == [True, *[False] * 8]


def test_product_codes() -> None:
    texts = ["0003-0894", "12345-678", "12345-6789", "1234-567", "0003-0894-21"]
    found = pl.DataFrame({"text": texts}).select(ndc9(pl.col("text"))).to_series().to_list()
    assert found == ["000030894", "123450678", "123456789", None, None]
