"""An explanation in words, for a terminal: who, the score step by step, the conditions, what did not count."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from hcc.results.equation import equation, figure, weight
from hcc.results.explain import Explanation, Factor, Hcc, Model, Status, Uncounted
from hcc.results.rule_words import RuleWords

_WIDTH = 112
_MOST = 50  # rows of one kind
_SEX = {"F": "Female", "M": "Male"}


def explanation_text(told: Explanation) -> str:
    """The explanation as plain text, lines of at most about 112 characters."""
    words = RuleWords(told)
    lines: list[str] = []
    for section in (_who, _scores, _conditions, _edits, _not_counted, _doubts, _rejected, _open_gaps, _notes):
        block = list(section(told, words))
        if block:
            lines += [*block, ""]
    return "\n".join(lines).rstrip() + "\n"


def _who(told: Explanation, words: RuleWords) -> Iterator[str]:
    m = told.member
    yield f"Member {m['member_id']}, payment year {told.run['payment_year']}, {told.run.get('run') or 'final'} run"
    facts = [
        f"{_SEX.get(str(m['sex']), m['sex'])}, aged {m['age']} on 1 February (born {m['birth_date']})",
        f"original reason for entitlement {m['orec']}",
        "not dual" if m["dual_status"] in (None, "NA", "00") else f"dual status {m['dual_status']}",
        f"{m['part_b_months']} months of Part B in the year before",
        f"programme {m['program']}",
    ]
    facts += ["in an institution for 90 days or longer"] if m["long_term_institutional"] else []
    facts += ["in a C-SNP"] if m["csnp"] else []
    facts += ["low-income subsidy"] if m["low_income_subsidy"] else []
    if m["esrd_status"] not in (None, "none"):
        since = m["esrd_status"] == "graft" and m["graft_months"] is not None
        month = f", month {m['graft_months']} since the transplant" if since else ""
        facts.append(f"ESRD: {str(m['esrd_status']).replace('_', ' month ')}{month}")
    facts += [f"Part D plan {m['part_d_plan']}"] if m["part_d_plan"] else []
    facts += [f"contract {m['contract_id']}"] if m["contract_id"] else []
    facts += [f"died {m['death_date']}"] if m["death_date"] else []
    yield from _wrapped("; ".join(facts) + ".", "  ")
    if told.assumed:
        yield from _wrapped(f"Assumed, because the input did not say: {', '.join(told.assumed)}.", "  ")
    for code in filter(None, str(m.get("data_quality") or "").split(",")):
        yield from _wrapped(f"Doubtful: {_meaning(told, code.strip())}", "  ")
    if m.get("status_carried_forward"):
        yield from _wrapped(_meaning(told, "STATUS_CARRIED_FORWARD"), "  ")


def _scores(told: Explanation, words: RuleWords) -> Iterator[str]:
    shown = {part.part for part in told.parts}
    for number, part in enumerate(told.parts):
        if number:
            yield ""
        score = "none" if part.risk_score is None else f"{part.risk_score}"
        yield f"Part {part.part} risk score: {score}{' (unverified factor)' if part.unverified else ''}"
        if part.no_score_reason:
            yield from _wrapped(_meaning(told, part.no_score_reason), "  ")
        for line in equation(told, part):
            yield from _wrapped(line, "  ", hang=4)
        for model in told.models:
            if model.part == part.part:
                yield from _model(told, model, words)
    for model in told.models:
        if model.part not in shown:
            yield from _model(told, model, words)


def _model(told: Explanation, model: Model, words: RuleWords) -> Iterator[str]:
    name = f"{model.model}:{model.calibration}" if model.calibration else model.model
    for status in model.statuses:
        label = words.segment(model, status.segment)
        placed = f"segment {status.segment}{f' ({label})' if label else ''}" if status.segment else "no segment"
        yield ""
        yield f"  {name}, {placed}{_when(status)}"
        if status.no_score_reason:
            yield from _wrapped(_meaning(told, status.no_score_reason), "    ")
        for factor in status.factors:
            yield _factor(model, factor, words)
        yield from _arithmetic(told, status)


def _factor(model: Model, factor: Factor, words: RuleWords) -> str:
    said = factor.label or words.variable(model, factor.variable)
    return f"    {factor.variable:<34}{_signed(factor.coefficient):>9}  {said}".rstrip()


def _arithmetic(told: Explanation, status: Status) -> Iterator[str]:
    if status.raw_score is not None:
        yield f"    {'raw score':<34}{status.raw_score:>9}"
    if status.normalized_score is not None:
        divisor = "" if status.normalization is None else f" {figure(status.normalization)}"
        yield f"    {f'÷ normalization{divisor}':<34}{status.normalized_score:>9}"
    if status.payment_score is not None:
        adjusted = "× (1 − coding adjustment)"
        if status.coding_adjustment is not None:
            adjusted = f"× (1 − {figure(status.coding_adjustment)}) coding adjustment"
        if status.coding_adjustment == 0:
            adjusted = "no coding adjustment"
        yield f"    {adjusted:<34}{status.payment_score:>9}  payment score"
    if status.blend_weight is not None and status.blend_weight != 1:
        yield f"    weight in the blend {weight(status.blend_weight)}"
    if status.no_payment_reason:
        yield from _wrapped(f"No payment score: {_meaning(told, status.no_payment_reason)}", "    ")
    if status.unverified:
        yield from _wrapped("A factor used here rests on memory or inference, not on a published source.", "    ")
    if status.hierarchy_modes_disagree:
        yield from _wrapped("CMS's Python and SAS hierarchies give different HCCs for this member.", "    ")


def _conditions(told: Explanation, words: RuleWords) -> Iterator[str]:
    by_model: dict[tuple[str, str], list[Hcc]] = {}
    for hcc in told.hccs:
        by_model.setdefault((hcc.model, hcc.calibration), []).append(hcc)
    for number, ((model, calibration), hccs) in enumerate(by_model.items()):
        if number:
            yield ""
        yield f"Conditions in {model}{f':{calibration}' if calibration else ''}"
        for hcc in hccs:
            yield from _condition(hcc, words)
    if not told.hccs:
        yield from _wrapped(f"Conditions: {why_no_conditions(told, words)}", "")


def why_no_conditions(told: Explanation, words: RuleWords) -> str:
    """Why a member has no HCC at all, displaced or not."""
    found = told.counted_diagnoses
    if not found:
        return "no diagnosis that maps to an HCC counted."
    counted = f"{found} diagnos{'is' if found == 1 else 'es'} counted, but "
    placed = [(model, status.segment) for model in told.models for status in model.statuses if status.segment]
    if not told.models:
        return f"{counted}no model scores this member."
    if not placed:
        return f"{counted}the member has no segment, in which HCCs could count."
    if not any(words.uses_diagnoses(model, segment) for model, segment in placed):
        return f"{counted}the segment does not use diagnoses."
    if not told.counted_in_models:
        return f"{counted}no model that scores this member has an HCC for {'it' if found == 1 else 'them'}."
    if told.edits:
        return f"{counted}the segment does not use diagnoses, or an edit took them."
    return f"{counted}the segment does not use diagnoses, or its model does not take records submitted through RAPS."


def _condition(hcc: Hcc, words: RuleWords) -> Iterator[str]:
    title = f"  HCC {hcc.hcc}  {hcc.label}".rstrip()
    if hcc.dropped_by_hcc is None:
        worth = "" if hcc.coefficient is None else f": {_signed(hcc.coefficient)}"
    elif hcc.dropped_by_hcc == hcc.hcc:
        worth = f": removed, {words.removal(hcc)}"
    else:
        label = f" ({hcc.dropped_by_label})" if hcc.dropped_by_label else ""
        worth = f": displaced by HCC {hcc.dropped_by_hcc}{label}"
    yield from _wrapped(f"{title.strip()}{worth}", "  ", hang=4)
    for code in hcc.codes:
        edit = f" [{code.edit}]" if code.edit else ""
        when = _span(code.first_date, code.last_date)
        yield from _wrapped(
            f"{dotted(code.diagnosis_code):<9}{code.description}; {_claims(code.claims)}, {when}{edit}",
            "      ",
            hang=9,
        )


def _edits(told: Explanation, words: RuleWords) -> Iterator[str]:
    if told.edits:
        yield "Age and sex edits"
    for edit in told.edits:
        given = f"moved to HCC {edit['hcc']} {edit['label'] or ''}".strip() if edit["hcc"] else "does not count"
        yield from _wrapped(
            f"{dotted(edit['diagnosis_code'])} {edit['description']}: {given} in {edit['model']} ({edit['kind']})",
            "  ",
            hang=4,
        )


def _not_counted(told: Explanation, words: RuleWords) -> Iterator[str]:
    by_reason: dict[str, list[Uncounted]] = {}
    for row in told.uncounted:
        by_reason.setdefault(row.reason, []).append(row)
    if by_reason:
        yield "Diagnoses that did not count"
    for reason, rows in by_reason.items():
        yield from _wrapped(f"{rows[0].meaning or reason} [{reason}]", "  ")
        for row in rows[-_MOST:]:
            target = f"; {row.hccs}" if row.hccs else "; no HCC in the member's models"
            line = f"{row.thru_date}  {dotted(row.diagnosis_code):<9}{row.description}{target}; claim {row.claim_id}"
            yield from _wrapped(line, "    ", hang=21)
        if len(rows) > _MOST:
            yield f"    and {len(rows) - _MOST:,} earlier ones: table diagnoses, reason {reason}"


def _doubts(told: Explanation, words: RuleWords) -> Iterator[str]:
    seen: dict[str, list[dict[str, Any]]] = {}
    for row in told.flagged:
        for flag in str(row["flags"]).split(","):
            seen.setdefault(flag.strip(), []).append(row)
    if seen:
        yield "Counted, with a doubt"
    for flag, rows in seen.items():
        codes = ", ".join(sorted({dotted(row["diagnosis_code"]) for row in rows}))
        yield from _wrapped(f"{_meaning(told, flag)} ({len(rows)}: {codes}) [{flag}]", "  ", hang=4)


def _rejected(told: Explanation, words: RuleWords) -> Iterator[str]:
    for row in told.rejected[:_MOST]:
        where = f"row {row['row_number']} of {row['table']}"
        yield from _wrapped(f"Set aside with this member_id: {where}. {_meaning(told, row['reason'])}", "")
    if len(told.rejected) > _MOST:
        yield f"and {len(told.rejected) - _MOST:,} more rows: table rejected_rows"


def _open_gaps(told: Explanation, words: RuleWords) -> Iterator[str]:
    titles = {"unsupported": "Coded but unsupported", "missing": "Supported but missing (questions for a clinician)"}
    for direction, title in titles.items():
        rows = [row for row in told.gaps if row["direction"] == direction]
        if rows:
            yield f"{title}: {len(rows)} open"
        for row in rows:
            worth = "" if row["score_change"] is None else f", score {_signed(row['score_change'])}"
            about = f"HCC {row['hcc']} {row['label']}" if row["hcc"] else "no HCC"
            yield from _wrapped(f"{about} [{row['rule_id']}, {row['strength']}{worth}]: {row['reason']}", "  ", hang=4)


def _notes(told: Explanation, words: RuleWords) -> Iterator[str]:
    yield (
        f"Scored by engine {told.run['engine_version']}, run {told.run['run_id']}. "
        "Every figure is in the results file: tables factors, scores, diagnoses."
    )


def _meaning(told: Explanation, code: str) -> str:
    return told.reasons.get(code, code)


def _when(status: Status) -> str:
    if status.first_month is None or status.last_month is None:
        return ""
    months = f"{status.months} month{'s' if status.months != 1 else ''}"
    unpaid = status.months - len(status.payable)
    paid = f", {unpaid} of them not payable" if unpaid else ""
    last = "" if status.first_month == status.last_month else f" to {status.last_month:%Y-%m}"
    return f", {status.first_month:%Y-%m}{last} ({months}{paid})"


def _span(first: date | None, last: date | None) -> str:
    if first is None or first == last:
        return f"{last}"
    return f"{first} to {last}"


def _claims(count: int) -> str:
    return f"{count} claim{'s' if count != 1 else ''}"


def dotted(code: str) -> str:
    """An ICD-10-CM code as people write it."""
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code


def _signed(value: Decimal) -> str:
    return f"{value:+}"


def _wrapped(text: str, indent: str, hang: int = 0) -> Iterable[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + " " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [indent]
