"""The learning rate of each step, as a function of what went before, so that a resumed training has the same."""

import math
from collections.abc import Sequence

from ferflow.train.recipe import Train


def learning_rate(
    settings: Train, epoch: int, step: int, steps: int, gains: Sequence[bool], spent: float = 0.0
) -> float:
    """Return the learning rate of one step.

    Args:
        settings: `learning_rate` is the highest reached.
        epoch: from 1.
        step: of the epoch, from 0.
        steps: an epoch.
        gains: of each epoch before this one, whether it was the best so far (for `plateau`).
        spent: share of `max_minutes` that is gone, 0 to 1. Where it is more than the share of `epochs`, it takes that
            one's place, so that cosine and one_cycle come to their end when the time does (Li et al. 2020, "Budgeted
            training").

    Returns:
        constant: the rate. cosine: to zero at the end of `epochs` (Loshchilov & Hutter 2017, equation 5, without
        restarts). one_cycle: from 1/25 up over the first 30 %, then down to 1/10,000 of it (Smith 2018, with
        cosine flanks). plateau: times `plateau_factor` after every `plateau_patience` epochs without gain. All but
        one_cycle rise linearly over the warm-up first.
    """
    peak = settings.learning_rate
    done = max(epoch - 1 + step / steps, min(spent, 1.0) * settings.epochs)
    if settings.schedule == "one_cycle":
        share = done / settings.epochs
        if share < 0.3:
            return _cosine(peak / 25, peak, share / 0.3)
        return _cosine(peak, peak / 10_000, (share - 0.3) / 0.7)
    if done < settings.warmup_epochs:
        return peak * (done * steps + 1) / (settings.warmup_epochs * steps)
    if settings.schedule == "cosine":
        return _cosine(peak, 0.0, (done - settings.warmup_epochs) / max(1, settings.epochs - settings.warmup_epochs))
    if settings.schedule == "plateau":
        return peak * settings.plateau_factor ** _plateaus(gains, settings.plateau_patience)
    return peak


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, share))) / 2


def _plateaus(gains: Sequence[bool], patience: int) -> int:
    """Count how often `patience` epochs in a row brought no gain."""
    count = waited = 0
    for gain in gains:
        waited = 0 if gain else waited + 1
        if waited == patience:
            count += 1
            waited = 0
    return count
