"""Transfer learning: a pretrained base from keras.applications under a head of our own."""

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

# What keras.applications' own preprocess_input does ("caffe": BGR, ImageNet means taken off; "torch": ImageNet means
# and deviations; "raw": the base scales by itself), for a grey image repeated over three channels.
SCALINGS: dict[str, tuple[float | list[float], float | list[float]]] = {
    "caffe": (1.0, [-103.939, -116.779, -123.68]),
    "torch": (
        [1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)],
        [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225],
    ),
    "raw": (1.0, 0.0),
}


class TransferOptions(Section):
    """Options of every transfer model.

    Attributes:
        weights: `imagenet` (fetched by keras), `none` (random) or the path of a weights file of the base.
        upscale: the image is enlarged by this factor (bilinear) before the base.
        dense: units of the head's hidden layer.
        dropout: in the head.
        norm_momentum: of the running statistics that normalise outside training, in the head and, with random weights,
            in the base too (pretrained statistics are frozen); see cnn.
        unfreeze_from: the base's first layer to be trained after the warm-up; all after it are too, but
            batch normalisation. Empty: the whole base.
    """

    weights: str = "imagenet"
    upscale: PositiveInt = 1
    dense: PositiveInt = 256
    dropout: Fraction = 0.4
    norm_momentum: Fraction = 0.99
    unfreeze_from: str = ""


def transfer(
    name: str,
    application: Callable[..., keras.Model],
    scaling: Literal["caffe", "torch", "raw"],
    options: TransferOptions,
    side: int,
    classes: int,
    **arguments: Any,
) -> keras.Model:
    """Build grey image -> three channels -> scaling -> base -> mean over positions -> dense -> softmax.

    Args:
        name: of the architecture.
        application: a constructor of keras.applications.
        scaling: a key of SCALINGS, the one that the base was pretrained with.
        options: see TransferOptions.
        side: of the images, in pixels.
        classes: how many.
        arguments: further ones of the constructor.

    Raises:
        ModelError: the weights cannot be had or do not fit; `unfreeze_from` names no layer; the image is too small.
    """
    inner = side * options.upscale
    check_side(name, inner, 32)
    base = _base(name, application, options, inner, arguments)
    _unfrozen(base, name, options)
    image = grey_input(side)
    # Without pretrained weights there is no scaling to match, and deep nets without normalisation need small inputs.
    x = centred(image) if options.weights == "none" and scaling != "raw" else image
    if options.upscale > 1:
        x = layers.UpSampling2D(options.upscale, interpolation="bilinear")(x)
    x = layers.Concatenate(name="three_channels")([x, x, x])
    if options.weights != "none" and scaling != "raw":
        scale, offset = SCALINGS[scaling]
        x = layers.Rescaling(scale, offset=offset, name="imagenet_scale")(x)
    x = layers.GlobalAveragePooling2D()(base(x))
    return classifier(image, dense_unit(x, options.dense, options.dropout, options.norm_momentum), classes, name)


def freeze(model: keras.Model, options: TransferOptions, head_only: bool) -> None:
    """Set what is trained: the head alone, or also the base's upper part with batch normalisation kept frozen.

    With random weights (`weights: none`) nothing is frozen: there is nothing to keep.
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
            f"models.{name}.network.unfreeze_from: the base has no such layer. Received: {options.unfreeze_from!r}; "
            f"its layers are {', '.join(names)}."
        )
    return list(base.layers[names.index(options.unfreeze_from) :])


def _base(
    name: str, application: Callable[..., keras.Model], options: TransferOptions, side: int, arguments: Any
) -> keras.Model:
    weights, shape = options.weights, (side, side, 3)
    ways_out = (
        f"Set `weights: none` in models.{name}.network of params.yaml to train from random weights, or give the "
        "path of a weights file there (`weights: path/to/file.h5`, from keras.applications, without the top)."
    )
    if weights == "imagenet":
        try:
            return application(include_top=False, weights="imagenet", input_shape=shape, name="base", **arguments)
        except (OSError, urllib.error.URLError) as error:
            raise ModelError(f"{name}: the ImageNet weights cannot be fetched ({error}). {ways_out}") from error
        except Exception as error:  # keras' get_file raises a bare Exception for every failure of the network
            if "URL fetch failure" not in str(error):
                raise
            raise ModelError(f"{name}: the ImageNet weights cannot be fetched ({error}). {ways_out}") from error
    base = application(include_top=False, weights=None, input_shape=shape, name="base", **arguments)
    if weights == "none":
        for layer in base.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = options.norm_momentum
    else:
        if not Path(weights).is_file():
            raise ModelError(f"{name}: there is no weights file. Received: {weights!r}. {ways_out}")
        try:
            base.load_weights(weights)
        except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
            raise ModelError(f"{name}: {weights} does not fit the base: {error} {ways_out}") from error
    return base
