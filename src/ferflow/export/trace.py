"""A Keras network as a flat list of steps, with nested networks inlined, and back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from ferflow.base.errors import ModelError

Weights = tuple[npt.NDArray[np.float32], ...]
_IDENTITIES = (
    *(layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise, layers.GaussianDropout),
    *(layers.ActivityRegularization, layers.Identity),
)
"""Layers that pass their input on outside training."""


@dataclass(frozen=True)
class Step:
    """One use of a layer.

    Attributes:
        layer: The layer, whose configuration says what is computed; its own weights do not matter. It may also be one
            of Keras' operations, such as the sum of two values.
        inputs: Numbers of the values that it takes; 0 is the network's input.
        output: Number of the value that it gives.
        shape: Shape of that value, channels last, None for the batch.
        weights: Weights in the layer's order, float32.
    """

    layer: keras.Layer
    inputs: tuple[int, ...]
    output: int
    shape: tuple[int | None, ...]
    weights: Weights = ()

    def changed(self, weights: Weights, **config: Any) -> "Step":
        """Return the step with other weights and some keys of its layer's configuration changed."""
        layer = type(self.layer).from_config({**self.layer.get_config(), **config})
        return replace(self, layer=layer, weights=weights)


class _Recorder:
    """Numbers the values of a network and its nested ones while Keras clones them."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.numbers: dict[int, int] = {}
        self.kept: list[Any] = []  # so that no id is used twice
        self.twins: dict[int, keras.Layer] = {}
        self.originals: dict[int, keras.Layer] = {}

    def number(self, tensor: Any) -> int:
        if id(tensor) not in self.numbers:
            self.numbers[id(tensor)] = len(self.kept)
            self.kept.append(tensor)
        return self.numbers[id(tensor)]

    def run(self, model: keras.Model, start: Any) -> Any:
        """Apply a network to a symbolic value, record each step, and return the result."""
        if isinstance(model, keras.Sequential):
            model = keras.Model(model.inputs, model.outputs)
        # The copy begins at an input of its own, since Keras cannot begin one in the middle of another network.
        own = keras.Input(batch_shape=start.shape, dtype="float32")
        self.numbers[id(own)] = self.number(start)
        self.kept.append(own)
        given = keras.tree.pack_sequence_as(model.input, [own])
        clone = keras.models.clone_model(model, given, clone_function=self.twin, call_function=self.call)
        result = keras.tree.flatten(clone(start))[0]
        self.numbers[id(result)] = self.number(clone.outputs[0])
        self.kept.append(result)
        return result

    def twin(self, layer: keras.Layer) -> keras.Layer:
        """Return a copy of a layer in float32, the same one each time; networks and operations stand for themselves."""
        if isinstance(layer, keras.Model) or not isinstance(layer, keras.Layer):
            return layer
        if id(layer) not in self.twins:
            twin = type(layer).from_config({**layer.get_config(), "dtype": "float32"})
            self.twins[id(layer)] = twin
            self.originals[id(twin)] = layer
        return self.twins[id(layer)]

    def call(self, layer: keras.Layer, *values: Any, **options: Any) -> Any:
        options.pop("training", None)
        options.pop("mask", None)
        taken = list(values[0]) if values and isinstance(values[0], list | tuple) else list(values)
        if options or not all(isinstance(value, keras.KerasTensor) for value in taken):
            raise ModelError(f"Layer {layer.name} cannot be exported: it is called with {sorted(options) or values}.")
        if isinstance(layer, keras.Model):
            return self.run(layer, taken[0])
        result = layer(*values)
        original = self.originals.get(id(layer))  # an operation such as x + y has neither a copy nor weights
        found = original.get_weights() if original is not None else []
        weights = tuple(np.asarray(weight, np.float32) for weight in found)
        inputs = tuple(self.number(value) for value in taken)
        self.steps.append(Step(layer, inputs, self.number(result), tuple(result.shape), weights))
        return result


def trace(model: keras.Model) -> list[Step]:
    """Return the steps of a network in an order in which they can be computed; the last one gives its output.

    All steps compute in float32, whatever precision the network was trained with. Layers that only training uses, such
    as dropout, are left out.

    Args:
        model: Keras network, functional or sequential, with one input and one output.

    Raises:
        ModelError: The network is of another kind, or a layer is called in a way that a graph cannot express.
    """
    if not isinstance(model, keras.Model) or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError("Only a functional or sequential Keras network with one input and one output can be exported.")
    recorder = _Recorder()
    start = keras.Input(batch_shape=model.inputs[0].shape, dtype="float32")
    recorder.number(start)
    recorder.run(model, start)
    return without(recorder.steps, [step for step in recorder.steps if isinstance(step.layer, _IDENTITIES)])


def without(steps: Sequence[Step], left_out: Sequence[Step]) -> list[Step]:
    """Return the steps without some that have one input; who took their output takes their input."""
    instead: dict[int, int] = {}
    kept = []
    dropped = {step.output for step in left_out}
    for step in steps:
        inputs = tuple(instead.get(value, value) for value in step.inputs)
        if step.output in dropped:
            instead[step.output] = inputs[0]
        else:
            kept.append(replace(step, inputs=inputs))
    return kept


def users(steps: Sequence[Step], value: int) -> list[Step]:
    """Return the steps that take a value."""
    return [step for step in steps if value in step.inputs]


def rebuild(steps: Sequence[Step], side: int) -> keras.Model:
    """Return a flat Keras network that computes the steps.

    Args:
        steps: Steps, in an order in which they can be computed.
        side: Height and width of the images, grey levels, float32, (N, side, side, 1).
    """
    start = keras.Input((side, side, 1), name="image")
    values: dict[int, Any] = {0: start}
    built: dict[int, keras.Layer] = {}
    for step in steps:
        # An own copy of the layer, since a step's layer already belongs to the traced network.
        layer = built.setdefault(id(step.layer), type(step.layer).from_config(step.layer.get_config()))
        taken = [values[number] for number in step.inputs]
        merges = isinstance(layer, keras.Layer) and len(taken) > 1
        values[step.output] = layer(taken) if merges else layer(*taken)
        if step.weights:
            layer.set_weights(list(step.weights))
    return keras.Model(start, values[steps[-1].output], name="network")
