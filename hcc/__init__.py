"""Medicare risk adjustment for whole populations: HCCs, scores that add up, and the two-way gap list.

The public names are loaded on first use, so that ``import hcc`` and ``hcc --help`` stay light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hcc.errors import HccError as HccError
    from hcc.pipeline import keep as keep
    from hcc.pipeline import score as score
    from hcc.pipeline import score_kept as score_kept
    from hcc.pipeline import score_one as score_one
    from hcc.pipeline_gaps import find_gaps as find_gaps
    from hcc.results.compare import compare as compare
    from hcc.rules import RuleSet as RuleSet
    from hcc.rules import load_rules as load_rules

__version__ = "0.1.0"

_PUBLIC = {
    "HccError": "hcc.errors",
    "RuleSet": "hcc.rules",
    "load_rules": "hcc.rules",
    "compare": "hcc.results.compare",
    "keep": "hcc.pipeline",
    "score": "hcc.pipeline",
    "score_kept": "hcc.pipeline",
    "score_one": "hcc.pipeline",
    "find_gaps": "hcc.pipeline_gaps",
}
__all__ = [*sorted(_PUBLIC), "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'hcc' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
