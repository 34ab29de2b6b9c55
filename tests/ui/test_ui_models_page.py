"""docs/models.md: its table, its text, and that it is up to date."""

from pathlib import Path

import pytest

from defaults import network
from ferflow.base.files import write_json
from ferflow.settings import Model, load_config
from ferflow.train.architectures import architectures, find_architecture
from ferflow.ui.pages.models_page import HEADER, models_page, models_table, paper

ROOT = Path(__file__).parents[2]
PARAMS = load_config(ROOT / "params.yaml")


def test_rows_describe_the_networks() -> None:
    vgg16 = network("vgg16", upscale=2)
    blocks = {
        "mini_xception": PARAMS.models["mini_xception"],
        "narrow": Model(description="Narrow.", architecture="wide_cnn", network=network("wide_cnn", filters=[4, 8])),
        "vgg16": Model(description="Transferred.", architecture="vgg16", network=vgg16),
    }
    lines = models_table(blocks, 48, 7, {"narrow": 61.4}).splitlines()
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert tuple(header) == HEADER
    first, second, third = (dict(zip(HEADER, row, strict=True)) for row in rows)
    assert [row["model"] for row in (first, second, third)] == ["`mini_xception`", "`narrow`", "`vgg16`"]
    assert [row["architecture"] for row in (first, second, third)] == ["`mini_xception`", "`wide_cnn`", "`vgg16`"]
    assert first["parameters"] == "58,423", "as published for seven classes"
    assert first["source"] == "Arriaga et al. 2017"
    assert second["description"] == "Narrow."
    assert (second["seconds per epoch"], first["seconds per epoch"]) == ("61", "")
    assert (first["input"], third["input"]) == ("48x48", "48x48, enlarged to 96x96")
    # Twice the side: four times the convolutions of the base, the same head.
    assert third["MACs"] == "2,818.9 M"


@pytest.mark.parametrize("name", architectures())
def test_every_architecture_names_a_paper_and_has_a_block_in_params(name: str) -> None:
    assert paper(find_architecture(name))
    assert PARAMS.models[name].description


def test_the_page_in_docs_is_up_to_date(tmp_path: Path) -> None:
    models_page(tmp_path / "models.md", PARAMS.models, PARAMS.image_size, 7, ROOT / "reports/bench/train.json")
    assert (tmp_path / "models.md").read_text() == (ROOT / "docs/models.md").read_text(), "run `make models`"


def test_only_models_with_pretrained_weights_are_listed_as_such(tmp_path: Path) -> None:
    page = tmp_path / "models.md"
    blocks = {"mini_xception": PARAMS.models["mini_xception"]}
    models_page(page, blocks, 48, 7, tmp_path / "none.json")
    assert "ImageNet" not in page.read_text()
    models_page(page, blocks | {"resnet50": PARAMS.models["resnet50"]}, 48, 7, tmp_path / "none.json")
    assert "ImageNet weights exist for `resnet50`: " in page.read_text()


def test_seconds_per_epoch_come_from_the_benchmark_if_there_is_one(tmp_path: Path) -> None:
    page, bench = tmp_path / "models.md", tmp_path / "train.json"
    blocks = {"mini_xception": PARAMS.models["mini_xception"]}
    models_page(page, blocks, 48, 7, bench)
    assert "epoch" not in page.read_text().split("| model")[1].splitlines()[0]
    assert "An epoch has" not in page.read_text()
    measured = {"images": 24219, "processor": "a chip", "models": {"mini_xception": 17, "x": 1}}
    write_json(bench, {"seconds_an_epoch": measured})
    models_page(page, blocks, 48, 7, bench)
    assert " seconds per epoch |" in page.read_text()
    assert " 17 |" in page.read_text()
    assert "An epoch has 24,219 images." in page.read_text()
    assert "on two cores (a chip), measured by `make bench`." in page.read_text()
