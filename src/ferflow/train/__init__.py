"""Training: architectures and their shared parts, batches, augmentation, the loop, and what it leaves on disk."""
