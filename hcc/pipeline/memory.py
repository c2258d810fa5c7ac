"""How much memory a run may take, and how it is shared out."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hcc.diagnoses import Room
from hcc.errors import HccError

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_LEAST = 2**30
_DEFAULT_SHARE = 0.6  # of the machine's memory
_CLAIMS, _DATABASE = 0.25, 0.25  # of the limit; the rest is for members, the files being read and the shards in work


@dataclass(frozen=True)
class MemoryLimit:
    """``nbytes``: for the whole process."""

    nbytes: int

    def room(self, out: str | Path | None) -> Room:
        """What packed claims may take; more of them go to a nameless file beside the results."""
        folder = Path(tempfile.gettempdir()) if out is None else Path(out).expanduser().absolute().parent
        return Room(int(self.nbytes * _CLAIMS), folder)

    @property
    def database(self) -> str:
        """DuckDB's share."""
        return f"{int(self.nbytes * _DATABASE) // 2**20}MB"


def memory_limit(asked: str | int | None) -> MemoryLimit:
    """``asked``: bytes or text such as "4GB"; None: a share of the machine. Raises HccError."""
    if asked is None:
        return MemoryLimit(max(int(_of_the_machine() * _DEFAULT_SHARE), _LEAST))
    text = str(asked).strip().lower()
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)i?b?", text)
    if not found:
        raise HccError(f"Memory {str(asked)!r} is not understood.", hint="Write it like 4GB or 1500MB.")
    nbytes = int(float(found[1]) * _UNITS[found[2]])
    if nbytes < _LEAST:
        raise HccError(f"Memory {str(asked)!r} is too little.", hint="The least is 1GB.")
    return MemoryLimit(nbytes)


def _of_the_machine() -> int:
    """Bytes of memory, or of the container's limit where that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 8 * 2**30
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(path).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            total = min(total, int(text))
    return total
