"""Every architecture in a narrow version, so that tests are quick."""

from defaults import network
from ferflow.train.architectures import architectures, find_architecture

TRANSFER = [name for name in architectures() if hasattr(find_architecture(name), "freeze")]

# Narrow versions, to be quick. An architecture that is missing here is tested with the options in params.yaml.
NARROW = {
    "alexnet": {"filters": [16, 24, 32, 32, 24], "dense": 64},
    "cnn": {"filters": [8, 16, 32, 32], "dense": 64},
    "ferflow_flash": {"filters": [16, 32, 32]},
    "ferflow_net": {"stem": 8, "filters": [8, 16, 16, 32]},
    "emotionnet": {"filters": [16, 24, 32], "dense": [64]},
    "resnet18_fer": {"width": 16},  # with 8, a training step crashed on a processor with AVX-512; not at oneDNN's AVX2
    "vgg_fer": {"width": 8, "dense": 64},
    "wide_cnn": {"filters": [16, 32, 32, 64], "dense": [64, 32]},
}


def random_weights(name, **changes):
    """Options with which a network downloads no weights and enlarges no images."""
    return network(name, **({"weights": "none", "upscale": 1} if name in TRANSFER else {}), **changes)
