"""The runner: what it makes of measurements, without measuring."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import report as reports
from benchmarks.measure import measured
from benchmarks.run import medians, with_ratios
from benchmarks.settings import members_of


def _turn(wall: float, cpu: float = 1.0, **details: object) -> dict[str, object]:
    return {"wall": wall, "cpu": cpu, "peak_mb": 100.0, "details": details}


def test_medians_of_rounds_and_of_stages() -> None:
    rows = medians({
        "engine_memory": [_turn(3.0, stages={"a": 1.0}), _turn(1.0, stages={"a": 5.0}), _turn(2.0, stages={"a": 2.0})],
        "hccpy": [{"not_installed": "hccpy"}],
    })  # fmt: skip
    assert rows["engine_memory"]["wall"] == 2.0
    assert rows["engine_memory"]["rounds"] == 3
    assert rows["engine_memory"]["details"]["stages"] == {"a": 2.0}
    assert rows["hccpy"] == {"not_installed": "hccpy"}


def test_ratios_to_floor_and_peer() -> None:
    rows = with_ratios({
        "floor_polars": _turn(0.5),
        "engine_one_model": _turn(2.0, cpu=4.0),
        "hccinfhir_service": _turn(1.0, cpu=1.0, members=1000, mean_raw=1.0),
    }, members=100_000)  # fmt: skip
    engine = rows["engine_one_model"]
    assert engine["floors"] == pytest.approx(4.0)
    assert engine["us_per_member"] == pytest.approx(20.0)
    assert rows["hccinfhir_service"]["us_per_member"] == pytest.approx(1000.0)
    assert engine["times_hccinfhir"] == pytest.approx(50.0)
    assert engine["times_hccinfhir_per_cpu"] == pytest.approx(25.0)


def test_work_is_measured() -> None:
    found = measured(lambda: {"sum": sum(range(10_000))})
    assert found["details"] == {"sum": 49_995_000}
    assert found["wall"] > 0
    assert found["peak_mb"] > 1


def _report() -> dict[str, object]:
    rows = with_ratios({
        "floor_polars": _turn(0.5),
        "engine_memory": _turn(2.0, stages={"intake": 0.5, "nothing": 0.0}),
        "hccpy": {"not_installed": "hccpy"},
        "engine_file": {"failed": "HccError: no"},
    }, members=1000)  # fmt: skip
    part = {
        "load_before": 0.1, "megabytes": 1.0, "rows": rows,
        "data": {"members": 1000, "lines": 20_300, "claim_diagnoses": 31_700},
    }  # fmt: skip
    return {
        "date": "today", "command": "run", "machine": reports.machine(), "rounds": 1, "payment_year": 1,
        "sizes": {"1000": part, "2000": part}, "startup": {},
    }  # fmt: skip


def test_table_says_what_is_missing_and_failed() -> None:
    text = reports.table_text(_report())
    assert "not installed (hccpy)" in text
    assert "failed: HccError: no" in text
    assert "intake 0.50" in text
    assert "nothing" not in text.split("by stage")[1].split("\n")[0]
    widths = {len(line) for line in text.split("### 1000")[1].split("### 2000")[0].splitlines() if line.startswith("|")}
    assert len(widths) == 1


def test_readme_block_is_replaced_and_the_rest_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{reports.BEGIN}\nold\n{reports.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(reports, "README", readme)
    reports.write_readme(_report())
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    reports.write_readme(_report())
    assert readme.read_text(encoding="utf-8") == text


def test_the_shipped_readme_has_the_block() -> None:
    assert reports.README.read_text(encoding="utf-8").count(reports.BEGIN) == 1


@pytest.mark.parametrize(("size", "members"), [("10k", 10_000), ("1M", 1_000_000), ("2500", 2500)])
def test_sizes(size: str, members: int) -> None:
    assert members_of(size) == members


def test_an_unknown_size_is_said() -> None:
    with pytest.raises(SystemExit, match="no size 'huge'"):
        members_of("huge")
