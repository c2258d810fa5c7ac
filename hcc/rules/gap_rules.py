"""Gap rules, read from ``mappings/gaps/rules/*.toml`` and from a user's own files, checked and frozen."""

from __future__ import annotations

import difflib
import hashlib
import shlex
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hcc.errors import HccError, RulesError
from hcc.rules.folders import find
from hcc.rules.gap_grammar import NotJudged, Rule, RuleFile, Settings
from hcc.rules.manifest import validation_faults

_FILE_FIELDS = set(RuleFile.model_fields)


@dataclass(frozen=True)
class GapRules:
    """All rules, switched on or off; ``enabled`` are the ones that run. ``sha256`` fingerprints files and switches.

    ``asked_for``: ids of the rules that run because the user wants them: off by default and switched on, or the user's
    own. Their rows of low strength are open; those of our other rules are suppressed (SPEC R-5.16). ``not_judged``: rules
    that no input table can decide, with the reason.
    """

    rules: tuple[Rule, ...]
    enabled: tuple[Rule, ...]
    settings: Settings
    sha256: str
    files: tuple[Path, ...]
    asked_for: frozenset[str] = frozenset()
    not_judged: tuple[NotJudged, ...] = ()

    def rule(self, rule_id: str) -> Rule:
        """The rule of an id; KeyError when there is none."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(rule_id)


def load_gap_rules(
    paths: str | Path | Iterable[str | Path] = (),
    *,
    mappings: str | Path | None = None,
) -> GapRules:
    """Our rules and the user's ``paths`` on top: new rules, ``on``/``off`` switches and settings.

    A user's file never changes one of our rules; it switches ours off and brings another. Of several files that switch
    one rule the last decides. Raises RulesError with all faults of all files, those of the words in the user's rules
    too: a rule that asks for a drug nobody knows would never find anything, without a word.
    """
    shipped = sorted(find("gaps", "rules", mappings=mappings).glob("*.toml"))
    own = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    loaded, faults = _read_all([*shipped, *own], own=set(own))
    added = [rule for path, file in loaded if path in own for rule in file.rules]
    if not faults and added:  # ours are checked before they are shipped
        faults = _word_faults(added, mappings)
    if faults:
        # Without --rules the check knows our own files only.
        again = "".join(f" --rules {shlex.quote(str(path))}" for path in own)
        hint = f"Mend the file and check it with: hcc rules check{again}" if own else None
        raise RulesError.from_faults("The set of gap rules", faults, hint=hint)
    rules = tuple(rule for _, file in loaded for rule in file.rules)
    switched = {rule.id: rule.enabled for rule in rules}
    npis: list[str] = []
    for _, file in loaded:
        switched |= dict.fromkeys(file.off, False) | dict.fromkeys(file.on, True)
        npis += file.settings.hra_vendor_npis
    off_by_default = {rule.id for rule in rules if not rule.enabled}
    of_the_user = {rule.id for rule in added}
    digest = hashlib.sha256()
    for path in (*shipped, *own):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return GapRules(
        rules=rules,
        enabled=tuple(rule for rule in rules if switched[rule.id]),
        settings=Settings(hra_vendor_npis=tuple(dict.fromkeys(npis))),
        sha256=digest.hexdigest(),
        files=(*shipped, *own),
        asked_for=frozenset(of_the_user | {rule_id for rule_id in off_by_default if switched[rule_id]}),
        not_judged=tuple(one for _, file in loaded for one in file.not_judged),
    )


def check_gap_rules(paths: str | Path | Iterable[str | Path] = (), *, mappings: str | Path | None = None) -> list[str]:
    """Faults of our rules and of the user's ``paths``, one line each; empty = sound.

    Of ours too: every concept is a value set, every value has the concept's canonical unit, every
    candidate code maps to an HCC of some model that we have.
    """
    try:
        rules = load_gap_rules(paths, mappings=mappings)
    except RulesError as error:
        return [line.removeprefix("  - ") for line in error.message.splitlines()[1:]]
    except HccError as error:
        return [error.message]
    return _word_faults(rules.rules, mappings)


def _word_faults(rules: Iterable[Rule], mappings: str | Path | None) -> list[str]:
    from hcc.rules.gap_vocabulary import vocabulary, word_faults

    words = vocabulary(mappings=mappings)
    return [fault for rule in rules for fault in word_faults(rule, words)]


def parse_rules(text: str, name: str = "rules", ours: Mapping[str, str] | None = None) -> tuple[RuleFile, list[str]]:
    """The rules of one TOML text and its faults; with faults the file is empty of the rules at fault. ``ours``: the
    file of each rule that there is before."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return RuleFile(), [f"{name} is no TOML: {error}"]
    return _parsed(data, name, ours or {})


def _parsed(data: dict[str, Any], name: str, ours: Mapping[str, str]) -> tuple[RuleFile, list[str]]:
    known = ", ".join(sorted(_FILE_FIELDS))
    faults = [f"{name}: {key!r} is not known there; a file has {known}" for key in sorted(set(data) - _FILE_FIELDS)]
    rules: list[Rule] = []
    raw_rules = data.get("rules", [])
    if not isinstance(raw_rules, list):
        return RuleFile(), [*faults, f"{name}: write each rule below a line [[rules]]"]
    for number, raw in enumerate(raw_rules, start=1):
        called = raw.get("id") if isinstance(raw, dict) else None
        where = f"{name}: rule {called or f'number {number}'}"
        try:
            rules.append(Rule.model_validate(raw))
        except ValidationError as error:
            if isinstance(called, str) and called in ours:  # most likely a switch was meant, and not a rule
                faults.append(
                    f'{where} is already in {ours[called]}; to switch it write on = ["{called}"] or off = ["{called}"] '
                    "at the head of the file"
                )
            else:
                faults += [f"{where}: {fault}" for fault in validation_faults(error)]
    rest = {key: value for key, value in data.items() if key in _FILE_FIELDS - {"rules"}}
    try:
        file = RuleFile.model_validate({**rest, "rules": tuple(rules)})
    except ValidationError as error:
        return RuleFile(rules=tuple(rules)), [*faults, *(f"{name}: {fault}" for fault in validation_faults(error))]
    return file, faults


def _read_all(paths: Sequence[Path], own: set[Path]) -> tuple[list[tuple[Path, RuleFile]], list[str]]:
    loaded: list[tuple[Path, RuleFile]] = []
    faults: list[str] = []
    seen: dict[str, str] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{path.name} cannot be read ({error.__class__.__name__})")
            continue
        file, found = parse_rules(text, path.name, seen if path in own else None)
        faults += found
        for rule in file.rules:
            if rule.id in seen:
                way_out = f'; choose another id and write off = ["{rule.id}"]' if path in own else ""
                faults.append(f"{path.name}: rule {rule.id} is already in {seen[rule.id]}{way_out}")
            seen.setdefault(rule.id, path.name)
        if path not in own and (file.on or file.off):
            faults.append(f"{path.name}: on and off belong to a user's own file; write enabled in the rule")
        loaded.append((path, file))
    for path, file in loaded:
        unknown = [rule_id for rule_id in (*file.on, *file.off) if rule_id not in seen]
        faults += [f"{path.name}: on/off names rule {rule_id}, which is nowhere{_meant(rule_id, seen)}" for rule_id in unknown]
        faults += [f"{path.name}: rule {rule_id} is in on and in off" for rule_id in file.on if rule_id in file.off]
    return loaded, faults


def _meant(rule_id: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(rule_id, known, n=1)
    return f"; is {near[0]} meant?" if near else ""
