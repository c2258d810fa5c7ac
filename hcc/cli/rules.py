"""``hcc rules``: the tables in mappings/: what is there, whether it keeps its laws, what changed, what a code means."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hcc.rules.describe import CodeDescription, HccDescription

_MAPPINGS = click.option(
    "--mappings",
    type=click.Path(exists=True, file_okay=False),
    help="A folder of your own, shaped like mappings/; looked in before the shipped one (also HCC_MAPPINGS).",
)
_UNDESCRIBED = "no description in our releases"
_BELOW = 6  # codes shown below a header
_NAMES = {"midyear_final": "midyear/final", "initial": "initial"}


def _example(command: str) -> str:
    return f"\b\nExample:\n  hcc rules {command}"


def _year(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, str | None]:
    """2026 or 2026:x as year and calibration."""
    year, _, calibration = value.partition(":")
    if not year.isdigit():
        raise click.BadParameter(f"{value!r} is no payment year, such as 2026 or 2026:x", context, parameter)
    return int(year), calibration or None


@click.group(epilog=_example("list"))
def rules() -> None:
    """The tables CMS published, by model and payment year: list, show, compare, check, import."""


@rules.command("list", epilog=_example("list"))
@_MAPPINGS
def list_models(mappings: str | None) -> None:
    """Models and payment years, how many codes and HCCs, and how sure their payment factors are."""
    from hcc.cli.printing import print_table
    from hcc.rules.folders import model_folder, models, years
    from hcc.rules.manifest import read_manifest
    from hcc.rules.releases.found import read_table

    rows = []
    for model in models(mappings):
        for year in years(model, mappings):
            folder = model_folder(model, year, mappings=mappings)
            manifest = read_manifest(folder)
            editions = [_NAMES[manifest.edition], *(["initial"] if (folder / "initial").is_dir() else [])]
            codes = {row[0] for row in read_table(folder / "diagnosis_to_hcc.csv").rows}
            hccs = manifest.entry("hccs.csv")
            rows.append(
                (
                    model,
                    year,
                    " + ".join(editions),
                    ", ".join(manifest.calibrations),
                    f"{len(codes):,}",
                    hccs.rows if hccs else "",
                    _confidence(model, year, mappings),
                )
            )
    print_table(
        ("model", "year", "edition", "calibrations", "codes", "HCCs", "confidence"), rows, numbers=("codes", "HCCs")
    )
    click.echo(
        "Confidence is that of normalization and weight: A two or more sources, B one, C recalled or inferred, "
        "? not found (raw score only), - not paid.",
        err=True,
    )


def _confidence(model: str, year: int, mappings: str | None) -> str:
    from hcc.errors import UnknownYear
    from hcc.rules.programs import load_program_year

    try:
        programmes = load_program_year(year, mappings).programs
    except UnknownYear:
        return "?"
    rows = [row for programme in programmes for row in programme.models if row.model == model]
    if not rows:
        return "-"
    marks = {"no factors" if not row.available else (row.confidence or "?") for row in rows}
    return ", ".join(sorted(marks))


@rules.command(epilog=_example("check"))
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--rules",
    "rule_files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Gap rules of your own (TOML) to check with ours; repeatable.",
)
@_MAPPINGS
def check(folder: Path | None, rule_files: tuple[Path, ...], mappings: str | None) -> None:
    """Prove the laws of mappings/ (or of one FOLDER of it) and tell every fault at once.

    Counts, sums and hashes as in the manifest; sorted, LF, no duplicates; no orphan HCC; no factor without a
    coefficient in a segment that pays it; hierarchies complete; for every kind of member exactly one cell. Gap rules:
    every word, unit and code exists, and no sentence tells anybody what to code.
    """
    from hcc.errors import HccError
    from hcc.rules.check import check_folder
    from hcc.rules.check_data import changes_faults, data_faults, data_folders, program_faults, year_folders
    from hcc.rules.folders import model_folders, roots
    from hcc.rules.gap_rules import check_gap_rules
    from hcc.rules.retired import FILE as RETIRED
    from hcc.rules.retired import retired_faults
    from hcc.rules.valueset_checks import check_valuesets

    names: list[tuple[str, list[str]]] = []
    own_rules = [Path(path) for path in rule_files]
    if folder is not None and (folder / "diagnosis_to_hcc.csv").is_file():
        initial = folder / "initial"
        of_model = [folder, *([initial] if initial.is_dir() else [])]
        names = [(str(one), check_folder(one)) for one in of_model]
    else:
        for root in [folder] if folder is not None else roots(mappings):
            for one in model_folders(root) or year_folders(root):
                names.append((str(one.relative_to(root)), check_folder(one)))
            for one in [*sorted(root.glob("*/changes")), *root.glob("changes")]:
                names.append((str(one.relative_to(root)), changes_faults(one.parent)))
            for one in data_folders(root):
                sound = check_valuesets(root) if one == root / "gaps" / "valuesets" else list(data_faults(one))
                names.append((str(one.relative_to(root)), sound))
            for path in sorted((root / "programs").glob("*.toml")):
                where = str(root) if folder is not None else mappings
                names.append((f"programs/{path.stem}", program_faults(int(path.stem), where)))
            if (root / RETIRED).is_file():
                names.append((RETIRED, retired_faults(root)))
            if (root / "gaps" / "rules").is_dir():
                names.append(("gaps/rules", check_gap_rules(own_rules, mappings=root)))
                own_rules = []
    if not names:
        raise HccError(
            f"{folder} holds no tables of mappings/: there is nothing to check.",
            hint="Give a folder shaped like mappings/, or one of a model such as mappings/MODEL or mappings/MODEL/YEAR.",
        )
    if own_rules:  # the folder has no gap rules of its own to check them with
        names.append(("gaps/rules", check_gap_rules(own_rules, mappings=mappings)))
    faults = sum(len(found) for _, found in names)
    for name, found in names:
        click.echo(f"{name}: {'ok' if not found else f'{len(found)} fault(s)'}")
        for fault in found:
            click.echo(f"  - {fault}")
    click.echo(f"{len(names)} folders, {faults} faults.", err=True)
    if faults:
        sys.exit(1)


@rules.command(
    "import", epilog=_example("import mappings/cms-hcc-v28 --payment-year 2026 --out my-mappings --overwrite")
)
@click.argument("release", type=click.Path(exists=True, path_type=Path))
@click.option("--payment-year", type=int, help="Needed for SAS files and the workbook; a filter otherwise.")
@click.option("--model", help="Only this model, or the model that SAS files are of.")
@click.option(
    "--edition", type=click.Choice(["initial", "midyear_final"]), help="Default: what the release's name says."
)
@click.option("--based-on", metavar="MODEL/YEAR", help="Lends what the release lacks. Default: same year, else latest.")
@click.option("--column-year", type=int, help="Year in the workbook's column names, if not the payment year.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("mappings"),
    show_default=True,
    help="Where to write <model>/<year>/.",
)
@click.option("--overwrite", is_flag=True, help="Replace folders that are already there.")
def import_(
    release: Path,
    payment_year: int | None,
    model: str | None,
    edition: str | None,
    based_on: str | None,
    column_year: int | None,
    out: Path,
    overwrite: bool,
) -> None:
    """Read a RELEASE of CMS and write it as folders of mappings/.

    RELEASE: CMS's Python packages (folder or zip), SAS format and coefficient files, the yearly "ICD-10 Mappings"
    workbook (XLSX or CSV), or folders <model>/<year> of our own shape. What it lacks is carried over, and the manifest
    says so. Nothing is written unless every folder keeps the laws of 'hcc rules check'.

    Also: the FDA's NDC directory (product.txt, package.txt) or RxNorm files (RXNCONSO.RRF, RXNSAT.RRF), folder or zip.
    They become a folder of value sets of your own (default: my-valuesets) that HCC_VALUESETS names.
    """
    from hcc.rules.import_drugs import drug_files

    if drug_files(release) is not None:
        _import_drugs(release, out)
        return
    from hcc.cli.printing import print_table
    from hcc.errors import UnknownYear
    from hcc.rules.programs import latest_programs, load_program_year
    from hcc.rules.releases.importing import Wishes, import_release

    wishes = Wishes(
        payment_year=payment_year,
        model=model,
        edition="initial" if edition == "initial" else ("midyear_final" if edition else None),
        based_on=based_on,
        column_year=column_year,
        overwrite=overwrite,
    )
    done = import_release(release, out, wishes)
    print_table(
        ("folder", "edition", "from the release", "carried over", "from"),
        [
            (
                one.folder,
                _NAMES[one.manifest.edition],
                _stems(one.from_release),
                _stems(one.carried_over),
                one.manifest.based_on,
            )
            for one in done
        ],
    )
    for one in done:
        for entry in one.manifest.table:
            if entry.unverified and entry.unverified.startswith("not in the release"):
                click.echo(f"{one.folder}: {entry.file}: {entry.unverified}", err=True)
        for note in one.notes:
            click.echo(f"{one.folder}: {note}", err=True)
    for year in sorted({one.manifest.payment_year for one in done}):
        try:
            load_program_year(year, str(out))
        except UnknownYear:
            click.echo(
                f"programs/{year}.toml is missing: nothing is scored for {year} without it, as it has the programmes, "
                f"factors and collection windows. Write {out}/programs/{year}.toml: copy {latest_programs(out)}, and "
                "change its years, dates, factors and sources to those that CMS announced.",
                err=True,
            )
    click.echo(f"Use them with --mappings {out} or HCC_MAPPINGS={out}.", err=True)


def _import_drugs(files: Path, out: Path) -> None:
    from click.core import ParameterSource

    from hcc.rules.import_drugs import import_drugs

    given = click.get_current_context().get_parameter_source("out")
    done = import_drugs(files, Path("my-valuesets") if given == ParameterSource.DEFAULT else out)
    click.echo(
        f"{done.folder}: {done.codes:,} codes of {done.ingredients:,} ingredients of ours, {done.other_codes:,} "
        f"product codes of other drugs; {done.unread:,} rows could not be read.",
        err=True,
    )
    click.echo(f"Use them with HCC_VALUESETS={done.folder}.", err=True)


def _stems(files: tuple[str, ...]) -> str:
    return ", ".join(sorted(file.removesuffix(".csv") for file in files)) or "-"


@rules.command(epilog=_example("compare cms-hcc-v28 2025 2026"))
@click.argument("model")
@click.argument("before", callback=_year)
@click.argument("after", callback=_year)
@click.option("--csv", "as_csv", is_flag=True, help="Every change as CSV: table, change, key, before, after.")
@click.option("--limit", default=200, show_default=True, help="Changes shown per table; 0 shows all.")
@_MAPPINGS
def compare(
    model: str,
    before: tuple[int, str | None],
    after: tuple[int, str | None],
    as_csv: bool,
    limit: int,
    mappings: str | None,
) -> None:
    """What changed in MODEL from one payment year to another: counts first, then the rows.

    A year may name a calibration (2026:x), so that two sets of coefficients are compared with each other.
    """
    from hcc.cli.printing import print_table
    from hcc.rules.compare import changes_csv, compare_folders
    from hcc.rules.folders import model_folder

    folders = [model_folder(model, year, mappings=mappings) for year, _ in (before, after)]
    tables = compare_folders(folders[0], folders[1], before[1], after[1])
    if as_csv:
        click.echo(changes_csv(tables), nl=False)
        return
    print_table(
        ("table", str(before[0]), str(after[0]), "new", "gone", "changed"),
        [
            (
                table.table,
                f"{table.rows_before:,}",
                f"{table.rows_after:,}",
                *(table.count(change) or "" for change in ("new", "gone", "changed")),
            )
            for table in tables
        ],
        title=f"{model}, {before[0]} to {after[0]}",
        numbers=(str(before[0]), str(after[0]), "new", "gone", "changed"),
    )
    words = _descriptions(mappings)
    for table in tables:
        if not table.changes:
            continue
        shown = table.told if limit == 0 else table.told[:limit]
        about = "diagnosis_code" in table.key_columns
        says = any(one.before or one.after for one in shown)
        click.echo("")
        print_table(
            (
                "change",
                *table.key_columns,
                *(("before", "after") if says else ()),
                *(("description",) if about else ()),
            ),
            [
                (
                    one.change,
                    *one.key,
                    *((one.before, one.after) if says else ()),
                    *((words.get(one.key[0], ""),) if about else ()),
                )
                for one in shown
            ],
            title=table.table,
        )
        if len(shown) < len(table.told):
            click.echo(f"… {len(table.told) - len(shown):,} more; --limit 0 or --csv shows all.", err=True)


def _descriptions(mappings: str | None) -> dict[str, str]:
    import csv

    from hcc.rules.folders import find

    with find("icd10cm", "mapped_codes.csv", mappings=mappings).open(encoding="utf-8", newline="") as file:
        return {row["diagnosis_code"]: row["description"] for row in csv.DictReader(file)}


@rules.command(epilog=_example("show cms-hcc-v28 2026 E11.22"))
@click.argument("model")
@click.argument("payment_year", type=int)
@click.argument("code", required=False)
@_MAPPINGS
def show(model: str, payment_year: int, code: str | None, mappings: str | None) -> None:
    """What CODE means in MODEL and PAYMENT_YEAR; without CODE, the tables of that year and where they come from."""
    if code is None:
        _show_sources(model, payment_year, mappings)
        return
    from hcc.rules.describe import codes_below, describe_code, dotted

    found = describe_code(model, payment_year, code, mappings)
    below = [] if found.is_known else codes_below(found.code, mappings)
    unknown = "not specific enough to be a diagnosis" if below else "not a code that any model maps"
    click.echo(f"{dotted(found.code)}  {found.description or (_UNDESCRIBED if found.is_known else unknown)}")
    if below:
        more = f" and {len(below) - _BELOW} more" if len(below) > _BELOW else ""
        click.echo(f"  codes below it: {', '.join(dotted(one) for one in below[:_BELOW])}{more}")
    if found.is_known:
        click.echo(f"  {_validity(found)}")
    if not found.hccs:
        click.echo(f"  maps to no HCC in {model} {payment_year}")
    for edit in found.edits:
        click.echo(f"  {edit}")
    for hcc in found.hccs:
        _show_hcc(hcc, found)
    if found.other_models:
        click.echo("\nIn other models of this year")
    for other, hccs in found.other_models:
        click.echo(f"  {other}: HCC {hccs}")
    for doubt in found.manifest.unverified:
        click.echo(f"\nUnverified: {doubt}")


def _validity(found: CodeDescription) -> str:
    dates = [f"from {found.valid_from}" if found.valid_from else "", f"to {found.valid_to}" if found.valid_to else ""]
    said = " ".join(filter(None, dates))
    return f"valid {said or 'throughout, as far as known'} ({found.validity_basis})"


def _show_hcc(hcc: HccDescription, found: CodeDescription) -> None:
    from hcc.cli.printing import print_table

    chronic = {"true": ", chronic", "false": ", not chronic"}.get(hcc.is_chronic, "")
    click.echo(f"\n{found.manifest.hcc_prefix} {hcc.hcc}  {hcc.label}{chronic}")
    if hcc.only_by_edit:
        click.echo("  only where an edit says so, see above")
    if hcc.dropped_by:
        click.echo(f"  dropped by HCC {', '.join(hcc.dropped_by)}")
    if hcc.drops:
        click.echo(f"  drops HCC {', '.join(hcc.drops)}")
    if hcc.kept_only_with is not None:
        others = " or ".join(hcc.kept_only_with.split("|")) if hcc.kept_only_with else ""
        click.echo(f"  counts only with HCC {others}" if others else "  is always removed before the hierarchy")
    for interaction in hcc.interactions:
        click.echo(f"  part of {interaction}")
    headings = [calibration or "coefficient" for calibration in found.calibrations]
    print_table(
        ("segment", *headings, "for"),
        [
            (segment, *(by.get(calibration, "") for calibration in found.calibrations), label)
            for (segment, label), by in hcc.coefficients.items()
        ],
        numbers=headings,
    )


def _show_sources(model: str, payment_year: int, mappings: str | None) -> None:
    from hcc.cli.printing import print_table
    from hcc.rules.folders import model_folder
    from hcc.rules.manifest import read_manifest

    folder = model_folder(model, payment_year, mappings=mappings)
    manifest = read_manifest(folder)
    print_table(
        ("table", "rows", "source", "unverified"),
        [(entry.file, f"{entry.rows:,}", entry.source, entry.unverified or "") for entry in manifest.table],
        title=f"{manifest.title}, payment year {payment_year}, {_NAMES[manifest.edition]}",
        numbers=("rows",),
    )
    for doubt in manifest.unverified:
        click.echo(f"unverified: {doubt}")
    click.echo(str(folder), err=True)
