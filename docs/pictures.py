"""Pictures of the report, the review page and the workbook, made from the demo: Chromium, LibreOffice and poppler."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_HCC = [sys.executable, "-c", "from hcc.cli import main; main()"]
_DPI = 190
_PATIENCE = 30_000  # milliseconds


def draw(demo: Path, target: Path) -> None:
    """Write every picture that the programs at hand allow; say which are left as they were."""
    target.mkdir(exist_ok=True)
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        print("no Chromium: pictures of the report and the page are left as they were", file=sys.stderr)
    else:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--hide-scrollbars"])
            _report(browser, demo, target)
            _review(browser, demo, target)
            browser.close()
    if shutil.which("soffice") and shutil.which("pdftoppm"):
        _workbook(demo, target)
    else:
        print("no LibreOffice or poppler: the picture of the workbook is left as it was", file=sys.stderr)


def _report(browser: Any, demo: Path, target: Path) -> None:
    page = demo / "report.html"
    subprocess.run([*_HCC, "report", str(demo / "results.duckdb"), "--out", str(page), "--overwrite"], check=True)
    tab = browser.new_page(viewport={"width": 1160, "height": 900})
    tab.goto(page.as_uri())
    tab.add_style_tag(content="nav { position: static !important }")
    tab.screenshot(path=target / "report-glance.png", clip={"x": 0, "y": 0, "width": 1160, "height": 700})
    for name, first, last in (
        ("report-gaps.png", "#gaps", "#gaps ~ figure"),
        ("report-prevalence.png", "#prevalence ~ figure", "#prevalence ~ figure"),
    ):
        top, end = (tab.locator(at).first.bounding_box() for at in (first, last))
        clip = {"x": 80, "y": top["y"] - 20, "width": 1000, "height": end["y"] + end["height"] - top["y"] + 24}
        tab.screenshot(path=target / name, full_page=True, clip=clip)
    tab.close()


def _review(browser: Any, demo: Path, target: Path) -> None:
    with _served(demo / "results.duckdb") as address:
        tab = browser.new_page(viewport={"width": 1440, "height": 860})
        tab.set_default_timeout(_PATIENCE)
        tab.goto(address)
        tab.wait_for_selector(".hcc-queue .hcc-open")
        tab.wait_for_timeout(1500)
        tab.screenshot(path=target / "review-queue.png")
        tab.keyboard.press("j")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("[data-shown]:visible")
        tab.wait_for_timeout(1500)
        tab.screenshot(path=target / "review-member.png")
        tab.close()


@contextmanager
def _served(results: Path) -> Iterator[str]:
    """The address of ``hcc review`` in a process of its own, ended with the block."""
    command = [*_HCC, "review", str(results), "--no-browser", "--reviewer", "Ada Example"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=15)


def _workbook(demo: Path, target: Path) -> None:
    """The top of the first sheet of questions, as LibreOffice prints it."""
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "worklist.xlsx"
        export = ["worklist", "export", str(demo / "results.duckdb"), "--out", str(book), "--limit", "40"]
        subprocess.run([*_HCC, *export, "--today", "2026-01-15"], check=True)
        office = ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "pdf"]
        subprocess.run([*office, "--outdir", folder, str(book)], check=True, stdout=subprocess.DEVNULL)
        printed = str(book.with_suffix(".pdf"))
        page = next(number for number in range(1, 20) if "Evidence against" in _text(printed, number))
        corner = [str(round(inches * _DPI)) for inches in (0.68, 0.72, 9.1, 3.75)]
        crop = [part for pair in zip(("-x", "-y", "-W", "-H"), corner, strict=True) for part in pair]
        pages = ["-f", str(page), "-l", str(page), "-singlefile"]
        made = str(target / "worklist")
        subprocess.run(["pdftoppm", "-png", "-r", str(_DPI), *pages, *crop, printed, made], check=True)


def _text(printed: str, page: int) -> str:
    told = ["pdftotext", "-f", str(page), "-l", str(page), printed, "-"]
    return subprocess.run(told, capture_output=True, text=True, check=False).stdout
