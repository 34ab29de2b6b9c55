"""Every number of the page and its tables, computed again by scikit-learn from the stored predictions."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, log_loss, precision_recall_fscore_support

from browser import CHROMIUM, Browser, lowest_contrast
from defaults import section
from ferflow.compare import compare

NAMES = ("cnn", "cnn_augmented", "vgg16")
RANKED = ("cnn_augmented", "cnn", "vgg16")
SETS = ("validation", "PublicTest", "PrivateTest", "PrivateTest_without_copies")


class Tables(HTMLParser):
    """The tables of a page by the beginning of their caption: rows of cells, each a list of its lines."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self._rows: list[list[str]] = []
        self._caption, self._inside = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td"):
            self._rows[-1].append("")
        elif tag == "small":
            self._rows[-1][-1] += " "
        if tag in ("th", "td", "caption", "script", "style"):
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.tables[self._caption] = self._rows
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "caption":
            self._caption += data
        elif self._inside in ("th", "td"):
            self._rows[-1][-1] += data
        if self._inside not in ("script", "style"):
            self.text += data

    def find(self, beginning: str) -> list[dict[str, str]]:
        """Return the rows of the table whose caption begins so, by the names of its columns."""
        found = next(rows for caption, rows in self.tables.items() if caption.startswith(beginning))
        return [dict(zip(found[0], row, strict=True)) for row in found[1:]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, write_results: Callable[..., Path]) -> Path:
    root = write_results(tmp_path_factory.mktemp("compared"))
    folders = [root / "reports" / name for name in ("evaluate", "infer", "train")]
    settings = section("compare", resamples=300)
    compare(NAMES, *folders, root / "reports/compare", settings, dataset="fer2013", seed=7)
    return root


@pytest.fixture(scope="module")
def page(project: Path) -> Tables:
    return Tables((project / "reports/compare/index.html").read_text(encoding="utf-8"))


def stored(root: Path, name: str, part: str) -> pd.DataFrame:
    """The stored predictions of a result on a set of images."""
    split = "validation" if part == "validation" else "test"
    table = pd.read_csv(root / f"reports/infer/{name}/predictions_{split}.csv")
    if part in ("validation", "test"):
        return table
    table = table[table["subset"] == part.removesuffix("_without_copies")]
    return table[~table["copy_in_train"]] if part.endswith("_without_copies") else table


def probabilities(table: pd.DataFrame) -> np.ndarray:
    return table.filter(regex="^p_").to_numpy()


def temper(p: np.ndarray, temperature: float) -> np.ndarray:
    scaled = p ** (1 / temperature)
    return scaled / scaled.sum(axis=1, keepdims=True)


def best_temperature(root: Path, p: np.ndarray, classes: list[str]) -> float:
    labels = stored(root, NAMES[0], "validation")["label"]
    found = minimize_scalar(
        lambda log: log_loss(labels, temper(p, np.exp(log)), labels=classes), bounds=(-2, 2), method="bounded"
    )
    return float(np.exp(found.x))


def average(root: Path, size: int, part: str) -> tuple[np.ndarray, list[str]]:
    """The tempered mean of the tempered probabilities of the best `size` networks."""
    classes = [column[2:] for column in stored(root, NAMES[0], part) if column.startswith("p_")]
    means = {}
    for split in ("validation", part):
        each = []
        for name in RANKED[:size]:
            temperature = best_temperature(root, probabilities(stored(root, name, "validation")), classes)
            each.append(temper(probabilities(stored(root, name, split)), temperature))
        means[split] = np.mean(each, axis=0)
    return temper(means[part], best_temperature(root, means["validation"], classes)), classes


