"""What the tests of cross-dataset evaluation share."""

SIDE = 16
CODES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
