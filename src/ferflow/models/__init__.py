"""The networks. A module in this folder is an architecture; its name is the one in params.yaml.

Each module has

- `Options`, a ferflow.settings Section: the keys that `network:` may have in the model's block;
- `build(options, side, classes)`: a keras.Model from raw grey levels, (N, side, side, 1) in 0 to 255, to class
  probabilities, (N, classes). Scaling is inside; only keras' own layers are used, so that the saved file loads
  anywhere with safe mode on;
- in transfer models also `freeze(model, options, head_only)`, see ferflow.train.transfer.

What several of them share is in ferflow.train.blocks and ferflow.train.transfer.
"""
