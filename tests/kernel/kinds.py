"""The kernels there are here: numpy always, C where the library was built."""

from __future__ import annotations

from hcc.kernel import in_c, in_numpy

KINDS = [in_numpy, *([in_c] if in_c.LIBRARY is not None else [])]
