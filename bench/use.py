"""Measure the time that an answer takes on one core: Keras, ONNX float32 and int8, LiteRT.

    python bench/use.py [--rounds 3] [--models ferflow_flash ferflow_nano mini_xception their_model.h5]

Every network has random weights, which take as long as trained ones, and answers for the face and its mirror image. A
file of another project's network, .keras, .h5 or .hdf5, is written by the same export and measured in turn with ours.
Each way of running runs in its own process on one core with one thread, round by round, so that what else runs on the
machine meets all of them. Besides the time that passes, the processor's time is measured: on a quiet machine they are
the same, and on a busy one the latter still compares. The report is reports/bench/use.json, and a table in docs/use.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bench_machine import has_vnni, processor

from ferflow.base.files import read_json, write_json, write_text

ROOT = Path(__file__).resolve().parent.parent
MODELS = ("ferflow_flash", "ferflow_nano", "mini_xception")
WAYS = {
    "keras": "Keras (TensorFlow)",
    "model.onnx": "ONNX float32",
    "model.int8.onnx": "ONNX int8",
    "model.tflite": "LiteRT float32",
}
BATCHES = (1, 64)
SECONDS = 2.0  # of measuring one batch size
START, END = "<!-- speed -->", "<!-- /speed -->"
SIDE = 48


def main() -> None:
    """Measure, write and print, or be one of the measured processes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="runs of each way")
    parser.add_argument("--models", nargs="+", default=MODELS, help="models of params.yaml, or files")
    parser.add_argument("--note", default="", help="what else ran on the machine, for the report")
    parser.add_argument("--one", nargs=2, metavar=("FOLDER", "WAY"), help="measure only this, in this process")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(Path(arguments.one[0]), arguments.one[1])))
        return
    report: dict[str, Any] = {"rounds": arguments.rounds, "note": arguments.note, "views": "flip", "models": {}}
    with tempfile.TemporaryDirectory() as temporary:
        for model in arguments.models:
            in_process("--files", model, str(Path(temporary) / Path(model).stem))
        taken: dict[tuple[str, str, int], list[tuple[float, float]]] = {}
        for number in range(arguments.rounds):
            for model in arguments.models:
                for way in WAYS:
                    for batch, calls in in_process("--one", str(Path(temporary) / Path(model).stem), way).items():
                        taken.setdefault((Path(model).stem, way, int(batch)), []).extend(calls)
            print(f"round {number + 1} of {arguments.rounds} measured", flush=True)
        for model in (Path(name).stem for name in arguments.models):
            sizes = {way: (Path(temporary) / model / way).stat().st_size for way in WAYS if way != "keras"}
            report["models"][model] = {
                way: {"bytes": sizes.get(way), **{str(batch): figures(taken[model, way, batch]) for batch in BATCHES}}
                for way in WAYS
            }
    report["processor"], report["vnni"] = processor(), has_vnni()
    write_json(ROOT / "reports/bench/use.json", report)
    page, text = ROOT / "docs/use.md", table(report)
    if page.is_file() and START in (old := page.read_text(encoding="utf-8")):
        before, _, rest = old.partition(START)
        write_text(page, f"{before}{START}\n{text}\n{END}{rest.partition(END)[2]}")
    print(text)


def figures(calls: list[tuple[float, float]]) -> dict[str, float]:
    """Return median and 99th percentile of milliseconds a face, and the median of the processor's."""
    passed, used = zip(*calls, strict=True)
    return {
        "median_ms": round(statistics.median(passed), 4),
        "p99_ms": round(float(np.percentile(passed, 99)), 4),
        "processor_ms": round(statistics.median(used), 4),
    }


