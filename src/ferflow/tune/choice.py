"""Which trial's settings a search recommends: those of the baseline, unless another trial is really better.

The best of several noisy trials looks better than it is. A search that cannot tell its trials apart would otherwise
replace settings that are known to work by chance.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import optuna
from optuna.trial import FrozenTrial, TrialState

from ferflow.base.metrics import mcnemar
from ferflow.tune.rules import Params

Correct = Callable[[FrozenTrial], npt.NDArray[np.bool_]]
"""Returns, for a completed trial, whether each validation image was predicted correctly, bool, (N,)."""


@dataclass(frozen=True)
class Choice:
    """What a search recommends.

    Attributes:
        trial: Trial whose settings are recommended.
        best: Trial with the best metric, whatever it costs.
        p_value: p-value of the difference between the best trial and the baseline by McNemar's exact test on the
            validation images; None if they are one trial, or there is no baseline.
    """

    trial: FrozenTrial
    best: FrozenTrial
    p_value: float | None


def choose_trial(study: optuna.Study, baseline: Params, correct: Correct, significance: float) -> Choice:
    """Choose the best trial if it is significantly better than the baseline, else the baseline.

    Args:
        study: Finished study, with at least one completed trial.
        baseline: The model's own settings as far as the space names them. Only if trial 0 has exactly these params
            and completed is there a baseline; otherwise the best trial is chosen.
        correct: Gives the predictions to compare.
        significance: Largest p-value that counts as significant, 0 to 1; 1 always chooses the best trial.
    """
    completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    best, first = max(completed, key=lambda trial: (trial.values[0], -trial.number)), study.trials[0]
    if best.number == 0 or first.state != TrialState.COMPLETE or first.params != baseline:
        return Choice(best, best, None)
    ahead, behind, p_value = mcnemar(correct(best), correct(first))
    better = significance >= 1 or (ahead > behind and p_value <= significance)
    return Choice(best if better else first, best, p_value)


def describe(choice: Choice, metric: str) -> str:
    """Return the recommendation as a sentence."""
    best, chosen = choice.best, choice.trial
    if choice.p_value is None:
        reason = "the baseline itself" if best.number == 0 else "there is no completed baseline to compare it with"
        return f"Recommended: trial {chosen.number} ({metric} {chosen.values[0]:.4f}), {reason}."
    compared = f"the best, trial {best.number} ({best.values[0]:.4f}), by McNemar's test p = {choice.p_value:.3f}"
    if chosen.number == best.number:
        return f"Recommended: {compared}, better than the baseline."
    return (
        f"Recommended: the baseline, trial 0 ({metric} {chosen.values[0]:.4f}). The search cannot tell its trials "
        f"apart from it: {compared}."
    )
