"""The running statistics of batch normalization, estimated again for averaged weights."""

from collections.abc import Iterable

import keras
import numpy as np
import numpy.typing as npt


def estimate_norms(model: keras.Model, batches: Iterable[npt.NDArray[np.float32]]) -> None:
    """Set the running statistics to their mean over batches (Izmailov et al. 2018, section 3.2).

    Averaged weights are another network than the trained ones, whose statistics the training kept. Keras has nothing
    like PyTorch's update_bn.

    Args:
        model: Network, changed in place; only statistics of layers that are trained change.
        batches: Images, float32, (B, side, side, 1), 0 to 255.
    """
    norms = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable and 0 < layer.momentum < 1
    ]
    if not norms:
        return
    sums = [(np.zeros(n.moving_mean.shape), np.zeros(n.moving_variance.shape)) for n in norms]
    count = 0
    for images in batches:
        for norm in norms:
            norm.moving_mean.assign(np.zeros(norm.moving_mean.shape))
            norm.moving_variance.assign(np.zeros(norm.moving_variance.shape))
        model(images, training=True)  # leaves (1 - momentum) x the batch's statistics
        for norm, (mean, variance) in zip(norms, sums, strict=True):
            mean += np.asarray(norm.moving_mean) / (1 - norm.momentum)
            variance += np.asarray(norm.moving_variance) / (1 - norm.momentum)
        count += 1
    for norm, (mean, variance) in zip(norms, sums, strict=True):
        norm.moving_mean.assign(mean / count)
        norm.moving_variance.assign(variance / count)