def test_leaderboard_shows_the_stored_predictions(project: Path, page: Tables) -> None:
    rows = page.find("Leaderboard")
    assert [row["model"] for row in rows[:3]] == list(RANKED)
    for row in rows[:3]:
        for part in SETS:
            table = stored(project, row["model"], part)
            shown, low, _, high = row[f"{part.replace('_without_copies', ' without copies')}, %"].split()
            assert float(shown) == pytest.approx(100 * accuracy_score(table["label"], table["predicted"]), abs=0.051)
            assert float(low) < float(shown) < float(high)
        last = stored(project, row["model"], "PrivateTest")
        f1 = f1_score(last["label"], last["predicted"], average="macro")
        assert float(row["macro F1, %"]) == pytest.approx(100 * f1, abs=0.051)
        classes = [column[2:] for column in last if column.startswith("p_")]
        validation = probabilities(stored(project, row["model"], "validation"))
        served = temper(probabilities(last), best_temperature(project, validation, classes))
        assert float(row["log loss"]) == pytest.approx(log_loss(last["label"], served, labels=classes), abs=0.002)
        confidence, right = served.max(axis=1), (last["label"] == last["predicted"]).to_numpy()
        bins = np.digitize(confidence, np.linspace(0, 1, 16)[1:-1], right=True)
        gaps = [
            (bins == b).mean() * abs(confidence[bins == b].mean() - right[bins == b].mean()) for b in np.unique(bins)
        ]
        assert float(row["ECE, %"]) == pytest.approx(100 * sum(gaps), abs=0.3)


def test_ensembles_are_the_mean_of_the_best(project: Path, page: Tables) -> None:
    table = pd.read_csv(project / "reports/compare/ensembles.csv")
    assert list(zip(table["size"], table["set"], strict=True)) == [(k, part) for k in (2, 3) for part in SETS]
    for row in table.to_dict("records"):
        p, classes = average(project, row["size"], row["set"])
        images = stored(project, NAMES[0], row["set"])
        answers = np.array(classes)[p.argmax(axis=1)]
        assert row["members"].split() == list(RANKED[: row["size"]])
        assert row["images"] == len(images)
        assert row["accuracy"] == pytest.approx(accuracy_score(images["label"], answers), abs=1e-5)
        assert row["macro_f1"] == pytest.approx(f1_score(images["label"], answers, average="macro"), abs=1e-5)
        assert row["log_loss"] == pytest.approx(log_loss(images["label"], p, labels=classes), abs=1e-3)
        assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]
        alone = stored(project, RANKED[0], row["set"])
        one, other = (answers == images["label"]).to_numpy(), (alone["predicted"] == alone["label"]).to_numpy()
        assert row["difference"] == pytest.approx(one.mean() - other.mean(), abs=1e-5)
        only = int((one & ~other).sum()), int((~one & other).sum())
        expected = binomtest(only[0], sum(only)).pvalue if sum(only) else 1.0
        assert row["p_mcnemar"] == pytest.approx(expected, rel=1e-4)
    validation = table[table["set"] == "validation"].set_index("size")
    best = validation["accuracy"].idxmax()
    assert validation.index[validation["chosen"]].tolist() == [best]
    shown = page.find("Leaderboard")[3]
    assert shown["model"] == f"average of the best {best}"
    assert shown["#"] == "—"
    last = table[(table["size"] == best) & (table["set"] == "PrivateTest")].iloc[0]
    assert shown["PrivateTest, %"].split()[0] == f"{100 * last['accuracy']:.1f}"


def test_the_size_of_the_ensemble_is_chosen_without_the_test_set(
    project: Path, tmp_path: Path, write_results: Callable[..., Path]
) -> None:
    write_results(tmp_path, dict(zip(NAMES, (0.7, 0.8, 0.55), strict=True)), test_share=0.4)
    folders = [tmp_path / "reports" / name for name in ("evaluate", "infer", "train")]
    settings = section("compare", resamples=100)
    compare(NAMES, *folders, tmp_path / "out", settings, dataset="fer2013", seed=7)
    one, other = (pd.read_csv(path / "ensembles.csv") for path in (project / "reports/compare", tmp_path / "out"))
    assert one["chosen"].tolist() == other["chosen"].tolist()
    assert not one[one["set"] == "PrivateTest"]["accuracy"].equals(other[other["set"] == "PrivateTest"]["accuracy"])


