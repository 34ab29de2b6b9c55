"""Quantize an exported network to 8 bits, after training, with the ranges of training faces."""

import contextlib
import logging
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from ferflow.export.onnx_file import INPUT
from ferflow.export.onnx_graph import save

_BATCH = 64
_OPERATORS = ("Conv", "Gemm", "MaxPool", "AveragePool", "GlobalAveragePool", "Add", "Mul", "Relu", "Concat")


def quantize(source: Path, target: Path, faces: npt.NDArray[np.uint8]) -> None:
    """Write an 8-bit version of an ONNX file (Jacob et al. 2018, section 2) with the same input and output.

    Weights are int8 with a scale for each filter, activations uint8 with the ranges that the faces give. Weights use
    seven of the eight bits: processors without instructions for 8-bit dot products (VNNI) saturate with all of them,
    which costs a third of the answers, and the same file must give the same answers everywhere. The first convolution
    and the last dense layer stay float32: they are little work and lose most.

    Args:
        source: File from ferflow.export.onnx_file.
        target: File to write.
        faces: Training faces, uint8, (N, side, side).
    """
    model = onnx.load(source)
    with tempfile.TemporaryDirectory() as temporary, _silent():
        written = Path(temporary) / "model.onnx"
        quantize_static(
            source,
            written,
            _Faces(faces),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_OPERATORS),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_kept_exact(model.graph),
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
        )
        quantized = onnx.load(written)
    quantized.producer_name, quantized.producer_version = model.producer_name, ""
    save(quantized, target)


def _kept_exact(graph: onnx.GraphProto) -> list[str]:
    """Return the names of the operators up to the first convolution and from the last dense layer on."""
    weighted = [position for position, node in enumerate(graph.node) if node.op_type in ("Conv", "Gemm")]
    dense = [position for position, node in enumerate(graph.node) if node.op_type == "Gemm"]
    first, last = weighted[0], dense[-1] if dense else weighted[-1]
    return [node.name for position, node in enumerate(graph.node) if position <= first or position >= last]


class _Faces(CalibrationDataReader):  # type: ignore[misc]
    """Feeds faces to the calibration in batches."""

    def __init__(self, faces: npt.NDArray[np.uint8]) -> None:
        self._batches = iter([faces[start : start + _BATCH] for start in range(0, len(faces), _BATCH)])

    def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: np.ascontiguousarray(batch)}


@contextlib.contextmanager
def _silent():  # type: ignore[no-untyped-def]
    """Within the context, ONNX Runtime does not advise to optimize the graph first; it is optimized already."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(previous)
