"""The service's addresses: POST /predict, /health, /version, /metrics, and the documentation at /docs."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ferflow import __version__
from ferflow.serve.answers import Answer, Health, ModelVersion, PictureAnswer, Version
from ferflow.serve.counters import CONTENT_TYPE, Counters
from ferflow.serve.limits import Limits
from ferflow.serve.picture_service import PictureService
from ferflow.serve.problems import KINDS, MEDIA_TYPE, Problem, ProblemError
from ferflow.serve.upload import FORM, TYPES, discard_body, read_uploads
from ferflow.use.recognizer import Recognizer

_log = logging.getLogger("ferflow.serve")
_DESCRIPTION = """\
Emotions of the faces in pictures. A picture is held in memory until it is answered; nothing of it is written or logged.

An answer is a guess from one look at a face, not what a person feels. The EU's AI Act (Regulation 2024/1689, Article
5(1)(f)) forbids inferring people's emotions at work and in education, except for medical or safety reasons; elsewhere,
people have to be told that it is done (Article 50(3))."""
_CLIENT_GONE = 499  # nginx' status for it; nobody receives it, but it is counted
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "properties": {"pictures": {"type": "array", "items": {"type": "string", "format": "binary"}}},
    }
}


class _Service:
    """What the addresses share."""

    def __init__(self, recognizer: Recognizer, limits: Limits) -> None:
        self.recognizer, self.limits = recognizer, limits
        self.model = ModelVersion.of(recognizer.card, recognizer.network.file)
        self.counters = Counters(self.model, recognizer.card.classes)
        self.running = 0
        self.pictures: PictureService | None = None

    @contextlib.asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        self.pictures = PictureService(self.recognizer, self.limits, self.counters)
        async with self.pictures.running():
            yield

    async def respond(self, request: Request) -> Response:
        """Return the response to a request, and read a body that it refuses to its end."""
        with self.counters.request() as outcome:
            try:
                response = await self._admitted(request)
            except ProblemError as error:
                if error.code != "slow_body":  # that client has had its time
                    await discard_body(request, 4 * self.limits.max_bytes)
                response = error.response()
            except ClientDisconnect:
                response = Response(status_code=_CLIENT_GONE)
            except Exception:  # noqa: BLE001 - a bug costs one answer; uvicorn would cut the connection too
                _log.exception("A request failed.")
                response = ProblemError("failed", "The service failed. Its log has the reason.").response()
            outcome.status = response.status_code
            return response

    async def _admitted(self, request: Request) -> Response:
        # Counted before the body is read, since bodies take memory.
        if self.running >= self.limits.requests:
            raise ProblemError(
                "busy", f"{self.running} requests are being answered, the maximum. Try again in a second."
            )
        self.running += 1
        try:
            return await self._answered(request)
        finally:
            self.running -= 1

    async def _answered(self, request: Request) -> Response:
        start = perf_counter()
        assert self.pictures, "requests come after the start"
        uploads = await read_uploads(request, self.limits)
        try:
            async with asyncio.timeout(self.limits.timeout):
                pictures = await asyncio.gather(*map(self.pictures.answer, uploads))
        except TimeoutError:
            reason = f"There was no answer after {self.limits.timeout:g} seconds. Try again, or send fewer pictures."
            raise ProblemError("busy", reason) from None
        if all(picture.error for picture in pictures):
            raise _refusal(pictures)
        milliseconds = round((perf_counter() - start) * 1000, 2)
        answer = Answer(model=self.model, pictures=pictures, milliseconds=milliseconds)
        return Response(answer.model_dump_json(), 200, {"Cache-Control": "no-store"}, "application/json")

    def version(self) -> Version:
        """Return what runs here."""
        card, file = self.recognizer.card, self.recognizer.network.file
        entry = card.files[file]
        return Version(
            ferflow=__version__,
            model=self.model,
            sha256=entry.sha256,
            classes=list(card.classes),
            temperature=card.temperature,
            licence=card.licence,
            accuracy={name: share.accuracy for name, share in entry.sets.items()},
            limits=self.limits,
        )


def make_app(recognizer: Recognizer, limits: Limits) -> FastAPI:
    """Return the service as an ASGI application.

    Args:
        recognizer: Detector and network.
        limits: What the service accepts.
    """
    service = _Service(recognizer, limits)
    app = FastAPIOffline(
        title="FERflow",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=service.lifespan,
        redoc_url=None,
        favicon_url="data:,",
        # Swagger's page would else ask its maker's server whether this service's description is valid.
        swagger_ui_parameters={"validatorUrl": None, "tryItOutEnabled": True},
    )

    async def predict(request: Request) -> Response:
        return await service.respond(request)

    async def health() -> Health:
        return Health(status="ok")

    async def version() -> Version:
        return service.version()

    async def metrics() -> Response:
        return Response(service.counters.text(), media_type=CONTENT_TYPE)

    app.post(
        "/predict",
        summary="Find the faces in pictures and tell their emotions",
        description="The body is one picture, or a form with several files. If some pictures of a form cannot be read, "
        "their `error` says why; if none can, the request is refused.",
        response_model=Answer,
        responses=_refusals("empty", "slow_body", "too_many_bytes", "unsupported_type", "damaged", "failed", "busy"),
        openapi_extra={
            "requestBody": {"required": True, "content": {**dict.fromkeys(TYPES, _BINARY), FORM: _FORM}},
        },
    )(predict)
    app.get("/health", summary="Tell that the service answers")(health)
    app.get("/version", summary="Tell which network answers, and what is accepted")(version)
    app.get("/metrics", summary="Return counters for Prometheus", response_class=Response)(metrics)
    app.add_exception_handler(HTTPException, _on_http_exception)
    return app


def _refusals(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the description of the statuses with which a request is refused."""
    return {
        KINDS[code].status: {
            "description": "; ".join(kind.title for kind in KINDS.values() if kind.status == KINDS[code].status),
            "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
        }
        for code in codes
    }


def _refusal(pictures: list[PictureAnswer]) -> ProblemError:
    """Return the refusal of a request none of whose pictures can be read."""
    errors = [(picture.name, picture.error) for picture in pictures if picture.error]
    code = errors[0][1].code
    if len(errors) == 1:
        return ProblemError(code, errors[0][1].detail)
    return ProblemError(code, " ".join(f"{name}: {error.detail}" for name, error in errors))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed"}
    path = request.url.path
    details = {
        404: f"There is no {path!r} here. The addresses are /predict, /health, /version, /metrics and /docs.",
        405: f"{path} does not take {request.method}. Pictures are sent by POST to /predict; the rest is read by GET.",
    }
    problem = ProblemError(
        codes.get(error.status_code, "invalid_request"), details.get(error.status_code, error.detail)
    )
    response = problem.response()
    response.headers.update(error.headers or {})
    return response
