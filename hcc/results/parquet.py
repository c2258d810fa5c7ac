"""The result tables as Parquet files, for those who work without DuckDB."""

from __future__ import annotations

import shutil
from pathlib import Path

from hcc.errors import ResultsExist
from hcc.results.ddl import literal, quoted
from hcc.results.place import partial_folder, told_plainly
from hcc.results.reader import open_results
from hcc.tables import RESULT_TABLES


def write_parquet(results: str | Path, folder: str | Path, *, overwrite: bool = False) -> list[Path]:
    """Write every table of a results file to ``folder``/<table>.parquet; the folder appears complete or not at all.

    Files are readable by their owner only. Raises ResultsExist, ResultsError.
    """
    target = Path(folder).expanduser().absolute()
    taken = target.exists() and (not target.is_dir() or any(target.iterdir()))
    if taken and not (overwrite and _is_ours(target)):
        raise ResultsExist(folder)
    con = open_results(results)
    try:
        with told_plainly(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            made = partial_folder(target)
            try:
                for name in RESULT_TABLES:
                    file = made / f"{name}.parquet"
                    con.execute(f"COPY {quoted(name)} TO {literal(str(file))} (FORMAT parquet, COMPRESSION zstd)")
                    file.chmod(0o600)
                if target.exists():
                    shutil.rmtree(target)
                made.rename(target)
            finally:
                shutil.rmtree(made, ignore_errors=True)
    finally:
        con.close()
    return sorted(target.glob("*.parquet"))


def _is_ours(folder: Path) -> bool:
    """Only a folder that holds nothing but our tables may be replaced."""
    return folder.is_dir() and {path.name for path in folder.iterdir()} <= {f"{name}.parquet" for name in RESULT_TABLES}
