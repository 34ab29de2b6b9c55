"""What the service answers if it refuses a request: one JSON shape, after RFC 9457 (Problem Details for HTTP APIs)."""

from typing import NamedTuple

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 1
"""Seconds after which a client may try again if the service is busy."""


class _Kind(NamedTuple):
    status: int
    title: str


KINDS = {
    "empty": _Kind(400, "No picture"),
    "invalid_form": _Kind(400, "Invalid multipart/form-data"),
    "invalid_request": _Kind(400, "Invalid request"),
    "not_found": _Kind(404, "Not found"),
    "method_not_allowed": _Kind(405, "Method not allowed"),
    "slow_body": _Kind(408, "Body too slow"),
    "too_many_bytes": _Kind(413, "Too many bytes"),
    "too_many_pictures": _Kind(413, "Too many pictures"),
    "too_many_pixels": _Kind(413, "Too many pixels"),
    "unsupported_type": _Kind(415, "Unsupported type"),
    "type_mismatch": _Kind(415, "Another type than stated"),
    "damaged": _Kind(422, "Damaged picture"),
    "failed": _Kind(500, "Internal error"),
    "busy": _Kind(503, "Busy"),
}
"""Status and title of a problem by its code. Codes are stable: clients may rely on them."""


class Problem(BaseModel):
    """The JSON of a refusal."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(default="about:blank", description="Always about:blank; `code` tells problems apart.")
    title: str = Field(description="What kind of problem it is.", examples=["Too many pixels"])
    status: int = Field(description="HTTP status.", examples=[413])
    detail: str = Field(description="What was received, and what is allowed.")
    code: str = Field(description=f"One of {', '.join(KINDS)}.", examples=["too_many_pixels"])


class ProblemError(Exception):
    """A request, or one of its pictures, is refused.

    Attributes:
        code: Key of KINDS.
        detail: What was received and what is allowed, a sentence or more.
    """

    def __init__(self, code: str, detail: str) -> None:
        """Take the code and the reason."""
        super().__init__(detail)
        self.code = code
        self.detail = detail

    @property
    def status(self) -> int:
        """HTTP status."""
        return KINDS[self.code].status

    def problem(self) -> Problem:
        """Return what the client gets."""
        status, title = KINDS[self.code]
        return Problem(title=title, status=status, detail=self.detail, code=self.code)

    def response(self) -> Response:
        """Return the whole response."""
        headers = {"Cache-Control": "no-store"}
        if self.status == 503:
            headers["Retry-After"] = str(RETRY_AFTER)
        return Response(self.problem().model_dump_json(), self.status, headers, MEDIA_TYPE)
