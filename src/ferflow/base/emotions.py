"""Emotions of FER-2013 and FER+, under the names that the whole project uses."""

EMOTIONS = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The eight classes of FER+ (Barsoum et al. 2016), sorted by name; FER-2013 has all but contempt."""

FER2013_CODES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Emotions in the order of their codes, 0 to 6, in the `emotion` column of fer2013.csv."""
