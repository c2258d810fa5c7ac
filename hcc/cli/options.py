"""Options that several commands share, each worded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
FILES = "Parquet, CSV, a folder or glob of either, or a DuckDB file"


def _paths(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> str | list[str] | None:
    """What was given as one path, a list or nothing."""
    if not given:
        return None
    return given[0] if len(given) == 1 else list(given)


def table(name: str, meaning: str, *, required: bool = False) -> Callable[[Command], Command]:
    """An option for an input table: one path, or several of them. A path alone is a string, several are a list."""
    return click.option(name, metavar="PATH", multiple=True, required=required, callback=_paths, help=meaning)


members = table("--members", f"The members: {FILES}; repeatable, as all tables are.", required=True)
claims = table("--claims", "The claim lines, likewise.", required=True)
claim_diagnoses = table("--claim-diagnoses", "Header diagnoses as a table of their own.")
enrollment = table("--enrollment", "One row per member and month; without it a status holds all year.")
months_from_spans = click.option(
    "--months-from-spans",
    is_flag=True,
    help="Make the months from the enrolment spans of a --layout that has them; without it a status holds all year.",
)
models = click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME[:CALIBRATION]",
    help="Score this model, whatever the programme pays (repeatable). Without it the programme of the year decides.",
)
layout = click.option(
    "--layout",
    default="canonical",
    show_default=True,
    metavar="NAME",
    help="Whose column names the inputs have: canonical, tuva or a TOML file.",
)
columns = click.option(
    "--columns", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="TOML: your column names for ours."
)
hierarchy_mode = click.option(
    "--hierarchy-mode",
    type=click.Choice(["cms_python", "cms_sas"]),
    default="cms_python",
    show_default=True,
    help="Where CMS's two programs disagree.",
)
audio_only = click.option(
    "--audio-only",
    type=click.Choice(["exclude", "cms_filter_pre2027"]),
    default="exclude",
    show_default=True,
    help="Telephone-only services.",
)
mappings = click.option(
    "--mappings",
    type=click.Path(exists=True, file_okay=False),
    help="A folder of tables of your own (also HCC_MAPPINGS).",
)
memory = click.option(
    "--memory", metavar="SIZE", help="Keep to this much, such as 4GB.  [default: 60 % of the machine's]"
)


def run(name: str = "run") -> Callable[[Command], Command]:
    """``--run``, handed to the command as ``name``."""
    return click.option(
        "--run",
        name,
        type=click.Choice(["initial", "midyear", "final"]),
        default="final",
        show_default=True,
        help="Which collection window, deadline and tables.",
    )


def typed(*names: str) -> list[str]:
    """Which of these parameters stand on the command line, as options."""
    context = click.get_current_context()
    typed_in = click.core.ParameterSource.COMMANDLINE
    options = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    return [options[name] for name in names if context.get_parameter_source(name) is typed_in]
