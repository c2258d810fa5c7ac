"""Words of gap rules: the placeholders of a reason, and what no text of ours may say (SPEC R-5.1).

A gap is a question. A text states what was found; it tells nobody to add, bill or delete a code.
"""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"^([a-z][a-z0-9_]*)(?:\.([a-z_]+))?$")
_LEADING = (
    (r"(?:^|[.;:!?]\s+|\bplease\s+|\bto\s+)(?:add|code|bill|submit|document|capture|report|delete|remove|recapture)\s+"
     r"(?:this|the|an?|it|that|for|as)\b", "is an instruction"),
    (r"\b(?:should|must|needs?\s+to|has\s+to|ought\s+to|can|could)\s+be\s+"
     r"(?:coded|added|billed|submitted|captured|deleted|removed|reported)\b", "says what is to be done"),
    (r"\bmissed\s+(?:revenue|opportunity|code)\b", "speaks of revenue"),
    (r"\b(?:opportunit(?:y|ies)|revenue|upcod\w+|fraud\w*)\b", "speaks of revenue or fraud"),
)  # fmt: skip


def placeholders(text: str) -> list[tuple[str, str]]:
    """(name, field) of each ``{name}`` or ``{name.field}``; a text in braces that is neither gives (text, '?')."""
    found = []
    for inner in _PLACEHOLDER.findall(text):
        match = _NAME.match(inner)
        found.append((match[1], match[2] or "") if match else (inner, "?"))
    return found


def bracket_faults(text: str) -> list[str]:
    """Square brackets mark a part that is shown where its terms were found; they come in pairs and hold a term."""
    if re.sub(r"[^\[\]]", "", text).replace("[]", ""):
        return ["square brackets do not come in pairs"]
    parts = text.replace("]", "[").split("[")[1::2]
    return [
        f"[{part}] holds no {{term.field}}, so it would always be shown"
        for part in parts
        if not any(field for _, field in placeholders(part))
    ]


def wording_faults(text: str) -> list[str]:
    """What is wrong with the words of a text, one line each."""
    return [
        f"{found.group(0)!r} {why}; state what was found instead"
        for pattern, why in _LEADING
        for found in re.finditer(pattern, text, re.IGNORECASE)
    ]
