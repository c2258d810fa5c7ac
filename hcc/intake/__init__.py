"""Whatever a person has → canonical tables, with nothing lost: what cannot be used is set aside with its reason."""

from hcc.intake.binding import Names
from hcc.intake.claims import CONSTANTS, Claims, read_claims, stacked_claims
from hcc.intake.codes import code_problem, code_suspicion, normalize_code
from hcc.intake.extras import Extra, read_extra
from hcc.intake.inputs import Inputs, claims_of_others, read_inputs, read_more_claims
from hcc.intake.layout import layouts, load_layout, load_renames
from hcc.intake.members import member_frame
from hcc.intake.reasons import REASONS

__all__ = [
    "CONSTANTS",
    "REASONS",
    "Claims",
    "Extra",
    "Inputs",
    "Names",
    "claims_of_others",
    "code_problem",
    "code_suspicion",
    "layouts",
    "load_layout",
    "load_renames",
    "member_frame",
    "normalize_code",
    "read_claims",
    "read_extra",
    "read_inputs",
    "read_more_claims",
    "stacked_claims",
]