def test_agreement_of_each_pair(project: Path, page: Tables) -> None:
    table = pd.read_csv(project / "reports/compare/agreement.csv")
    pairs = [(split, *pair) for split in ("validation", "test") for pair in combinations(RANKED, 2)]
    assert list(zip(table["set"], table["first"], table["second"], strict=True)) == pairs
    shown = {row["pair"]: row for row in page.find("Agreement of each pair")}
    for row in table.to_dict("records"):
        one, other = (stored(project, row[place], row["set"]) for place in ("first", "second"))
        right = one["predicted"] == one["label"], other["predicted"] == other["label"]
        assert row["same_answer"] == pytest.approx(accuracy_score(one["predicted"], other["predicted"]), abs=1e-5)
        assert row["kappa"] == pytest.approx(cohen_kappa_score(one["predicted"], other["predicted"]), abs=1e-5)
        assert row["both_right"] == (right[0] & right[1]).sum()
        assert row["only_first_right"] == (right[0] & ~right[1]).sum()
        assert row["only_second_right"] == (~right[0] & right[1]).sum()
        assert row["both_wrong"] == (~right[0] & ~right[1]).sum()
        either = (~right[0] | ~right[1]).sum()
        assert row["error_overlap"] == pytest.approx(row["both_wrong"] / either, abs=1e-5)
        if row["set"] == "test":
            cells = shown[f"{row['first']} and {row['second']}"]
            assert cells["kappa"] == f"{row['kappa']:.3f}"
            assert cells["both wrong"] == str(row["both_wrong"])
    right = np.stack([(t["predicted"] == t["label"]).to_numpy() for t in (stored(project, n, "test") for n in NAMES)])
    text = page.text.replace("\u00a0", " ")
    assert f"right on {100 * right.all(axis=0).mean():.1f} % of 200 test images" in text
    assert f"all are wrong on {100 * (~right).all(axis=0).mean():.1f} %" in text


def test_per_class_scores(project: Path, page: Tables) -> None:
    table = pd.read_csv(project / "reports/compare/per_class.csv")
    assert set(table["set"]) > set(SETS)
    for (name, part), rows in table.groupby(["model", "set"]):
        images = stored(project, str(name), str(part).replace("test_without_copies", "test"))
        if part == "test_without_copies":
            images = images[~images["copy_in_train"]]
        classes = rows["class"].tolist()
        expected = precision_recall_fscore_support(images["label"], images["predicted"], labels=classes)
        for column, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
            assert rows[column].to_numpy() == pytest.approx(values, abs=1e-5)
    for row in page.find("F1 of each class on PrivateTest"):
        images = stored(project, row["model"], "PrivateTest")
        classes = [name for name in row if name != "model"]
        scores = f1_score(images["label"], images["predicted"], labels=classes, average=None)
        assert [float(row[name]) for name in classes] == pytest.approx(100 * scores, abs=0.051)


def test_pairs_show_the_paired_tests(project: Path, page: Tables) -> None:
    table = pd.read_csv(project / "reports/compare/significance.csv")
    rows = page.find("Each pair, the better one first")
    for row, expected in zip(rows, table.to_dict("records"), strict=True):
        one, other = (stored(project, expected[place], "validation") for place in ("better", "worse"))
        right = [(side["predicted"] == side["label"]).to_numpy() for side in (one, other)]
        points = 100 * (right[0].mean() - right[1].mean())
        assert float(row["difference"].split()[0]) == pytest.approx(points, abs=0.051)
        only = int((right[0] & ~right[1]).sum()), int((~right[0] & right[1]).sum())
        assert (row["only first right"], row["only second right"]) == tuple(map(str, only))
        p_value = binomtest(only[0], sum(only)).pvalue
        assert row["p"] == ("< 0.001" if p_value < 0.001 else f"{p_value:.3f}")


