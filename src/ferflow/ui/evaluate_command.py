"""`ferflow evaluate`: how a network of anyone's making does on a folder of faces, without the pipeline."""

import argparse
from pathlib import Path

from ferflow.settings import Config, load_config
from ferflow.ui.console import start_keras
from ferflow.ui.params_file import PARAMS

DEFAULT_OUT = Path("cross_dataset")


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    """Describe `ferflow evaluate`."""
    parser.epilog = (
        "The folder has a folder for each class (happy/1.jpg, with or without train/ and test/ above), or a CSV with "
        "the columns emotion and pixels, or the images of JAFFE; data/prepare works as well. Nothing is fitted or "
        "chosen on these images."
    )
    parser.add_argument(
        "--checkpoint", type=Path, required=True, help="a .keras or .h5 file, such as models/cnn/model.keras"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of faces")
    parser.add_argument("--out", type=Path, help="folder for the results; default: cross_dataset/<model>_on_<data>")
    parser.add_argument("--views", choices=("single", "flip", "ten_crop"), help="default: infer.views of params.yaml")
    parser.add_argument(
        "--map", help="what the labels mean: fer2013, rafdb, affectnet, or a YAML file such as {1: happy}"
    )
    parser.add_argument("--split", choices=("train", "validation", "test"), default="test", help="default: test")
    parser.add_argument(
        "--classes", help="class of each output, separated by spaces; default: classes.json next to the file"
    )
    parser.add_argument(
        "--pixels", choices=("0..255", "0..1", "-1..1"), default="0..255",
        help="pixel values that the network was trained with; default: 0..255",
    )  # fmt: skip
    parser.add_argument(
        "--resize",
        choices=("lanczos", "bilinear"),
        default="lanczos",
        help="how images of another side are resized, best as for the network's training; default: lanczos",
    )
    parser.add_argument("--side", type=int, help="side of the images, for a network that takes any")
    parser.set_defaults(command=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> None:
    config = load_config(PARAMS)
    start_keras(config.backend)
    from ferflow.cross_dataset.checkpoint import load_checkpoint
    from ferflow.cross_dataset.cross_evaluation import evaluate_network, write_evaluation
    from ferflow.cross_dataset.cross_page import headline_rows
    from ferflow.cross_dataset.face_folder import read_faces
    from ferflow.cross_dataset.label_codes import read_map

    labels = read_map(arguments.map) if arguments.map else None
    classes = arguments.classes.replace(",", " ").split() if arguments.classes else None
    network = load_checkpoint(arguments.checkpoint, classes, arguments.pixels, arguments.side)
    faces = read_faces(arguments.data, network.side, config.clean, arguments.split, labels, arguments.resize)
    model, data = _model_name(arguments.checkpoint), arguments.data.resolve().name
    evaluation = evaluate_network(
        network,
        faces,
        model,
        data,
        views=arguments.views or config.infer.views,
        batch_size=config.infer.batch_size,
        temperature=_temperature(arguments.checkpoint, config),
        resamples=config.evaluate.bootstrap,
        confidence=config.evaluate.confidence,
        seed=config.seed,
    )
    out = arguments.out or DEFAULT_OUT / f"{model}_on_{data}"
    write_evaluation(out, evaluation)
    print(f"{model} on {data}")
    for name, value in headline_rows(evaluation.metrics):
        print(f"  {name:<40}{value:>24}")
    for name, scores in evaluation.metrics.scores.per_class.items():
        if scores.support:
            print(f"  {'recall of ' + name:<40}{100 * scores.recall:>7.1f} % of {scores.support:>6,} images")
    for note in evaluation.notes:
        print(f"note: {note}")
    print(f"wrote {out / 'index.html'}")


def _model_name(checkpoint: Path) -> str:
    """Return the result's name for models/<result>/model.keras, and the file's name without suffix for others."""
    return checkpoint.resolve().parent.name if checkpoint.name == "model.keras" else checkpoint.stem


def _temperature(checkpoint: Path, config: Config) -> float:
    """Return the temperature that evaluate fitted for a result of this project; 1 for other networks."""
    from ferflow.base.contracts import read_contract
    from ferflow.base.hashing import sha256
    from ferflow.reporting.result_contracts import Metrics

    name = _model_name(checkpoint)
    measured = Path("reports/evaluate") / name / "metrics.json"
    own = Path("models") / name / "model.keras"
    if name not in config.results or not measured.is_file() or not own.is_file() or sha256(own) != sha256(checkpoint):
        return 1.0
    return read_contract(measured, Metrics, f"evaluate@{name}").temperature
