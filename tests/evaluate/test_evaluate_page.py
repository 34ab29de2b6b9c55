"""The page of a result: every block of metrics.json is on it, and every figure and face."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import result_files
from browser import CHROMIUM, Browser, lowest_contrast
from ferflow.base.files import read_json
from ferflow.evaluate.result_page import result_page
from ferflow.reporting.result_contracts import Metrics
from ferflow.reporting.set_metrics import Agreement, AgreementBin, Third, Thirds
from ferflow.reporting.text import DASH

FIGURES = ("confusion_PrivateTest", "learning_curves", "per_class", "reliability", "roc", "thirds", "of_tomorrow")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of one result, with a picture of its own for each figure."""
    root = tmp_path_factory.mktemp("result")
    result_files.write_result(root, "cnn", 0.7, seed=3)
    folder = root / "reports/evaluate/cnn"
    for number, name in enumerate([f"figures/{figure}" for figure in FIGURES] + ["faces/mistakes", "faces/grad_cam"]):
        path = folder / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((30, 60), 20 * number, np.uint8)).save(path)
    return folder


@pytest.fixture(scope="module")
def metrics(folder: Path) -> Metrics:
    return Metrics.model_validate(read_json(folder / "metrics.json"))


def full(metrics: Metrics) -> Metrics:
    """The metrics of data that has images and votes at hand."""
    scores = {"images": 10, "accuracy": 0.5, "accuracy_low": 0.25, "accuracy_high": 0.75, "macro_f1": 0.375}
    none = dict.fromkeys(("accuracy", "accuracy_low", "accuracy_high", "macro_f1"))
    ends = [(None, 90.0), (90.0, 130.0), (130.0, None)]
    thirds = [Third(low=low, high=high, **scores) for low, high in ends]
    empty = [*thirds[:2], Third(low=130.0, high=None, images=0, **none)]
    bins = [
        AgreementBin(low=0.0, high=0.4, images=0, accuracy=None),
        AgreementBin(low=0.4, high=1.0, images=7, accuracy=0.625),
    ]
    votes = Agreement(log_loss=1.125, jensen_shannon=0.0625, annotator_probability=0.625, bins=bins)
    extra = {"thirds": Thirds(brightness=thirds, contrast=empty), "agreement": votes}
    return metrics.model_copy(update={"sets": {n: block.model_copy(update=extra) for n, block in metrics.sets.items()}})


def text_of(page: str) -> str:
    return re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)).replace("\u00a0", " ")


def test_every_picture_is_on_the_page(folder: Path, metrics: Metrics) -> None:
    page = result_page(metrics, folder)
    shown = {base64.b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)}
    assert shown == {path.read_bytes() for path in folder.glob("f*/*.png")}
    assert page.index('alt="mistakes.') < page.index('alt="of tomorrow.'), "a figure of an unknown name comes last"
    assert 'href="../../compare/index.html"' in page
    assert "<script" not in page


def test_every_number_is_that_of_metrics_json(folder: Path, metrics: Metrics) -> None:
    text = text_of(result_page(metrics, folder))
    for block in metrics.sets.values():
        assert f"{100 * block.accuracy:.1f} ({100 * block.accuracy_low:.1f} to {100 * block.accuracy_high:.1f})" in text
        assert f"{100 * block.macro_f1:.1f} ({100 * block.macro_f1_low:.1f} to {100 * block.macro_f1_high:.1f})" in text
    last = metrics.sets["PrivateTest"]
    for scores in last.per_class.values():
        cells = [f"{100 * value:.1f}" for value in (scores.precision, scores.recall, scores.f1)]
        assert re.search(r"\s+".join(map(re.escape, [str(scores.support), *cells, f"{scores.roc_auc:.3f}"])), text)
    for block, part in ((last.uncalibrated, "before"), (last, "after")):
        cells = [part, f"{block.log_loss:.3f}", f"{block.brier:.3f}", f"{100 * block.ece:.1f}"]
        assert re.search(r"\s+".join(map(re.escape, cells)), text)


def test_blocks_that_only_some_data_has(folder: Path, metrics: Metrics) -> None:
    plain, rich = (text_of(result_page(found, folder)) for found in (metrics, full(metrics)))
    assert "Annotators" not in plain
    assert "darkest third" not in plain
    assert re.search(r"darkest third\s+below 90\s+10\s+50.0 \(25.0 to 75.0\)\s+37.5", rich)
    assert re.search(rf"sharpest third\s+130 and above\s+0\s+{DASH}\s+{DASH}", rich)
    assert re.search(rf"PrivateTest\s+0 to 40 %\s+0\s+{DASH}", rich)
    assert re.search(r"PrivateTest\s+40 to 100 %\s+7\s+62.5", rich)
    assert "Jensen-Shannon divergence 0.062" in rich


def test_a_result_without_mistakes_has_no_section_of_them(folder: Path, metrics: Metrics, tmp_path: Path) -> None:
    (tmp_path / "faces").mkdir()
    page = result_page(metrics, tmp_path)
    assert "Most confident mistakes" not in page
    assert "<img" not in page


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed (apt-get install chromium)")
def test_page_in_a_browser(folder: Path, metrics: Metrics, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text(result_page(full(metrics), folder), encoding="utf-8")
    with Browser(tmp_path / "profile") as browser:
        for width, scheme in ((1400, "light"), (400, "dark")):
            browser.show(width, scheme)
            browser.open(file.as_uri())
            assert browser.complaints() == []
            assert browser.requests() == [file.as_uri()]
            root = "document.documentElement"
            assert browser.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), f"wider than {width} pixels"
            assert lowest_contrast(browser) >= 4.5
