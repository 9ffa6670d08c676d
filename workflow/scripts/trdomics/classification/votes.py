"""From votes of trees to log odds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

# Vote shares are clipped here, so that log odds are finite.
MIN_SHARE = 0.005


def vote_log_odds(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log odds of the share of trees that vote for the positive class."""
    return np.asarray(logit(np.clip(share, MIN_SHARE, 1 - MIN_SHARE)))
