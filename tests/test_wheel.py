"""The wheel works far from the checkout: the tables are inside it and found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _built(tmp_path_factory.mktemp("dist"))


def _built(out: Path, **more: str) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    environment = {**os.environ, **more}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content alone; what it depends on comes from this environment."""
    site = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--target",
        str(site),
        str(wheel),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return site


def _python(site: Path, code: str, cwd: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    environment.pop("HCC_MAPPINGS", None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_and_its_tables_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert len(tops) == 2  # hcc and its dist-info
    assert "hcc/py.typed" in names
    shipped = {name.removeprefix("hcc/") for name in names if name.startswith("hcc/mappings/")}
    here = {str(path.relative_to(ROOT)) for path in (ROOT / "mappings").rglob("*") if path.is_file()}
    assert shipped == here
    code = {f"hcc/{path.relative_to(ROOT / 'hcc')}" for path in (ROOT / "hcc").rglob("*.py")}
    assert code <= set(names)


def test_it_scores_from_another_folder(installed: Path, tmp_path: Path) -> None:
    """SPEC S1: a woman of 72 without diagnoses is paid 0.348."""
    code = """
import hcc
told = hcc.score_one([], birth_date="1953-06-15", sex="F", payment_year=2026)
print(hcc.__file__, told.risk_score, sep="\\n")
"""
    place, score = _python(installed, code, tmp_path).split()
    assert Path(place).is_relative_to(installed)
    assert score == "0.348"


def test_its_commands_find_the_tables(installed: Path, tmp_path: Path) -> None:
    listed = _python(installed, "from hcc.cli import main; main(['rules', 'list'])", tmp_path)
    models = {path.parents[1].name for path in (ROOT / "mappings").glob("*/*/diagnosis_to_hcc.csv")}
    assert models
    assert all(model in listed for model in models)
    _python(installed, "from hcc.cli import main; main(['demo', '--members', '200'])", tmp_path)
    assert (tmp_path / "demo" / "results.duckdb").exists()


_KERNEL = "import hcc.kernel; print(hcc.kernel.NAME)"


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here: the wheel is built without the kernel in C")
def test_with_a_compiler_it_brings_the_kernel_in_c(wheel: Path, installed: Path, tmp_path: Path) -> None:
    assert "py3-none-" in wheel.name
    assert not wheel.name.endswith("-any.whl")
    assert _python(installed, _KERNEL, tmp_path).strip() == os.environ.get("HCC_KERNEL", "C")


def test_without_a_compiler_it_is_one_for_every_machine(tmp_path: Path) -> None:
    wheel = _built(tmp_path, CC="/there/is/none")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".so")]
