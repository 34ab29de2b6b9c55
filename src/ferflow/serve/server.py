"""Run the service on a port until it is told to stop."""

import logging
import signal
import socket
from collections.abc import Callable
from math import ceil

import uvicorn

from ferflow.base.errors import FerflowError
from ferflow.serve.app import make_app
from ferflow.serve.limits import Limits
from ferflow.use.recognizer import Recognizer

_LAST_PORT = 65535
_BACKLOG = 2048  # connections that the system holds until they are taken


def serve(
    recognizer: Recognizer, limits: Limits, host: str, port: int, announce: Callable[[str], None] = lambda address: None
) -> None:
    """Answer requests until SIGTERM or Ctrl-C; requests that have begun are answered first.

    Args:
        recognizer: Detector and network.
        limits: What the service accepts.
        host: Address to listen at, such as 127.0.0.1, or 0.0.0.0 for all of the machine's.
        port: Port to listen at, 0 for a free one.
        announce: What is told the address once the service listens. Defaults to nothing.

    Raises:
        FerflowError: The address cannot be used.
    """
    with listen(host, port) as listener:
        server = uvicorn.Server(configuration(recognizer, limits))
        name, number = listener.getsockname()[:2]
        announce(f"http://{f'[{name}]' if ':' in name else name}:{number}")
        try:
            # uvicorn stops in order, and then raises the signal that stopped it again.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            server.run([listener])
        except KeyboardInterrupt:
            pass  # how a person stops it, or with SIGTERM a system
    if not server.started:
        raise FerflowError("The service could not start; see the messages above.")


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address.

    Raises:
        FerflowError: The host is unknown, or the port is taken or reserved.
    """
    try:
        if not 0 <= port <= _LAST_PORT:  # Linux would take its lower 16 bits
            raise OverflowError(f"ports are 0 to {_LAST_PORT}")
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FerflowError(
            f"The service cannot listen at {host}, port {port}: {reason}. Name another one: --host, --port."
        ) from None


def configuration(recognizer: Recognizer, limits: Limits) -> uvicorn.Config:
    """Return how uvicorn runs the service: without an access log, since addresses of clients are personal data."""
    # Of a damaged form the parser logs the byte that it stumbles over; Pillow logs EXIF data if debugging is on.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    logging.getLogger("PIL").setLevel(logging.WARNING)
    return uvicorn.Config(
        make_app(recognizer, limits),
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=ceil(2 * limits.timeout),
    )
