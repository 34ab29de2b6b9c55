"""Measure training: the share of the time that is the network's own step, the usual ways beside ours, and every model.

    python bench/train.py [--steps 150] [--rounds 5]

In rounds, within one process and on one network each: bare steps on a batch that lies in memory; the same number of
steps of an epoch as the train stage does it, validation and bookkeeping included; and the two usual ways, which read
the same images one by one from a directory: keras' image_dataset_from_directory with its random layers, and
ImageDataGenerator. Images are drawn faces. Then bare steps of every model of params.yaml, from which follow the seconds
an epoch in docs/models.md. Written to reports/bench/train.json.
"""

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ferflow.base.arrays import Split
from ferflow.base.files import write_json
from ferflow.base.workers import available_cores, in_parallel, portions
from ferflow.faces import CLASSES, random_face
from ferflow.settings import load_config
from ferflow.train.recipe import ResolvedModel
from ferflow.ui.console import start_keras
from ferflow.ui.progress import progress

ROOT = Path(__file__).resolve().parent.parent
MODELS = ("cnn_augmented", "mini_xception")
LEAST_SHARE = 0.95
EPOCH = 24_219  # training images of FER-2013, cleaned and cut by params.yaml
_VALIDATION = 64  # images: an epoch of a bench is short, so its validation is too


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=150, help="steps of each measurement")
    parser.add_argument("--rounds", type=int, default=5, help="how often all are measured in turn; medians count")
    arguments = parser.parse_args()
    start_keras()
    from ferflow.train.backend import describe_machine

    config = load_config(ROOT / "params.yaml").model_copy(update={"budget": "full"})
    report: dict[str, Any] = {"cores": available_cores(), "limits": {"step_share": LEAST_SHARE}, "models": {}}
    for name in MODELS:
        resolved = config.resolve(name)
        faces = draw(arguments.steps * resolved.train.batch_size)
        report["models"][name] = measure(resolved, faces, arguments.steps, arguments.rounds)
    report["seconds_an_epoch"] = {
        "images": EPOCH,
        "processor": describe_machine()["cpu"],
        "models": {name: round(EPOCH / step_rate(config.resolve(name))) for name in config.models},
    }
    write_json(ROOT / "reports/bench/train.json", report)
    for name, found in report["models"].items():
        usual = ", ".join(f"{ratio} times {way}" for way, ratio in found["times_faster_than"].items())
        print(
            f"{name}: {found['images_per_second']['train stage']:.0f} images/s, {100 * found['step_share']:.1f} % of "
            f"the time is the network's own step (at least {100 * LEAST_SHARE:g} %); {usual}"
        )
    print("see reports/bench/train.json")


def measure(resolved: ResolvedModel, faces: Split, steps: int, rounds: int) -> dict[str, Any]:
    """Measure all ways; return images per second and ratios."""
    with tempfile.TemporaryDirectory(prefix="ferflow-bench-") as temporary:
        write(faces, Path(temporary))
        step, share = beside_train_stage({"bare steps": bare_steps(resolved, faces)}, resolved, faces, steps, rounds)
        usual, ratios = beside_train_stage(  # apart, since they change how TensorFlow takes and gives back memory
            {
                "image_dataset_from_directory": directory_dataset(resolved, Path(temporary)),
                "ImageDataGenerator": directory_generator(resolved, Path(temporary)),
            },
            resolved,
            faces,
            steps,
            rounds,
        )
    return {
        "batch_size": resolved.train.batch_size,
        "steps": steps,
        "rounds": rounds,
        "images_per_second": step | {f"{way}, beside the usual ways": rate for way, rate in usual.items()},
        "step_share": share["bare steps"],
        "times_faster_than": ratios,
    }


