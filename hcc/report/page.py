"""The page: chapters in order, one style sheet, nothing loaded from anywhere."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path

from hcc.errors import InputError
from hcc.report.cells import Cells
from hcc.report.gaps import gaps
from hcc.report.glance import glance
from hcc.report.html import Html, joined, tag
from hcc.report.method import method
from hcc.report.prevalence import prevalence
from hcc.report.quality import quality
from hcc.report.recapture import recapture
from hcc.report.reference import Reference, read_reference
from hcc.report.scores import scores
from hcc.report.source import Source
from hcc.results import check_target, open_results, reviews_path
from hcc.results.place import partial_folder, publish, told_plainly
from hcc.results.replaceable import REPORT

_CHAPTERS = {
    "glance": "At a glance", "scores": "Risk scores", "prevalence": "Prevalence", "gaps": "Gaps",
    "recapture": "Recapture", "quality": "Data quality", "method": "Method",
}  # fmt: skip
# Nothing may be fetched, even if a value of the data were to slip through unescaped.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def write_report(
    results: str | Path,
    out: str | Path,
    *,
    reference: str | Path | None = None,
    show_small_cells: bool = False,
    overwrite: bool = False,
    today: date | None = None,
) -> Path:
    """Write the report of a results file to ``out`` (HTML); owner-only, complete or not at all.

    ``reference``: CSV of shares by HCC (``read_reference``). ``today``: the day of the report, for the 60-day clock.
    Raises ResultsError, ResultsExist, InputError; ``out`` may be none of the files that are read.
    """
    _refuse_inputs(Path(out), [Path(results), reviews_path(results), *([Path(reference)] if reference else [])])
    target = check_target(out, overwrite, REPORT)
    known = read_reference(reference) if reference is not None else None
    page = report_html(results, reference=known, show_small_cells=show_small_cells, today=today)
    with told_plainly(target):
        folder = partial_folder(target)
        made = folder / "report.html"
        try:
            made.write_text(page, encoding="utf-8")
            publish(made, target, replaces=overwrite)
        finally:
            made.unlink(missing_ok=True)
            folder.rmdir()
    return target


def _refuse_inputs(out: Path, inputs: list[Path]) -> None:
    """Raises InputError where the page would replace what it is made of, or the decisions beside it."""
    place = out.expanduser().resolve()
    if place in {path.expanduser().resolve() for path in inputs}:
        raise InputError(f"{out} is an input of the report.", hint="Choose another --out, such as report.html.")


def report_html(
    results: str | Path,
    *,
    reference: Reference | None = None,
    show_small_cells: bool = False,
    today: date | None = None,
) -> str:
    """The report as HTML text. It holds no identifier of a member; see ``hcc.report.cells`` for small counts."""
    con = open_results(results)
    try:
        source = Source(con, Cells(show=show_small_cells), today or date.today())
        name = Path(results).name
        body = joined(
            (
                _header(source),
                tag("nav", tag("ul", *_links()), aria_label="Chapters"),
                tag(
                    "main", glance(source), scores(source), prevalence(source, reference), gaps(source, name),
                    recapture(source, name), quality(source), method(source),
                ),
                tag("footer", tag("p", f"Made by hcc {source.run['engine_version']} on {source.today}.")),
            )
        )  # fmt: skip
    finally:
        con.close()
    return _document(f"Risk adjustment report, payment year {source.run['payment_year']}", body)


def _document(title: str, body: Html) -> str:
    style = Html(files("hcc.report").joinpath("page.css").read_text(encoding="utf-8"))
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">'
    )
    whole = f"{head}{tag('title', title)}{tag('style', style)}"
    return f'<!doctype html>\n<html lang="en"><head>{whole}</head><body>{body}</body></html>\n'


def _links() -> list[Html]:
    return [tag("li", tag("a", words, href=f"#{name}")) for name, words in _CHAPTERS.items()]


def _header(source: Source) -> Html:
    run = source.run
    as_of = next((one["as_of"] for one in reversed(source.runs) if one["as_of"]), None)
    told = f"Payment year {run['payment_year']}, {run['run']} run, scored {run['started_at']:%Y-%m-%d}"
    told += f", gaps as of {as_of}" if as_of else ""
    return tag("header", tag("div", tag("h1", "Risk adjustment report"), tag("p", f"{told}. Made on {source.today}.")))
