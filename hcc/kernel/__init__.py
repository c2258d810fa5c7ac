"""The inner loops: arrays in, arrays out.

Written twice and checked equal (tests/kernel): in C where the library was built with the package (hatch_build.py), in
numpy everywhere else. ``NAME`` says which is in use; HCC_KERNEL=numpy asks for numpy.
"""

from __future__ import annotations

import os

from hcc.kernel import in_c, in_numpy
from hcc.kernel.arrays import Positions

Lookup: type[Positions]
if in_c.LIBRARY is not None and os.environ.get("HCC_KERNEL", "") != "numpy":
    from hcc.kernel.in_c import deal, drop, evidence, fold, join, neighbours, split, totals

    NAME, Lookup = "C", in_c.Lookup
else:
    from hcc.kernel.in_numpy import deal, drop, evidence, fold, join, neighbours, split, totals

    NAME, Lookup = "numpy", in_numpy.Lookup

__all__ = ["NAME", "Lookup", "deal", "drop", "evidence", "fold", "join", "neighbours", "split", "totals"]
