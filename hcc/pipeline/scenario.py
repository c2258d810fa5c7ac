"""A scenario: payment factors and frailty of the user's own, from a TOML file or a dict; checked before it is used.

It says ``[[program]] name``, ``model`` (optional) and any of the figures, and ``[frailty] contract = factor``. Figures are
text or numbers of at most six decimals, which are exact all the way and recorded as they are.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from numbers import Real
from pathlib import Path
from typing import Any

from hcc.errors import HccError
from hcc.intake.layout import read_toml_text
from hcc.rules.programs import Program, ProgramModel, ProgramYear, factor_fault
from hcc.scores.rounding import to_thousandths

FIGURES = ("normalization", "coding_adjustment", "blend_weight")
_KEYS = ("name", "model", *FIGURES)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SHOWN = 40  # characters of a value that are repeated in an error
_Changes = dict[tuple[str, str], dict[str, Decimal]]  # (programme, model) → its own figures


def read_scenario(scenario: Mapping[str, Any] | str | Path | None) -> dict[str, Any]:
    """A scenario as a dict, read where it is a TOML file. Raises HccError; what it says is not looked at."""
    if scenario is None or isinstance(scenario, Mapping):
        return dict(scenario or {})
    if not isinstance(scenario, str | Path):
        raise HccError(f"a scenario is a TOML file or a dict, not {type(scenario).__name__}.", hint=_FORM)
    path = Path(scenario)
    try:
        return tomllib.loads(read_toml_text(path, "scenario"))
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits
        why = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is no TOML"
        raise HccError(
            f"The scenario file {path.name} cannot be read: {why}", hint=f"It is a TOML file. {_FORM}"
        ) from None


def scenario_year(year: ProgramYear, scenario: Mapping[str, Any]) -> ProgramYear:
    """The year's programmes with the scenario's figures in them. Raises HccError with every fault of the scenario."""
    faults = [
        f"{_shown(key)} is no key (keys: program, frailty)" for key in scenario if key not in ("program", "frailty")
    ]
    changes = _changes(year, scenario.get("program", []), faults)
    _frailty(scenario.get("frailty", {}), faults)
    if faults:
        programs = "; ".join(f"{p.name} ({', '.join(m.name for m in p.models)})" for p in year.programs)
        count = f"has {len(faults)} faults" if len(faults) > 1 else "cannot be used"
        listed = "".join(f"\n  - {fault}" for fault in faults)
        raise HccError(f"The scenario {count}:{listed}", hint=f"{_FORM} Programmes of {year.payment_year}: {programs}.")
    if not changes:
        return year
    return year.model_copy(update={"programs": tuple(_changed(program, changes) for program in year.programs)})


def frailty_factors(scenario: Mapping[str, Any]) -> dict[str, int]:
    """Contract → its frailty factor in thousandths, rounded half away from zero; of a scenario that was checked."""
    return {contract: to_thousandths(factor) for contract, factor in _frailty(scenario.get("frailty", {}), []).items()}


_FORM = (
    'A scenario reads [[program]], name = "MA", normalization = "1.08" (also coding_adjustment, blend_weight; '
    'model = "…" for one model of several), and [frailty], H1234 = "0.112".'
)


def _changes(year: ProgramYear, entries: Any, faults: list[str]) -> _Changes:
    if not isinstance(entries, list | tuple):
        one = isinstance(entries, Mapping)
        faults.append(
            "[program] is one table: write [[program]]" if one else f"program is {_shown(entries)}: write [[program]]"
        )
        return {}
    changes: _Changes = {}
    for number, entry in enumerate(entries, 1):
        where = f"program {number}"
        if not isinstance(entry, Mapping):
            faults.append(f"{where} is {_shown(entry)}, not a table")
            continue
        faults.extend(
            f"{where}: {_shown(key)} is no key (keys: {', '.join(_KEYS)})" for key in entry if key not in _KEYS
        )
        figures = dict(_figures(where, entry, faults))
        if not any(key in entry for key in FIGURES) and set(entry) <= set(_KEYS):
            faults.append(f"{where}: it changes nothing (give {', '.join(FIGURES[:-1])} or {FIGURES[-1]})")
        for program, model in _meant(year, where, entry, faults):
            mine = changes.setdefault((program.name, model.name), {})
            faults.extend(f"{key} of {program.name}, {model.name} is given twice" for key in figures if key in mine)
            mine.update(figures)
    faults.extend(_weights(year, changes))
    return changes


def _meant(
    year: ProgramYear, where: str, entry: Mapping[str, Any], faults: list[str]
) -> Iterator[tuple[Program, ProgramModel]]:
    """The programme and the models an entry is about: all of the programme's where it names none."""
    if "name" not in entry:
        faults.append(f"{where}: it names no programme")
        return
    program = next((one for one in year.programs if one.name == entry["name"]), None)
    if program is None:
        faults.append(f"{where}: there is no programme {_shown(entry['name'])}")
        return
    model = entry.get("model")
    meant = [one for one in program.models if "model" not in entry or model in (one.model, one.name)]
    if not meant:
        faults.append(f"{where}: {program.name} is not paid by the model {_shown(model)}")
    yield from ((program, one) for one in meant)


