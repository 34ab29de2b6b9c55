"""Fixtures: a network that knows drawn faces by heart, as the detector cuts them out of a photograph."""

from pathlib import Path

import numpy as np
import pytest

from ferflow.use.crop import cut, place
from ferflow.use.recognizer import Recognizer
from ferflow.use.yunet import YuNet
from made_network import drawn_faces, scene, write_network


@pytest.fixture(scope="session")
def detector() -> YuNet:
    return YuNet(threads=1)


@pytest.fixture(scope="session")
def network_folder(tmp_path_factory: pytest.TempPathFactory, detector: YuNet) -> Path:
    folder = tmp_path_factory.mktemp("export")
    faces = drawn_faces()
    cutter = Recognizer(write_network(folder / "first", faces), detector=detector)
    crops = []
    for face in faces:
        photo = scene([face], places=((200, 150),))
        crops.append(cut(photo[:, :, 0], place(detector.detect(photo)[0], cutter.card.crop), cutter.card.side))
    return write_network(folder / "second", np.stack(crops))


@pytest.fixture(scope="session")
def recognizer(network_folder: Path, detector: YuNet) -> Recognizer:
    return Recognizer(network_folder, detector=detector)
