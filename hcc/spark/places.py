"""Folders that the driver and every executor reach: a local or mounted path, or an object store by its URI.

Spark writes and reads them by URI; Python, on the driver and in the tasks, by path or through pyarrow's file systems.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from hcc.errors import HccError, ResultsExist

_ALIKE = {"s3a": "s3", "s3n": "s3"}  # Hadoop's names of a scheme that pyarrow knows by another
_MOUNTED = ("/Volumes/", "/Workspace/")  # Databricks: Spark takes these paths as they are


@dataclass(frozen=True)
class Place:
    """A folder. ``uri`` is what Spark is given; ``path`` is where Python finds it, None for an object store."""

    uri: str
    path: str | None = None

    @classmethod
    def of(cls, given: str | os.PathLike[str]) -> Place:
        """The folder that a path or a URI names. A path without a scheme is a path of the file system, not of HDFS."""
        text = os.fspath(given)
        scheme, separator, rest = text.partition(":")
        if separator and scheme == "dbfs":
            inside = "/" + rest.lstrip("/")
            return cls(text.rstrip("/"), inside if inside.startswith(_MOUNTED) else "/dbfs" + inside)
        if separator and scheme == "file":
            return cls.of("/" + unquote(rest).lstrip("/"))
        if separator and len(scheme) > 1 and "/" not in scheme:
            return cls(text.rstrip("/"))
        path = os.path.abspath(Path(text).expanduser())  # noqa: PTH100 – Path.resolve would follow a mount's links
        if path.startswith("/dbfs/"):
            return cls("dbfs:" + path.removeprefix("/dbfs"), path)
        return cls(path if path.startswith(_MOUNTED) else Path(path).as_uri(), path)

    @classmethod
    def temporary(cls) -> Place:
        """A new folder of this machine that only its owner can read."""
        return cls.of(tempfile.mkdtemp(prefix="hcc-spark-"))

    def child(self, name: str) -> Place:
        return Place(f"{self.uri}/{name}", None if self.path is None else f"{self.path}/{name}")

    def make(self) -> None:
        """Make the folder, readable by its owner alone where that can be said."""
        if self.path is None:
            system, at = self._system()
            system.create_dir(at, recursive=True)
        else:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            Path(self.path).mkdir(mode=0o700, exist_ok=True)

    def remove(self) -> None:
        """Remove the folder with all that is in it, if it is there."""
        if self.path is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            return
        from pyarrow.fs import FileType  # type: ignore[import-untyped]

        system, at = self._system()
        if system.get_file_info(at).type != FileType.NotFound:
            system.delete_dir(at)

    def require_new(self, *, overwrite: bool) -> None:
        """Raise ResultsExist where the folder holds something that may not be replaced."""
        if not overwrite and self.names():
            raise ResultsExist(self.path or self.uri)

    def names(self) -> list[str]:
        """Names in the folder, sorted, without hidden ones; empty where it is not there."""
        if self.path is not None:
            folder = Path(self.path)
            found = [one.name for one in folder.iterdir()] if folder.is_dir() else []
        else:
            from pyarrow.fs import FileSelector

            system, at = self._system()
            found = [one.base_name for one in system.get_file_info(FileSelector(at, allow_not_found=True))]
        return sorted(name for name in found if not name.startswith((".", "_")))

    def files(self, temp: Path) -> list[Path]:
        """The Parquet files of the folder as paths; those of an object store are copied into ``temp`` first."""
        names = [name for name in self.names() if name.endswith(".parquet")]
        if self.path is not None:
            return [Path(self.path) / name for name in names]
        system, at = self._system()
        target = Path(tempfile.mkdtemp(dir=temp))
        for name in names:
            with system.open_input_stream(f"{at}/{name}") as source, (target / name).open("wb") as copy:
                shutil.copyfileobj(source, copy, 2**22)
        return [target / name for name in names]

    def put(self, made: Path, name: str) -> None:
        """Move a finished file here, in one step: whoever lists the folder sees all of it or nothing.

        An attempt of a task that Spark repeats writes the same rows under the same name, so either may win.
        """
        if self.path is None:
            system, at = self._system()
            with made.open("rb") as source, system.open_output_stream(f"{at}/{name}") as copy:
                shutil.copyfileobj(source, copy, 2**22)
            made.unlink()
            return
        folder = Path(self.path)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        hidden = folder / f".{name}.{uuid.uuid4().hex}"
        try:
            shutil.move(made, hidden)
            hidden.chmod(0o600)
            hidden.replace(folder / name)
        finally:
            hidden.unlink(missing_ok=True)

    def drop(self, name: str) -> None:
        """Remove a file, if it is there."""
        if self.path is not None:
            (Path(self.path) / name).unlink(missing_ok=True)
        elif name in self.names():
            system, at = self._system()
            system.delete_file(f"{at}/{name}")

    def _system(self) -> tuple[Any, str]:
        from pyarrow import ArrowException  # type: ignore[import-untyped]
        from pyarrow.fs import FileSystem

        scheme, _, rest = self.uri.partition(":")
        try:
            system, at = FileSystem.from_uri(f"{_ALIKE.get(scheme, scheme)}:{rest}")
        except (ArrowException, OSError, ValueError) as error:
            raise HccError(
                f"The folder {self.uri} cannot be reached from Python ({type(error).__name__}).",
                hint="Known: a path that every machine mounts, s3://, gs://, abfss://, hdfs://; see docs/spark.md.",
            ) from None
        return system, at
