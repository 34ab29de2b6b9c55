"""Fold normalization and scaling into the weights next to them: the same function with fewer operations."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from keras import activations, layers

from ferflow.export.trace import Step, Weights, users, without

Floats = npt.NDArray[np.float64]
_LINEAR = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Dense)


def fold(steps: Sequence[Step]) -> list[Step]:
    """Return fewer steps that compute the same values, but for rounding.

    - Batch normalization becomes part of the convolution or dense layer before it (Jacob et al. 2018, section 3.2),
      also through a max pooling in between, which lets a factor through that is not negative. A normalization with a
      negative factor behind a pooling stays.
    - A factor on the output of a convolution or dense layer becomes part of its weights, and so does the factor on the
      input of one.
    - The activation of a convolution or dense layer becomes a step of its own.
    - ReLU moves in front of a max pooling, since runtimes compute it together with the convolution.

    Args:
        steps: Steps of a network, in an order in which they can be computed.
    """
    folded = _split_activations(steps)
    for output in [step.output for step in folded]:
        folded = _into_source(folded, output)
    for output in [step.output for step in folded]:
        folded = _into_user(folded, output)
    for output in [step.output for step in folded]:
        folded = _before_pooling(folded, output)
    return folded


def _split_activations(steps: Sequence[Step]) -> list[Step]:
    split: list[Step] = []
    free = max(step.output for step in steps) + 1
    for step in steps:
        if not isinstance(step.layer, _LINEAR) or _is_linear(step):
            split.append(step)
            continue
        name = f"{step.layer.name}_{activations.serialize(step.layer.activation)}"
        split.append(replace(step.changed(step.weights, activation="linear"), output=free))
        activation = layers.Activation(step.layer.activation, name=name, dtype="float32")
        split.append(Step(activation, (free,), step.output, step.shape))
        free += 1
    return split


def _find(steps: Sequence[Step], output: int) -> Step | None:
    return next((step for step in steps if step.output == output), None)


def _only_user(steps: Sequence[Step], value: int) -> Step | None:
    found = users(steps, value)
    return found[0] if len(found) == 1 and found[0].inputs == (value,) else None


def _into_source(steps: list[Step], output: int) -> list[Step]:
    """Fold a step that scales and shifts channels into the linear layer before it, if there is one."""
    step = _find(steps, output)
    affine = None if step is None else _affine(step)
    if step is None or affine is None:
        return steps
    factor, summand = affine
    source = _find(steps, step.inputs[0])
    while source is not None and isinstance(source.layer, layers.MaxPooling2D) and (factor >= 0).all():
        if _only_user(steps, source.output) is None:
            return steps
        source = _find(steps, source.inputs[0])
    if source is None or not _is_linear(source) or _only_user(steps, source.output) is None:
        return steps
    scaled = _scale_output(source, factor, summand)
    return without([scaled if part is source else part for part in steps], [step])


def _affine(step: Step) -> tuple[Floats, Floats] | None:
    """Return factor and summand of a step outside training, float64, if it is y = factor x + summand by channel."""
    layer = step.layer
    if isinstance(layer, layers.Rescaling):
        return np.asarray(layer.scale, np.float64), np.asarray(layer.offset, np.float64)
    if not isinstance(layer, layers.BatchNormalization) or layer.axis not in (-1, len(step.shape) - 1):
        return None
    weights = [np.asarray(weight, np.float64) for weight in step.weights]
    gamma = weights.pop(0) if layer.scale else np.ones_like(weights[-1])
    beta = weights.pop(0) if layer.center else np.zeros_like(weights[-1])
    mean, variance = weights
    factor = gamma / np.sqrt(variance + layer.epsilon)
    return factor, beta - mean * factor


def _is_linear(step: Step) -> bool:
    return isinstance(step.layer, _LINEAR) and step.layer.activation is activations.linear


def _scale_output(step: Step, factor: Floats, summand: Floats) -> Step:
    """Return a linear layer's step that gives factor x its output + summand."""
    *kernels, kernel = step.weights[:-1] if step.layer.use_bias else step.weights
    bias = step.weights[-1].astype(np.float64) if step.layer.use_bias else np.float64(0.0)
    outputs = int(step.shape[-1] or 0)
    # A depthwise kernel is (h, w, channels, multiplier), and its outputs are ordered by channel, then multiplier.
    per_output = np.broadcast_to(factor, (outputs,)).reshape(
        kernel.shape[2:] if isinstance(step.layer, layers.DepthwiseConv2D) else (outputs,)
    )
    scaled = (kernel.astype(np.float64) * per_output).astype(np.float32)
    shifted = np.broadcast_to(bias * factor + summand, (outputs,)).astype(np.float32)
    weights: Weights = (*kernels, scaled, shifted)
    return step.changed(weights, use_bias=True)


def _into_user(steps: list[Step], output: int) -> list[Step]:
    """Move the factor of a rescaling into the linear layer after it; the summand stays in front of its padding."""
    step = _find(steps, output)
    if step is None or not isinstance(step.layer, layers.Rescaling):
        return steps
    factor, offset = step.layer.scale, step.layer.offset
    user = _only_user(steps, output)
    if np.ndim(factor) or np.ndim(offset) or not factor or user is None or not isinstance(user.layer, _LINEAR):
        return steps
    first, *others = user.weights
    scaled = replace(user, weights=((first.astype(np.float64) * factor).astype(np.float32), *others))
    shifted = step.changed((), scale=1.0, offset=offset / factor)
    return [scaled if part is user else shifted if part is step else part for part in steps]


def _before_pooling(steps: list[Step], output: int) -> list[Step]:
    """Let ReLU and the max pooling before it change places."""
    relu = _find(steps, output)
    if relu is None or not is_relu(relu):
        return steps
    pooling = _find(steps, relu.inputs[0])
    if (
        pooling is None
        or not isinstance(pooling.layer, layers.MaxPooling2D)
        or _only_user(steps, pooling.output) is None
    ):
        return steps
    source = _find(steps, pooling.inputs[0])
    if source is None or not _is_linear(source):
        return steps
    first = replace(relu, inputs=pooling.inputs, output=pooling.output, shape=source.shape)
    second = replace(pooling, inputs=(pooling.output,), output=relu.output)
    return [first if part is pooling else second if part is relu else part for part in steps]


def is_relu(step: Step) -> bool:
    """Return whether a step is max(x, 0) and nothing else."""
    layer = step.layer
    if isinstance(layer, layers.ReLU):
        return not layer.negative_slope and layer.max_value is None and not layer.threshold
    return isinstance(layer, layers.Activation) and layer.activation is activations.relu
