"""What one service accepts, and how much of it at once."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Limits(BaseModel):
    """Limits of a service.

    They bound its memory: at most `requests * max_bytes` of bodies, and `threads` decoded pictures.

    Attributes:
        max_bytes: Maximum size of a request's body. Defaults to 10 MB.
        max_pictures: Maximum number of pictures in a request. Defaults to 16.
        max_pixels: Maximum number of pixels of a picture. Defaults to 25 million.
        max_faces: Maximum number of faces that are answered for a picture, the surest first. Defaults to 100.
        requests: Maximum number of requests at once; more get status 503. Defaults to 128.
        timeout: Seconds that a request's body may take to arrive, and as many that its answer may take. Defaults to 30.
        threads: Pictures that are decoded and searched at the same time. Defaults to 2.
        batch: Faces from which the network does not wait for more. Defaults to 64.
        wait: Seconds that the network waits at most for the faces of other requests that are being searched. Defaults
            to 0.005. With no other request on its way it does not wait.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_bytes: Count = 10_000_000
    max_pictures: Count = 16
    max_pixels: Count = 25_000_000
    max_faces: Count = 100
    requests: Count = 128
    timeout: Seconds = 30.0
    threads: Count = 2
    batch: Count = 64
    wait: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.005
