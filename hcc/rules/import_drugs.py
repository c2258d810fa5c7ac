"""A user's own drug codes: the FDA's NDC directory or NLM's RxNorm files, as rows on top of our value sets.

Both are free: https://www.fda.gov/drugs/drug-approvals-and-databases/national-drug-code-directory (``product.txt`` and
``package.txt``, tab-separated) and https://www.nlm.nih.gov/research/umls/rxnorm/docs/rxnormfiles.html
(``RXNCONSO.RRF`` and ``RXNSAT.RRF``). What is written holds only drugs of our value sets, and the bare codes of all
others, so that a fill of another drug counts as identified. Our own files are never touched.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hcc.errors import CannotWrite, HccError, InputError, MissingColumns
from hcc.rules.drug_names import cleaned, named_drugs
from hcc.rules.ndc import ndc9, ndc11
from hcc.rules.valuesets import TABLES, ValueSets, load_valuesets

_CONSO = {0: "rxcui", 11: "source", 12: "tty", 14: "name", 16: "suppress"}
_SAT = {0: "rxcui", 8: "attribute", 9: "source", 10: "value", 11: "suppress"}
_PRODUCTS = ("SCD", "SBD", "GPCK", "BPCK")


@dataclass(frozen=True)
class DrugImport:
    """What an import wrote: rows of drugs in our value sets, codes of others, rows that were not understood."""

    folder: Path
    codes: int
    ingredients: int
    other_codes: int
    unread: int


def drug_files(path: str | Path) -> str | None:
    """What a folder or zip file holds: ``ndc`` (product.txt and package.txt), ``rxnorm`` (RRF files) or neither."""
    for kind, names in (("ndc", ("product.txt", "package.txt")), ("rxnorm", ("RXNCONSO.RRF", "RXNSAT.RRF"))):
        try:
            for name in names:
                _place(path, name)
        except HccError:
            continue
        return kind
    return None


def import_drugs(path: str | Path, out: str | Path, *, mappings: str | Path | None = None) -> DrugImport:
    """``import_ndc_directory`` or ``import_rxnorm``, by what ``path`` holds. Raises HccError when it is neither."""
    kind = drug_files(path)
    if kind is None:
        raise HccError(
            f"{path} holds neither an NDC directory nor RxNorm files.",
            hint="Give the folder or zip with product.txt and package.txt, or with RXNCONSO.RRF and RXNSAT.RRF.",
        )
    reader = import_ndc_directory if kind == "ndc" else import_rxnorm
    return reader(path, out, mappings=mappings)


def import_ndc_directory(path: str | Path, out: str | Path, *, mappings: str | Path | None = None) -> DrugImport:
    """The FDA's NDC directory: ``path`` is its folder or ``ndctext.zip``; ``out`` becomes a folder of value sets.

    Writes drugs/ndc_ingredient.csv (ndc11, ingredient, route, flags, components, name) and drugs/other_ndc.csv (ndc9).
    Ingredients come from SUBSTANCENAME, routes from ROUTENAME, flags from our products of the same brand or content.
    Raises HccError when a file is missing, MissingColumns when it has another layout.
    """
    valuesets = load_valuesets(mappings)
    products = _fda(path, "product.txt", ("PRODUCTNDC", "PROPRIETARYNAME", "SUBSTANCENAME", "ROUTENAME"))
    packages = _fda(path, "package.txt", ("PRODUCTNDC", "NDCPACKAGECODE"))
    listed = products.select(
        ndc9=ndc9(pl.col("PRODUCTNDC")),
        brand=cleaned(pl.col("PROPRIETARYNAME").fill_null("")).str.strip_chars().str.replace_all("  ", " "),
        substances=pl.col("SUBSTANCENAME").fill_null(pl.col("NONPROPRIETARYNAME"))
        if "NONPROPRIETARYNAME" in products.columns
        else pl.col("SUBSTANCENAME"),
        fda_route=pl.col("ROUTENAME").fill_null("").str.to_lowercase().str.split(";").list.first().str.strip_chars(),
        name=_titled(pl.col("PROPRIETARYNAME"), pl.col("SUBSTANCENAME")),
    ).unique("ndc9", keep="first", maintain_order=True)
    unread = listed["ndc9"].null_count()
    listed = listed.drop_nulls("ndc9")
    contents = _contents(listed.select("ndc9", "substances").drop_nulls(), valuesets)
    routes = valuesets.table("fda_routes")
    known = (
        listed.drop("substances")
        .join(contents, on="ndc9")
        .join(routes, on="fda_route", how="left")
        .with_columns(pl.col("route").fill_null(""))
    )
    flagged = known.join(_flags(known, "ndc9", valuesets), on="ndc9", how="left")
    coded = packages.select(ndc11=ndc11(pl.col("NDCPACKAGECODE"))).unique()
    unread += coded["ndc11"].null_count()
    rows = (
        coded.drop_nulls()
        .with_columns(ndc9=pl.col("ndc11").str.slice(0, 9))
        .join(flagged, on="ndc9")
        .select("ndc11", "ingredient", "route", pl.col("flags").fill_null(""), "components", "name")
        .unique()
        .sort("ndc11", "ingredient")
    )
    others = listed.join(known, on="ndc9", how="anti").select("ndc9").sort("ndc9")
    folder = _written(out, {"ndc_ingredient": rows, "other_ndc": others})
    return DrugImport(folder, rows["ndc11"].n_unique(), rows["ingredient"].n_unique(), others.height, unread)


def import_rxnorm(path: str | Path, out: str | Path, *, mappings: str | Path | None = None) -> DrugImport:
    """RxNorm: ``path`` is the folder that holds RXNCONSO.RRF and RXNSAT.RRF (or the release's zip).

    Writes drugs/rxnorm.csv, drugs/ndc.csv (ndc11, rxcui), drugs/other_rxnorm.csv and drugs/other_ndc.csv to ``out``.
    Products are TTY SCD, SBD, GPCK, BPCK of SAB RXNORM that are not suppressed; their names hold ingredients, dose
    form and [brand]. Raises HccError when a file is missing, InputError when it is no RRF.
    """
    valuesets = load_valuesets(mappings)
    names = _rrf(path, "RXNCONSO.RRF", _CONSO).filter(
        (pl.col("source") == "RXNORM") & pl.col("tty").is_in(_PRODUCTS) & ~pl.col("suppress").is_in(["O", "Y", "E"])
    )
    names = names.select("rxcui", "name").unique("rxcui", keep="first", maintain_order=True)
    branded = names.with_columns(
        brand=pl.col("name").str.extract(r"\[([^\[\]]+)\]\s*$").fill_null(""),
        generic=pl.col("name").str.replace_all(r"\[[^\[\]]*\]", " "),
        route=_dose_form_route(pl.col("name")),
    )
    parts = branded.select("rxcui", substances=_parts(pl.col("generic")))
    known = branded.join(_contents(parts, valuesets), on="rxcui")
    flagged = known.with_columns(original=pl.col("brand"), brand=cleaned(pl.col("brand")).str.strip_chars())
    flagged = flagged.with_columns(pl.col("brand").str.replace_all("  ", " "))
    flagged = flagged.join(_flags(flagged, "rxcui", valuesets), on="rxcui", how="left")
    products = (
        flagged.select(
            "rxcui",
            "ingredient",
            "route",
            pl.col("original").alias("brand"),
            pl.col("flags").fill_null(""),
            "components",
            "name",
        )
        .unique()
        .sort("rxcui", "ingredient")
    )
    attributes = _rrf(path, "RXNSAT.RRF", _SAT).filter(
        (pl.col("attribute") == "NDC") & (pl.col("source") == "RXNORM") & ~pl.col("suppress").is_in(["O", "Y", "E"])
    )
    coded = attributes.select("rxcui", ndc11=ndc11(pl.col("value"))).unique()
    unread = coded["ndc11"].null_count()
    coded = coded.drop_nulls()
    ours = coded.join(products, on="rxcui", how="semi").unique("ndc11", keep="first", maintain_order=True)
    others = coded.join(names, on="rxcui", how="semi").with_columns(ndc9=pl.col("ndc11").str.slice(0, 9))
    others = others.join(ours.select(ndc9=pl.col("ndc11").str.slice(0, 9)), on="ndc9", how="anti")
    tables = {
        "rxnorm": products,
        "ndc": ours.select("ndc11", "rxcui").sort("ndc11"),
        "other_rxnorm": names.join(products, on="rxcui", how="anti").select("rxcui").sort("rxcui"),
        "other_ndc": others.select("ndc9").unique().sort("ndc9"),
    }
    folder = _written(out, tables)
    return DrugImport(folder, ours.height, products["ingredient"].n_unique(), tables["other_ndc"].height, unread)


def _contents(products: pl.DataFrame, valuesets: ValueSets) -> pl.DataFrame:
    """Ingredients of ours in each product's ``substances`` (';' between): key, ingredient, components."""
    key = products.columns[0]
    parts = products.with_columns(pl.col("substances").str.to_lowercase().str.split(";")).explode("substances")
    parts = parts.with_columns(pl.col("substances").str.strip_chars()).filter(pl.col("substances") != "").unique()
    components = parts.group_by(key).agg(components=pl.len().cast(pl.String))
    texts = parts.select(text="substances").unique().lazy()
    named = named_drugs(texts, valuesets).filter(pl.col("key").str.contains("^[im]:")).collect()
    found = named.select("text", ingredient=pl.col("key").str.slice(2).str.split("+")).explode("ingredient")
    return (
        parts.join(found, left_on="substances", right_on="text")
        .select(key, "ingredient")
        .unique()
        .join(components, on=key)
    )


def _flags(products: pl.DataFrame, key: str, valuesets: ValueSets) -> pl.DataFrame:
    """Flags of our products with the same brand and route, else with the same content and route: key, flags."""
    ours = valuesets.table("rxnorm")
    by_brand = (
        ours.filter(pl.col("brand") != "")
        .select("route", "flags", brand=cleaned(pl.col("brand")).str.strip_chars().str.replace_all("  ", " "))
        .group_by("brand", "route")
        .agg(pl.col("flags").unique())
        .filter(pl.col("flags").list.len() == 1)
        .select("brand", "route", brand_flags=pl.col("flags").list.first())
    )
    content = pl.col("ingredient").unique().sort().str.join("+")
    by_content = (
        ours.group_by("rxcui")
        .agg(
            content=content,
            route=pl.col("route").first(),
            components=pl.col("components").first(),
            flags=pl.col("flags").first(),
        )
        .group_by("content", "route", "components")
        .agg(pl.col("flags").unique())
        .filter(pl.col("flags").list.len() == 1)
        .select("content", "route", "components", content_flags=pl.col("flags").list.first())
    )
    facts = [pl.col(name).first() for name in ("brand", "route", "components")]
    return (
        products.group_by(key)
        .agg(*facts, content=content)
        .join(by_brand, on=["brand", "route"], how="left")
        .join(by_content, on=["content", "route", "components"], how="left")
        .select(key, flags=pl.coalesce("brand_flags", "content_flags", pl.lit("")))
    )


def _parts(name: pl.Expr) -> pl.Expr:
    """Parts of an RxNorm name with ';' between, without numbers, so that equal parts of a pack are equal texts.

    'a 5 MG / b 1 MG Oral Tablet'; '{21 (a 1 MG Oral Tablet) / 7 (a 2 MG Oral Tablet) } Pack' has one part.
    """
    bare = name.str.replace_all(r"[{}()]", " ").str.replace(r"Pack\s*$", "")
    for _ in range(2):  # neighbouring numbers share a space, so a second pass takes every other one
        bare = bare.str.replace_all(r"(?:^|\s)[0-9][0-9.,]*(?:\s|$)", " ")
    parts = bare.str.replace_all(r"\s+", " ").str.replace_all(" / ", ";", literal=True)
    # What follows the strength is its dose form: one part has it, the others do not.
    return parts.str.replace_all(r"([a-z0-9\-]) (?:MG|UNT|MEQ|MCG|CELLS)\b[^;]*", "$1")


# Dose forms as RxNorm writes them, the more telling first; sublingual forms are taken with the oral ones.
_DOSE_FORMS = (
    (r"Ophthalmic|Intraocular|Intravitreal", "ophthalmic"),
    (r"Nasal", "nasal"),
    (r"Inhal|Nebuliz", "inhaled"),
    (r"Transdermal|Patch", "transdermal"),
    (r"Rectal|Enema|Suppository", "rectal"),
    (r"Intravesical|Irrigation|Pyelocalyceal", "bladder"),
    (r"Implant", "implant"),
    (r"Buccal|Mucosal", "buccal"),
    (r"Inject|Syringe|Cartridge|Pen\b|Infusion|Intravenous|Subcutaneous|Intramuscular", "injectable"),
    (r"Topical|Cream|Ointment|Shampoo|Vaginal|Otic|Lotion|Medicated", "topical"),
    (r"Oral|Lozenge|Sublingual|Chewable|Disintegrating|Tablet|Capsule|Granules", "oral"),
)


def _dose_form_route(name: pl.Expr) -> pl.Expr:
    """Route by the dose form in an RxNorm name; '' where none is told."""
    route: pl.Expr = pl.lit("")
    for pattern, found in reversed(_DOSE_FORMS):
        route = pl.when(name.str.contains(pattern)).then(pl.lit(found)).otherwise(route)
    return route


def _titled(brand: pl.Expr, substances: pl.Expr) -> pl.Expr:
    return pl.concat_str(brand, "(" + substances.str.to_lowercase() + ")", separator=" ", ignore_nulls=True)


def _place(path: str | Path, name: str) -> tuple[Path, str | None]:
    """The file of that name, whatever its case, below a folder; or the zip file and its member."""
    root = Path(path).expanduser()
    if root.is_dir():
        for file in sorted(root.rglob("*")):
            if file.name.lower() == name.lower() and file.is_file():
                return file, None
    elif root.is_file() and zipfile.is_zipfile(root):
        with zipfile.ZipFile(root) as archive:
            for member in sorted(archive.namelist()):
                if Path(member).name.lower() == name.lower():
                    return root, member
    elif not root.exists():
        raise HccError(f"There is no {root}.", hint=f"Give the folder or the zip file that holds {name}.")
    raise HccError(f"{root} holds no {name}.", hint=f"Give the folder or the zip file that holds {name}.")


def _bytes(path: str | Path, name: str) -> bytes:
    file, member = _place(path, name)
    if member is None:
        return file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        return archive.read(member)


def _fda(path: str | Path, name: str, required: tuple[str, ...]) -> pl.DataFrame:
    # The directory is Windows-1252; a few names carry signs that are no UTF-8.
    text = _bytes(path, name).decode("cp1252", errors="replace")
    frame = pl.read_csv(
        io.StringIO(text), separator="\t", infer_schema=False, quote_char=None, truncate_ragged_lines=True
    )
    frame = frame.rename({column: column.strip().upper() for column in frame.columns})
    missing = [column for column in required if column not in frame.columns]
    if missing:
        raise MissingColumns.from_missing(name, missing, frame.columns)
    return frame


def _rrf(path: str | Path, name: str, columns: dict[int, str]) -> pl.DataFrame:
    frame = pl.read_csv(
        _bytes(path, name),
        separator="|",
        has_header=False,
        infer_schema=False,
        quote_char=None,
        truncate_ragged_lines=True,
    )
    if len(frame.columns) <= max(columns):
        raise InputError.from_faults(
            name, [f"it has {len(frame.columns)} columns between '|', RxNorm's has at least {max(columns) + 1}"]
        )
    return frame.select(pl.nth(place).alias(named).fill_null("") for place, named in columns.items())


def _written(out: str | Path, tables: dict[str, pl.DataFrame]) -> Path:
    """Rows added to what the folder has: a row of the new import replaces all rows of its key."""
    folder = Path(out).expanduser().resolve()
    if folder.is_relative_to(load_valuesets(None).folder):
        raise HccError(
            f"{folder} is the folder of the shipped value sets.", hint="Give a folder of your own with --out."
        )
    try:
        for name, frame in tables.items():
            file, columns, key = TABLES[name]
            _merge(folder / file, columns, key, frame)
    except OSError as error:
        raise CannotWrite("The value sets", folder, error) from None
    return folder


def _merge(target: Path, columns: tuple[str, ...], key: tuple[str, ...], frame: pl.DataFrame) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    new = frame.select(pl.col(column).cast(pl.String).fill_null("") for column in columns)
    if target.is_file():
        old = pl.read_csv(target, infer_schema=False, empty_string_is_null=False).select(columns)
        new = pl.concat([new, old.join(new, on=list(key), how="anti")])
    new.unique().sort(columns).write_csv(target, line_terminator="\n")
