"""Lines of a CSV whose quotes or line ends are broken, one record each, so that a broken line costs that line alone.

A quote that is opened and never closed makes every reader take the rest of the file for one field. Only files in which
that was met are read through here; it costs a pass in Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

_MOST = 100  # lines that one quoted field may run over in a file whose quotes are broken
_SPOILT = '"{}"x\n'  # a field with something behind its closing quote: surely set aside, and as one line
State = Literal["whole", "open", "broken"]


def mended(lines: Iterable[str], delimiter: str, fields: int) -> Iterator[str]:
    """Records as they came, each with its line end; a line that can begin none is ``spoilt``.

    ``lines`` end in a line feed, but for the last. A record over several lines has as many ``fields`` as the header.
    """
    state = _states(delimiter)
    ahead: list[str] = []
    source = iter(lines)
    while (line := ahead.pop(0) if ahead else next(source, None)) is not None:
        line = line.rstrip("\n")
        now: State = "whole" if '"' not in line else state(line)[0]
        if now == "whole":
            yield f"{line}\n"
            continue
        record = line
        for number in range(_MOST if now == "open" else 0):
            if number == len(ahead):
                if (more := next(source, None)) is None:
                    break
                ahead.append(more)
            record = f"{record}\n{ahead[number].rstrip(chr(10))}"
            if '"' not in ahead[number]:
                continue
            now, found = state(record)
            if now == "whole" and found == fields:
                yield f"{record}\n"
                del ahead[: number + 1]
                break
            if now != "open":
                now = "broken"
                break
        if now != "whole":
            yield _SPOILT.format(line.replace('"', '""'))


def unspoilt(line: str) -> str:
    """A line as it came, whether ``mended`` spoilt it or not."""
    if line.startswith('"') and line.endswith('"x'):
        return line[1:-2].replace('""', '"')
    return line


def _states(delimiter: str) -> Callable[[str], tuple[State, int]]:
    """Whether a text is a whole record, ends inside a quoted field, or has something behind a closing quote; and the
    number of its fields. A quote within an unquoted field is a letter like any other."""
    mark = re.escape(delimiter)
    field = re.compile(rf'(?:"(?:[^"]|"")*+(?P<closed>"?+)|(?!")[^{mark}]*+)(?P<next>{mark}|\Z)?+')

    def state(text: str) -> tuple[State, int]:
        at, fields = 0, 0
        while True:
            found = field.match(text, at)
            assert found is not None
            fields += 1
            if found["closed"] == "":
                return "open", fields
            if found["next"] is None:
                return "broken", fields
            if not found["next"]:
                return "whole", fields
            at = found.end()

    return state
