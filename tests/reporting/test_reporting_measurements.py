"""Figures of curves, parts and faces: what their titles find, and the same bytes each time."""

import numpy as np
import pandas as pd
import pytest

from ferflow.reporting import png_bytes, reliability_diagram
from ferflow.reporting.curve_figures import precision_recall_figure, risk_coverage_figure, roc_figure
from ferflow.reporting.face_figures import attention_grid, face_grid
from ferflow.reporting.part_figures import agreement_figure, thirds_figure
from ferflow.reporting.set_metrics import AgreementBin, Third, Thirds


def title(figure) -> str:
    return " ".join(figure.get_suptitle().replace("\xa0", " ").split())


def curve(area: float) -> tuple[np.ndarray, np.ndarray, float]:
    return np.array([0.0, 0.2, 1.0]), np.array([0.0, 0.8, 1.0]), area


@pytest.mark.parametrize("draw", [roc_figure, precision_recall_figure])
def test_curves_rank_the_classes_and_name_those_without_one(draw) -> None:
    figure = draw({"angry": curve(0.7), "disgust": None, "happy": curve(0.95)}, "cnn, test")
    assert "happy has the highest" in title(figure)
    assert "angry the lowest (0.70); no curve for disgust" in title(figure)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["happy 0.95", "angry 0.70"]
    assert "no class has" in title(draw({"angry": None}))


def test_risk_and_coverage_says_what_confidence_is_worth() -> None:
    coverage = np.arange(1, 11) / 10
    risk = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1 / 9, 0.2])
    assert "surest 80 % of the images raises accuracy from 80.0 % to 100.0 %" in title(
        risk_coverage_figure(coverage, risk, risk.mean(), 0.8)
    )
    useless = np.full(10, 0.2)
    assert "confidence does not tell" in title(risk_coverage_figure(coverage, useless, 0.2, 0.8))


def third(images: int, accuracy: float | None) -> Third:
    return Third(
        low=None, high=None, images=images, accuracy=accuracy, accuracy_low=accuracy, accuracy_high=accuracy,
        macro_f1=accuracy,
    )  # fmt: skip


def test_thirds_state_the_gap_and_an_empty_third_is_left_out() -> None:
    thirds = Thirds(
        brightness=[third(10, 0.5), third(20, 0.75), third(0, None)],
        contrast=[third(10, 0.6), third(10, 0.6), third(10, 0.6)],
    )
    figure = thirds_figure(thirds, "cnn, test")
    assert "25.0 points between thirds of brightness and 0.0 points between thirds of contrast" in title(figure)
    ticks = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert ticks == ["dark\n10", "middle\n20", "bright\n0"]


def test_agreement_leaves_out_empty_bins() -> None:
    bins = [
        AgreementBin(low=0.0, high=0.4, images=0, accuracy=None),
        AgreementBin(low=0.4, high=0.6, images=5, accuracy=0.4),
        AgreementBin(low=0.95, high=1.0, images=7, accuracy=1.0),
    ]
    figure = agreement_figure(bins)
    assert "40.0 % where the annotators agree least, 100.0 % where they agree most" in title(figure)
    assert len(figure.axes[0].patches) == 2


def test_reliability_shows_both_sides_of_the_temperature() -> None:
    after = pd.DataFrame({"low": [0.5], "high": [0.6], "images": [10], "confidence": [0.55], "accuracy": [0.5]})
    before = after.assign(confidence=[0.9])
    assert "5.0 %, 40.0 % before the temperature" in title(reliability_diagram(after, "cnn", before))
    assert "before" not in title(reliability_diagram(after, "cnn"))


def test_faces_keep_their_order_and_the_map_tints_where_it_is_strong() -> None:
    images = np.stack([np.full((8, 8), level, np.uint8) for level in (0, 100, 255, 30, 60)])
    captions = [f"face {number}" for number in range(5)]
    figure = face_grid(images, captions)
    assert [axes.get_xlabel() for axes in figure.axes] == [*captions, "", "", ""]
    assert figure.axes[2].images[0].get_array()[0, 0] == 255
    maps = np.zeros((5, 8, 8), np.uint8)
    maps[0, 2, 2] = 255
    tinted = attention_grid(images, maps, captions).axes
    assert np.allclose(tinted[1].images[0].get_array(), 100 / 255, atol=1e-6), "nothing speaks for it: grey as it is"
    strong = tinted[0].images[0].get_array()
    assert strong[2, 2].max() > 0.5
    assert not strong[0, 0].any()
    assert png_bytes(attention_grid(images, maps, captions)) == png_bytes(attention_grid(images, maps, captions))
