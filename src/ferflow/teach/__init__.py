"""Stage teach: what a network predicts for the training images."""
