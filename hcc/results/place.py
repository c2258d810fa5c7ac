"""Where a results file is made: a private folder beside it, renamed when complete, removed when not.

A killed run leaves such a folder and nothing under the final name; the next run to the same name takes it over
(``--resume``) or removes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from hcc.errors import HccError, ResultsError, ResultsExist
from hcc.results.replaceable import RESULTS, Kind, check_kind

_SUFFIX = ".partial"
_ANOTHER = "Choose another --out; folders are separated by '/'."
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_WORDS = ("no space left", "disk quota exceeded", "file too large")


def check_target(path: str | Path, overwrite: bool = False, kind: Kind = RESULTS) -> Path:
    """The path, if a results file (or one of another ``kind``) may be made there; to be asked before any work starts.

    Raises ResultsExist where something is there already (with ``overwrite`` too, unless it is a file of that kind),
    ResultsError where the folder is missing or cannot be written, or DuckDB could not open the path.
    """
    if not str(path).strip():
        raise ResultsError("The path of the results is empty.", hint=_ANOTHER)
    target = absolute_path(path)
    if overwrite and target.is_symlink():
        raise ResultsError(
            f"{target} is a link, and writing would replace it, not the file it leads to.", hint=f"Name {target.resolve()}."
        )
    for sign, called in (("\\", "a backslash"), ("?", "a question mark"), ("\0", "a NUL")):
        if sign in str(target) and os.sep != sign:
            raise ResultsError(f"{target} has {called} in it, and DuckDB opens no such file.", hint=_ANOTHER)
    if target.exists():
        check_kind(path, target, kind)
        if not overwrite:
            raise ResultsExist(path, option=kind.option)
    if not target.parent.is_dir():
        raise ResultsError(
            f"The folder {target.parent} does not exist.", hint="Make it first, or choose another --out."
        )
    if not _takes_folders(target.parent):
        raise ResultsError(f"The folder {target.parent} cannot be written.", hint="Choose another --out.")
    return target


def _takes_folders(folder: Path) -> bool:
    """By trial: os.access does not know of shares that refuse, nor of /proc."""
    trial = new_folder(folder / "trial")
    try:
        trial.mkdir(mode=0o700)
        trial.rmdir()
    except OSError:
        return False
    return True


def absolute_path(path: str | Path) -> Path:
    """The absolute path. Raises ResultsError for one that no file system takes."""
    try:
        target = Path(path).expanduser().absolute()
        new_folder(target).is_dir()  # the longest name that will be made
    except RuntimeError:  # of expanduser
        raise ResultsError("The path of the results begins with '~' and no known user.", hint=_ANOTHER) from None
    except OSError as error:
        raise ResultsError(f"The path of the results cannot be used: {error.strerror}.", hint=_ANOTHER) from None
    return target


def check_writable(folder: Path) -> Path:
    """The folder, if it can be made or written: by trial in what is there of it. Raises ResultsError."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not _takes_folders(there):
        raise ResultsError(f"The folder {there} cannot be written.", hint="Choose another one.")
    return folder


def partial_folder(target: Path) -> Path:
    """A new folder beside ``target`` that only its owner can read; leftovers of killed runs are removed first."""
    for folder in leftovers(target):
        shutil.rmtree(folder, ignore_errors=True)
    folder = new_folder(target)
    folder.mkdir(mode=0o700)
    return folder


def new_folder(target: Path) -> Path:
    """Path of a new partial folder of this process; nothing is there yet."""
    name = f".{target.name}.{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}{_SUFFIX}"
    return target.parent / name


def leftovers(target: Path) -> list[Path]:
    """Partial folders of runs to ``target`` that died on this machine, the latest first; others' are left alone."""
    found = []
    for folder in target.parent.glob(f".{_escaped(target.name)}.*{_SUFFIX}"):
        parts = folder.name.removeprefix(f".{target.name}.").removesuffix(_SUFFIX).split(".")
        if len(parts) < 3 or not parts[-2].isdigit() or ".".join(parts[:-2]) != socket.gethostname():
            continue
        if not _alive(int(parts[-2])):
            found.append(folder)
    return sorted(found, key=lambda folder: folder.stat().st_mtime, reverse=True)


