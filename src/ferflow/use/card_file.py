"""`card.json` of an export folder: what a network on a device needs to know about itself, and what it can do.

The stage export writes it; everything that runs the network without Keras reads it. This module stands on pydantic
alone, so that reading it takes no TensorFlow, pandas or MLflow.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ferflow.base.errors import ModelError

CARD = "card.json"
FLOAT, INT8, LITERT = "model.onnx", "model.int8.onnx", "model.tflite"
"""Names of the files that an export folder may hold; the first one is always there."""
FORMAT = 1
"""Version of the schema. A reader refuses a later one."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Point = tuple[float, float]
"""x to the right and y down, as shares of the crop's side from its top left corner."""


class CardPart(BaseModel):
    """A part of card.json: immutable, every key known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CropTemplate(CardPart):
    """Where a face lies in the square crops that the network was trained on.

    Attributes:
        right_eye: Centre of the person's right eye, which is on the left in the image.
        left_eye: Centre of the person's left eye.
        nose: Tip of the nose.
        right_mouth: The person's right corner of the mouth.
        left_mouth: The person's left corner of the mouth.
        box_centre: Centre of the detector's box.
        box_height: Height of the detector's box as a multiple of the crop's side.
        rotate: Whether a tilted head is turned upright.
        faces: Number of training crops that the template is learnt from; 0: it is the default template.
    """

    right_eye: Point
    left_eye: Point
    nose: Point
    right_mouth: Point
    left_mouth: Point
    box_centre: Point
    box_height: Annotated[float, Field(gt=0.0)]
    rotate: bool
    faces: Annotated[int, Field(ge=0)]

    @classmethod
    def default(cls) -> "CropTemplate":
        """Return the template for data whose faces the detector does not find, such as drawn ones.

        It holds the medians over 1,376 training crops of FER-2013, made symmetric.
        """
        return cls(
            right_eye=(0.32, 0.39),
            left_eye=(0.68, 0.39),
            nose=(0.5, 0.597),
            right_mouth=(0.355, 0.75),
            left_mouth=(0.645, 0.75),
            box_centre=(0.5, 0.5),
            box_height=1.02,
            rotate=True,
            faces=0,
        )


class Tensor(CardPart):
    """Input or output of every file.

    Attributes:
        name: Name in the graph.
        dtype: Type of the elements.
        shape: Lengths of the axes; None stands for any number of faces.
        low: Minimum of the values.
        high: Maximum of the values.
    """

    name: str
    dtype: Literal["uint8", "float32"]
    shape: tuple[int | None, ...]
    low: float
    high: float


class SetAccuracy(CardPart):
    """Accuracy of a file on one set of images.

    Attributes:
        images: Number of images.
        accuracy: Share of correct answers.
        low: Lower end of its interval.
        high: Upper end of its interval.
    """

    images: Annotated[int, Field(ge=1)]
    accuracy: Share
    low: Share
    high: Share


class ExportedFile(CardPart):
    """One file of the folder.

    Attributes:
        format: `onnx` or `litert`.
        precision: `float32` or `int8`.
        bytes: Size of the file.
        sha256: SHA-256 of its content as 64 hex digits.
        same_answers: Share of validation images for which it gives the answer of `model.onnx`.
        max_difference: Maximum difference of a probability to Keras' on validation images, rounded up to a power of
            ten; None for int8, which is not exact.
        sets: Accuracy on `validation` and `test`.
    """

    format: Literal["onnx", "litert"]
    precision: Literal["float32", "int8"]
    bytes: Annotated[int, Field(gt=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    same_answers: Share
    max_difference: float | None
    sets: dict[str, SetAccuracy]


class Card(CardPart):
    """The content of card.json.

    Attributes:
        format: Version of the schema.
        name: Name of the result, such as `ferflow_flash`.
        dataset: Name of the dataset.
        licence: Licence of the data that the network was trained on.
        fingerprint: SHA-256 of the Keras file as 64 hex digits.
        classes: Names of the classes, in the order of the output's columns.
        side: Height and width of a face in pixels.
        views: `single`, or `flip`: each answer is the mean of the face's and its mirror image's.
        temperature: Factor that the logits are divided by (Guo et al. 2017), fitted on validation. Views and
            temperature are inside the files already.
        opset: Version of ONNX's operators.
        input: Faces.
        output: Probabilities.
        preprocessing: What has to be done to a face first, in a sentence for people.
        crop: Where a face lies in a crop.
        confidence: Confidence level of the intervals, in (0, 1).
        default: File to load if the user names none.
        files: The files by name.
        left_out: Files that are not in the folder, by name, each with the reason.
    """

    format: int
    name: str
    dataset: str
    licence: str
    fingerprint: str
    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    side: Annotated[int, Field(ge=8)]
    views: Literal["single", "flip"]
    temperature: Annotated[float, Field(gt=0.0)]
    opset: int
    input: Tensor
    output: Tensor
    preprocessing: str
    crop: CropTemplate
    confidence: Annotated[float, Field(gt=0.0, lt=1.0)]
    default: str
    files: dict[str, ExportedFile]
    left_out: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the content as it is written, in the order of the file's keys."""
        return self.model_dump(mode="json")


def read_card(folder: Path) -> Card:
    """Read and check the card of an export folder.

    Args:
        folder: Folder that `ferflow export` wrote.

    Raises:
        ModelError: There is no card, it is invalid, or a later version of ferflow wrote it.
    """
    path = folder / CARD
    again = "Write the folder again: ferflow export --out DIR."
    try:
        text = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelError(f"{folder} is not an export folder: {path.name} cannot be read ({reason}). {again}") from None
    if (found := _format_of(text)) is not None and found > FORMAT:
        raise ModelError(
            f"{path} has format {found}, and this version of ferflow reads up to {FORMAT}. Update ferflow."
        )
    try:
        return Card.model_validate_json(text)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'content'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise ModelError(f"{path} is invalid: {faults}. {again}") from None


class _Format(BaseModel):
    model_config = ConfigDict(extra="ignore")

    format: int


def _format_of(text: bytes) -> int | None:
    try:
        return _Format.model_validate_json(text).format
    except ValidationError:
        return None
