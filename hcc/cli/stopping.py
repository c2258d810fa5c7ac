"""What is said where somebody stops a run: which files are complete, and how to go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def told_where_it_stopped(out: str | None, parquet: str | None, *, resumes: bool) -> Iterator[None]:
    """Around a run to ``out`` and then ``parquet``. ``resumes``: whether the command knows --resume."""
    from hcc.cli import exit_code, interrupted
    from hcc.results.place import half_made, stamp_of

    before = None if out is None else stamp_of(out)
    try:
        yield
    except BaseException as error:
        if out is None or not (isinstance(error, KeyboardInterrupt | SystemExit) or interrupted()):
            raise
        if half_made(out):
            way = "with --resume goes on there, without it the run begins anew" if resumes else "begins anew"
            click.echo(
                f"Stopped. What was complete waits in a hidden folder beside {out}: the same command {way}.", err=True
            )
        elif stamp_of(out) in (None, before):
            raise
        elif parquet is not None:
            click.echo(
                f"Stopped. The results file {out} is complete; the Parquet folder {parquet} was not written. "
                f"In Python: hcc.results.write_parquet({out!r}, {parquet!r}); or run the same command with --overwrite.",
                err=True,
            )
        else:
            click.echo(f"Stopped. The results file {out} is complete.", err=True)
        raise click.exceptions.Exit(exit_code()) from None