def test_costs_are_those_of_the_trainings(page: Tables) -> None:
    rows = {row["model"]: row for row in page.find("Cost of one answer")}
    assert [rows[name]["MACs"].replace("\u00a0", " ") for name in RANKED] == ["29 M", "29 M", "720 M"]
    assert rows["vgg16"]["weights, MB"] == "59.6"


def test_a_single_result_has_no_ensemble(tmp_path: Path, write_results: Callable[..., Path]) -> None:
    write_results(tmp_path, {"cnn": 0.7})
    folders = [tmp_path / "reports" / name for name in ("evaluate", "infer", "train")]
    compare(("cnn",), *folders, tmp_path / "out", section("compare"), dataset="sample", seed=7)
    page = Tables((tmp_path / "out/index.html").read_text(encoding="utf-8"))
    assert len(page.find("Leaderboard")) == 1
    assert "Ensembles" not in page.text
    assert pd.read_csv(tmp_path / "out/ensembles.csv").empty


def test_links_lead_to_the_pages_of_the_results(project: Path) -> None:
    text = (project / "reports/compare/index.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="([^"#]+)"', text)) - {"data:,"}
    assert links == {f"../evaluate/{name}/index.html" for name in NAMES}


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed (apt-get install chromium)")


@needs_chromium
def test_page_in_a_browser(project: Path, tmp_path: Path) -> None:
    address = (project / "reports/compare/index.html").as_uri()
    with Browser(tmp_path / "profile") as browser:
        for width, scheme in ((1400, "light"), (400, "light"), (400, "dark"), (1400, "dark")):
            browser.show(width, scheme)
            browser.open(address)
            assert browser.complaints() == []
            assert browser.requests() == [address]
            root = "document.documentElement"
            assert browser.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), f"wider than {width} pixels"
            assert lowest_contrast(browser) >= 4.5, "WCAG 2.2, success criterion 1.4.3"
        _sort_by_keyboard(browser)


def _sort_by_keyboard(browser: Browser) -> None:
    column = "[...document.querySelectorAll('.sortable')[0].tHead.rows[0].cells].findIndex(c => c.textContent == '{}')"
    cells = "[...document.querySelectorAll('.sortable')[0].tBodies[0].rows].map(r => r.cells[{}].textContent)"

    def press(name: str) -> None:
        browser.evaluate(f"document.querySelectorAll('.sortable thead button')[{column.format(name)}].focus()")
        for kind in ("rawKeyDown", "char", "keyUp"):
            browser.call(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13
            )

    def state(name: str) -> str | None:
        return browser.evaluate(
            f"document.querySelectorAll('.sortable thead th')[{column.format(name)}].getAttribute('aria-sort')"
        )

    before = browser.evaluate(cells.format(1))
    press("log loss")
    assert state("log loss") == "descending"
    losses = [float(text) for text in browser.evaluate(cells.format(column.format("log loss")))]
    assert losses == sorted(losses, reverse=True)
    press("log loss")
    assert state("log loss") == "ascending"
    press("p")
    assert state("log loss") is None
    assert browser.evaluate(cells.format(column.format("p")))[-1] == "—", "what has no value comes last"
    press("#")
    press("#")
    assert browser.evaluate(cells.format(1)) == before


@needs_chromium
def test_page_without_its_script_is_the_same_table(project: Path, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile") as browser:
        browser.call("Emulation.setScriptExecutionDisabled", value=True)
        browser.show(1400, "light")
        browser.open((project / "reports/compare/index.html").as_uri())
        assert browser.requests() == [(project / "reports/compare/index.html").as_uri()]
    text = (project / "reports/compare/index.html").read_text(encoding="utf-8")
    body = text[: text.index("<script>")]
    assert all(name in body for name in NAMES)
    assert "<button" not in body
