"""Progress on stderr for work that takes longer than two seconds; short work stays silent."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

_SILENT_SECONDS = 2.0
_TERMINAL_SECONDS = 0.25
_LOG_SECONDS = 15.0


class Progress:
    """A context manager that is called with (stage, share done from 0 to 1); a thread shows the latest.

    On a terminal one line that is rewritten and, at the end, removed; elsewhere a line every fifteen seconds.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._stage, self._share = "", 0.0
        self._began = time.monotonic()
        self._done = threading.Event()
        self._shown = False
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __call__(self, stage: str, share: float) -> None:
        self._stage, self._share = stage, max(self._share, share)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        if self._shown and sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _show(self) -> None:
        terminal = sys.stderr.isatty()
        if self._done.wait(_SILENT_SECONDS):
            return
        while True:
            self._shown = True
            line = (
                f"{self._what}: {self._stage or 'starting'}, {self._share:.0%}, {time.monotonic() - self._began:.0f} s"
            )
            sys.stderr.write(f"\r\x1b[K{line}" if terminal else f"{line}\n")
            sys.stderr.flush()
            if self._done.wait(_TERMINAL_SECONDS if terminal else _LOG_SECONDS):
                return
