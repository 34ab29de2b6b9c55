"""Run a recognizer over pictures, videos, cameras and URLs, and write a row for each face."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ferflow.base.errors import DataError
from ferflow.predict.annotate import annotate
from ferflow.predict.annotated_files import AnnotatedFiles
from ferflow.predict.download_file import fetch
from ferflow.predict.every import Every
from ferflow.predict.faces_in_time import FaceTracker, Smoother
from ferflow.predict.items import Item, Kind, kind_of
from ferflow.predict.rows import Row, Status
from ferflow.predict.table_files import Table
from ferflow.ui.progress import progress
from ferflow.use.face import Rgb
from ferflow.use.picture import PictureError, read_picture
from ferflow.use.recognizer import Recognition, Recognizer

if TYPE_CHECKING:
    from ferflow.predict.video import Frame, Video

Which = Literal["all", "largest", "whole"]


@dataclass(frozen=True, slots=True)
class Options:
    """How to look at the items.

    Attributes:
        faces: `all` faces of a picture, its `largest`, or the `whole` picture, which then is a face cut out already.
            Defaults to all.
        every: Frames of a video to look at. Defaults to each.
        smooth: Time constant in seconds over which a video's probabilities are averaged; None: not at all, the default.
        draw: Folder for annotated copies, or a file if there is one item; None: none, the default.
        progress: Whether to show progress on standard error. Defaults to true.
    """

    faces: Which = "all"
    every: Every = field(default_factory=Every)
    smooth: float | None = None
    draw: Path | None = None
    progress: bool = True


@dataclass(slots=True)
class Summary:
    """What a run did.

    Attributes:
        items: Pictures, videos and so on that were looked at.
        skipped: Items that an earlier run had finished.
        faces: Rows with a face.
        without: Pictures and frames without a face.
        failed: Items that could not be read, or not to their end.
    """

    items: int = 0
    skipped: int = 0
    faces: int = 0
    without: int = 0
    failed: int = 0


@dataclass(slots=True)
class _Run:
    recognizer: Recognizer
    table: Table
    options: Options
    copies: AnnotatedFiles | None
    summary: Summary = field(default_factory=Summary)

    def item(self, item: Item, single: bool) -> None:
        """Write the rows of an item; a failure is a row too."""
        self.summary.items += 1
        try:
            if item.kind is Kind.URL:
                with tempfile.TemporaryDirectory() as folder:
                    file = Path(folder, f"file{Path(item.place).suffix}")
                    video = fetch(item.name, file).startswith("video/") or kind_of(item.place) is Kind.VIDEO
                    self._file(item, file, video, single)
            elif item.kind is Kind.CAMERA:
                self._video(item, int(item.name), single)
            else:
                self._file(item, Path(item.name), item.kind is Kind.VIDEO, single)
        except PictureError as error:
            self.summary.failed += 1
            self.table.write([Row(item.name, status=Status.FAILED, reason=" ".join(str(error).split()))])

    def _file(self, item: Item, file: Path, video: bool, single: bool) -> None:
        if video:
            self._video(item, file, single)
            return
        image = read_picture(file)
        found = self._look(image)
        rows = [
            Row(item.name, face=number, recognition=each, probabilities=each.probabilities)
            for number, each in enumerate(found, start=1)
        ]
        self._write(rows or [Row(item.name, status=Status.NO_FACE, reason="no face found")])
        if self.copies:
            self.copies.picture(item.place, annotate(image, rows, self.recognizer.card.classes))

    def _video(self, item: Item, source: Path | int, single: bool) -> None:
        from ferflow.predict.video import Video  # FFmpeg's libraries take a fifth of a second, which pictures need not

        classes = self.recognizer.card.classes
        if isinstance(source, Path) and not source.is_file():
            raise PictureError("no such file")
        with ExitStack() as stack:
            video = stack.enter_context(Video(source))
            copy = stack.enter_context(self.copies.video(item.place, video.rate)) if self.copies else None
            tracker, smoother = FaceTracker(), Smoother(self.options.smooth) if self.options.smooth else None
            try:
                for frame in self._shown(video.read(self.options.every), video, single):
                    rows = self._rows(item, frame, tracker, smoother)
                    self._write(rows)
                    if copy:
                        copy.write(annotate(frame.image, rows, classes), frame.time)
            except KeyboardInterrupt:
                if item.kind is not Kind.CAMERA:  # which has no other end
                    raise

    def _shown(self, frames: "Iterator[Frame]", video: "Video", single: bool) -> "Iterable[Frame]":
        """Return the frames, with progress if they are all there is to do and their number is known."""
        if not (single and self.options.progress and video.frames):
            return frames
        every = self.options.every
        step = every.frames if every.seconds is None else max(1.0, every.seconds * video.rate)
        return progress(frames, max(1, round(video.frames / step)), "recognizing", unit="frame")

    def _rows(self, item: Item, frame: "Frame", tracker: FaceTracker, smoother: Smoother | None) -> list[Row]:
        found = self._look(frame.image)
        whole = self.options.faces == "whole"
        numbers = [1] if whole else tracker.numbers([each.box for each in found if each.box], frame.time)
        rows = []
        for number, each in sorted(zip(numbers, found, strict=True), key=lambda pair: pair[0]):
            shares = each.probabilities
            if smoother:
                shares = smoother.smooth(number, frame.time, shares)
            rows.append(Row(item.name, frame.number, frame.time, number, each, shares))
        return rows or [Row(item.name, frame.number, frame.time, status=Status.NO_FACE, reason="no face found")]

    def _look(self, image: Rgb) -> list[Recognition]:
        """Return the faces that are asked for, the largest first."""
        if self.options.faces == "whole":
            return self.recognizer.faces([image])
        faces = sorted(self.recognizer.detector.detect(image), key=lambda face: -face.box.area)
        return self.recognizer.recognize(image, faces[:1] if self.options.faces == "largest" else faces)

    def _write(self, rows: Sequence[Row]) -> None:
        counts = Counter(row.status for row in rows)
        self.summary.faces += counts[Status.OK]
        self.summary.without += counts[Status.NO_FACE]
        self.table.write(rows)


def predict(items: Sequence[Item], recognizer: Recognizer, table: Table, options: Options) -> Summary:
    """Write a row for each face of some items. One that cannot be read has a row with the reason; the others go on.

    Args:
        items: What to look at. Those in `table.done` are skipped.
        recognizer: The network and the detector.
        table: Where the rows go; the caller closes it.
        options: How to look at the items.

    Raises:
        DataError: `options.draw` is a file, but there are several items; or an annotated copy cannot be written.
    """
    copies = None
    if options.draw:
        is_file = options.draw.suffix != "" and not options.draw.is_dir()
        if is_file and len(items) > 1:
            raise DataError(f"--draw {options.draw} is one file, but there are {len(items)} inputs. Name a folder.")
        copies = AnnotatedFiles(options.draw, is_file)
    todo = [item for item in items if item.name not in table.done]
    run = _Run(recognizer, table, options, copies, Summary(skipped=len(items) - len(todo)))
    single = len(todo) == 1
    shown: Iterable[Item] = todo
    if options.progress and not single:
        shown = progress(todo, len(todo), "recognizing", unit="file", status=lambda: f"{run.summary.faces} faces")
    for item in shown:
        run.item(item, single)
    return run.summary
