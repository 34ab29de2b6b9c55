"""Arguments that several commands have, and numbers within limits, which argparse checks (exit status 2)."""

import argparse


def add_network(parser: argparse.ArgumentParser) -> None:
    """Add `--model` and `--file`, which name the network to use."""
    parser.add_argument(
        "--model",
        default="default",
        metavar="MODEL",
        help="network: default, a folder from `ferflow export`, or models:/NAME@ALIAS",
    )
    parser.add_argument("--file", metavar="NAME", help="file of the network's folder, such as model.onnx")


def positive(text: str) -> float:
    """Return a finite number above 0."""
    number = _number(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0. Received: {text!r}.")
    return number


def zero_or_more(text: str) -> float:
    """Return a finite number of at least 0."""
    number = _number(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be 0 or more. Received: {text!r}.")
    return number


def share(text: str) -> float:
    """Return a number between 0 and 1, both excluded."""
    number = _number(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1. Received: {text!r}.")
    return number


def whole(text: str) -> int:
    """Return a whole number of at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more. Received: {text!r}.")
    return int(text)


def side(text: str) -> int:
    """Return the side of an image in which faces can be searched, in pixels."""
    if not text.isdigit() or not 32 <= int(text) <= 4096:
        raise argparse.ArgumentTypeError(f"must be from 32 to 4096 pixels. Received: {text!r}.")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number. Received: {text!r}.") from None
