"""What every test shares: how hard hypothesis searches (``HYPOTHESIS_PROFILE=thorough`` for a long look)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

# quick is the same search every time, so that a red build can be trusted, and leaves shrinking to thorough, which
# looks where nobody has looked.
settings.register_profile(
    "quick", max_examples=8, deadline=None, derandomize=True, suppress_health_check=SLOW, phases=[Phase.generate]
)
settings.register_profile("thorough", max_examples=400, deadline=None, suppress_health_check=SLOW, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
