"""The invented population of ``hcc demo``: nobody in it is real; every share has a source or is marked assumed."""
