"""Errors meant for the person at the terminal: what happened, what was received, what to do next."""


class FerflowError(Exception):
    """A mistake or a condition that the user can fix. Stages print its message without a traceback."""


class ConfigError(FerflowError):
    """params.yaml is invalid, or does not fit the environment."""


class DownloadError(FerflowError):
    """The raw data could not be obtained."""


class DataError(FerflowError):
    """The data is missing, damaged or unusable."""


class ModelError(FerflowError):
    """A network could not be built, loaded or trained."""


class TrackingError(FerflowError):
    """The MLflow server or database could not be used."""
