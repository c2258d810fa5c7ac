"""What ``hcc`` offers in Python by name."""

import subprocess
import sys

import hcc


def test_every_public_name_is_there() -> None:
    assert {"compare", "find_gaps", "keep", "load_rules", "score", "score_kept", "score_one"} <= set(dir(hcc))
    assert all(getattr(hcc, name) for name in dir(hcc))


def test_the_command_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "hcc", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("hcc, version ")
