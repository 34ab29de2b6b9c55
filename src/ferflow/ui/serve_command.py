"""The command `ferflow serve`: the emotions of faces over HTTP."""

import argparse
import sys

from ferflow.base.errors import FerflowError
from ferflow.ui.arguments import add_network, positive, side, whole, zero_or_more

_MORE = """\
  curl -H 'Content-Type: image/jpeg' --data-binary @party.jpg http://127.0.0.1:8000/predict
  curl -F pictures=@one.jpg -F pictures=@two.png http://127.0.0.1:8000/predict

The answer is JSON: for each face the box, the answer and the calibrated probability of each class. /docs describes it,
/health tells that the service answers, /version which network does, /metrics has counters for Prometheus. A refusal
(status 4xx, or 503 with Retry-After if the service is busy) has its reason in `detail`, and a stable `code`.

Nothing of a picture is written or logged. The service knows no users and no encryption: to reach it from other machines
(--host 0.0.0.0), put a proxy in front that does.

An answer is a guess from one look at a face, not what a person feels. The EU's AI Act (Regulation 2024/1689, Article
5(1)(f)) forbids inferring people's emotions at work and in education, except for medical or safety reasons; elsewhere,
people have to be told that it is done (Article 50(3))."""


def add_serve(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `ferflow serve`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _MORE
    add_network(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1, this machine)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen at (default: 8000)")
    parser.add_argument("--max-mb", type=positive, default=10.0, help="maximum megabytes of a request (default: 10)")
    parser.add_argument("--max-megapixels", type=positive, default=25.0, help="maximum of a picture (default: 25)")
    parser.add_argument("--max-pictures", type=whole, default=16, help="maximum in a request (default: 16)")
    parser.add_argument("--max-faces", type=whole, default=100, help="maximum answered for a picture (default: 100)")
    parser.add_argument("--max-requests", type=whole, default=128, help="maximum at once, then 503 (default: 128)")
    parser.add_argument(
        "--timeout", type=positive, default=30.0, metavar="SECONDS", help="for a body, and for an answer (default: 30)"
    )
    parser.add_argument(
        "--wait",
        type=zero_or_more,
        default=5.0,
        metavar="MS",
        help="milliseconds that the network waits for faces of other requests (default: 5)",
    )
    parser.add_argument(
        "--threads", type=whole, help="pictures searched at the same time (default: the number of cores, at most 8)"
    )
    parser.add_argument(
        "--search-side",
        type=side,
        default=640,
        metavar="PIXELS",
        help="longer side of the picture that faces are searched in; more finds smaller faces (default: 640)",
    )
    parser.set_defaults(command=_serve)


def _serve(arguments: argparse.Namespace) -> None:
    try:
        from ferflow.base.workers import available_cores
        from ferflow.serve.limits import Limits
        from ferflow.serve.server import serve
        from ferflow.use.recognizer import Recognizer
        from ferflow.use.yunet import YuNet
    except ModuleNotFoundError as error:
        if not error.name or error.name.partition(".")[0] == "ferflow":
            raise
        raise FerflowError(
            f"ferflow serve needs the package {error.name}, which is not installed. Install what it needs: "
            "pip install 'ferflow[serve]', or make env in the project."
        ) from None
    limits = Limits(
        max_bytes=round(arguments.max_mb * 1e6),
        max_pixels=round(arguments.max_megapixels * 1e6),
        max_pictures=arguments.max_pictures,
        max_faces=arguments.max_faces,
        requests=arguments.max_requests,
        timeout=arguments.timeout,
        wait=arguments.wait / 1000,
        threads=arguments.threads or available_cores(),
    )
    # One thread a picture: several pictures at a time keep the cores busy with less waiting than one by all of them.
    detector = YuNet(side=arguments.search_side, threads=1)
    recognizer = Recognizer(arguments.model, file=arguments.file, detector=detector, threads=1)
    card = recognizer.card

    def announce(address: str) -> None:
        print(f"{card.name} ({card.dataset}) answers at {address}/predict", file=sys.stderr)
        print(f"Documentation: {address}/docs. Ctrl-C stops the service.", file=sys.stderr, flush=True)

    serve(recognizer, limits, arguments.host, arguments.port, announce)
    print("Stopped.", file=sys.stderr)
