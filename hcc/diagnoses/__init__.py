"""Claim lines to diagnoses that count, and for each that does not, why (DESIGN, room 2)."""

from hcc.diagnoses.chains import ChainRules
from hcc.diagnoses.decide import COUNTED, FLAGS, REASONS, Codes, Decider, DecisionRules, Decisions, decisions, joined
from hcc.diagnoses.kept import DecidedDiagnoses, KeptDiagnoses, KeptWriter
from hcc.diagnoses.lines import EPOCH, FORMS, RECORD_TYPES, LineRules
from hcc.diagnoses.plain import Room
from hcc.diagnoses.runs import between, run_starts

__all__ = [
    "COUNTED",
    "EPOCH",
    "FLAGS",
    "FORMS",
    "REASONS",
    "RECORD_TYPES",
    "ChainRules",
    "Codes",
    "DecidedDiagnoses",
    "Decider",
    "DecisionRules",
    "Decisions",
    "KeptDiagnoses",
    "KeptWriter",
    "LineRules",
    "Room",
    "between",
    "decisions",
    "joined",
    "run_starts",
]  # fmt: skip
