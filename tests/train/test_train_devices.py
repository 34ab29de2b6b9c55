"""Several devices that share each batch: two of JAX's, made of this machine's processor."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from defaults import plain_train
from ferflow.base.errors import ConfigError
from ferflow.train.loop import train_network
from train_helpers import noise, resolved

TWO_DEVICES = {
    "KERAS_BACKEND": "jax",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    "JAX_CPU_ENABLE_ASYNC_DISPATCH": "0",  # on few cores the two would otherwise deadlock
}
HERE = Path(__file__).parent
SCRIPT = """
import json, sys
sys.path[:0] = sys.argv[1].split(":")
import keras
import numpy as np
from keras.src.backend.jax import distribution_lib
from train_helpers import resolved, separable
from ferflow.train.loop import train_network

shares = set()
share = distribution_lib.distribute_data_input

def look(*arguments, **named):
    shared = share(*arguments, **named)
    shares.update(tuple(part.data.shape[:1]) for part in getattr(shared, "addressable_shards", ()))
    return shared

distribution_lib.distribute_data_input = look
for devices in (1, 2):
    settings = resolved(devices=devices, weight_average=0.9)
    result = train_network(settings, separable(66), separable(25, seed=1), 1)
    np.savez(f"{sys.argv[2]}/{devices}.npz", *result.model.get_weights())
    if devices == 1:
        assert not shares
refused = ""
try:
    train_network(resolved(devices=4), separable(66), separable(25, seed=1), 1)
except Exception as error:
    refused = f"{type(error).__name__}: {error}"
print(json.dumps({
    "backend": keras.backend.backend(),
    "shares": sorted(shares),
    "left": keras.distribution.distribution() is None,
    "refused": refused,
}))
"""


def test_two_devices_learn_what_one_does(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, f"{HERE}:{HERE.parent}", str(tmp_path)],
        env={**os.environ, **TWO_DEVICES},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["backend"] == "jax"
    assert report["shares"] == [[8]], "half of a batch of 16"
    assert report["left"], "the next training is not shared"
    assert report["refused"].startswith("ConfigError: train.devices: this machine has 2")
    assert "Received: 4. Set train.devices to at most 2." in report["refused"]
    with np.load(tmp_path / "1.npz") as one, np.load(tmp_path / "2.npz") as two:
        assert len(one.files) == len(two.files) > 4
        for name in one.files:
            np.testing.assert_allclose(one[name], two[name], atol=1e-4)


def test_another_backend_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"only on the JAX backend. Received: 2, on tensorflow"):
        train_network(resolved(devices=2), noise(32), noise(16), 1)


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"multiple of devices. Received: batch_size 64, devices 3"):
        plain_train(devices=3)
