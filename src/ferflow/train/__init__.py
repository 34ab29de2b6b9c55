"""What trains a network: batches, augmentation, the loop, and what it leaves on disk."""
