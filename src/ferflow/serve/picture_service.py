"""From the bytes of a picture to its answer: decode, find faces, cut them out, ask the network."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from time import perf_counter
from typing import NamedTuple

from ferflow.serve.answers import FaceAnswer, FaceBox, PictureAnswer, PictureTimes
from ferflow.serve.batcher import Batcher, Probabilities
from ferflow.serve.counters import Counters
from ferflow.serve.limits import Limits
from ferflow.serve.problems import ProblemError
from ferflow.serve.upload import Upload, check_type
from ferflow.serve.workers import Workers
from ferflow.use.crop import Grey
from ferflow.use.face import Face
from ferflow.use.picture import PictureError, TooLargeError, read_picture
from ferflow.use.recognizer import Recognizer


class _Found(NamedTuple):
    """The faces of a picture before the network has seen them; times in seconds."""

    width: int
    height: int
    faces: list[Face]
    crops: Grey
    left_out: int
    decode: float
    detect: float


class PictureService:
    """Answers pictures, several at a time. It has to be made and used in a running event loop."""

    def __init__(self, recognizer: Recognizer, limits: Limits, counters: Counters) -> None:
        """Prepare the threads.

        Args:
            recognizer: Detector and network. Both are called from several threads.
            limits: What a picture may have.
            counters: Where pictures are counted.
        """
        self._recognizer, self._limits, self._counters = recognizer, limits, counters
        self._workers = Workers(limits.threads, "pictures")
        self._batcher = Batcher(recognizer.probabilities, limits.batch, limits.wait, counters.batch)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the queue in front of the network inside of this context."""
        queue = asyncio.create_task(self._batcher.run())
        try:
            yield
        finally:
            queue.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await queue
            self._workers.close()
            self._batcher.close()

    async def answer(self, upload: Upload) -> PictureAnswer:
        """Return the answer for a picture; if the picture is refused, its `error` says why."""
        try:
            picture = await self._answer(upload)
        except ProblemError as error:
            picture = PictureAnswer(
                name=upload.name,
                width=None,
                height=None,
                faces=[],
                faces_left_out=0,
                milliseconds=None,
                error=error.problem(),
            )
        self._counters.picture(picture)
        return picture

    async def _answer(self, upload: Upload) -> PictureAnswer:
        check_type(upload)
        with self._batcher.coming():
            found = await self._workers.run(self._find, upload.content)
        start = perf_counter()
        rows = await self._batcher.probabilities(found.crops) if found.faces else ()
        return PictureAnswer(
            name=upload.name,
            width=found.width,
            height=found.height,
            faces=[self._face(face, row) for face, row in zip(found.faces, rows, strict=True)],
            faces_left_out=found.left_out,
            milliseconds=PictureTimes(
                decode=_milliseconds(found.decode),
                detect=_milliseconds(found.detect),
                network=_milliseconds(perf_counter() - start),
            ),
            error=None,
        )

    def _find(self, content: bytes) -> _Found:
        """Decode a picture and find its faces; this runs in a thread."""
        start = perf_counter()
        try:
            picture = read_picture(content, max_pixels=self._limits.max_pixels)
        except TooLargeError as error:
            raise ProblemError("too_many_pixels", f"The picture is {error}.") from None
        except PictureError as error:
            raise ProblemError("damaged", f"The picture cannot be read: {error}.") from None
        decoded = perf_counter()
        found, most = self._recognizer.detector.detect(picture), self._limits.max_faces
        faces, crops = self._recognizer.crops(picture, found[:most])
        return _Found(
            width=picture.shape[1],
            height=picture.shape[0],
            faces=faces,
            crops=crops,
            left_out=max(0, len(found) - most),
            decode=decoded - start,
            detect=perf_counter() - decoded,
        )

    def _face(self, face: Face, row: Probabilities) -> FaceAnswer:
        said = self._recognizer.recognition(row, face)
        x, y, width, height = (round(number, 2) for number in face.box)
        return FaceAnswer(
            box=FaceBox(x=x, y=y, width=width, height=height),
            score=round(face.score, 4),
            answer=said.answer,
            probabilities={name: round(share, 6) for name, share in said.probabilities.items()},
        )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
