"""Build an ONNX graph operator by operator, with the same bytes from the same calls."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from ferflow.base.files import whole_file

OPSET = 17
"""Version of the operators: the first one with LayerNormalization, so that old runtimes can load most files."""
IR_VERSION = 8
"""Version of the file format that came with that opset."""


@dataclass(frozen=True)
class Value:
    """A value of the graph.

    Attributes:
        name: Its name.
        shape: Its shape as Keras has it, channels last, None for the batch. In the graph, values with four axes have
            their channels in front of height and width.
    """

    name: str
    shape: tuple[int | None, ...]


class Graph:
    """Operators and constants in the order in which they were added."""

    def __init__(self) -> None:
        """Start an empty graph."""
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._names: set[str] = set()

    def unique(self, name: str) -> str:
        """Return the name, with a number behind it if the graph has it already."""
        candidate, number = name, 1
        while candidate in self._names:
            number += 1
            candidate = f"{name}_{number}"
        self._names.add(candidate)
        return candidate

    def constant(self, name: str, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Add a constant and return its name in the graph."""
        unique = self.unique(name)
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype), unique))
        return unique

    def add(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator and return the name of its result, which is that of the operator."""
        unique = self.unique(name)
        self._nodes.append(helper.make_node(operator, list(inputs), [unique], unique, **attributes))
        return unique

    def output(self, operator: str, name: str, *inputs: str, **attributes: Any) -> None:
        """Add the last operator, whose result has exactly this name, which was reserved by `unique`."""
        self._nodes.append(helper.make_node(operator, list(inputs), [name], name, **attributes))

    def write(
        self,
        path: Path,
        *,
        name: str,
        start: tuple[str, int, Sequence[int | str]],
        end: tuple[str, int, Sequence[int | str]],
        notes: Mapping[str, Any],
    ) -> None:
        """Write the graph as an ONNX file.

        Args:
            path: The file.
            name: Name of the graph.
            start: Name, element type (of onnx.TensorProto) and shape of the input.
            end: The same of the output.
            notes: Values for the file's metadata, by key; they are written as JSON.
        """
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(*start)],
            [helper.make_tensor_value_info(*end)],
            self._constants,
        )
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="ferflow")
        helper.set_model_props(model, {key: json.dumps(value, ensure_ascii=False) for key, value in notes.items()})
        save(model, path)


def save(model: onnx.ModelProto, path: Path) -> None:
    """Check an ONNX model and write it, with the same bytes for the same content."""
    onnx.checker.check_model(model, full_check=True)
    with whole_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
