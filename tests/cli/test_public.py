"""What ``hcc`` offers in Python by name."""

import hcc


def test_every_public_name_is_there() -> None:
    assert {"compare", "find_gaps", "keep", "load_rules", "score", "score_kept", "score_one"} <= set(dir(hcc))
    assert all(getattr(hcc, name) for name in dir(hcc))
