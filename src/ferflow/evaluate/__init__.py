"""Stage evaluate: the metrics of one result on validation and test, from its predictions, with figures; no Keras."""

from pathlib import Path

from ferflow.base.arrays import read_split
from ferflow.base.contracts import read_contract
from ferflow.base.errors import DataError
from ferflow.evaluate.agreement import score_agreement
from ferflow.evaluate.evaluation_report import Evaluation, read_training, write_report
from ferflow.evaluate.faces import read_mistakes
from ferflow.evaluate.robustness import score_robustness
from ferflow.evaluate.rounding import rounded
from ferflow.evaluate.scores import score
from ferflow.evaluate.sets import ImageFacts, check_same_images
from ferflow.evaluate.thirds import Limits, score_thirds
from ferflow.reporting.result_contracts import Metrics
from ferflow.scoring.corrupted_predictions import read_corrupted
from ferflow.scoring.evaluation_sets import evaluation_masks
from ferflow.scoring.predictions import InferSummary, read_predictions, read_viewed
from ferflow.scoring.temperature import calibrate, fit_temperature
from ferflow.settings.judging import Evaluate

__all__ = ["evaluate"]


def evaluate(
    name: str, inferred: Path, training: Path, data: Path, out: Path, settings: Evaluate, seed: int
) -> Metrics:
    """Measure a result by what infer wrote, and write the measurements into a folder.

    Args:
        name: Name of the result, such as `cnn_tuned`.
        inferred: Folder that infer wrote, reports/infer/<result>.
        training: Folder of the training's history.csv and summary.json.
        data: Folder that prepare wrote.
        out: Folder to write: metrics.json, headline.json (the few numbers for `dvc metrics`), confusion.csv (test, for
            `dvc plots`), classification_report.csv and .txt, figures/ and faces/; see evaluation_report.write_report.
        settings: `evaluate:` of params.yaml.
        seed: Seed of the bootstrap.

    Returns:
        The content of metrics.json.

    Raises:
        DataError: The arrays, the predictions or the training's report are missing, or they do not belong together.
    """
    predictions = {split: read_predictions(inferred, split) for split in ("validation", "test")}
    summary = read_contract(inferred / "summary.json", InferSummary, f"infer@{name}")
    if summary.model != name:
        raise DataError(
            f"{inferred / 'summary.json'} is about {summary.model!r}, not {name!r}. Run again: dvc repro -f "
            f"infer@{name}."
        )
    splits = {split: read_split(data, split) for split in predictions}
    for split_name, split in splits.items():
        check_same_images(predictions[split_name], split, split_name, name)
    corrupted = read_corrupted(inferred, len(splits["test"]))
    viewed = read_viewed(inferred, {split_name: len(split) for split_name, split in splits.items()})
    facts = {split_name: ImageFacts.of(split) for split_name, split in splits.items()}
    limits = Limits.of(read_split(data, "train").images)
    validation = predictions["validation"]
    temperature = fit_temperature(validation.labels, validation.probabilities)
    drawing = (settings.bootstrap, settings.confidence, seed)
    blocks = {}
    for set_name, (split_name, mask) in evaluation_masks(**predictions).items():
        part, known = predictions[split_name].select(mask), facts[split_name].select(mask)
        block = score(part, temperature, *drawing).model_copy(
            update={"thirds": score_thirds(part, known, limits, *drawing)}
        )
        if known.votes is not None:
            served = calibrate(part.probabilities, temperature)
            block = block.model_copy(update={"agreement": score_agreement(part.labels, served, known.votes)})
        if viewed.views:
            right = viewed.splits[split_name][:, mask] == part.labels
            shares = {views: rounded(row.mean()) for views, row in zip(viewed.views, right, strict=True)}
            block = block.model_copy(update={"by_views": shares})
        if split_name == "test":
            block = block.model_copy(update={"robustness": score_robustness(part, corrupted, mask)})
        blocks[set_name] = block
    metrics = Metrics(model=name, views=summary.views, temperature=temperature, sets=blocks)
    mistakes = read_mistakes(inferred, name, predictions["test"], splits["test"].images, temperature)
    report = Evaluation(metrics, predictions["validation"], predictions["test"], read_training(training, name))
    write_report(out, report, mistakes)
    return metrics
