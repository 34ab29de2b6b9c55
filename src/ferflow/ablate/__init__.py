"""Ablations: variants of one model, trained on folds of the training images and compared image by image."""
