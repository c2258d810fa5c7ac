"""The result tables as Parquet files, for those who work without DuckDB."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from hcc.errors import ResultsExist
from hcc.results.ddl import literal, quoted
from hcc.results.place import absolute_path, check_writable, partial_folder, told_plainly
from hcc.results.reader import open_results
from hcc.tables import INPUT_TABLES, RESULT_TABLES


def write_parquet(
    results: str | Path | Mapping[str, pl.DataFrame], folder: str | Path, *, overwrite: bool = False
) -> list[Path]:
    """Write every table of a results file, or the given frames, to ``folder``/<table>.parquet.

    The folder appears complete or not at all; files are readable by their owner only. Raises ResultsExist where
    something is there (with ``overwrite`` too, unless it is a folder of our tables only), ResultsError.
    """
    target = check_folder(folder, overwrite)
    with told_plainly(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        made = partial_folder(target)
        try:
            if isinstance(results, Mapping):
                for name, frame in results.items():
                    frame.write_parquet(made / f"{name}.parquet")
            else:
                _copy(results, made)
            for file in made.iterdir():
                file.chmod(0o600)
            if target.exists():
                shutil.rmtree(target)
            made.rename(target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return sorted(target.glob("*.parquet"))


def check_folder(folder: str | Path, overwrite: bool = False) -> Path:
    """The folder, if Parquet files may be written there; to be asked before any work starts. Raises ResultsExist,
    ResultsError."""
    target = absolute_path(folder)
    taken = target.exists() and (not target.is_dir() or any(target.iterdir()))
    if taken and not (overwrite and _is_ours(target)):
        if not _is_ours(target):
            why = "holds other things than our tables" if target.is_dir() else "is no folder"
            raise ResultsExist.left(folder, why, "folders of nothing but our tables", option="--parquet")
        raise ResultsExist(folder, option="--parquet")
    return check_writable(target)


def _copy(results: str | Path, made: Path) -> None:
    con = open_results(results)
    try:
        for name in RESULT_TABLES:
            file = made / f"{name}.parquet"
            con.execute(f"COPY {quoted(name)} TO {literal(str(file))} (FORMAT parquet, COMPRESSION zstd)")
    finally:
        con.close()


def _is_ours(folder: Path) -> bool:
    """Only a folder that holds nothing but our tables may be replaced, and not one whose names may as well be those of
    somebody's inputs."""
    if not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir()}
    return names <= _files(RESULT_TABLES) and bool(names - _files(INPUT_TABLES))


def _files(tables: Iterable[str]) -> set[str]:
    return {f"{name}.parquet" for name in tables}
