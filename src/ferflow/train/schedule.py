"""The learning rate of each step, as a function of the history, so that a resumed training uses the same rates."""

import math
from collections.abc import Sequence

from ferflow.train.recipe import Train


def rate_at_step(
    settings: Train, epoch: int, step: int, steps: int, gains: Sequence[bool], spent: float = 0.0
) -> float:
    """Return the learning rate of one step.

    - constant: `learning_rate`.
    - cosine: a half cosine from `learning_rate` to zero at the end of `epochs` (Loshchilov & Hutter 2017, equation 5,
      without restarts).
    - linear: linearly from `learning_rate` to zero at the end of `epochs`.
    - one_cycle: up from 1/25 of `learning_rate` over the first 30 % of the training, then down to 1/10,000 of it
      (Smith 2018, with cosine flanks).
    - plateau: `learning_rate` times `plateau_factor` for every `plateau_patience` epochs in a row without a gain.

    All but one_cycle first rise linearly over `warmup_epochs`.

    Args:
        settings: The schedule and its params.
        epoch: Number of the epoch, from 1.
        step: Number of the step in the epoch, from 0.
        steps: Steps per epoch.
        gains: For each earlier epoch, whether it was the best so far.
        spent: Share of `max_minutes` that has passed, 0 to 1. If it exceeds the share of `epochs` that is done, it
            replaces that share, so that cosine, linear and one_cycle end when the time does (Li et al. 2020, "Budgeted
            training"). Defaults to 0.
    """
    peak = settings.learning_rate
    done = max(epoch - 1 + step / steps, min(spent, 1.0) * settings.epochs)
    if settings.schedule == "one_cycle":
        share = done / settings.epochs
        if share < 0.3:
            return _cosine(peak / 25, peak, share / 0.3)
        return _cosine(peak, peak / 10_000, (share - 0.3) / 0.7)
    if done < settings.warmup_epochs:
        return peak * min(1.0, (done * steps + 1) / (settings.warmup_epochs * steps))
    after = (done - settings.warmup_epochs) / max(1 / steps, settings.epochs - settings.warmup_epochs)
    if settings.schedule == "cosine":
        return _cosine(peak, 0.0, after)
    if settings.schedule == "linear":
        return peak * max(0.0, 1 - after)
    if settings.schedule == "plateau":
        return peak * settings.plateau_factor ** _plateaus(gains, settings.plateau_patience)
    return peak


def _cosine(start: float, end: float, share: float) -> float:
    """Return the value at a share of the way from `start` to `end` along a half cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, share))) / 2


def _plateaus(gains: Sequence[bool], patience: int) -> int:
    """Count the runs of `patience` epochs without a gain.

    >>> _plateaus([True, False, False, False, False, True], patience=2)
    2
    """
    count = waited = 0
    for gain in gains:
        waited = 0 if gain else waited + 1
        if waited == patience:
            count += 1
            waited = 0
    return count
