"""The JSON that the service answers with."""

from pydantic import BaseModel, ConfigDict, Field

from ferflow.serve.limits import Limits
from ferflow.serve.problems import Problem
from ferflow.use.card_file import Card


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class FaceBox(_Part):
    """Where a face is, in pixels of the upright picture; it may reach beyond the picture's edges."""

    x: float = Field(description="Left edge.")
    y: float = Field(description="Upper edge.")
    width: float
    height: float


class FaceAnswer(_Part):
    """One face."""

    box: FaceBox
    score: float = Field(description="How sure the detector is that this is a face, 0 to 1.")
    answer: str = Field(description="The most probable class.", examples=["happy"])
    probabilities: dict[str, float] = Field(description="Calibrated probability of each class; they sum to 1.")


class PictureTimes(_Part):
    """Milliseconds that a picture took."""

    decode: float
    detect: float = Field(description="Search for faces, and cutting them out.")
    network: float = Field(description="The network, with the wait for the faces of other requests.")


class PictureAnswer(_Part):
    """One picture of a request: its faces, or why it was refused."""

    name: str | None = Field(description="File name in the form; null for a picture that is the body itself.")
    width: int | None = Field(description="Width in pixels after the EXIF orientation is applied.")
    height: int | None
    faces: list[FaceAnswer] = Field(description="The surest first; empty if no face was found.")
    faces_left_out: int = Field(description="Number of faces beyond the service's limit.")
    milliseconds: PictureTimes | None
    error: Problem | None = Field(description="Why this picture was refused; null if it was read.")


class ModelVersion(_Part):
    """Which network answers."""

    name: str = Field(examples=["ferflow_flash"])
    dataset: str = Field(examples=["fer2013"])
    fingerprint: str = Field(description="SHA-256 of the trained network.")
    file: str = Field(description="Which of its exported files runs.", examples=["model.int8.onnx"])

    @classmethod
    def of(cls, card: Card, file: str) -> "ModelVersion":
        """Return the version that a card describes."""
        return cls(name=card.name, dataset=card.dataset, fingerprint=card.fingerprint, file=file)


class Answer(_Part):
    """The answer to a request."""

    model: ModelVersion
    pictures: list[PictureAnswer] = Field(description="In the order of the request.")
    milliseconds: float = Field(description="From the request's first byte to the answer.")


class Version(_Part):
    """What runs here, and how good it is."""

    ferflow: str = Field(description="Version of FERflow.")
    model: ModelVersion
    sha256: str = Field(description="SHA-256 of the file that runs.")
    classes: list[str]
    temperature: float = Field(description="What the logits are divided by; part of the file.")
    licence: str = Field(description="Licence of the data that the network was trained on.")
    accuracy: dict[str, float] = Field(description="Accuracy of the file by set of images, 0 to 1.")
    limits: Limits


class Health(_Part):
    """The service answers."""

    status: str = Field(description="Always ok.")