def beside_train_stage(
    others: dict[str, Callable[[int], None]], resolved: ResolvedModel, faces: Split, steps: int, rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Run the train stage's epochs and the others in turn.

    Returns:
        Images per second of the train stage and of each other way, and by what factor the stage is faster than each;
        medians over the rounds.
    """
    from ferflow.train.loop import train_network

    images = steps * resolved.train.batch_size
    rates: dict[str, list[float]] = {}
    for run in others.values():
        run(3)  # compile
    clock = time.perf_counter()

    def on_epoch(row: dict[str, float]) -> None:
        """Take the time of the epoch; then let the others run, as long as this training waits."""
        nonlocal clock
        seconds = time.perf_counter() - clock
        if row["epoch"] > 1:  # the first one compiles
            rates.setdefault("train stage", []).append(images / seconds)
            for way, run in others.items():
                start = time.perf_counter()
                run(steps)
                rates.setdefault(way, []).append(images / (time.perf_counter() - start))
            print(f"{resolved.name} beside {', '.join(others)}: round {row['epoch'] - 1:.0f} of {rounds}", flush=True)
        clock = time.perf_counter()

    settings = resolved.train.model_copy(update={"epochs": rounds + 1, "patience": rounds + 1})
    few = faces.take(np.arange(_VALIDATION))
    train_network(resolved.model_copy(update={"train": settings}), faces, few, 1, on_epoch=on_epoch)
    ratios = {
        way: statistics.median(a / b for a, b in zip(rates["train stage"], rates[way], strict=True)) for way in others
    }
    return (
        {way: round(statistics.median(found), 1) for way, found in rates.items()},
        {way: round(ratio, 3) for way, ratio in ratios.items()},
    )


def bare_steps(resolved: ResolvedModel, faces: Split) -> Callable[[int], None]:
    """Return what does so many steps on one batch in memory."""
    from ferflow.train.batches import Batches

    model = network(resolved, len(faces.classes))
    batch = next(Batches(faces, resolved.train, 1).epoch(1))

    def run(steps: int) -> None:
        for _ in range(steps):
            model.train_on_batch(batch.images, batch.targets, return_dict=True)

    return run


def step_rate(resolved: ResolvedModel, seconds: float = 5.0) -> float:
    """Return images per second of bare steps of a model, trained whole and from random weights; the median step's."""
    from ferflow.train.architectures import find_architecture

    if hasattr(find_architecture(resolved.architecture), "freeze"):
        resolved = resolved.model_copy(update={"network": {**resolved.network, "weights": "none"}})
    run = bare_steps(resolved, draw(resolved.train.batch_size))
    run(2)
    taken: list[float] = []
    while sum(taken) < seconds or len(taken) < 5:
        start = time.perf_counter()
        run(1)
        taken.append(time.perf_counter() - start)
    rate = resolved.train.batch_size / statistics.median(taken)
    print(f"{resolved.name}: {rate:.0f} images/s", flush=True)
    return rate


def directory_dataset(resolved: ResolvedModel, folder: Path) -> Callable[[int], None]:
    """Return what fits on image_dataset_from_directory, with the augmentation as random layers before the network."""
    import keras

    augment = resolved.train.augment
    layers = [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomRotation(augment.rotation / 360, fill_mode="reflect"),
        keras.layers.RandomTranslation(augment.shift, augment.shift, fill_mode="reflect"),
        keras.layers.RandomZoom(augment.zoom, fill_mode="reflect"),
    ]
    model = network(resolved, len(CLASSES[7]), layers)
    images = keras.utils.image_dataset_from_directory(
        folder,
        label_mode="categorical",
        color_mode="grayscale",
        batch_size=resolved.train.batch_size,
        image_size=(48, 48),
        seed=1,
        verbose=False,
    )
    return lambda steps: _fit(model, images.repeat(), steps)


def directory_generator(resolved: ResolvedModel, folder: Path) -> Callable[[int], None]:
    """Return what fits on ImageDataGenerator.flow_from_directory."""
    import tensorflow as tf

    augment = resolved.train.augment
    generator = tf.keras.preprocessing.image.ImageDataGenerator(
        horizontal_flip=augment.flip,
        rotation_range=augment.rotation,
        width_shift_range=augment.shift,
        height_shift_range=augment.shift,
        zoom_range=augment.zoom,
        fill_mode="reflect",
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it found
        images = generator.flow_from_directory(
            folder, target_size=(48, 48), color_mode="grayscale", batch_size=resolved.train.batch_size, seed=1
        )
    model = network(resolved, len(CLASSES[7]))
    return lambda steps: _fit(model, images, steps)


def network(resolved: ResolvedModel, classes: int, before: Sequence[Any] = ()) -> Any:
    """Build and compile a network as the train stage does, with further layers before it."""
    import keras

    from ferflow.train.architectures import build_network
    from ferflow.train.optimizer import compile_network

    model = build_network(resolved.architecture, resolved.network, 48, classes)
    if before:
        model = keras.Sequential([keras.Input((48, 48, 1)), *before, model])
    compile_network(model, resolved.train)
    return model


def draw(count: int) -> Split:
    """Draw faces, so many."""
    import pandas as pd

    parts = progress(in_parallel(_draw, portions(range(count), 64)), -(-count // 64), "drawing faces", unit="part")
    images = np.concatenate(list(parts))
    index = pd.DataFrame({"id": [str(number) for number in range(count)], "subset": "Training", "group": range(count)})
    return Split(images, np.arange(count) % 7, index, CLASSES[7])


def write(faces: Split, folder: Path) -> None:
    """Write the faces as JPEG files, a folder a class."""
    for number, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
        path = folder / faces.classes[label] / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path, quality=92)


def _fit(model: Any, images: Any, steps: int) -> None:
    model.fit(images, steps_per_epoch=steps, shuffle=False, verbose=0)


def _draw(numbers: Sequence[int]) -> Any:
    return np.stack([random_face(np.random.default_rng(n), CLASSES[7][n % 7]) for n in numbers])


if __name__ == "__main__":
    main()
