"""Whatever a person has → canonical tables, with nothing lost: what cannot be used is set aside with its reason."""

from hcc.intake.claims import CONSTANTS
from hcc.intake.codes import code_problem, code_suspicion, normalize_code
from hcc.intake.inputs import Inputs, claims_of_others, read_inputs
from hcc.intake.layout import layouts
from hcc.intake.members import member_frame
from hcc.intake.reasons import REASONS

__all__ = [
    "CONSTANTS",
    "REASONS",
    "Inputs",
    "claims_of_others",
    "code_problem",
    "code_suspicion",
    "layouts",
    "member_frame",
    "normalize_code",
    "read_inputs",
]
