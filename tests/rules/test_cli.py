from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hcc.cli.rules import rules
from hcc.errors import HccError, UnknownModel
from hcc.rules.folders import ENVIRONMENT, shipped_folder
from tests.rules.releases import made
from tests.rules.small import MODEL, YEAR, write_model

COMMANDS = ["list", "check", "import", "compare", "show"]


@pytest.fixture(autouse=True)
def no_mappings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(rules, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_ends_in_an_example_that_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = run(command, "--help")
    *_, example = text.strip().splitlines()
    words = example.split()
    assert words[:3] == ["hcc", "rules", command]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mappings").symlink_to(shipped_folder())
    assert run(*words[2:])


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom hcc.cli.rules import rules\n"
        "try: rules(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'polars', 'duckdb', 'pyarrow', 'numpy', 'pydantic', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_list() -> None:
    lines = run("list").splitlines()
    assert lines[0].split() == ["model", "year", "edition", "calibrations", "codes", "HCCs", "confidence"]
    assert len(lines) == 24
    (v28,) = [line for line in lines if line.startswith("cms-hcc-v28") and " 2026 " in line]
    assert v28.split()[2:] == ["midyear/final", "8,019", "115", "A,", "B"]


def test_check_tells_faults_and_exits_with_1(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    assert "ok" in run("check", folder)
    path = folder / "hccs.csv"
    path.write_text(path.read_text().replace("Third", "3rd"))
    out = run("check", tmp_path, code=1)
    assert f"{MODEL}/{YEAR}: 1 fault(s)" in out
    assert "hccs.csv: its sha256" in out


def test_compare_shows_counts_first_then_rows() -> None:
    lines = run("compare", "cms-hcc-v28", 2025, 2026).splitlines()
    assert lines[2].split() == ["diagnosis_to_hcc", "8,183", "8,299", "134", "18"]
    assert lines[3].split() == ["diagnosis_edits", "407", "410", "3"]
    assert sum(line.startswith(("new ", "gone ")) for line in lines) == 155
    assert any(line.startswith("new") and "Relapsing-remitting multiple sclerosis" in line for line in lines)


def test_compare_as_csv() -> None:
    rows = list(csv.DictReader(io.StringIO(run("compare", "cms-hcc-v28", 2025, 2026, "--csv"))))
    assert len(rows) == 155
    assert {row["table"] for row in rows} == {"diagnosis_to_hcc", "diagnosis_edits"}
    assert {"table": "diagnosis_to_hcc", "change": "gone", "key": "F502 153", "before": "", "after": ""} in rows


def test_compare_limits_what_it_shows() -> None:
    lines = run("compare", "rxhcc-v08", "2026:x", "2027:y1", "--limit", 5).splitlines()
    assert sum(line.startswith("changed ") for line in lines) == 5


def test_a_year_that_is_none() -> None:
    run("compare", "cms-hcc-v28", "last", 2026, code=2)


def test_show_in_words() -> None:
    out = run("show", "cms-hcc-v28", 2026, "E11.22")
    for words in (
        "E11.22  Type 2 diabetes mellitus with diabetic chronic kidney disease",
        "HCC 37  Diabetes with Chronic Complications, chronic",
        "dropped by HCC 35, 36",
        "drops HCC 38",
        "cms-hcc-v24: HCC 18",
    ):
        assert words in out
    assert any(line.split()[:2] == ["CNA", "0.166"] for line in out.splitlines())


def test_show_tells_a_header_from_a_code_that_is_nowhere() -> None:
    assert "codes below it: E11.00, E11.01, " in run("show", "cms-hcc-v28", 2026, "E11")
    assert "QQ  not a code that any model maps" in run("show", "cms-hcc-v28", 2026, "QQ")


def test_show_without_a_code_names_the_sources() -> None:
    out = run("show", "rxhcc-v08", 2027)
    assert "y1/coefficients.csv" in out
    assert "one source" in out


def test_errors_are_left_to_the_main_command() -> None:
    with pytest.raises(UnknownModel):
        run("show", "cms-hcc-v82", 2026, "E1122")


def test_import_says_what_it_wrote_and_what_is_missing(tmp_path: Path) -> None:
    out = tmp_path / "mappings"
    write_model(out)
    release = made.write_package(tmp_path / "release")
    result = CliRunner().invoke(rules, ["import", str(release), "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0
    assert f"{out}/{MODEL}/2032" in result.stdout
    assert "removals.csv: not in the release: carried over from cms-hcc-v99/2031" in result.stderr
    assert "programs/2032.toml is missing: nothing is scored for 2032 without it" in result.stderr
    assert f"Write {out}/programs/2032.toml" in result.stderr
    assert "raw scores only" not in result.stderr
    assert f"HCC_MAPPINGS={out}" in result.stderr
    assert "ok" in run("check", out / MODEL / "2032")


def test_a_code_that_ended_long_ago_does_not_start_later(tmp_path: Path) -> None:
    line = run("show", "cms-hcc-v28", 2026, "N18.3").splitlines()[1]
    assert line == "  valid to 2020-09-30 (start unknown; last mapped for payment year 2021)"


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_check_takes_the_root_a_model_or_a_year(tmp_path: Path, depth: int) -> None:
    write_model(tmp_path)
    folder = tmp_path.joinpath(*[MODEL, str(YEAR)][:depth])
    assert f"{YEAR}: ok" in run("check", folder)


def test_check_of_a_folder_without_tables_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "claims.csv").write_text("claim_id\n")
    with pytest.raises(HccError, match="holds no tables") as caught:
        run("check", tmp_path)
    assert "mappings/" in str(caught.value.hint)


def test_check_of_own_rules_beside_any_folder(tmp_path: Path) -> None:
    write_model(tmp_path / "m")
    own = tmp_path / "own.toml"
    own.write_text('off = ["NOWHERE-1"]\n')
    for folder in (tmp_path / "m", tmp_path / "m" / MODEL / str(YEAR)):
        assert "NOWHERE-1, which is nowhere" in run("check", folder, "--rules", own, code=1)
