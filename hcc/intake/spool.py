"""A private folder for large text files while they are read: made on first use, removed when the process ends.

It holds what the user's file holds, so it is the user's alone (0700). TMPDIR says where.
"""

from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
import threading
from pathlib import Path

_lock = threading.Lock()
_number = itertools.count()
_folder: Path | None = None


def new_path(suffix: str) -> Path:
    """A path that does not exist yet, in the private folder."""
    global _folder
    with _lock:
        if _folder is None or not _folder.is_dir():
            _folder = Path(tempfile.mkdtemp(prefix="hcc-"))
            atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    return _folder / f"{next(_number)}{suffix}"
