"""FER+ (Barsoum et al. 2016): what ten people answered for each row of fer2013.csv, as fer2013new.csv has it."""

# Column of votes, in small letters: what it means. In the file's order, which settles ties.
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
COLUMNS = (*EMOTIONS, "unknown", "nf")  # nf: not a face
