from pathlib import Path

import pytest

from ferflow.base.files import write_json
from ferflow.settings import Model, load_config
from ferflow.train.architectures import architectures, find_architecture
from ferflow.ui.pages.models_page import HEAD, models_page, models_table, paper

ROOT = Path(__file__).parents[2]
PARAMS = load_config(ROOT / "params.yaml")


def test_rows_tell_the_networks():
    blocks = {
        "mini_xception": PARAMS.models["mini_xception"],
        "wide_cnn": Model(description="Wide.", network={"filters": [4, 8]}),
        "vgg16": Model(description="Transferred.", network={"weights": "imagenet", "upscale": 2}),
    }
    lines = models_table(blocks, 48, 7, {"wide_cnn": 61.4}).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert tuple(cells[0]) == HEAD
    assert all(len(row) == len(HEAD) for row in cells)
    assert [row[0] for row in cells[2:]] == ["`mini_xception`", "`wide_cnn`", "`vgg16`"]
    assert cells[2][2] == "58,423"  # as published for seven classes
    assert cells[2][5] == "Arriaga et al. 2017"
    assert cells[3][1] == "Wide."
    assert cells[3][6] == "61"
    assert cells[2][6] == ""
    assert (cells[2][4], cells[4][4]) == ("48x48", "48x48, enlarged to 96x96")
    # Twice the side: four times the convolutions of the base, the head as before.
    assert cells[4][3] == "2,818.9 M"


@pytest.mark.parametrize("name", architectures())
def test_every_architecture_names_a_paper_and_has_a_block_of_params(name):
    assert paper(find_architecture(name))
    assert PARAMS.models[name].description


def test_the_page_in_docs_is_that_of_the_code(tmp_path):
    models_page(tmp_path / "models.md", PARAMS.models, 48, 7, ROOT / "reports/bench/train.json")
    assert (tmp_path / "models.md").read_text() == (ROOT / "docs/models.md").read_text(), "run `make models`"


def test_only_the_models_that_have_weights_to_fetch_are_told_to(tmp_path):
    page = tmp_path / "models.md"
    blocks = {"mini_xception": PARAMS.models["mini_xception"]}
    models_page(page, blocks, 48, 7, tmp_path / "none.json")
    assert "ImageNet" not in page.read_text()
    models_page(page, blocks | {"resnet50": PARAMS.models["resnet50"]}, 48, 7, tmp_path / "none.json")
    assert "ImageNet weights: `resnet50`. " in page.read_text()


def test_seconds_an_epoch_come_from_the_bench_where_there_is_one(tmp_path):
    page, bench = tmp_path / "models.md", tmp_path / "train.json"
    blocks = {"mini_xception": PARAMS.models["mini_xception"]}
    models_page(page, blocks, 48, 7, bench)
    assert "epoch |" not in page.read_text()
    assert "An epoch is" not in page.read_text()
    write_json(
        bench, {"seconds_an_epoch": {"images": 24219, "processor": "a chip", "models": {"mini_xception": 17, "x": 1}}}
    )
    models_page(page, blocks, 48, 7, bench)
    assert "| seconds an epoch |" in page.read_text()
    assert "| 17 |" in page.read_text()
    assert (
        "An epoch is 24,219 images, by bare training steps of the whole network on two cores (a chip)"
        in page.read_text()
    )
