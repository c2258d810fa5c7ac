"""A naive reference: one member at a time, written from the rules, sharing no line with the engine."""
