"""Counters for Prometheus: how much is asked, how long it takes, what is answered; nothing of any picture."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ferflow.serve.answers import ModelVersion, PictureAnswer

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_FACES = (1, 2, 4, 8, 16, 32, 64, 128)


class Outcome:
    """The status that a request ends with; 500 until it is set."""

    status = 500


class Counters:
    """The counters of one service, in a registry of their own."""

    def __init__(self, model: ModelVersion, classes: tuple[str, ...]) -> None:
        """Start at zero.

        Args:
            model: The network that answers.
            classes: Names of its classes.
        """
        self._registry = CollectorRegistry()
        place = self._registry
        self._requests = Counter("ferflow_requests", "Requests to /predict by HTTP status", ["status"], registry=place)
        self._running = Gauge(
            "ferflow_requests_running", "Requests to /predict that are being answered", registry=place
        )
        self._seconds = Histogram("ferflow_request_seconds", "Time of a request", buckets=_SECONDS, registry=place)
        self._pictures = Counter(
            "ferflow_pictures", "Pictures by outcome: ok, no_face, or why not", ["outcome"], registry=place
        )
        self._parts = Histogram(
            "ferflow_picture_seconds", "Time of a picture's parts", ["part"], buckets=_SECONDS, registry=place
        )
        self._answers = Counter("ferflow_faces", "Faces by answer", ["answer"], registry=place)
        self._batches = Histogram(
            "ferflow_batch_faces", "Faces in a run of the network", buckets=_FACES, registry=place
        )
        for name in classes:
            self._answers.labels(name)
        Info("ferflow_model", "The network that answers", registry=place).info(model.model_dump())

    @contextmanager
    def request(self) -> Iterator[Outcome]:
        """Count a request that is answered inside of this context."""
        outcome, start = Outcome(), perf_counter()
        self._running.inc()
        try:
            yield outcome
        finally:
            self._running.dec()
            self._requests.labels(outcome.status).inc()
            self._seconds.observe(perf_counter() - start)

    def picture(self, picture: PictureAnswer) -> None:
        """Count a picture, with its faces and times."""
        if picture.error:
            self._pictures.labels(picture.error.code).inc()
            return
        self._pictures.labels("ok" if picture.faces else "no_face").inc()
        for face in picture.faces:
            self._answers.labels(face.answer).inc()
        if picture.milliseconds:
            for part, milliseconds in picture.milliseconds.model_dump().items():
                self._parts.labels(part).observe(milliseconds / 1000)

    def batch(self, faces: int) -> None:
        """Count a run of the network."""
        self._batches.observe(faces)

    def text(self) -> bytes:
        """Return the counters as Prometheus reads them."""
        return generate_latest(self._registry)
