"""Columns of fer2013new.csv: the votes of ten annotators for each row of fer2013.csv (FER+, Barsoum et al. 2016)."""

EMOTIONS = {
    "neutral": "neutral",
    "happiness": "happy",
    "surprise": "surprise",
    "sadness": "sad",
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "contempt": "contempt",
}
"""Emotion that each column of votes counts, by the column's name in lower case. The file's order decides ties."""

COLUMNS = (*EMOTIONS, "unknown", "nf")
"""All columns of votes in lower case; `nf` counts the annotators who saw no face."""
