"""Training: batches, augmentation, the loop, and what it leaves on disk."""

from ferflow.train.checkpoint import forget_checkpoints
from ferflow.train.loop import TrainResult, train_network
from ferflow.train.outputs import write_outputs

__all__ = ["TrainResult", "forget_checkpoints", "train_network", "write_outputs"]
