"""The command line: parse, call, print. Only click is imported here; each command loads what it needs when it runs."""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from types import FrameType
from typing import Any

import click

import hcc

# name → (module, first line of its help); the order of ``hcc --help``. A test holds the lines to the commands' own.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("hcc.cli.demo", "A small invented population through every stage, then where to look."),
    "score": ("hcc.cli.score", "Score a population: members and claims in, one DuckDB file out."),
    "keep": ("hcc.cli.keep", "Read claims once and keep what counts, to score it again and again."),
    "gaps": ("hcc.cli.gaps", "Find coded-but-unsupported and supported-but-missing conditions."),
    "run": ("hcc.cli.gaps", "Score and find gaps in one pass."),
    "explain": ("hcc.cli.explain", "One member: every factor, every diagnosis that counted or did not, and why."),
    "compare": ("hcc.cli.compare", "Where a population's score moved between two results files, summing exactly."),
    "worklist": (
        "hcc.cli.worklist",
        "Ranked work for coders: export to Excel or CSV, import decisions.",
    ),
    "review": ("hcc.cli.review", "The coder's page on this machine."),
    "report": ("hcc.cli.report", "One self-contained HTML page for the director."),
    "rules": (
        "hcc.cli.rules",
        "The tables CMS published, by model and payment year: list, show, compare, check, import.",
    ),
    "schema": ("hcc.cli.schema", "Input and result tables in words, and DDL."),
}
INTERRUPTED, TERMINATED = 130, 143
_signals: list[int] = []  # every SIGINT and SIGTERM of this run
_WIDEST = 112


class LazyGroup(click.Group):
    """Finds commands in COMMANDS and imports a command's module only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, (module, _) in COMMANDS.items() if find_spec(module) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.list_commands(ctx):
            from difflib import get_close_matches

            close = get_close_matches(name, self.list_commands(ctx), n=1)
            ctx.fail(f"There is no command {name!r}." + (f" Did you mean {close[0]!r}?" if close else ""))
        return super().resolve_command(ctx, args)


def _width() -> int:
    """Columns for help. click would ask shutil, whose import (compression and all) costs as much as Python itself."""
    try:
        columns = int(os.environ.get("COLUMNS", 0)) or os.get_terminal_size().columns
    except (OSError, ValueError):
        columns = 80
    return max(min(columns, _WIDEST), 40)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "terminal_width": _width()})
@click.version_option(hcc.__version__, prog_name="hcc")
@click.option("--debug", is_flag=True, envvar="HCC_DEBUG", help="Show the traceback of an unexpected error.")
def cli(debug: bool) -> None:
    """Medicare risk adjustment for whole populations: HCCs, scores that add up, and the two-way gap list.

    \b
    Example:
      hcc demo
    """


def main(args: Sequence[str] | None = None) -> None:
    """Entry point of ``hcc``. Exit codes: 0 done, 1 an HccError (one message), 2 wrong usage, 130 interrupted, 143 terminated."""
    raise SystemExit(run(sys.argv[1:] if args is None else list(args)))


def run(args: list[str]) -> int:
    """Run one command line and return its exit code; nothing but SystemExit leaves here."""
    _listen()
    try:
        result = cli.main(args=args, prog_name="hcc", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _stopped()
    except BrokenPipeError:
        # Whoever read us has seen enough; without this Python complains once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BaseException as error:
        # A panic of polars is no Exception; what else is none, such as SystemExit, is not ours.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if interrupted():
            click.echo(err=True)  # ends the line of ^C, as click does itself
            return _stopped()
        return _told(error, debug="--debug" in args or bool(os.environ.get("HCC_DEBUG")))


def interrupted() -> bool:
    """Whether Ctrl-C was pressed or SIGTERM came. A library that looks for signals itself, as DuckDB does within a query,
    loses Python's KeyboardInterrupt and ends with an error of its own; polars panics where one comes in a callback."""
    return bool(_signals)


def exit_code() -> int:
    """Of a command that somebody stopped."""
    return TERMINATED if signal.SIGTERM in _signals else INTERRUPTED


def _stopped() -> int:
    click.echo("Stopped; nothing half-made was left.", err=True)
    return exit_code()


def _told(error: BaseException, *, debug: bool) -> int:
    from hcc.errors import HccError

    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, HccError):
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"hint: {error.hint}", err=True)
        return 1
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more when it exits
        click.echo("error: There is no space left to write the output.\nhint: Free some space and ask again.", err=True)
        return 1
    if isinstance(error, MemoryError):
        click.echo(
            "error: There is not enough memory.\nhint: Score the members in parts, or on a machine with more.", err=True
        )
        return 1
    if _is_damage(error):
        click.echo(
            "error: A DuckDB file cannot be read to its end: it is cut off, damaged, or in use by another program.\n"
            "hint: Close what has it open; else copy it again from where it came from, or make it anew.", err=True
        )  # fmt: skip
        return 1
    # No text of the error: it may quote values, and those may be a member's.
    click.echo(
        f"error: Sorry, hcc failed in a way we did not foresee: {type(error).__name__}{_where(error)}.", err=True
    )
    click.echo(
        "hint: 'hcc --debug …' shows the traceback; it may quote your data, so look before you share it.", err=True
    )
    return 1


def _is_damage(error: BaseException) -> bool:
    """What DuckDB says where a file's blocks are not what its head promises; it opens such files without a word."""
    kind = type(error)
    return "duckdb" in kind.__module__ and kind.__name__ in (
        "IOException", "SerializationException", "InternalException", "FatalException"
    )  # fmt: skip


def _where(error: BaseException) -> str:
    """The last place in our own code, for a bug report."""
    import traceback

    own = [f for f in traceback.extract_tb(error.__traceback__) if f"{os.sep}hcc{os.sep}" in f.filename]
    if not own:
        return ""
    place = own[-1]
    return f" in {place.filename.rpartition(f'{os.sep}hcc{os.sep}')[2]}, line {place.lineno} ({place.name})"


def _listen() -> None:
    """Warnings in one plain line; Ctrl-C is remembered; SIGTERM ends like an exception, so that partial files are removed."""

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if category.__module__.startswith("hcc"):
            click.echo(f"warning: {message}", err=True)

    def stop(number: int, frame: FrameType | None) -> None:
        _signals.append(number)
        raise SystemExit(TERMINATED)

    def note(number: int, frame: FrameType | None) -> None:
        _signals.append(number)
        signal.default_int_handler(number, frame)

    _signals.clear()
    if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None):  # in the background nobody means us
        signal.signal(signal.SIGINT, note)
    warnings.showwarning = show
    signal.signal(signal.SIGTERM, stop)
