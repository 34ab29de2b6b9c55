"""Figure of one training."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ferflow.reporting.style import BLUE, GREEN, GREY, ORANGE, PercentTicks, new_figure, style
from ferflow.reporting.text import percent


@style()
def learning_curves(history: pd.DataFrame, best_epoch: int | None = None, title: str = "") -> Figure:
    """Draw accuracy, loss and learning rate over the epochs; a dotted line marks the epoch whose weights were kept.

    Args:
        history: At least one row, one per epoch, with the columns of history.csv: epoch (from 1), loss, accuracy,
            val_loss, val_accuracy, val_macro_f1 and learning_rate.
        best_epoch: Epoch whose weights were kept, from 1. Defaults to the first with the highest val_accuracy.
        title: Name of the model; the finding follows. Defaults to the finding alone.
    """
    epochs = history["epoch"].to_numpy()
    kept_epoch = int(epochs[history["val_accuracy"].to_numpy().argmax()]) if best_epoch is None else best_epoch
    row = history.loc[history["epoch"] == kept_epoch].iloc[0]
    finding = (
        f"validation accuracy {percent(row['val_accuracy'])} in epoch {kept_epoch} of {len(epochs)}, "
        f"training {percent(row['accuracy'])}"
    )
    figure = new_figure(f"{title}: {finding}" if title else finding[0].upper() + finding[1:], height=6.4)
    above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2.4, 1))
    marker = "o" if len(epochs) < 4 else ""  # a line through a single point is invisible
    above.plot(epochs, history["accuracy"], color=ORANGE, marker=marker, label="training")
    above.plot(epochs, history["val_accuracy"], color=BLUE, marker=marker, label="validation")
    macro = history["val_macro_f1"]
    above.plot(epochs, macro, color=GREEN, ls="--", marker=marker, label="validation macro F1")
    above.scatter([kept_epoch], [row["val_accuracy"]], s=70, color=BLUE, zorder=5)
    above.yaxis.set_major_formatter(PercentTicks())
    above.set_ylabel("accuracy")
    middle.plot(epochs, history["loss"], color=ORANGE, marker=marker)
    middle.plot(epochs, history["val_loss"], color=BLUE, marker=marker)
    middle.set_ylabel("loss")
    below.plot(epochs, history["learning_rate"], color=GREY, marker=marker)
    below.set_ylabel("learning rate")
    below.ticklabel_format(axis="y", scilimits=(-2, 3))
    below.set_ylim(bottom=0)
    below.set_xlabel("epoch")
    below.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for axes in (above, middle, below):
        axes.axvline(kept_epoch, color=GREY, ls=":", lw=1.2)
    below.set_xlim(epochs.min() - 0.5, epochs.max() + 0.5)
    figure.align_ylabels()
    figure.legend(loc="outside lower center", ncols=3)
    return figure
