"""From a picture to the emotions of the faces in it, in one call."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from ferflow.use.card_file import Card
from ferflow.use.crop import Grey, cut, placements
from ferflow.use.face import Box, Detector, Face, Points, Rgb
from ferflow.use.model_source import DEFAULT, find_network
from ferflow.use.network import Network
from ferflow.use.picture import PictureError, Source, read_picture, to_grey

_FEWEST_PIXELS = 1.0  # a side; a box of nothing has no face in it


@dataclass(frozen=True, slots=True, eq=False)
class Recognition:
    """What a network says of one face.

    Attributes:
        answer: Name of the most probable class.
        probabilities: Calibrated probability of each class by name, in the order of the network's card; they sum to 1.
        box: Where the face is, in pixels of the upright picture; None for a crop.
        score: How sure the detector is that this is a face, 0 to 1; None for a crop.
        landmarks: Right eye, left eye, nose, right and left mouth corner, float32, (5, 2); None for a crop, or if the
            detector has none.
    """

    answer: str
    probabilities: dict[str, float]
    box: Box | None = None
    score: float | None = None
    landmarks: Points | None = None

    @property
    def confidence(self) -> float:
        """Probability of the answer."""
        return self.probabilities[self.answer]


class Recognizer:
    """A face detector and an emotion classifier.

    >>> recognizer = Recognizer("export")  # doctest: +SKIP
    >>> for face in recognizer("party.jpg"):  # doctest: +SKIP
    ...     print(face.box, face.answer, f"{face.confidence:.1%}")

    Attributes:
        network: The classifier; `recognizer.card` says what it is and how good.
        detector: The detector.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] = DEFAULT,
        *,
        file: str | None = None,
        detector: Detector | None = None,
        threads: int | None = None,
    ) -> None:
        """Load the network and the detector.

        Args:
            source: `default` for the network that FERflow ships, an export folder, or a registered version such as
                `models:/ferflow-fer2013@champion`. Defaults to `default`.
            file: Which file of the export folder to run, such as `model.onnx`. Defaults to the one its card names.
            detector: What finds the faces, an object with the method of `ferflow.use.face.Detector`. Defaults to
                YuNet.
            threads: Threads for one picture. Defaults to all cores.

        Raises:
            ModelError: The network or the detector cannot be loaded.
            TrackingError: The registry cannot be read.
        """
        self.network = Network(find_network(source), file, threads)
        if detector is None:
            from ferflow.use.yunet import YuNet

            detector = YuNet(threads=threads)
        self.detector = detector

    @property
    def card(self) -> Card:
        """The network's card: classes, training data, accuracy with intervals."""
        return self.network.card

    def __call__(self, image: Source, *, bgr: bool = False) -> list[Recognition]:
        """Return the faces of a picture with their emotions, the surest face first; empty if there is no face.

        Args:
            image: A path, the bytes of a file, a Pillow image, or an array, uint8, (height, width) if it is grey or
                (height, width, 3) RGB.
            bgr: Whether an array has its channels in OpenCV's order. Defaults to false.

        Raises:
            PictureError: The picture cannot be read, or the array has another type or shape.
        """
        picture = read_picture(image, bgr=bgr)
        return self.recognize(picture, self.detector.detect(picture))

    def recognize(self, picture: Rgb, faces: Sequence[Face]) -> list[Recognition]:
        """Return the emotions of faces that are found already.

        Args:
            picture: The picture, uint8, (height, width, 3), RGB.
            faces: Faces in it. A face without a size is left out.
        """
        faces, crops = self.crops(picture, faces)
        rows = self.probabilities(crops)
        return [self.recognition(row, face) for row, face in zip(rows, faces, strict=True)]

    def crops(self, picture: Rgb, faces: Sequence[Face]) -> tuple[list[Face], Grey]:
        """Return the faces that have a size, and the crops of each as the network gets them.

        Args:
            picture: The picture, uint8, (height, width, 3), RGB.
            faces: Faces in it.

        Returns:
            The N faces, and their crops: uint8, (N, crops, side, side).
        """
        faces = [face for face in faces if min(face.box.width, face.box.height) >= _FEWEST_PIXELS]
        if not faces:
            return [], np.zeros((0, 1, self.card.side, self.card.side), np.uint8)
        grey = to_grey(picture)
        return faces, np.stack([self.crops_of(grey, face) for face in faces])

    def probabilities(self, crops: Grey) -> npt.NDArray[np.float32]:
        """Return the mean of the network's probabilities over the crops of each face.

        Args:
            crops: uint8, (N, crops, side, side), as `crops` returns them; N may be 0.

        Returns:
            float32, (N, classes), in the order of `card.classes`; rows sum to 1.
        """
        rows = self.network.probabilities(crops.reshape(-1, *crops.shape[2:]))
        return rows.reshape(*crops.shape[:2], -1).mean(1) if len(crops) else rows

    def batch(self, images: Iterable[Source], *, bgr: bool = False) -> list[list[Recognition]]:
        """Return the faces of several pictures: one list a picture, in their order; see calling a Recognizer.

        Raises:
            PictureError: A picture cannot be read; the message has its position.
        """
        found = []
        for position, image in enumerate(images):
            try:
                found.append(self(image, bgr=bgr))
            except PictureError as error:
                raise PictureError(f"picture {position}: {error}") from None
        return found

    def faces(self, crops: "Iterable[Source] | npt.NDArray[np.uint8]") -> list[Recognition]:
        """Return the emotions of faces that are cut out already, as training images are; nothing is searched.

        Args:
            crops: One face each, of any size: pictures as for a call, or one array, uint8, (N, height, width) or
                (N, height, width, channels).

        Raises:
            PictureError: A crop cannot be read, or is an array of another type or shape.
        """
        side = self.card.side
        greys = [
            np.asarray(Image.fromarray(to_grey(read_picture(crop))).resize((side, side), Image.Resampling.LANCZOS))
            for crop in crops
        ]
        return [self.recognition(row) for row in self.network.probabilities(np.stack(greys))] if greys else []

    def crops_of(self, grey: Grey, face: Face) -> Grey:
        """Return the crops of a face as the network gets them: uint8, (crops, side, side).

        Args:
            grey: The picture's grey levels, uint8, (height, width).
            face: A face in it.
        """
        height, width = grey.shape
        return np.stack(
            [cut(grey, where, self.card.side) for where in placements(face, self.card.crop, (height, width))]
        )

    def recognition(self, row: npt.NDArray[np.float32], face: Face | None = None) -> Recognition:
        """Return what the network's probabilities of one face, float32, (classes,), say; None stands for a crop."""
        answer = self.card.classes[int(row.argmax())]
        probabilities = dict(zip(self.card.classes, map(float, row), strict=True))
        if face is None:
            return Recognition(answer, probabilities)
        return Recognition(answer, probabilities, face.box, face.score, face.landmarks)
