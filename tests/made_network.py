"""Export folders for tests: networks that know a few faces by heart, and pictures with these faces in them."""

import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from ferflow.faces.sample import random_face
from ferflow.use.card_file import CropTemplate

CLASSES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
Grey = npt.NDArray[np.uint8]


@functools.cache
def drawn_faces() -> Grey:
    """One drawn face for each class: uint8, (7, 48, 48)."""
    rng = np.random.default_rng(7)
    return np.stack([random_face(rng, name) for name in CLASSES])


def write_network(folder: Path, faces: Grey, classes: Sequence[str] = CLASSES, **changes: Any) -> Path:
    """Write an export folder whose network answers with the class whose face is most like the given one.

    The likeness is the correlation of the pixels, so that a crop at another place, size or angle is missed.
    """
    side = faces.shape[1]
    known = faces.reshape(len(faces), -1).astype(np.float32)
    known -= known.mean(1, keepdims=True)
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    constants = {
        "shape": np.array([-1, side * side], np.int64),
        "axes": np.array([1], np.int64),
        "known": known.T * 12,
        "small": np.float32(1e-3),
    }
    nodes = [
        helper.make_node("Cast", ["faces"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["real", "shape"], ["flat"]),
        helper.make_node("ReduceMean", ["flat"], ["mean"], axes=[1]),
        helper.make_node("Sub", ["flat", "mean"], ["centred"]),
        helper.make_node("ReduceL2", ["centred"], ["norm"], axes=[1]),
        helper.make_node("Add", ["norm", "small"], ["safe"]),
        helper.make_node("Div", ["centred", "safe"], ["unit"]),
        helper.make_node("MatMul", ["unit", "known"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("faces", TensorProto.UINT8, ["n", side, side])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(classes)])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    content = model.SerializeToString(deterministic=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    share = {"images": 100, "accuracy": 0.9, "low": 0.8, "high": 0.95}
    file = {
        "format": "onnx",
        "precision": "float32",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "same_answers": 1.0,
        "max_difference": 1e-6,
        "sets": {"validation": share, "test": share},
    }
    card = {
        "format": 1,
        "name": "made",
        "dataset": "sample",
        "licence": "CC0",
        "fingerprint": "0" * 64,
        "classes": list(classes),
        "side": side,
        "views": "single",
        "temperature": 1.0,
        "opset": 17,
        "input": {"name": "faces", "dtype": "uint8", "shape": [None, side, side], "low": 0, "high": 255},
        "output": {"name": "probabilities", "dtype": "float32", "shape": [None, len(classes)], "low": 0, "high": 1},
        "preprocessing": "Cut the face out as `crop` says.",
        "crop": CropTemplate.default().model_dump(mode="json"),
        "confidence": 0.95,
        "default": "model.onnx",
        "files": {"model.onnx": file},
        "left_out": {},
        **changes,
    }
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


def scene(
    faces: Sequence[Grey],
    *,
    side: int = 150,
    angle: float = 0.0,
    size: tuple[int, int] = (640, 480),
    places: Sequence[tuple[int, int]] = ((60, 50), (330, 60), (60, 270), (330, 260)),
    ground: int = 140,
) -> npt.NDArray[np.uint8]:
    """A photograph with some faces on a plain ground: uint8, (height, width, 3), RGB.

    Args:
        faces: Crops, uint8, square.
        side: Side of a crop in the photograph, in pixels.
        angle: Counter-clockwise tilt in degrees.
        size: Width and height of the photograph.
        places: Upper left corner of each crop before it is tilted about its centre.
        ground: Grey level of the ground.
    """
    picture = Image.new("L", size, ground)
    for face, (x, y) in zip(faces, places, strict=False):
        large = Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC)
        whole = Image.new("L", (side, side), 255)
        picture.paste(
            large.rotate(angle, Image.Resampling.BICUBIC, expand=True),
            _corner(x, y, side, large.rotate(angle, expand=True).size),
            whole.rotate(angle, expand=True),
        )
    return np.repeat(np.asarray(picture)[:, :, None], 3, axis=2)


def _corner(x: int, y: int, side: int, size: tuple[int, int]) -> tuple[int, int]:
    return x + (side - size[0]) // 2, y + (side - size[1]) // 2
