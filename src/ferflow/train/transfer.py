"""Transfer learning: a pretrained base from keras.applications with a new head."""

import math
import urllib.error
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import keras
from keras import layers

from ferflow.base.errors import ModelError
from ferflow.base.section import Fraction, PositiveInt, Section
from ferflow.train.blocks import centred, check_side, classifier, dense_unit, grey_input

# Offsets of keras.applications' preprocess_input in "caffe" mode: minus the ImageNet means, in the order blue, green,
# red, which does not matter to a grey image that is repeated over three channels.
_CAFFE_OFFSETS = [-103.939, -116.779, -123.68]


class TransferOptions(Section):
    """Options of every transfer model.

    Attributes:
        weights: Initial weights of the base: `imagenet` (Keras downloads them), `none` (random) or the path of a
            weights file of the base.
        upscale: Factor by which the image is enlarged (bilinear) before the base.
        dense: Number of units of the head's hidden layer.
        dropout: Dropout rate in the head, 0 to below 1.
        norm_momentum: Momentum of the running statistics of batch normalization, in the head and, with `weights: none`,
            in the base (pretrained statistics are frozen); see ferflow.models.cnn.Options.
        unfreeze_from: First layer of the base that is trained after `head_epochs`. All layers after it are trained as
            well, except batch normalization. Empty: the whole base.
    """

    weights: str
    upscale: PositiveInt
    dense: PositiveInt
    dropout: Fraction
    norm_momentum: Fraction
    unfreeze_from: str


def transfer(
    name: str,
    application: Callable[..., keras.Model],
    scaling: Literal["caffe", "raw"],
    options: TransferOptions,
    side: int,
    classes: int,
) -> keras.Model:
    """Build a network: grey image, three channels, scaling, base, mean over positions, dense layer, softmax.

    Args:
        name: Name of the architecture.
        application: Constructor from keras.applications.
        scaling: Scaling of the input that the base was pretrained with: `caffe` (ImageNet means subtracted, as in
            keras.applications' preprocess_input) or `raw` (the base scales its input itself).
        options: Options of the architecture.
        side: Height and width of the images in pixels.
        classes: Number of classes.

    Raises:
        ModelError: The weights could not be obtained or do not fit, `unfreeze_from` names no layer, or the image is too
            small.
    """
    check_side(name, side, math.ceil(32 / options.upscale))  # keras.applications needs 32 pixels or more
    base = _base(name, application, options, side * options.upscale)
    _unfrozen(base, name, options)
    image = grey_input(side)
    # Random weights expect no particular scaling, and deep networks without normalization need small inputs.
    x = centred(image) if options.weights == "none" and scaling == "caffe" else image
    if options.upscale > 1:
        x = layers.UpSampling2D(options.upscale, interpolation="bilinear")(x)
    x = layers.Concatenate(name="three_channels")([x, x, x])
    if options.weights != "none" and scaling == "caffe":
        x = layers.Rescaling(1.0, offset=_CAFFE_OFFSETS, name="imagenet_scale")(x)
    x = layers.GlobalAveragePooling2D()(base(x))
    return classifier(image, dense_unit(x, options.dense, options.dropout, options.norm_momentum), classes, name)


def freeze(model: keras.Model, options: TransferOptions, head_only: bool) -> None:
    """Set which layers are trained.

    With `weights: none`, all layers are: there is nothing to preserve.

    Args:
        model: Network from `transfer`.
        options: Its options.
        head_only: True: only the head. False: also the base from `unfreeze_from`, without its batch normalization.

    Raises:
        ModelError: `unfreeze_from` names no layer of the base.
    """
    base = model.get_layer("base")
    if options.weights == "none":
        base.trainable = True
        return
    base.trainable = not head_only
    if not head_only:
        upper = _unfrozen(base, model.name, options)
        for layer in base.layers:
            layer.trainable = layer in upper and not isinstance(layer, layers.BatchNormalization)


def _unfrozen(base: keras.Model, name: str, options: TransferOptions) -> list[Any]:
    if not options.unfreeze_from:
        return list(base.layers)
    names = [layer.name for layer in base.layers]
    if options.unfreeze_from not in names:
        raise ModelError(
            f"models.{name}.network.unfreeze_from: the base has no such layer. Received: {options.unfreeze_from!r}. "
            f"Its layers are: {', '.join(names)}."
        )
    return list(base.layers[names.index(options.unfreeze_from) :])


def _base(name: str, application: Callable[..., keras.Model], options: TransferOptions, side: int) -> keras.Model:
    weights, shape = options.weights, (side, side, 3)
    remedies = (
        f"Set `weights: none` in models.{name}.network of params.yaml to start from random weights, or set `weights:` "
        "to the path of a weights file (as keras.applications publishes it, without the top: `weights: "
        "path/to/file.h5`)."
    )
    if weights == "imagenet":
        try:
            return application(include_top=False, weights="imagenet", input_shape=shape, name="base")
        except (OSError, urllib.error.URLError) as error:
            raise ModelError(f"{name}: the ImageNet weights could not be downloaded ({error}). {remedies}") from error
        except Exception as error:  # Keras' get_file raises a bare Exception for every network failure
            if "URL fetch failure" not in str(error):
                raise
            raise ModelError(f"{name}: the ImageNet weights could not be downloaded ({error}). {remedies}") from error
    base = application(include_top=False, weights=None, input_shape=shape, name="base")
    if weights == "none":
        for layer in base.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = options.norm_momentum
    else:
        if not Path(weights).is_file():
            raise ModelError(f"{name}: the weights file does not exist. Received: {weights!r}. {remedies}")
        try:
            base.load_weights(weights)
        except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
            raise ModelError(f"{name}: the weights file {weights} does not fit the base: {error} {remedies}") from error
    return base
