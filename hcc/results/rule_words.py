"""What the rules say about segments and variables, in words, for explanations."""

from __future__ import annotations

import json

from hcc.errors import HccError
from hcc.results.explain import Explanation, Hcc, Model


class RuleWords:
    """What the rules say about segments and variables, in words; empty where the tables are not at hand."""

    def __init__(self, told: Explanation) -> None:
        self._year = told.run["payment_year"]
        self._mappings = json.loads(told.run["options"] or "{}").get("mappings")
        self._known: dict[tuple[str, str], dict[str, dict[str, str]]] = {}

    def segment(self, model: Model, name: str) -> str:
        return self._of(model)["segments"].get(name, "")

    def variable(self, model: Model, name: str) -> str:
        return self._of(model)["variables"].get(name, "")

    def uses_diagnoses(self, model: Model, segment: str) -> bool:
        """Whether HCCs count in the segment; true where the tables are not at hand."""
        return self._of(model)["uses_diagnoses"].get(segment, "true") == "true"

    def removal(self, hcc: Hcc) -> str:
        """Why a removal rule took the HCC of a member, as the end of a sentence."""
        unless = self._of(hcc)["removals"].get(hcc.hcc)
        if unless is None:
            return "by a removal rule of the model"
        if not unless:
            return "because this model always removes it"
        *others, last = unless.split("|")
        one_of = f"{', '.join(others)} or {last}" if others else last
        return f"because in this model it counts only together with HCC {one_of}"

    def _of(self, model: Model | Hcc) -> dict[str, dict[str, str]]:
        key = (model.model, model.calibration)
        if key not in self._known:
            self._known[key] = self._load(*key)
        return self._known[key]

    def _load(self, model: str, calibration: str) -> dict[str, dict[str, str]]:
        from hcc.rules.ruleset import load_rules

        try:
            tables = load_rules(model, int(self._year), calibration=calibration or None, mappings=self._mappings).tables
        except HccError:
            return {"segments": {}, "uses_diagnoses": {}, "variables": {}, "removals": {}}
        kinds = {"cell": "age, sex and entitlement", "add": "entitlement", "duration": "time since the transplant"}
        variables = {
            row["variable"]: kinds.get(row["kind"], "") for row in tables["demographics"].iter_rows(named=True)
        }
        for row in tables["interactions"].iter_rows(named=True):
            variables[row["variable"]] = "interaction"
        for row in tables["counts"].iter_rows(named=True):
            more = "" if row["at_most"] == row["at_least"] else " or more"
            plural = "" if row["at_least"] == "1" else "s"
            variables[row["variable"]] = f"{row['at_least']}{more} payment HCC{plural}"
        for row in tables["transplant"].iter_rows(named=True):
            variables[f"TRANSPLANT_MONTH_{row['month']}"] = "the whole score of that month after the transplant"
        variables["ACTUARIAL_ADJUSTMENT"] = "what dividing by CMS's actuarial factor takes or adds"
        return {
            "segments": dict(tables["segments"].select("segment", "label").iter_rows()),
            "uses_diagnoses": dict(tables["segments"].select("segment", "uses_diagnoses").iter_rows()),
            "variables": variables,
            "removals": dict(tables["removals"].select("drops_hcc", "unless_any_of").iter_rows()),
        }