def _figures(where: str, entry: Mapping[str, Any], faults: list[str]) -> Iterator[tuple[str, Decimal]]:
    for key in FIGURES:
        if key in entry:
            figure = _figure(key, f"{where}: {key}", entry[key], faults)
            if figure is not None:
                yield key, figure


def _frailty(given: Any, faults: list[str]) -> dict[str, Decimal]:
    if not isinstance(given, Mapping):
        faults.append(f"frailty is {_shown(given)}, not a table of contracts")
        return {}
    found: dict[str, Decimal] = {}
    for contract, value in given.items():
        if not isinstance(contract, str):
            faults.append(f"frailty names the contract {_shown(contract)}, which is not text")
            continue
        factor = _figure("frailty", f"frailty of {contract}", value, faults)
        if factor is not None:
            found[contract] = factor
    return found


def _figure(factor: str, where: str, value: Any, faults: list[str]) -> Decimal | None:
    """The figure of a factor; None and a fault where it cannot be used."""
    number = _number(value)
    if number is None:
        faults.append(f"{where} is {_shown(value)}, not a number")
        return None
    fault = factor_fault(factor, number)
    if fault:
        faults.append(f"{where} is {_plain(number)}: {fault}")
        return None
    return number


def _number(value: Any) -> Decimal | None:
    """A finite number, exactly as written: a float by its shortest digits, which are those of the file."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        number = Decimal(value)
    elif isinstance(value, str | Real):
        text = value.strip() if isinstance(value, str) else str(float(value))
        if _NUMBER.fullmatch(text) is None:
            return None
        try:
            number = Decimal(text)
        except InvalidOperation:  # an exponent beyond all bounds
            return None
    else:
        return None
    return number if number.is_finite() else None


def _weights(year: ProgramYear, changes: _Changes) -> Iterator[str]:
    """The weights of every programme whose weights were changed sum to 1."""
    for program in year.programs:
        mine = [changes.get((program.name, model.name), {}) for model in program.models]
        if not any("blend_weight" in figures for figures in mine):
            continue
        weights = [figures.get("blend_weight", m.blend_weight) for figures, m in zip(mine, program.models, strict=True)]
        if (total := sum(weights)) != 1:
            each = ", ".join(f"{m.name} {_plain(w)}" for m, w in zip(program.models, weights, strict=True))
            yield f"the blend weights of {program.name} sum to {_plain(Decimal(total))}, not 1 ({each})"


def _changed(program: Program, changes: _Changes) -> Program:
    models = tuple(_own(model, changes.get((program.name, model.name), {}), program) for model in program.models)
    return program.model_copy(update={"models": models})


def _own(model: ProgramModel, figures: Mapping[str, Decimal], program: Program) -> ProgramModel:
    """The model with figures of the user's own, and whose they are.

    What a row's confidence is about (normalization, and the weight where models are blended) is in doubt until all of it
    is the user's; so is all of a model without tables.
    """
    if not figures:
        return model
    doubtful = {"normalization"} if len(program.models) == 1 else {"normalization", "blend_weight"}
    told = f"scenario: {', '.join(key for key in FIGURES if key in figures)}"
    update: dict[str, Any] = {
        **figures, "source": told if set(FIGURES) == set(figures) else f"{told}; all else: {model.source}"
    }  # fmt: skip
    if model.available and doubtful <= set(figures):
        update |= {"confidence": "", "unverified": False, "reason": ""}
    return model.model_copy(update=update)


def _plain(number: Decimal) -> str:
    """A number without exponent and without zeros at its end; one of too many digits is cut."""
    text = f"{number:f}" if abs(number.adjusted()) < _SHOWN else f"{number:g}"
    return _cut(text.rstrip("0").rstrip(".") if "." in text else text)


def _shown(value: object) -> str:
    try:
        return _cut(repr(value))
    except (ValueError, RecursionError):  # an integer of thousands of digits; a list that holds itself
        return f"a {type(value).__name__}"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
