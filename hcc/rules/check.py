"""The laws of mappings/: every fault of a folder at once, none guessed away."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hcc.errors import RulesError
from hcc.rules import requires
from hcc.rules.check_members import member_faults
from hcc.rules.check_variables import SHOWN, column_of, some, variable_faults
from hcc.rules.folders import calibrations
from hcc.rules.manifest import FILE, Manifest, count_rows, read_manifest, sum_of
from hcc.rules.releases.found import COLUMNS, OPTIONAL, Table, in_order, name_of, read_table


def check_folder(folder: Path, *, name: tuple[str, int] | None = None) -> list[str]:
    """Faults of one model folder, empty when it keeps every law; ``name``: model and year, else what the path says.

    Laws: the manifest's counts, sums and hashes; LF ends, sorted, no duplicates; every HCC mapped, labelled and
    with a coefficient in every segment that pays HCCs; hierarchy, groups and removals name known HCCs; every
    variable of ``coefficients.csv`` is an HCC, an interaction, a count or a row of ``demographics.csv``, and each of
    these has a coefficient; over the whole grid of members every segment gives exactly one cell.
    """
    try:
        manifest = read_manifest(folder)
    except RulesError as error:
        return [line.removeprefix("  - ") for line in error.message.splitlines()[1:]]
    files = {
        str(path.relative_to(folder)): path
        for path in sorted(folder.rglob("*.csv"))
        if path.relative_to(folder).parts[0] != "initial"
    }
    faults = list(_manifest_faults(manifest, folder, files, name))
    tables: dict[str, Table] = {}
    for file, path in files.items():
        table, of_file = _read(file, path)
        faults += of_file
        if table is not None:
            tables[file] = table
    needed = [name for name in COLUMNS if name not in OPTIONAL and f"{name}.csv" not in tables]
    faults += [f"{name}.csv is missing" for name in needed if f"{name}.csv" not in files]
    if not needed:
        faults += _hcc_faults(manifest, tables)
        faults += variable_faults(manifest, tables)
        with contextlib.suppress(ValueError):  # a requires that cannot be read is already among the faults
            faults += member_faults(tables, manifest.applies_to)
    return list(dict.fromkeys(faults))


def _manifest_faults(
    manifest: Manifest, folder: Path, files: dict[str, Path], name: tuple[str, int] | None
) -> Iterator[str]:
    initial = folder.name == "initial"
    year = (folder.parent if initial else folder).resolve()
    model, of_year = name or (year.parent.name, year.name)
    if (manifest.model, str(manifest.payment_year)) != (model, str(of_year)):
        yield f"{FILE} says {manifest.model} {manifest.payment_year}, the folder is {model}/{of_year}"
    if initial and manifest.edition != "initial":
        yield f"{FILE}: edition is {manifest.edition}, the folder is initial/"
    if sorted(manifest.calibrations) != calibrations(folder):
        yield f"{FILE}: calibrations {list(manifest.calibrations)}, folders with coefficients {calibrations(folder)}"
    try:
        requires.parse(manifest.applies_to)
    except ValueError as error:
        yield f"{FILE}: applies_to: {error}"
    listed = [entry.file for entry in manifest.table]
    yield from (f"{FILE} lists {file} twice" for file, times in Counter(listed).items() if times > 1)
    yield from (f"{FILE} lists {file}, which is not there" for file in listed if file not in files)
    yield from (f"{file} is not in {FILE}" for file in files if file not in listed)
    for entry in manifest.table:
        if entry.file not in files:
            continue
        data = files[entry.file].read_bytes()
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            yield f"{entry.file}: its sha256 is not the one in {FILE}"
        if count_rows(data) != entry.rows:
            yield f"{entry.file}: {count_rows(data)} rows, {FILE} says {entry.rows}"
        if entry.sum != sum_of(data):
            yield f"{entry.file}: the numbers sum to {sum_of(data)}, {FILE} says {entry.sum}"


def _read(file: str, path: Path) -> tuple[Table | None, list[str]]:
    name = name_of(file)
    if name not in COLUMNS:
        return None, [f"{file}: no table of this name is known"]
    data = path.read_bytes()
    faults = []
    if b"\r" in data:
        faults.append(f"{file}: lines end in CR LF, not LF")
    if data and not data.endswith(b"\n"):
        faults.append(f"{file}: the last line has no end")
    table = read_table(path)
    if table.columns != COLUMNS[name]:
        return None, [*faults, f"{file}: columns {', '.join(table.columns)}; expected {', '.join(COLUMNS[name])}"]
    ragged = [row for row in table.rows if len(row) != len(table.columns)]
    if ragged:
        return None, [*faults, f"{file}: {len(ragged)} rows have not {len(table.columns)} cells"]
    doubled = [row for row, times in Counter(table.rows).items() if times > 1]
    faults += [f"{file}: twice the row {','.join(row)}" for row in doubled[:SHOWN]]
    if not doubled and list(table.rows) != in_order(name, table.rows):
        faults.append(f"{file}: not sorted by its key")
    return table, faults


def _hcc_faults(manifest: Manifest, tables: dict[str, Table]) -> Iterator[str]:
    labelled = column_of(tables, "hccs", "hcc")
    known = set(labelled)
    yield from (f"hccs.csv: HCC {hcc} has two rows" for hcc, times in Counter(labelled).items() if times > 1)
    for row in tables["hccs.csv"].records():
        if not row["label"]:
            yield f"hccs.csv: HCC {row['hcc']} has no label"
    named = {
        ("diagnosis_to_hcc", "hcc"),
        ("diagnosis_edits", "hcc"),
        ("hierarchies", "hcc"),
        ("hierarchies", "drops_hcc"),
        ("groups", "hcc"),
        ("removals", "drops_hcc"),
    }
    for name, column in sorted(named):
        strangers = sorted({hcc for hcc in column_of(tables, name, column) if hcc and hcc not in known})
        yield from (f"{name}.csv: HCC {hcc} in {column} is not in hccs.csv" for hcc in strangers)
    for row in tables["removals.csv"].records():
        strangers = [hcc for hcc in row["unless_any_of"].split("|") if hcc and hcc not in known]
        yield from (f"removals.csv: HCC {hcc} in unless_any_of is not in hccs.csv" for hcc in strangers)
    mapped = {*column_of(tables, "diagnosis_to_hcc", "hcc"), *column_of(tables, "diagnosis_edits", "hcc")}
    yield from some([f"HCC {hcc} is an orphan: no diagnosis maps to it" for hcc in labelled if hcc not in mapped])
    positions = column_of(tables, "hierarchies", "position")
    if positions != [str(number) for number in range(1, len(positions) + 1)]:
        yield "hierarchies.csv: the positions are not 1, 2, 3 …"
    codes = set(column_of(tables, "diagnosis_to_hcc", "diagnosis_code"))
    unmapped = sorted({code for code in column_of(tables, "diagnosis_edits", "diagnosis_code") if code not in codes})
    yield from some([f"diagnosis_edits.csv: {code} is not in diagnosis_to_hcc.csv" for code in unmapped])
    bad = sorted({code for code in codes if not (3 <= len(code) <= 7 and code.isalnum() and code == code.upper())})
    yield from some([f"diagnosis_to_hcc.csv: {code!r} is no ICD-10-CM code without dot" for code in bad])
    yield from _edit_faults(tables["diagnosis_edits.csv"])


def _edit_faults(edits: Table) -> Iterator[str]:
    by_code: dict[str, list[dict[str, str]]] = {}
    for row in edits.records():
        if row["kind"] != "mce_age":
            by_code.setdefault(row["diagnosis_code"], []).append(row)
        where = f"diagnosis_edits.csv: {row['diagnosis_code']}"
        if row["kind"] not in ("age", "sex", "mce_age"):
            yield f"{where}: kind {row['kind']!r} is none of age, sex, mce_age"
        if (row["action"] == "override") != bool(row["hcc"]) or row["action"] not in ("override", "invalid"):
            yield f"{where}: action {row['action']!r} with hcc {row['hcc']!r}; an override names an HCC, invalid none"
        if row["sex"] not in ("", "F", "M"):
            yield f"{where}: sex {row['sex']!r} is none of F, M, blank"
        low, high = row["age_from"] or "0", row["age_to"] or "999"
        if not (low.isdigit() and high.isdigit()) or int(low) > int(high):
            yield f"{where}: ages {row['age_from']!r} to {row['age_to']!r} are no range"
    for code, rows in by_code.items():
        if any(_both_match(one, other) for one, other in itertools.combinations(rows, 2)):
            yield f"diagnosis_edits.csv: {code}: two age or sex rows match the same member; one has to decide"


def _both_match(one: dict[str, str], other: dict[str, str]) -> bool:
    def range_of(row: dict[str, str]) -> tuple[int, int]:
        low, high = row["age_from"] or "0", row["age_to"] or "999"
        return (int(low), int(high)) if low.isdigit() and high.isdigit() else (1, 0)

    (low, high), (other_low, other_high) = range_of(one), range_of(other)
    same_sex = "" in (one["sex"], other["sex"]) or one["sex"] == other["sex"]
    return same_sex and max(low, other_low) <= min(high, other_high)
