"""The tables of mappings/ as rules: loaded, checked, compared, imported.

``RuleSet`` and ``load_rules`` are loaded on first use, so that a look at a manifest does not import polars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hcc.rules.ruleset import RuleSet as RuleSet
    from hcc.rules.ruleset import load_rules as load_rules

__all__ = ["RuleSet", "load_rules"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'hcc.rules' has no attribute {name!r}")
    from hcc.rules import ruleset

    return getattr(ruleset, name)
