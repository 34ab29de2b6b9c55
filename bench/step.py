"""Measure which changes make the network's own step faster on a CPU, one change at a time.

    python bench/step.py [--rounds 3] [--seconds 5]

Each variant trains on one batch in memory in its own process. A round runs each variant once, FERflow's own first. The
ratios to it (medians over the rounds; above 1 is faster) are written to reports/bench/step.json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench_settings import full_settings

from ferflow.base.files import write_json
from ferflow.base.workers import available_cores

ROOT = Path(__file__).resolve().parent.parent
MODELS = ("cnn_augmented", "mini_xception")
OURS = "as FERflow trains"
# By variant: environment, changes to `train:`, and names of other changes.
VARIANTS: dict[str, tuple[dict[str, str], dict[str, Any], tuple[str, ...]]] = {
    OURS: ({}, {}, ()),
    "without determinism": ({}, {}, ("undetermined",)),
    "XLA, without determinism": ({}, {}, ("undetermined", "xla")),  # Keras refuses XLA with determinism
    "mixed_bfloat16": ({}, {"precision": "mixed_bfloat16"}, ()),
    "float32, convolutions inside in bfloat16": ({"TF_SET_ONEDNN_FPMATH_MODE": "BF16"}, {}, ()),
    "without oneDNN": ({"TF_ENABLE_ONEDNN_OPTS": "0"}, {}, ()),
    "one thread per operation, two operations at once": (
        {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "2"},
        {},
        (),
    ),
    "two threads per operation, one operation at once": (
        {"TF_NUM_INTRAOP_THREADS": "2", "TF_NUM_INTEROP_THREADS": "1"},
        {},
        (),
    ),
    "huge pages": ({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}, {}, ()),
    "memory never returned": (
        {"GLIBC_TUNABLES": "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=100000000000"},
        {},
        (),
    ),
    "batch of 32": ({}, {"batch_size": 32}, ()),
    "batch of 128": ({}, {"batch_size": 128}, ()),
    "without weight averaging": ({}, {"weight_average": 0.0}, ()),
    "normalised before pooling": ({}, {}, ("late pooling",)),
    "channels before pixels": ({}, {}, ("channels first",)),
    "JAX": ({"KERAS_BACKEND": "jax"}, {}, ()),
}


def main() -> None:
    """Measure, write and print, or be one of the measured processes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="runs of each variant")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds per run")
    parser.add_argument("--one", nargs=2, metavar=("MODEL", "VARIANT"), help="measure only this, in this process")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(images_per_second(*arguments.one, arguments.seconds)))
        return
    report: dict[str, Any] = {"cores": available_cores(), "rounds": arguments.rounds, "models": {}}
    for model in MODELS:
        names = [name for name in VARIANTS if name != "normalised before pooling" or model != "mini_xception"]
        rates: dict[str, list[float]] = {name: [] for name in names}
        for number in range(arguments.rounds):
            for name in names:
                rates[name].append(in_process(model, name, arguments.seconds))
                print(f"{model}, round {number + 1}: {name}: {rates[name][-1]:.0f} images/s", flush=True)
        report["models"][model] = {
            "images_per_second": {name: round(statistics.median(found), 1) for name, found in rates.items()},
            "times_ours": {
                name: round(statistics.median(a / b for a, b in zip(found, rates[OURS], strict=True)), 2)
                for name, found in rates.items()
            },
        }
    from ferflow.train.backend import describe_machine  # only now, because TensorFlow's threads would have interfered

    report["processor"] = describe_machine()["cpu"]
    write_json(ROOT / "reports/bench/step.json", report)
    for model, found in report["models"].items():
        print(f"{model}: {found['images_per_second'][OURS]:.0f} images/s {OURS}; ratios to it:")
        for name, ratio in found["times_ours"].items():
            print(f"  {ratio:.2f}  {name}")
    print("Written to reports/bench/step.json.")


def in_process(model: str, variant: str, seconds: float) -> float:
    """Return images per second of a variant, measured in a process with its environment."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **VARIANTS[variant][0]}
    command = [sys.executable, __file__, "--one", model, variant, "--seconds", str(seconds)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{model}, {variant}: {done.stderr}")
    return float(done.stdout.splitlines()[-1])


def images_per_second(model: str, variant: str, seconds: float) -> float:
    """Take steps on one batch in memory; return images per second by the median step."""
    import keras
    import numpy as np

    from ferflow.train import blocks
    from ferflow.train.architectures import build_network
    from ferflow.train.backend import make_reproducible
    from ferflow.train.optimizer import compile_network

    _, changes, special = VARIANTS[variant]
    resolved = full_settings(model)
    settings = resolved.train.model_copy(update=changes)
    if "undetermined" in special:
        keras.utils.set_random_seed(1)
    else:
        make_reproducible(1)
    if "late pooling" in special:
        _pool_late(blocks)
    keras.config.set_dtype_policy(settings.precision)
    net = build_network(resolved.architecture, resolved.network, 48, 7)
    if "channels first" in special:
        net = _with_channels_first(net)
    compile_network(net, settings)
    if "xla" in special:
        net.jit_compile = True
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (settings.batch_size, *net.input_shape[1:])).astype(np.float32)
    targets = np.eye(7, dtype=np.float32)[rng.integers(0, 7, settings.batch_size)]
    for _ in range(4):
        net.train_on_batch(images, targets)
    taken, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken) < 5:
        start = time.perf_counter()
        net.train_on_batch(images, targets)
        taken.append(time.perf_counter() - start)
    return settings.batch_size / statistics.median(taken)


def _pool_late(blocks: Any) -> None:
    """Make blocks.conv_unit pool after normalization and ReLU, as most descriptions of such networks do."""
    from keras import layers

    early = blocks.conv_unit

    def conv_unit(x: Any, filters: int, *, pool: bool, momentum: float) -> Any:
        x = early(x, filters, pool=False, momentum=momentum)
        return layers.MaxPooling2D()(x) if pool else x

    blocks.conv_unit = conv_unit


def _with_channels_first(net: Any) -> Any:
    """Return the same network for images of shape (channels, height, width)."""
    import keras

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if "data_format" in config:
            config["data_format"] = "channels_first"
        if isinstance(layer, keras.layers.BatchNormalization):
            config["axis"] = 1
        return layer.__class__.from_config(config)

    height, width, channels = net.input_shape[1:]
    return keras.models.clone_model(net, input_tensors=keras.Input((channels, height, width)), clone_function=clone)


if __name__ == "__main__":
    main()
