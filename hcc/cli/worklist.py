"""``hcc worklist``: the open questions as a workbook for coders, and their decisions back."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import duckdb

_SHOWN = 200  # rows that could not be used; more than these are counted, not listed
_RESULTS = click.argument("results", type=click.Path(exists=True, dir_okay=False))


def _example(*commands: str) -> str:
    lines = "\n".join(f"  hcc worklist {command}" for command in commands)
    return f"\b\nExample:\n{lines}"


@click.group(epilog=_example("export results.duckdb --out worklist.xlsx", "import results.duckdb worklist.xlsx"))
def worklist() -> None:
    """Ranked work for coders: export to Excel or CSV, import decisions."""


@worklist.command("export", epilog=_example("export results.duckdb --out worklist.xlsx --limit 500"))
@_RESULTS
@click.option("--out", type=click.Path(dir_okay=False), help="File to write: .xlsx, .csv or .parquet.")
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV to stdout instead.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N questions of each direction.")
@click.option("--all", "everything", is_flag=True, help="Questions that are decided already, too.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(["open", "closed", "suppressed", "indeterminate", "informational"]),
    help="Statuses to list; may be repeated. Default: open.",
)
@click.option("--weights", type=click.Path(exists=True, dir_okay=False), help="Your own weights of the rank (TOML).")
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Rank as on this day. Default: today.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
def export(
    results: str,
    out: str | None,
    as_csv: bool,
    limit: int | None,
    everything: bool,
    statuses: tuple[str, ...],
    weights: str | None,
    today: datetime | None,
    overwrite: bool,
) -> None:
    """Write the open questions: a summary, a sheet per direction, ranked by strength, value, clock and last visit.

    Each row keeps its gap_id. Fill in the yellow cells and send the file back with 'hcc worklist import'.
    """
    if bool(out) == as_csv:
        raise click.UsageError("Say where to write: --out worklist.xlsx, or --csv for stdout.")
    from hcc.results import open_results
    from hcc.results.replaceable import refuse_inputs
    from hcc.worklist import (
        check_out,
        csv_text,
        in_words,
        load_weights,
        worklist_rows,
        worklist_summary,
        write_worklist,
    )

    if out:
        refuse_inputs(out, results, weights)
        if check_out(out, overwrite).exists():
            _keep_decisions(out, results)
    chosen, day = load_weights(weights), (today or datetime.now()).date()
    con = open_results(results)
    try:
        _require_gaps(con, results)
        _prepare(con, results, chosen, day)
        rows = worklist_rows(con, statuses=statuses or ("open",), decided=everything, limit=limit)
        if as_csv:
            click.echo(csv_text(rows), nl=False)
            return
        summary = worklist_summary(con, day)
        if rows.height > 20_000 and str(out).endswith(".xlsx"):
            click.echo(f"Writing {rows.height:,} rows; a workbook takes about a minute per 200,000.", err=True)
        written = write_worklist(str(out), rows, summary, in_words(chosen), overwrite=overwrite)
    finally:
        con.close()
    sides = ", ".join(f"{summary.sides[side].get('questions', 0):,} {side}" for side in ("unsupported", "missing"))
    click.echo(f"{written}: {rows.height:,} gaps in questions: {sides}.", err=True)
    if summary.settled:
        click.echo(
            f"{summary.settled:,} open questions are decided already and not listed; --all lists them.", err=True
        )


def _keep_decisions(out: str, results: str) -> None:
    """A worklist is not replaced while it holds decisions that nobody imported: a day's work would be gone."""
    from hcc.cli.printing import typed
    from hcc.errors import ResultsExist
    from hcc.results import all_reviews
    from hcc.worklist import not_imported, read_decisions

    waiting = not_imported(read_decisions(out).rows, all_reviews(results))
    if waiting:
        raise ResultsExist.left(
            out, f"holds {waiting:,} decision(s) that were not imported", "worklists",
            first=f"Import them first: hcc worklist import {typed(results)} {typed(out)}",
        )  # fmt: skip


def _require_gaps(con: duckdb.DuckDBPyConnection, results: str) -> None:
    """An empty list of a file in which nobody looked would be taken for good news."""
    from hcc.cli.printing import NOT_SOUGHT, typed
    from hcc.errors import ResultsError
    from hcc.worklist import gaps_were_sought

    if not gaps_were_sought(con):
        raise ResultsError(f"{NOT_SOUGHT}.", hint=f"Look for them first: hcc gaps {typed(results)}")


def _prepare(con: duckdb.DuckDBPyConnection, results: str, weights: Any, day: Any) -> None:
    from hcc.results import read_reviews
    from hcc.worklist import make_questions, merged_reviews, put_decisions, put_words

    make_questions(con, weights, day)
    put_decisions(con, merged_reviews(con.sql("SELECT * FROM reviews").pl(), read_reviews(results)))
    put_words(con)


@worklist.command("import", epilog=_example("import results.duckdb decisions.xlsx --reviewer 'Ada Example'"))
@_RESULTS
@click.argument("decisions", type=click.Path(exists=True, dir_okay=False))
@click.option("--reviewer", default="", metavar="NAME", help="Who decided, for rows that name nobody.")
def take_in(results: str, decisions: str, reviewer: str) -> None:
    """Read decisions from a worklist (.xlsx, .csv or .parquet) and append them to the reviews beside the results.

    Rows that cannot be used are listed with their number and the reason, and sheets without the headings gap_id and
    decision. Importing a file twice adds nothing. One decision answers a question: gaps of it in other models take it
    over where the file says nothing about them.
    """
    from hcc.cli.printing import print_table
    from hcc.results import append_reviews, open_results, read_reviews, reviews_path
    from hcc.worklist import (
        fault_lines,
        latest_by_reviewer,
        load_weights,
        make_questions,
        merged_reviews,
        read_decisions,
        usable_decisions,
    )

    file = read_decisions(decisions)
    con = open_results(results)
    try:
        _require_gaps(con, results)
        make_questions(con, load_weights(), datetime.now().date())
        questions = con.sql("SELECT gap_id, question FROM question_gaps").pl()
        reviews = merged_reviews(con.sql("SELECT * FROM reviews").pl(), read_reviews(results))
    finally:
        con.close()
    found = usable_decisions(file.rows, questions, latest_by_reviewer(reviews), reviewer=reviewer)
    if found.rows:
        append_reviews(results, list(found.rows))
    for note in file.notes:
        click.echo(f"note: {note}", err=True)
    lines = [*fault_lines(file.faults), *fault_lines(found.faults)]
    if lines:
        print_table(("sheet", "row", "cannot be used because"), lines[:_SHOWN], numbers=("row",))
        if len(lines) > _SHOWN:
            click.echo(f"and {len(lines) - _SHOWN:,} rows more.")
    sheets = sum(row is None for _, row, _ in lines)
    behind = f", {found.behind:,} before a later decision, which stays the latest" if found.behind else ""
    unread = f", {sheets:,} sheet{'' if sheets == 1 else 's'} not read" if sheets else ""
    click.echo(
        f"{found.entered:,} rows filled in: {len(found.rows):,} decisions added to {reviews_path(results)}"
        f" ({found.taken_over:,} of them for the same question in another model, {found.replaced:,} after a decision of"
        f" somebody else{behind}), {found.already:,} there already, {len(lines) - sheets:,} rows not used{unread}.",
        err=True,
    )
    if lines and not found.rows and not found.already:
        click.echo(
            "error: no row could be used.\nhint: Correct what is listed above and import the file again.", err=True
        )
        sys.exit(1)
