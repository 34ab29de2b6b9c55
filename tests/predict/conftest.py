"""The fixtures that tests of recognition share."""

from recognizer_fixtures import detector, network_folder, recognizer

__all__ = ["detector", "network_folder", "recognizer"]
