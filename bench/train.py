"""Measure training: the share of time in the network's own step, common alternatives, and the speed of every model.

    python bench/train.py [--steps 150] [--rounds 5]

Each round measures in one process, each with its own network: bare steps on one batch in memory; as many steps of an
epoch of stage train, with validation and bookkeeping; and two common alternatives that read the same images from a
directory, Keras' image_dataset_from_directory with its random layers, and ImageDataGenerator. The images are drawn
faces. Bare steps of every model in params.yaml then give the seconds per epoch in docs/models.md. The results are
written to reports/bench/train.json.
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
from bench_settings import full_config, full_settings
from PIL import Image

from ferflow.base.arrays import Split
from ferflow.base.files import write_json
from ferflow.base.workers import available_cores, in_parallel, portions
from ferflow.faces import CLASSES, random_face
from ferflow.train.recipe import ResultSettings
from ferflow.ui.console import start_keras
from ferflow.ui.progress import progress

ROOT = Path(__file__).resolve().parent.parent
MODELS = ("cnn_augmented", "mini_xception")
MINIMUM_SHARE = 0.95
EPOCH = 24_219  # training images of FER-2013 after clean and prepare
_VALIDATION = 64  # images; few, because the measured epochs are short as well


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=150, help="steps per measurement")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds, whose median is reported")
    arguments = parser.parse_args()
    start_keras(full_config().backend)
    from ferflow.train.backend import describe_machine

    report: dict[str, Any] = {"cores": available_cores(), "limits": {"step_share": MINIMUM_SHARE}, "models": {}}
    for name in MODELS:
        resolved = full_settings(name)
        faces = draw(arguments.steps * resolved.train.batch_size)
        report["models"][name] = measure(resolved, faces, arguments.steps, arguments.rounds)
    report["seconds_an_epoch"] = {
        "images": EPOCH,
        "processor": describe_machine()["cpu"],
        "models": {name: round(EPOCH / step_rate(full_settings(name))) for name in full_config().models},
    }
    write_json(ROOT / "reports/bench/train.json", report)
    for name, found in report["models"].items():
        usual = ", ".join(f"{ratio} times {way}" for way, ratio in found["times_faster_than"].items())
        print(
            f"{name}: {found['images_per_second']['train stage']:.0f} images/s, {100 * found['step_share']:.1f} % of "
            f"the time is the network's own step (limit: at least {100 * MINIMUM_SHARE:g} %); {usual}"
        )
    print("Written to reports/bench/train.json.")


def measure(resolved: ResultSettings, faces: Split, steps: int, rounds: int) -> dict[str, Any]:
    """Measure stage train and all alternatives; return images per second and ratios."""
    with tempfile.TemporaryDirectory(prefix="ferflow-bench-") as temporary:
        write(faces, Path(temporary))
        step, share = compare_with_train_stage(
            {"bare steps": bare_steps(resolved, faces)}, resolved, faces, steps, rounds
        )
        usual, ratios = compare_with_train_stage(  # separately, because they change how TensorFlow allocates memory
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
        "images_per_second": step | {f"{way}, in turn with the alternatives": rate for way, rate in usual.items()},
        "step_share": share["bare steps"],
        "times_faster_than": ratios,
    }


def compare_with_train_stage(
    others: dict[str, Callable[[int], None]], resolved: ResultSettings, faces: Split, steps: int, rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Run epochs of stage train and the alternatives in turn.

    Returns:
        Images per second of stage train and of each alternative, and by what factor the stage is faster than each;
        medians over the rounds.
    """
    from ferflow.train.loop import train_network

    images = steps * resolved.train.batch_size
    rates: dict[str, list[float]] = {}
    for run in others.values():
        run(3)  # compile
    clock = time.perf_counter()

    def on_epoch(row: dict[str, float]) -> None:
        """Take the time of the epoch, then run the alternatives while this training waits."""
        nonlocal clock
        seconds = time.perf_counter() - clock
        if row["epoch"] > 1:  # the first one compiles
            rates.setdefault("train stage", []).append(images / seconds)
            for way, run in others.items():
                start = time.perf_counter()
                run(steps)
                rates.setdefault(way, []).append(images / (time.perf_counter() - start))
            print(f"{resolved.model} and {', '.join(others)}: round {row['epoch'] - 1:.0f} of {rounds}", flush=True)
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


def bare_steps(resolved: ResultSettings, faces: Split) -> Callable[[int], None]:
    """Return a function that takes a number of steps on one batch in memory."""
    from ferflow.train.batches import Batches

    model = network(resolved, len(faces.classes))
    batch = next(Batches(faces, resolved.train, 1).epoch(1))

    def run(steps: int) -> None:
        for _ in range(steps):
            model.train_on_batch(batch.images, batch.targets, return_dict=True)

    return run


def step_rate(resolved: ResultSettings, seconds: float = 5.0) -> float:
    """Return images per second by the median bare step of a model with random weights, all of them trained."""
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
    print(f"{resolved.model}: {rate:.0f} images/s", flush=True)
    return rate


def directory_dataset(resolved: ResultSettings, folder: Path) -> Callable[[int], None]:
    """Return a function that fits on image_dataset_from_directory, with augmentation by random layers."""
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


def directory_generator(resolved: ResultSettings, folder: Path) -> Callable[[int], None]:
    """Return a function that fits on ImageDataGenerator.flow_from_directory."""
    import tensorflow as tf

    augment = resolved.train.augment
    generator = tf.keras.preprocessing.image.ImageDataGenerator(
        horizontal_flip=augment.flip != "none",
        rotation_range=augment.rotation,
        width_shift_range=augment.shift,
        height_shift_range=augment.shift,
        zoom_range=augment.zoom,
        fill_mode="reflect",
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints the number of files
        images = generator.flow_from_directory(
            folder, target_size=(48, 48), color_mode="grayscale", batch_size=resolved.train.batch_size, seed=1
        )
    model = network(resolved, len(CLASSES[7]))
    return lambda steps: _fit(model, images, steps)


def network(resolved: ResultSettings, classes: int, before: Sequence[Any] = ()) -> Any:
    """Build and compile a network as stage train does, with further layers in front."""
    import keras

    from ferflow.train.architectures import build_network
    from ferflow.train.optimizer import compile_network

    model = build_network(resolved.architecture, resolved.network, 48, classes)
    if before:
        model = keras.Sequential([keras.Input((48, 48, 1)), *before, model])
    compile_network(model, resolved.train)
    return model


def draw(count: int) -> Split:
    """Draw this number of faces."""
    import pandas as pd

    parts = progress(in_parallel(_draw, portions(range(count), 64)), -(-count // 64), "drawing faces", unit="part")
    images = np.concatenate(list(parts))
    index = pd.DataFrame({"id": [str(number) for number in range(count)], "subset": "Training", "group": range(count)})
    return Split(images, np.arange(count) % 7, index, CLASSES[7])


def write(faces: Split, folder: Path) -> None:
    """Write the faces as JPEG files, one folder per class."""
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
