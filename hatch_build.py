"""Builds the kernel in C (hcc/kernel/kernel.c) with the package where there is a C compiler; without one the package
is complete all the same, with the kernel in numpy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FLAGS = ("-O3", "-std=c99", "-shared", "-fPIC")
_INSIDE = Path("hcc", "kernel", "_kernel.so")


class KernelBuilder(BuildHookInterface):  # type: ignore[type-arg]
    """One shared library without Python's API: one wheel a platform serves every version of Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; an editable install finds the library beside its source, a wheel takes it along."""
        folder = Path(tempfile.mkdtemp(prefix="hcc-kernel-"))
        try:
            library = _compiled(Path(self.root), folder / _INSIDE.name)
            if isinstance(library, str):
                self.app.display_warning(f"Without the kernel in C ({library}): big runs take about a fifth longer.")
            elif version == "editable":
                # By rename: a process that has the old one keeps it.
                beside = Path(self.root) / _INSIDE
                coming = beside.with_suffix(".new")
                shutil.copyfile(library, coming)
                coming.replace(beside)
            else:
                build_data["force_include"][str(library)] = _INSIDE.as_posix()
                build_data["pure_python"] = False
                build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
        finally:
            self._folder = folder

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The library is in the wheel now."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _compiled(root: Path, library: Path) -> Path | str:
    """The library, or why there is none."""
    if os.environ.get("HCC_KERNEL") == "numpy":
        return "HCC_KERNEL=numpy"
    compiler = os.environ.get("CC") or shutil.which("cc")
    if sys.platform == "win32" or not compiler:
        return "no C compiler"
    command = [*compiler.split(), *_FLAGS, "-o", str(library), str(root / "hcc" / "kernel" / "kernel.c")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return library if done.returncode == 0 else (done.stderr.strip().splitlines() or ["the compiler failed"])[-1]
