"""Stage teach: what a network predicts for training images that it was not trained on."""
