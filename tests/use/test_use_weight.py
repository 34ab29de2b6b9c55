"""What a user of a network loads: little, and nothing of the pipeline."""

import json
import subprocess
import sys
from pathlib import Path

HEAVY = (
    "tensorflow",
    "keras",
    "mlflow",
    "dvc",
    "sklearn",
    "pandas",
    "scipy",
    "matplotlib",
    "cv2",
    "yaml",
    "onnx",
    "av",
)
PROBE = """
import json, sys
from ferflow import Recognizer
import numpy as np
recognizer = Recognizer(sys.argv[1])
recognizer(np.zeros((480, 640, 3), np.uint8))
recognizer.faces(np.zeros((1, 48, 48), np.uint8))
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(json.dumps([sorted(name for name in sys.modules if "." not in name), int(peak[0].split()[1]) if peak else 0]))
"""


def test_a_recognizer_needs_neither_the_pipeline_nor_much_memory(network_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(network_folder)], capture_output=True, text=True, check=True, timeout=120
    )
    modules, kilobytes = json.loads(done.stdout)
    assert {"ferflow", "numpy", "onnxruntime", "PIL"} <= set(modules)
    assert not set(HEAVY) & set(modules)
    assert kilobytes < 150_000


def test_ferflow_itself_imports_nothing_to_speak_of() -> None:
    code = "import sys, ferflow; print(sorted(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "numpy" not in done.stdout
    assert "onnxruntime" not in done.stdout
