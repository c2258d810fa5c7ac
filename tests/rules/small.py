"""A model so small that a reader can hold it in mind: three HCCs, two segments that pay them, one that does not."""

from __future__ import annotations

from pathlib import Path

from hcc.rules.manifest import Manifest, table_entry, write_manifest

MODEL = "cms-hcc-v99"
YEAR = 2031

TABLES: dict[str, str] = {
    "diagnosis_to_hcc.csv": "diagnosis_code,hcc\nA001,1\nA002,2\nA003,1\nA003,3\n",
    "diagnosis_edits.csv": (
        "diagnosis_code,kind,sex,age_from,age_to,action,hcc\nA001,sex,F,,,override,2\nA002,mce_age,,0,14,invalid,\n"
    ),
    "hccs.csv": 'hcc,label,is_chronic\n1,First,true\n2,"Second, with a comma",false\n3,Third,\n',
    "hierarchies.csv": "position,hcc,drops_hcc\n1,1,2\n",
    "removals.csv": "drops_hcc,unless_any_of\n3,1|2\n",
    "groups.csv": "group,hcc\nPAIR,1\nPAIR,2\n",
    "interactions.csv": "variable,requires\nPAIR_HCC3,PAIR&HCC3\n",
    "segments.csv": (
        "position,segment,requires,uses_diagnoses,label\n"
        "1,NE,new_enrollee,false,New enrollee\n"
        "2,CNA,age>=65,true,Aged\n"
        "3,CND,age<65,true,Disabled\n"
    ),
    "flags.csv": "flag,requires\nDISABL,age<65\n",
    "demographics.csv": (
        "variable,kind,segments,requires\n"
        "F0_64,cell,,sex=F&age<65\nF65_GT,cell,,sex=F&age>=65\n"
        "M0_64,cell,,sex=M&age<65\nM65_GT,cell,,sex=M&age>=65\n"
        "NEF,cell,NE,sex=F\nNEM,cell,NE,sex=M\n"
    ),
    "counts.csv": "variable,at_least,at_most\nD2P,2,\n",
    "coefficients.csv": (
        "segment,variable,coefficient\n"
        "CNA,D2P,0.1\nCNA,F65_GT,0.5\nCNA,HCC1,1.001\nCNA,HCC2,0.2\nCNA,HCC3,0\nCNA,M65_GT,0.4\nCNA,PAIR_HCC3,-0.05\n"
        "CND,D2P,0.2\nCND,F0_64,0.3\nCND,HCC1,1.5\nCND,HCC2,0.3\nCND,HCC3,0.01\nCND,M0_64,0.2\nCND,PAIR_HCC3,0\n"
        "NE,NEF,0.7\nNE,NEM,0.6\n"
    ),
}


def write_model(root: Path, model: str = MODEL, year: int = YEAR, **changed: str | None) -> Path:
    """Write the small model; ``changed``: table name → other text, or None to leave the table out."""
    folder = root / model / str(year)
    folder.mkdir(parents=True)
    files = dict(TABLES)
    for name, text in changed.items():
        if text is None:
            del files[f"{name}.csv"]
        else:
            files[f"{name}.csv"] = text
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    write_manifest(folder, manifest_of(folder, model, year, sorted(files)))
    return folder


def manifest_of(folder: Path, model: str, year: int, files: list[str]) -> Manifest:
    return Manifest(
        model=model,
        payment_year=year,
        title="A small model",
        edition="midyear_final",
        hcc_prefix="HCC",
        part="C",
        table=tuple(table_entry(folder, file, "made for a test") for file in files),
    )
