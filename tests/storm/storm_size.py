"""How large the storms are: small in a usual run of the tests, as large as `make storm` says otherwise."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, seed, settings

SEED = int(os.environ.get("STORM_SEED", "20130731"))
LONG = bool(os.environ.get("STORM_CASES"))


def cases(usual: int, share: float = 1.0) -> int:
    """Return the number of cases: `usual`, or with STORM_CASES=N this share of N."""
    return max(usual, int(share * int(os.environ["STORM_CASES"]))) if LONG else usual


def kills(usual: int) -> int:
    """Return the number of kills: `usual`, or STORM_KILLS."""
    return int(os.environ.get("STORM_KILLS", usual))


def storm(usual: int, share: float = 1.0) -> Callable[[Any], Any]:
    """Run a hypothesis test on seeded cases, as many as `cases` says."""
    size = settings(
        max_examples=cases(usual, share),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    return lambda test: seed(SEED)(size(test))
