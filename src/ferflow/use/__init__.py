"""Use an exported network: on photographs, videos and arrays, without TensorFlow, MLflow and DVC."""
