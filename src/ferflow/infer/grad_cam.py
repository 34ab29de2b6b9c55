"""Grad-CAM (Selvaraju et al. 2017, section 3): which places of a face speak for the predicted class."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ferflow.base.errors import ModelError
from ferflow.infer.gradients import gradient_of

if TYPE_CHECKING:
    import keras

_SMALLEST = 1e-30  # below this, a probability's logarithm is cut off; float32 reaches 1e-38


def last_spatial_layer(model: "keras.Model") -> "keras.Layer":
    """Return the last layer whose output is a stack of maps of more than one place, (N, height, width, channels).

    A network within the network, such as one transferred from ImageNet, counts as one layer.

    Raises:
        ModelError: The network has no such layer.
    """
    for layer in reversed(model.layers):
        shape: tuple[int | None, ...] = tuple(layer.output.shape)
        if layer.__class__.__name__ != "InputLayer" and len(shape) == 4 and shape[1:3] != (1, 1):
            return layer
    raise ModelError(f"{model.name} has no layer with spatial extent, so that Grad-CAM has nothing to show.")


def grad_cam(
    model: "keras.Model",
    layer: "keras.Layer",
    images: npt.NDArray[np.uint8],
    predicted: npt.NDArray[np.int64],
) -> npt.NDArray[np.uint8]:
    """Return how much each place of an image speaks for its predicted class.

    The features of the layer are weighted by the mean gradient of the class's score, summed, and cut off below zero
    (equations 1 and 2). The score is the class's logit; the networks answer with probabilities, so it is recovered as
    the logarithm of the probability minus the mean over the classes, which is the logit up to a constant.

    Args:
        model: Network from grey levels (N, side, side, 1) to probabilities (N, K).
        layer: Layer of the network with an output of shape (N, height, width, channels).
        images: Grey levels, uint8 (N, side, side).
        predicted: Class to explain for each image, int64 (N,).

    Returns:
        uint8 (N, side, side), enlarged with bilinear interpolation; the strongest place of each image is 255, and an
        image without any place that speaks for the class is black.
    """
    import keras
    from keras import ops

    # The output of a network within the network belongs to its own graph; the layer after it knows it in this one.
    inner = isinstance(layer, keras.Model)
    output = model.layers[model.layers.index(layer) + 1].input if inner else layer.output
    body = keras.Model(model.inputs, output)
    head = keras.Model(output, model.output)
    features = ops.convert_to_tensor(body.predict_on_batch(images[..., None].astype(np.float32)))
    mask = ops.one_hot(ops.convert_to_tensor(predicted), model.output_shape[-1])

    def score(maps: "keras.KerasTensor") -> "keras.KerasTensor":
        logits = ops.log(ops.maximum(ops.cast(head(maps, training=False), "float32"), _SMALLEST))
        # The sum over the images; the gradient for one image depends on no other.
        return ops.sum(mask * (logits - ops.mean(logits, axis=-1, keepdims=True)))

    gradient = np.asarray(gradient_of(score, features), np.float64)
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    maps = np.maximum((weights * ops.convert_to_numpy(features)).sum(axis=-1), 0.0)
    side = images.shape[1]
    large = ops.convert_to_numpy(ops.image.resize(maps[..., None].astype(np.float32), (side, side)))[..., 0]
    strongest = large.max(axis=(1, 2), keepdims=True)
    return np.asarray(np.rint(255 * large / np.where(strongest > 0, strongest, 1.0)), np.uint8)
