"""A cheap objective with the shape of a training: it rises over the epochs, and the best setting is known."""

import math

from ferflow.base.errors import ModelError
from ferflow.train.recipe.search_space import Choice, FloatRange, IntRange, SearchSpace

SPACE: SearchSpace = {
    "train.learning_rate": FloatRange(low=1e-4, high=1e-1, log=True),
    "network.width": IntRange(low=16, high=64, step=16),
    "train.augment.flip": Choice(choices=(True, False, None)),
    "network.dropout": FloatRange(low=0.0, high=0.6),
}


def peak(params, report, epochs=5):
    """Best at learning_rate 1e-2, width 48, flip True, dropout 0.3: then 0.9. Fails above dropout 0.55."""
    if params["network.dropout"] > 0.55:
        raise ModelError("the loss is not a number after epoch 1")
    value = 0.9
    value -= 0.2 * abs(math.log10(params["train.learning_rate"]) + 2)
    value -= 0.1 * abs(params["network.width"] - 48) / 16
    value -= 0.0 if params["train.augment.flip"] is True else 0.1
    value -= abs(params["network.dropout"] - 0.3)
    for epoch in range(1, epochs + 1):
        report(epoch, value * epoch / epochs)
    return value
