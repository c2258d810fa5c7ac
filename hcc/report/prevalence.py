"""Chapter: how many members have each HCC, beside a reference the user gave, else between contracts."""

from __future__ import annotations

from hcc.report.cells import Cells, Row, model_words, share
from hcc.report.charts import Dots, dot_rows
from hcc.report.html import Html, details, joined, section, table, tag
from hcc.report.reference import Reference
from hcc.report.source import Model, Source

_PLOTTED = 15
_LEAST = 100  # members of a contract that is compared: below, a share says little
_ROUNDED = 5
_CONTRACTS = 3  # shapes that can still be told apart, beside the whole population
_ALL = "All members"
_PREVALENCE = """
SELECT hcc::VARCHAR AS hcc, label::VARCHAR AS label, members, members_with_diagnosis, scored_members
FROM hcc_prevalence WHERE model::VARCHAR = $model AND calibration::VARCHAR = $calibration
ORDER BY members DESC, hcc::INTEGER"""
_BY_CONTRACT = """
WITH scored AS (
  SELECT DISTINCT s.member_id, coalesce(m.contract_id, '') AS contract_id
  FROM scores s JOIN members m USING (member_id)
  WHERE s.model::VARCHAR = $model AND s.calibration::VARCHAR = $calibration AND s.raw_score IS NOT NULL
), sizes AS (SELECT contract_id, count(*) AS scored FROM scored GROUP BY ALL)
SELECT z.contract_id AS contract, z.scored, h.hcc::VARCHAR AS hcc, count(h.member_id) AS members
FROM sizes z JOIN scored s ON s.contract_id = z.contract_id
LEFT JOIN member_hccs h ON h.member_id = s.member_id AND h.model::VARCHAR = $model
  AND h.calibration::VARCHAR = $calibration AND h.dropped_by_hcc IS NULL
GROUP BY ALL ORDER BY z.scored DESC, contract"""


def prevalence(source: Source, reference: Reference | None) -> Html:
    """The chapter: plots of the leading models of Part C and D, tables of all models."""
    led = [model for part in ("C", "D") if (model := source.leading(part))]
    content: list[Html] = [_beside(reference)]
    for model in led:
        content.append(tag("h3", model_words(model.model, model.calibration)))
        content.append(_model(source, model, reference, plotted=True))
    for model in source.models:
        if model not in led:
            named = model_words(model.model, model.calibration)
            content.append(
                details(f"{named} ({source.cells.count(model.members)} members)", _model(source, model, reference))
            )
    return section("prevalence", "Prevalence of HCCs", *content)


def _beside(reference: Reference | None) -> Html:
    if reference is not None:
        return tag(
            "p",
            "The share of members for whom each HCC counts, beside the reference ",
            tag("b", reference.name),
            " for the models it is of.",
        )
    return tag(
        "p", "The share of members for whom each HCC counts, in all members and in the largest contracts. A reference "
        "of your own can stand there instead: ", tag("code", "hcc report … --reference prevalence.csv"),
        f" (columns hcc, share). A contract's share rests on a count rounded to {_ROUNDED} where another contract has few.",
    )  # fmt: skip


def _model(source: Source, model: Model, reference: Reference | None, *, plotted: bool = False) -> Html:
    keys = {"model": model.model, "calibration": model.calibration}
    rows = source.rows(_PREVALENCE, **keys)
    named = model_words(model.model, model.calibration)
    if not rows:
        return tag("p", f"No member has an HCC in {named}.")
    given = reference.of_model(model.model, leading=model == source.leading("C")) if reference is not None else {}
    beside = reference.name if reference is not None and given else ""
    others = {beside: given} if beside else _contracts(source.cells, source.rows(_BY_CONTRACT, **keys))
    hidden = [hides_share(source.cells, row["members"], row["scored_members"]) for row in rows]
    body = [_cells(source.cells, row, few, others) for row, few in zip(rows, hidden, strict=True)]
    headings = ["HCC", "Members", "Displaced by another HCC", "Share", *others]
    if beside:
        headings.append("Times the reference")
        body = [[*cells, _times(row, few, given)] for cells, row, few in zip(body, rows, hidden, strict=True)]
    behind = table(f"Prevalence of the HCCs of {named}", headings, body)
    if not plotted:
        return behind
    dots: list[Dots] = []
    for row, few in zip(rows, hidden, strict=True):
        if not few and len(dots) < _PLOTTED:
            values = {_ALL: row["members"] / row["scored_members"]}
            values |= {name: shares[row["hcc"]] for name, shares in others.items() if row["hcc"] in shares}
            dots.append(Dots(_named(row), values))
    title = f"The {len(dots)} most frequent HCCs, {named}"
    told = f"A row per HCC with the share of {' and of '.join([_ALL.lower(), *others])}. The table below has every HCC."
    plot = dot_rows(title, told, dots, [_ALL, *others]) if dots else Html("")
    return joined((plot, details(f"All {len(rows)} HCCs found, {named}", behind)))


def hides_share(cells: Cells, members: int, of: int) -> bool:
    """A share tells the members as well as a count does, and those who do not have it."""
    return cells.hides(members) or cells.hides(of - members)


def _named(row: Row) -> str:
    return f"{row['hcc']} {row['label'] or ''}".strip()


def _cells(cells: Cells, row: Row, few: bool, others: dict[str, dict[str, float]]) -> list[object]:
    displaced = row["members_with_diagnosis"] - row["members"]
    own = "not shown" if few else share(row["members"] / row["scored_members"])
    return [
        _named(row), cells.count(row["members"]), cells.count(displaced), own,
        *(share(shares[row["hcc"]]) if row["hcc"] in shares else "–" for shares in others.values()),
    ]  # fmt: skip


def _times(row: Row, few: bool, shares: dict[str, float]) -> str:
    expected = shares.get(row["hcc"])
    if few or not expected:
        return "–"
    return f"{row['members'] / row['scored_members'] / expected:.2f}"


def _contracts(cells: Cells, found: list[Row]) -> dict[str, dict[str, float]]:
    """Contract → HCC → share, for the largest contracts.

    Where another contract has few members with the HCC, the counts of these are rounded, so that what is left of all
    members says nothing exact about it.
    """
    sizes = {row["contract"]: row["scored"] for row in found}
    by_hcc: dict[str, dict[str, int]] = {}
    for row in found:
        if row["hcc"] is not None:
            by_hcc.setdefault(row["hcc"], dict.fromkeys(sizes, 0))[row["contract"]] = row["members"]
    named = [contract for contract, scored in sizes.items() if contract and scored >= _LEAST][:_CONTRACTS]
    if len(named) < 2:
        return {}
    shares: dict[str, dict[str, float]] = {contract: {} for contract in named}
    for hcc, members in by_hcc.items():
        blur = any(map(cells.hides, members.values()))
        for contract in named:
            if not hides_share(cells, members[contract], sizes[contract]):
                shown = round(members[contract] / _ROUNDED) * _ROUNDED if blur else members[contract]
                shares[contract][hcc] = shown / sizes[contract]
    return shares
