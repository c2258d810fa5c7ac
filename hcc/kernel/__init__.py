"""The inner loops of reading claims: arrays in, arrays out.

Written twice and checked equal (tests/kernel): in C where the library was built with the package (hatch_build.py), in
numpy everywhere else. ``NAME`` says which is in use; HCC_KERNEL=numpy asks for numpy.
"""

from __future__ import annotations

import os

from hcc.kernel import in_c, in_numpy
from hcc.kernel.arrays import Positions

if in_c.LIBRARY is not None and os.environ.get("HCC_KERNEL", "") != "numpy":
    NAME = "C"
    deal, fold, neighbours, split = in_c.deal, in_c.fold, in_c.neighbours, in_c.split
    Lookup: type[Positions] = in_c.Lookup
else:
    NAME = "numpy"
    deal, fold, neighbours, split = in_numpy.deal, in_numpy.fold, in_numpy.neighbours, in_numpy.split
    Lookup = in_numpy.Lookup

__all__ = ["NAME", "Lookup", "deal", "fold", "neighbours", "split"]
