"""The boolean language of ``when`` and ``unless`` in gap rules, and its disjunctive normal form as bit masks.

``name``, ``not``, ``and``, ``or`` and brackets: ``a1c_twice or (a1c_once and drug)``. A rule's terms have one bit each,
so an expression becomes a few pairs of masks: all bits of ``need`` set and none of ``forbid``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"\s*(?:(?P<name>[a-z][a-z0-9_]*)|(?P<bracket>[()]))")
_WORDS = ("and", "or", "not")
_MOST = 64


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Names that must hold and names that must not."""

    need: frozenset[str]
    forbid: frozenset[str]


Form = frozenset[Conjunction]
ALWAYS: Form = frozenset({Conjunction(frozenset(), frozenset())})
NEVER: Form = frozenset()


def both(left: Form, right: Form) -> Form:
    """``left and right``."""
    pairs = {Conjunction(a.need | b.need, a.forbid | b.forbid) for a in left for b in right}
    return _simplified(pairs)


def either(left: Form, right: Form) -> Form:
    """``left or right``."""
    return _simplified(set(left | right))


def negated(form: Form) -> Form:
    """``not form``."""
    result = ALWAYS
    for part in form:
        options = {Conjunction(frozenset(), frozenset({name})) for name in part.need}
        options |= {Conjunction(frozenset({name}), frozenset()) for name in part.forbid}
        result = both(result, frozenset(options))
    return result


def _simplified(parts: set[Conjunction]) -> Form:
    possible = {part for part in parts if not part.need & part.forbid}
    if len(possible) > _MOST * 16:
        raise ValueError("the expression has too many alternatives; write it as two targets")
    return frozenset(
        part
        for part in possible
        if not any(other != part and other.need <= part.need and other.forbid <= part.forbid for other in possible)
    )


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Form:
    """The disjunctive normal form of an expression; ValueError says what is wrong with it."""
    tokens = _tokens(text)
    form, rest = _or(tokens)
    if rest:
        raise ValueError(f"{text!r}: {rest[0]!r} is not expected there")
    if len(form) > _MOST:
        raise ValueError(f"{text!r} has more than {_MOST} alternatives; write it as two targets")
    return form


def names(form: Form) -> frozenset[str]:
    """Names that occur in a form."""
    return frozenset(name for part in form for name in part.need | part.forbid)


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise ValueError(f"{text!r}: {stripped[position:].strip()[:1]!r} is not understood")
        tokens.append(match["name"] or match["bracket"])
        position = match.end()
    if not tokens:
        raise ValueError("the expression is empty")
    return tokens


def _or(tokens: list[str]) -> tuple[Form, list[str]]:
    form, rest = _and(tokens)
    while rest and rest[0] == "or":
        right, rest = _and(rest[1:])
        form = either(form, right)
    return form, rest


def _and(tokens: list[str]) -> tuple[Form, list[str]]:
    form, rest = _one(tokens)
    while rest and rest[0] == "and":
        right, rest = _one(rest[1:])
        form = both(form, right)
    return form, rest


def _one(tokens: list[str]) -> tuple[Form, list[str]]:
    if not tokens:
        raise ValueError("the expression ends too early")
    head, rest = tokens[0], tokens[1:]
    if head == "not":
        form, rest = _one(rest)
        return negated(form), rest
    if head == "(":
        form, rest = _or(rest)
        if not rest or rest[0] != ")":
            raise ValueError("a bracket is not closed")
        return form, rest[1:]
    if head == ")" or head in _WORDS:
        raise ValueError(f"{head!r} is not expected there")
    return frozenset({Conjunction(frozenset({head}), frozenset())}), rest
