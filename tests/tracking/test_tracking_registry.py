import ast
import base64
import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tracking_helpers import CLASSES, SIDE, candidate_in, faces, served, write_network

from ferflow.base.errors import ModelError
from ferflow.base.hashing import sha256
from ferflow.ui.tracking import Store, connect, logged_models
from ferflow.ui.tracking.champions import champion_of
from ferflow.ui.tracking.logged_models import example_faces, input_side, log_network
from ferflow.ui.tracking.registry import Candidate, register

NewStore = Callable[..., Store]


def register_champion(store: Store, experiment: str, run_id: str | None, candidate: Candidate) -> str:
    return register(store, experiment, run_id, candidate, None).outcome


def has_alias(store: Store, name: str, alias: str) -> bool:
    return champion_of(store, name, alias) is not None


def in_base64(face: np.ndarray, format: str) -> str:
    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, format)
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture(scope="session")
def other_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("other"), seed=2)


@pytest.fixture
def store(tmp_path: Path, new_store: NewStore) -> Store:
    return new_store(tmp_path)


@pytest.fixture
def experiment(store: Store) -> str:
    return store.experiment("drawn")


def test_the_champion_loads_by_its_alias_and_answers(store: Store, experiment: str, network: Path) -> None:
    import keras

    run = store.create_run(experiment, "f" * 64, "cnn", {})
    assert register_champion(store, experiment, run.info.run_id, candidate_in(network)) == "registered"
    model, pictures = served(), faces()
    answers = model.predict(pictures)
    assert list(answers.columns) == CLASSES
    assert set(answers.dtypes) == {np.dtype("float32")}
    expected = keras.saving.load_model(network / "model.keras").predict(pictures[..., None], verbose=0)
    np.testing.assert_allclose(answers.to_numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(model.predict(pictures[..., None]), answers)
    np.testing.assert_array_equal(model.predict(pictures.tolist()), answers)  # as a JSON request gives them
    many = model.predict(np.repeat(pictures, 120, axis=0))  # more than a batch
    np.testing.assert_allclose(many.to_numpy(), np.repeat(answers.to_numpy(), 120, axis=0), atol=1e-6)
    assert model.predict(pictures[:0]).shape == (0, len(CLASSES))

    signature = model.metadata.signature
    assert [(spec.type, spec.shape) for spec in signature.inputs] == [(np.dtype("uint8"), (-1, SIDE, SIDE))]
    assert signature.outputs.input_names() == CLASSES
    example = np.asarray(model.input_example, dtype=np.uint8)
    np.testing.assert_array_equal(example, example_faces(SIDE))

    version = store.client.get_model_version_by_alias("ferflow", "champion")
    assert version.run_id == run.info.run_id
    assert version.description == "# The card"
    assert version.tags["ferflow.model_sha256"] == sha256(network / "model.keras")
    assert version.tags["ferflow.fingerprint"] == "f" * 64
    logged = store.client.get_run(run.info.run_id).outputs.model_outputs
    assert len(logged) == 1
    stored = Path(store.client.get_logged_model(logged[0].model_id).artifact_location.removeprefix("file://"))
    wanted = (stored / "requirements.txt").read_text().splitlines()
    assert {line.partition("==")[0] for line in wanted} == {
        "mlflow",
        "keras",
        "numpy",
        "pandas",
        "pillow",
        "tensorflow",
    }
    assert all("==" in line for line in wanted)


@pytest.fixture(scope="module")
def registered_model(tmp_path_factory: pytest.TempPathFactory, empty_database: Path, network: Path) -> Any:
    folder = tmp_path_factory.mktemp("registered")
    shutil.copy(empty_database, folder / "mlflow.db")
    store = connect("sqlite:///mlflow.db", folder)
    register_champion(store, store.experiment("drawn"), None, candidate_in(network))
    return served()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (faces()[0], "add an axis in front"),
        (faces()[:, :8], r"Received: \(5, 8, 12\)"),
        (np.repeat(faces()[..., None], 3, axis=3), r"Received: \(5, 12, 12, 3\)"),
        (faces() / 255.0, "Multiply values between 0 and 1 by 255"),
        (faces().astype(int) + 9, "out of range"),
        (faces().astype(int) - 9, "out of range"),
        ([[[1, 2], [3]]], "not of one size"),
        ("a face", "invalid shape"),
    ],
)
def test_wrong_faces_are_refused_with_the_reason(registered_model: Any, wrong: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        registered_model.predict(wrong)
    assert "(N, 12, 12)" in str(caught.value)


def test_a_server_s_registry_takes_the_champion(tmp_path: Path, server: str, network: Path) -> None:
    store = connect(server, tmp_path)
    experiment = store.experiment("served")
    run = store.create_run(experiment, "f" * 64, "cnn", {})
    assert register_champion(store, experiment, run.info.run_id, candidate_in(network)) == "registered"
    assert register_champion(store, experiment, run.info.run_id, candidate_in(network)) == "unchanged"
    assert len(served().predict(faces())) == 5
    assert store.client.get_model_version_by_alias("ferflow", "champion").run_id == run.info.run_id


def test_a_model_that_another_process_is_logging_is_left_alone(
    store: Store, experiment: str, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = candidate_in(network).network
    tags = {logged_models.MODEL_SHA256: ours.sha256, logged_models.SERVED: ours.served}
    pending = store.client.create_logged_model(experiment, "cnn", None, tags)

    def ids() -> set[str]:
        return {model.model_id for model in store.client.search_logged_models([experiment])}

    first = log_network(store, experiment, None, ours)
    assert ids() == {pending.model_id, first}
    monkeypatch.setattr(logged_models, "_ABANDONED_AFTER", 0.0)  # an interrupted one is deleted
    store.client.delete_logged_model(first)
    second = log_network(store, experiment, None, ours)
    assert ids() == {second}


def test_it_answers_over_http(registered_model: Any) -> None:
    from mlflow.pyfunc.scoring_server import invocations

    body = json.dumps({"inputs": faces(2).tolist()})
    response = invocations(body, "application/json", registered_model, registered_model.metadata.get_input_schema())
    assert response.status == 200
    rows = json.loads(response.response)["predictions"]
    assert [list(row) for row in rows] == [CLASSES, CLASSES]
    assert sum(rows[0].values()) == pytest.approx(1.0, abs=1e-5)


def test_a_refusal_over_http_has_its_reason_in_the_message(registered_model: Any) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.pyfunc.scoring_server import invocations

    body = json.dumps({"inputs": faces(2)[:, :8].tolist()})
    with pytest.raises(MlflowException) as caught:
        invocations(body, "application/json", registered_model, registered_model.metadata.get_input_schema())
    answer = json.loads(caught.value.serialize_as_json())  # what the server sends
    assert caught.value.get_http_status_code() == 400
    assert "The faces have an invalid shape" in answer["message"]
    assert "Received: (2, 8, 12)" in answer["message"]
    assert "stack_trace" not in answer
    assert answer["message"].startswith("The faces"), "MLflow puts the whole input in front"


def test_files_in_base64_are_answered_over_http(registered_model: Any) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.pyfunc.scoring_server import invocations

    def ask(*texts: str) -> list[dict[str, float]]:
        body, schema = json.dumps({"inputs": texts}), registered_model.metadata.get_input_schema()
        return json.loads(invocations(body, "application/json", registered_model, schema).response)["predictions"]

    files = [in_base64(face, "PNG") for face in faces(2)]
    expected = registered_model.predict(faces(2)).to_dict("records")
    for found, row in zip(ask(files[0], f"data:image/png;base64,{files[1]}"), expected, strict=True):
        assert found == pytest.approx(row, abs=1e-6)
    with pytest.raises(MlflowException) as caught:
        ask(files[0], files[1][:40])
    assert caught.value.get_http_status_code() == 400
    message = json.loads(caught.value.serialize_as_json())["message"]
    assert message == "Face 1, 30 bytes, cannot be read as a PNG, JPEG or WebP file (UnidentifiedImageError)."


def test_loading_needs_nothing_of_ferflow(
    store: Store, experiment: str, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_champion(store, experiment, None, candidate_in(network))
    for name in [name for name in sys.modules if name.partition(".")[0] == "ferflow"]:
        monkeypatch.setitem(sys.modules, name, None)  # any import of it now fails
    with pytest.raises(ImportError):
        import ferflow  # noqa: F401
    assert len(served().predict(faces())) == 5


def test_the_served_file_imports_what_it_says() -> None:
    import ferflow.ui.tracking

    tree = ast.parse((Path(ferflow.ui.tracking.__file__).parent / "served_model.py").read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} == {
        "base64", "io", "json", "os", "pathlib", "typing", "mlflow", "numpy", "pandas", "PIL", "keras",
    }  # fmt: skip


def test_the_same_weights_never_make_a_second_version(store: Store, experiment: str, network: Path) -> None:
    register_champion(store, experiment, None, candidate_in(network))
    assert register_champion(store, experiment, None, candidate_in(network)) == "unchanged"
    store.client.delete_registered_model_alias("ferflow", "champion")
    assert register_champion(store, experiment, None, candidate_in(network)) == "registered"
    assert register_champion(store, experiment, None, candidate_in(network, card="# Another card")) == "unchanged"
    versions = store.client.search_model_versions("name = 'ferflow'")
    assert [version.description for version in versions] == ["# Another card"]
    assert len(store.client.search_logged_models([experiment])) == 1
    assert has_alias(store, "ferflow", "champion")
    assert has_alias(store, "ferflow", "challenger")
    assert not has_alias(store, "other", "champion")


def test_the_same_weights_served_in_another_way_are_another_version(
    store: Store, experiment: str, network: Path
) -> None:
    plain, calibrated = candidate_in(network), candidate_in(network, views="flip", temperature=2.0)
    assert register_champion(store, experiment, None, plain) == "registered"
    assert register_champion(store, experiment, None, calibrated) == "registered"
    assert register_champion(store, experiment, None, calibrated) == "unchanged"
    versions = store.client.search_model_versions("name = 'ferflow'")
    assert {version.tags[logged_models.SERVED] for version in versions} == {
        "views=single, temperature=1.0",
        "views=flip, temperature=2.0",
    }
    newest = max(versions, key=lambda version: int(version.version))
    import mlflow

    model = mlflow.pyfunc.load_model(f"models:/ferflow/{newest.version}")
    assert model.model_config == {"backend": "tensorflow", "views": "flip", "temperature": 2.0}
    mirrored = model.predict(np.ascontiguousarray(faces()[:, :, ::-1]))
    np.testing.assert_allclose(model.predict(faces()), mirrored, atol=1e-6)


@pytest.mark.parametrize("method", ["log_model_artifacts", "finalize_logged_model", "create_model_version"])
def test_a_registration_that_is_cut_off_leaves_no_second_model(
    store: Store, experiment: str, network: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    class Cut(BaseException):
        """What a kill does: no handler runs."""

    def cut(*_arguments: Any, **_options: Any) -> None:
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, method, cut)
        with pytest.raises(Cut):
            register_champion(store, experiment, None, candidate_in(network))
    assert not store.client.search_model_versions("name = 'ferflow'")
    assert register_champion(store, experiment, None, candidate_in(network)) == "registered"
    assert len(store.client.search_logged_models([experiment])) == 1
    assert len(served().predict(faces())) == 5


def test_what_does_not_answer_with_probabilities_is_not_registered(
    store: Store, experiment: str, tmp_path: Path
) -> None:
    broken = write_network(tmp_path / "broken", softmax=False)
    with pytest.raises(ModelError, match="sum to 1"):
        register_champion(store, experiment, None, candidate_in(broken))
    assert not store.client.search_model_versions("name = 'ferflow'")


def test_the_side_is_that_of_the_network_s_input(network: Path, tmp_path: Path) -> None:
    import keras

    assert input_side(network / "model.keras") == SIDE
    (tmp_path / "text.keras").write_text("no archive")
    with pytest.raises(ModelError, match=r"text\.keras"):
        input_side(tmp_path / "text.keras")
    for shape in ((48, 48, 3), (48, 32, 1), (48,)):
        faces_in = keras.Input(shape)
        keras.Model(faces_in, keras.layers.Flatten()(faces_in)).save(tmp_path / "other.keras")
        with pytest.raises(ModelError, match=r"square grey images.*Received: \(None, 48"):
            input_side(tmp_path / "other.keras")


def test_the_model_names_its_backend_for_whoever_loads_it(
    registered_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    assert registered_model.model_config == {"backend": "tensorflow", "views": "single", "temperature": 1.0}
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    served()
    assert os.environ["KERAS_BACKEND"] == "tensorflow"


def test_a_long_card_is_cut_at_a_section(store: Store, experiment: str, network: Path) -> None:
    for sections in (1, 3, 40):
        card = "# Card\n\n" + "\n".join(f"## Section {number}\n\n{'word ' * 60}" for number in range(sections))
        register_champion(store, experiment, None, candidate_in(network, card=card))
        shown = store.client.get_model_version_by_alias("ferflow", "champion").description
        assert len(shown) <= 5000
        assert (shown == card) == (len(card) <= 5000)
        assert shown == card or shown.endswith("word \nThe rest is in reports/register/model_card.md.\n")
