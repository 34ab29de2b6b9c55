"""What infer writes and evaluate, compare and export read: predictions, their temperature, and paired statistics."""
