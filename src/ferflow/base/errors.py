"""Errors meant for the person at the terminal: what happened, what was received, what to do next."""


class FerflowError(Exception):
    """A mistake or a condition that the user can mend. Stages print its message without a traceback."""


class ConfigError(FerflowError):
    """params.yaml is not what it must be."""


class DownloadError(FerflowError):
    """The raw data could not be had."""


class DataError(FerflowError):
    """The data is there, and cannot be used as it is."""


class ModelError(FerflowError):
    """A network could not be built, loaded or trained."""


class TrackingError(FerflowError):
    """The MLflow server or database could not be used."""
