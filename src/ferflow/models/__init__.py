"""The architectures: each module in this package is one, and its name is what `architecture:` names in params.yaml.

Each module defines

- `Options`, a ferflow.base.section.Section: the keys that `network:` has in the model's block. Every key is required,
  because params.yaml is the only place for values;
- `build(options, side, classes)`, which returns an uncompiled keras.Model: raw grey levels, (N, side, side, 1), 0 to
  255, to class probabilities, (N, classes). The network scales its input itself, and consists of Keras' own layers
  only, so that anyone can load the saved file in Keras' safe mode without FERflow;
- `ANY_SIDE = True` if `build` takes None as the side, and so builds a network for images of any side; `train.sides`
  needs it;
- `initialise(model, options, images)`, if the first weights depend on the training images, (N, side, side), uint8, or
  are none of Keras' initializers; it is called once, on the network as built;
- in transfer models also `freeze(model, options, head_only)`; see ferflow.train.transfer.

Parts that several architectures share are in ferflow.train.blocks and ferflow.train.transfer.
"""