def half_made(target: str | Path) -> bool:
    """Whether a run of this process left something that can be resumed."""
    path = Path(target).expanduser().absolute()
    return any(path.parent.glob(f".{_escaped(path.name)}.{socket.gethostname()}.{os.getpid()}.*{_SUFFIX}"))


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


Stamp = tuple[int, int, int]


def stamp_of(path: str | Path) -> Stamp | None:
    """Tells a file from any that replaced or changed it later; None where there is none."""
    try:
        stat = Path(path).expanduser().stat()
    except (OSError, RuntimeError):  # what is no path has no file; told elsewhere
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def publish(made: Path, target: Path, made_from: tuple[Path, Stamp] | None = None, *, replaces: bool = True) -> None:
    """Give a finished file its final name: owner-only, flushed to disk, renamed in one step.

    ``made_from``: the file it continues, as it was then. Raises ResultsError where that is another one by now: what it
    gained meanwhile would be lost. ``replaces`` False: raises ResultsExist where another command made ``target``
    meanwhile.
    """
    made.chmod(0o600)
    _flush(made)
    with _alone(None if made_from is None else made_from[0]):
        if made_from is not None and stamp_of(made_from[0]) != made_from[1]:
            raise ResultsError(
                f"{made_from[0]} changed while this was at work, and was left as it is now.",
                hint="Another command wrote to it. Run this one again.",
            )
        if not replaces and target.exists():
            raise ResultsExist(target)
        # A write-ahead log left by someone else's connection belongs to the file that is being replaced.
        target.with_name(target.name + ".wal").unlink(missing_ok=True)
        if replaces:
            made.replace(target)
        else:
            _put_where_nothing_is(made, target)
    _flush(target.parent)


def _put_where_nothing_is(made: Path, target: Path) -> None:
    """A link, unlike a new name, is refused where another command was a moment faster."""
    try:
        os.link(made, target)
    except FileExistsError:
        raise ResultsExist(target) from None
    except OSError:  # a file system without links
        made.replace(target)
    else:
        made.unlink()


@contextlib.contextmanager
def _alone(path: Path | None) -> Iterator[None]:
    """Nobody else is here with the same file: two that are ready at once look at it one after the other."""
    try:
        import fcntl
    except ImportError:  # elsewhere a file that somebody has open cannot be replaced anyway
        path = None
    if path is None or not path.exists():
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def publish_folder(made: Path, target: Path) -> None:
    """The same for a folder of files; one that is there already makes way and is removed."""
    for path in made.iterdir():
        path.chmod(0o600)
        _flush(path)
    aside = new_folder(target)
    there = target.exists()
    if there:
        target.rename(aside)
    made.rename(target)
    _flush(target.parent)
    if there:
        shutil.rmtree(aside, ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def told_plainly(target: Path) -> Iterator[None]:
    """Turn a full disk or exhausted memory into one HccError, without DuckDB's own text, which may quote values."""
    import duckdb
    import polars as pl

    try:
        yield
    except HccError:
        raise
    except duckdb.OutOfMemoryException:
        raise ResultsError(
            "Writing the results needs more memory than it may use.",
            hint="Score the members in parts, or on a machine with more memory.",
        ) from None
    except (OSError, duckdb.Error, pl.exceptions.PolarsError) as error:
        if not _is_full(error):
            raise
        raise ResultsError(
            f"There is no space left to write {target}; nothing was kept of it.",
            hint="Free some space or choose another --out; a results file takes about 250 bytes per member and claim.",
        ) from None


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    text = str(error).lower()
    return any(words in text for words in _FULL_WORDS)
