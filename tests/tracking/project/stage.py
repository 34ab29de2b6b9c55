"""The stages of the test project: outputs like those of FERflow's stages, within a moment and without its imports."""

import json
import struct
import sys
import zipfile
import zlib
from pathlib import Path


def main(stage, name=""):
    if stage == "download":
        write("data/raw/face.txt", "a face")
    elif stage == "prepare":
        write("data/prepare/train_images.npy", "images of " + Path("data/raw/face.txt").read_text())
        write("data/prepare/classes.json", '["happy", "sad"]')
    elif stage == "settings":
        text = "model: {0}\nbackend: tensorflow\nnetwork: {{dropout: 0.25}}\ntrain: {{epochs: 3}}\n"
        write(f"settings/{name}.yaml", f"result: {name}\n" + text.format(name))
    elif stage == "train":
        Path(f"models/{name}").mkdir(parents=True, exist_ok=True)
        weights(f"models/{name}/model.keras", f"weights of {name}")
        write(f"models/{name}/classes.json", '["happy", "sad", "neutral"]')
        write(f"models/{name}/settings.yaml", Path(f"settings/{name}.yaml").read_text())
        rows = [f"{epoch},{1 / epoch:.6f},{0.5 + epoch / 10:.6f}" for epoch in (1, 2, 3)]
        write(f"reports/train/{name}/history.csv", "\n".join(["epoch,loss,val_accuracy", *rows, ""]))
        summary = {"model": name, "parameters": 123, "best_epoch": 3, "best": {"val_accuracy": 0.8}, "images": 70}
        write(f"reports/train/{name}/summary.json", json.dumps(summary))
        picture(f"reports/train/{name}/learning_curves.png", 60)
    elif stage == "tune":
        best = {"model": name, "params": {"train.learning_rate": 0.01}, "value": 0.75, "trial": 1, "trials": 3}
        write(f"reports/tune/{name}/best.json", json.dumps({**best, "metric": "val_accuracy"}))
        rows = ["0,COMPLETE,0.5,2,0.001", "1,COMPLETE,0.75,2,0.01", "2,PRUNED,0.25,1,0.1", "3,FAIL,,0,0.9"]
        write(
            f"reports/tune/{name}/trials.csv", "\n".join(["number,state,value,epochs,train.learning_rate", *rows, ""])
        )
        curves = ["0,1,0.25", "0,2,0.5", "1,1,0.5", "1,2,0.75", "2,1,0.25"]
        write(f"reports/tune/{name}/curves.csv", "\n".join(["number,epoch,value", *curves, ""]))
    elif stage == "study":
        picture(f"reports/study/{name}/history.png", 120)
    elif stage == "evaluate":
        score = 0.8 if "strict" in Path("judge.txt").read_text() else 0.9
        block = {"images": 10, "accuracy": score, "per_class": {"happy": {"f1": score}}}
        sets = {"validation": block, "test": block, "PrivateTest": {**block, "accuracy": 0.7}}
        metrics = {"model": name, "views": "flip", "temperature": 1.5, **sets}
        write(f"reports/evaluate/{name}/metrics.json", json.dumps(metrics))
        picture(f"reports/evaluate/{name}/confusion_test.png", 200)
        write(f"reports/evaluate/{name}/index.html", "<!doctype html>")


def write(path, text):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def weights(path, text):
    """A Keras archive as far as MLflow's records need one: it says what it takes, and cannot be loaded."""
    layer = {"class_name": "InputLayer", "config": {"batch_shape": [None, 12, 12, 1]}}
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in {"config.json": json.dumps({"config": {"layers": [layer]}}), "weights": text}.items():
            archive.writestr(zipfile.ZipInfo(member), content)


def picture(path, grey, side=32):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    rows = b"".join(b"\0" + bytes([grey]) * side for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + data)


if __name__ == "__main__":
    main(*sys.argv[1:])
