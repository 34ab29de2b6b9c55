"""Layers that several architectures share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from ferflow.base.errors import ModelError

if TYPE_CHECKING:
    from keras import KerasTensor


def grey_input(side: int | None) -> "KerasTensor":
    """Return the input layer for grey levels, (side, side, 1), 0 to 255; None: any side."""
    return keras.Input((side, side, 1), name="image")


def centred(x: "KerasTensor") -> "KerasTensor":
    """Scale grey levels from 0 to 255 to the range -1 to 1."""
    return layers.Rescaling(1 / 127.5, offset=-1.0, name="centre")(x)


def conv_unit(x: "KerasTensor", filters: int, *, pool: bool, momentum: float) -> "KerasTensor":
    """Apply a 3x3 convolution, optional 2x2 max pooling, batch normalization (Ioffe & Szegedy 2015) and ReLU.

    Pooling comes before normalization, because normalization and ReLU then process a quarter of the values;
    docs/training.md has the measured gain.

    Args:
        x: Feature maps, (N, height, width, channels).
        filters: Number of filters.
        pool: Whether to halve height and width by max pooling.
        momentum: Momentum of the running statistics of batch normalization.
    """
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    if pool:
        x = layers.MaxPooling2D()(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=momentum)(x))


def dense_unit(x: "KerasTensor", units: int, dropout: float, momentum: float) -> "KerasTensor":
    """Apply a dense layer, batch normalization, ReLU and dropout.

    Args:
        x: Features, (N, features).
        units: Number of units.
        dropout: Dropout rate.
        momentum: Momentum of the running statistics of batch normalization.
    """
    x = layers.Dense(units, use_bias=False, kernel_initializer="he_normal")(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=momentum)(x))
    return layers.Dropout(dropout)(x)


def classifier(image: "KerasTensor", features: "KerasTensor", classes: int, name: str) -> keras.Model:
    """Return the network from `image` through `features` to a softmax, which is float32 at any precision."""
    output = layers.Dense(classes, activation="softmax", dtype="float32", name="emotion")(features)
    return keras.Model(image, output, name=name)


def check_side(architecture: str, side: int | None, smallest: int) -> None:
    """Refuse images that are too small for a network.

    Args:
        architecture: Name of the architecture, for the message.
        side: Height and width of the images in pixels; None: any, so nothing is refused.
        smallest: Minimum for this network.

    Raises:
        ModelError: `side` is below `smallest`.
    """
    if side is not None and side < smallest:
        raise ModelError(
            f"{architecture} needs images of at least {smallest}x{smallest} pixels. Received: {side}x{side}. Raise "
            "image_size in params.yaml, or remove the result from `results`."
        )


def set_partial_identity(layer: keras.layers.Conv2D) -> None:
    """Let the first filters of a convolution pass its inputs on: Dirac kernels (Zagoruyko & Komodakis 2017).

    The other filters, if there are more than input channels, keep their random weights. A network of such layers
    begins as a shallow one, and learns without residual additions (Jordan 2024, section 3.2).

    Args:
        layer: Convolution with an odd kernel size, built.
    """
    kernel = np.array(layer.kernel)
    centre, channels = kernel.shape[0] // 2, min(kernel.shape[2:])
    kernel[..., :channels] = 0
    kernel[centre, centre, range(channels), range(channels)] = 1
    layer.kernel.assign(kernel)


def set_whitening(layer: keras.layers.Conv2D, images: npt.NDArray[np.uint8], epsilon: float = 5e-4) -> None:
    """Let a convolution whiten patches: its filters are the scaled eigenvectors of the patches' covariance.

    Each eigenvector is there with both signs, since a ReLU follows (Jordan 2024, section 3.1).

    Args:
        layer: Convolution of one input channel, built, with an even number of filters, at most 2 x (kernel size
            squared); with fewer, the directions of the largest variance are kept. Its input is in -1 to 1 as from
            `centred`.
        images: Training images, uint8, (N, side, side), grey levels 0 to 255.
        epsilon: Added to the eigenvalues, so that rare directions are not blown up. Defaults to 5e-4.
    """
    size, filters = layer.kernel.shape[0], layer.kernel.shape[3]
    chosen = images[:: max(1, len(images) // 2000)].astype(np.float64) / 127.5 - 1
    windows = np.lib.stride_tricks.sliding_window_view(chosen, (size, size), axis=(1, 2))[:, ::size, ::size]
    patches = windows.reshape(-1, size * size)
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), range(size * size)])  # LAPACK's sign is free
    whitening = (vectors / np.sqrt(np.maximum(values, 0) + epsilon)).reshape(size, size, 1, -1)
    largest = whitening[..., ::-1][..., : filters // 2]  # eigh sorts by ascending variance
    layer.kernel.assign(np.concatenate([largest, -largest], axis=-1))


def check_blocks(architecture: str, filters: Sequence[int], side: int) -> None:
    """Refuse images that are too small to be halved once per block.

    Raises:
        ModelError: `side` is below 2 to the power of the number of blocks.
    """
    check_side(architecture, side, 2 ** len(filters))
