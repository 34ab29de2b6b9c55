"""Stage export: a network as files that run without Keras."""