def table(report: dict[str, Any]) -> str:
    """Return the report as Markdown."""
    lines = [
        f"One core of {report['processor']} ({'with' if report['vnni'] else 'without'} VNNI), one thread, face and "
        f"mirror image; milliseconds a face: median (99th percentile), processor's time. {report['note']}".rstrip(),
        "",
        "| network | file | MB | one face | of a batch of 64 |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for model, ways in report["models"].items():
        for way, found in ways.items():
            times = [found[str(batch)] for batch in BATCHES]
            cells = [f"{t['median_ms']:.2f} ({t['p99_ms']:.2f}), {t['processor_ms']:.2f}" for t in times]
            size = f"{found['bytes'] / 1e6:.2f}" if found["bytes"] else ""
            lines.append(f"| {model} | {WAYS[way]} | {size} | {' | '.join(cells)} |")
    return "\n".join(lines)


def in_process(*arguments: str) -> Any:
    """Run this file with one thread in a process on one core, and return what it prints."""
    one = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **dict.fromkeys(one, "1")}
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def write_files(model: str, folder: Path) -> None:
    """Write every file of a network: one of params.yaml with random weights, or what a file holds."""
    import keras
    from bench_settings import full_settings

    from ferflow.export.fold import fold
    from ferflow.export.litert import write_litert
    from ferflow.export.onnx_file import write_onnx
    from ferflow.export.quantize import quantize
    from ferflow.export.trace import trace
    from ferflow.train.architectures import build_network

    if Path(model).suffix:
        network = keras.saving.load_model(model, compile=False)
    else:
        keras.utils.set_random_seed(1)
        settings = full_settings(model)
        network = build_network(settings.architecture, settings.network, SIDE, 7)
    side = network.input_shape[1]
    write_json(folder / "side.json", side)
    network.save(folder / "keras.keras")
    steps = fold(trace(network))
    write_onnx(folder / "model.onnx", steps, side, [str(number) for number in range(7)], "flip", 1.2)
    quantize(folder / "model.onnx", folder / "model.int8.onnx", noise(64, side))
    write_litert(folder / "model.tflite", steps, side, "flip", 1.2)


def noise(images: int, side: int) -> Any:
    """Return random grey levels, uint8, (images, side, side)."""
    return np.random.default_rng(1).integers(0, 256, (images, side, side), np.uint8)


def measure(folder: Path, way: str) -> dict[int, list[tuple[float, float]]]:
    """Return milliseconds a face of each call, as they passed and as the processor spent them, by batch size."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    run = {"keras": keras_runner, "model.tflite": litert_runner}.get(way, onnx_runner)(folder, way)
    side = read_json(folder / "side.json")
    found = {}
    for batch in BATCHES:
        faces = noise(batch, side)
        for _ in range(20 if batch == 1 else 3):
            run(faces)
        taken: list[tuple[float, float]] = []
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end or len(taken) < 20:
            start, used = time.perf_counter(), time.process_time()
            run(faces)
            spent = time.perf_counter() - start, time.process_time() - used
            taken.append((1000 * spent[0] / batch, 1000 * spent[1] / batch))
        found[batch] = taken
    return found


Runner = Callable[[Any], Any]


def keras_runner(folder: Path, way: str) -> Runner:
    """Return what answers as the registered model does: predict_on_batch of the face and of its mirror image."""
    import keras

    network = keras.saving.load_model(folder / "keras.keras", compile=False)

    def run(faces: Any) -> Any:
        images = faces[..., None].astype(np.float32)
        return (network.predict_on_batch(images) + network.predict_on_batch(images[:, :, ::-1])) / 2

    return run


def onnx_runner(folder: Path, way: str) -> Runner:
    """Return what runs an ONNX file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / way), options, providers=["CPUExecutionProvider"])
    return lambda faces: session.run(None, {"faces": faces})


def litert_runner(folder: Path, way: str) -> Runner:
    """Return what runs a LiteRT file."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(folder / way), num_threads=1)
    start, end = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    size = 0

    def run(faces: Any) -> Any:
        nonlocal size
        if len(faces) != size:
            interpreter.resize_tensor_input(start, faces.shape)
            interpreter.allocate_tensors()
            size = len(faces)
        interpreter.set_tensor(start, faces)
        interpreter.invoke()
        return interpreter.get_tensor(end)

    return run


if __name__ == "__main__":
    if sys.argv[1:2] == ["--files"]:
        Path(sys.argv[3]).mkdir(parents=True)
        write_files(sys.argv[2], Path(sys.argv[3]))
        print("null")
    else:
        main()
