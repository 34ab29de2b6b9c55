"""Run an ablation: train what has no result yet, compare, write the summary and the page, show the runs in MLflow."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ferflow.ablate.ablation_file import Ablation, arm_settings, read_ablation
from ferflow.ablate.ablation_page import write_page
from ferflow.ablate.ablation_runs import AblationRuns
from ferflow.ablate.ablation_summary import AblationSummary, Arm
from ferflow.ablate.fold_training import FoldResult, find_result, result_key, train_fold
from ferflow.ablate.paired_scores import compare_arms, rarest_class
from ferflow.ablate.pooled_images import pool
from ferflow.base.arrays import Split, read_split
from ferflow.base.errors import ConfigError, ModelError
from ferflow.base.files import write_json
from ferflow.base.metrics import accuracy, log_loss
from ferflow.reporting.text import percent
from ferflow.settings import Config
from ferflow.train.architectures import build_network
from ferflow.train.folds import assign_folds
from ferflow.train.recipe import ResultSettings
from ferflow.ui.tracking import DEFAULT_URI


@dataclass(frozen=True)
class Places:
    """Where an ablation reads and writes.

    Attributes:
        root: Project root, for MLflow's database and the git commit.
        data: Folder that prepare wrote.
        results: Folder for the results of trainings and the state of the unfinished one. They are local: neither git
            nor DVC keeps them.
        reports: Folder for the summaries, one file per ablation in a folder per dataset.
        page: The page with a section per summary.
    """

    root: Path = Path()
    data: Path = Path("data/prepare")
    results: Path = Path("checkpoints/ablate")
    reports: Path = Path("reports/ablate")
    page: Path = Path("docs/results/ablations.md")


def run_ablation(file: Path, config: Config, places: Places | None = None) -> AblationSummary:
    """Run an ablation file, and return what it found.

    The trainings go fold by fold, so that the arms can be compared once the first fold is done; the page is written
    after each fold. A training that has a result is not repeated: an interrupted ablation resumes, and a further arm
    costs its own trainings only.

    Args:
        file: The ablation file.
        config: params.yaml. Its dataset names the MLflow experiment and the section of the page.
        places: Where to read and write. Defaults to the project's own places.

    Raises:
        ConfigError: The file or the settings of an arm are invalid.
        DataError: The arrays are missing, or have too few images for the folds.
        ModelError: The baseline cannot be trained.
        TrackingError: MLflow cannot be used at the start. Later, that is a warning.
    """
    places = places or Places()
    ablation = read_ablation(file)
    try:
        settings = {arm: arm_settings(config, ablation, arm) for arm in ablation.arms}
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None
    images = pool(read_split(places.data, "train"), read_split(places.data, "validation"))
    for arm in settings.values():  # an option that is not allowed is found now, not hours later
        side = None if arm.train.sides else images.images.shape[1]
        build_network(arm.architecture, arm.network, side, len(images.classes), arm.model)
    folds = assign_folds(images.labels, images.index["group"].to_numpy(np.int64), ablation.folds, ablation.seed)
    return _Running(file, ablation, config, places, settings, images, folds).run()


@dataclass
class _Running:
    """An ablation in progress.

    Attributes:
        file: The ablation file.
        ablation: Its content.
        config: params.yaml.
        places: Where to read and write.
        settings: What each arm trains.
        images: All images.
        folds: Fold of each image, from 1, int64, (N,).
        done: Finished trainings of each arm, in the order of the folds.
        failed: Why an arm could not be trained, by its name.
        durations: Seconds of each training of this session.
    """

    file: Path
    ablation: Ablation
    config: Config
    places: Places
    settings: dict[str, ResultSettings]
    images: Split
    folds: npt.NDArray[np.int64]
    done: dict[str, list[FoldResult]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    durations: list[float] = field(default_factory=list)

    def run(self) -> AblationSummary:
        """Train fold by fold; see run_ablation."""
        self.done = {arm: [] for arm in self.settings}
        uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
        first_key = self._key(self.ablation.baseline, 1, *self._split(1))
        runs = AblationRuns(
            self.places.root, uri, self.config.dataset, self.ablation.budget, file=self.file, key=first_key
        )
        for fold in self.ablation.fold_numbers:
            train, held_out = self._split(fold)
            for arm in self.settings:
                result = None if arm in self.failed else self._result(arm, fold, train, held_out)
                if result is not None:
                    self.done[arm].append(result)
                    runs.show_fold(arm, fold, self.settings[arm], held_out.labels, result)
            summary = self._write(fold)
        runs.show_ablation(summary, self._report, [result for results in self.done.values() for result in results])
        return summary

    def _split(self, fold: int) -> tuple[Split, Split]:
        """Return the images to train on and the held-out ones of a fold."""
        train, held_out = (self.images.take(np.flatnonzero(part)) for part in (self.folds != fold, self.folds == fold))
        return train, held_out

    def _key(self, arm: str, fold: int, train: Split, held_out: Split) -> str:
        settings = self.settings[arm]
        return result_key(settings, train, held_out, settings.seed + fold, self.ablation.views)

    def _result(self, arm: str, fold: int, train: Split, held_out: Split) -> FoldResult | None:
        """Return the result of a training, from disk or after training; None if the arm cannot be trained.

        Raises:
            ModelError: The baseline cannot be trained.
        """
        key = self._key(arm, fold, train, held_out)
        label = f"{arm}, fold {fold} of {self.ablation.folds}"
        result, begun = find_result(self.places.results, key), time.monotonic()
        if result is None:
            settings = self.settings[arm].model_copy(update={"result": label})
            try:
                result = train_fold(
                    settings,
                    train,
                    held_out,
                    settings.seed + fold,
                    self.ablation.views,
                    key=key,
                    folder=self.places.results,
                )
            except ModelError as error:
                if arm == self.ablation.baseline:
                    raise ModelError(f"The baseline cannot be trained, so nothing can be compared. {error}") from error
                self.failed[arm] = str(error)
                print(f"{label}: failed, so the ablation continues without this arm: {error}", flush=True)
                return None
            self.durations.append(time.monotonic() - begun)
        correct = accuracy(held_out.labels, result.probabilities.argmax(axis=1))
        loss = log_loss(held_out.labels, result.probabilities)
        print(f"{label}: accuracy {percent(correct, space=' ')}, log loss {loss:.3f}; {self._left()}", flush=True)
        return result

    def _left(self) -> str:
        """Return how many trainings are left, and for how long, if this session has trained any."""
        arms = [arm for arm in self.settings if arm not in self.failed]
        left = len(arms) * len(self.ablation.fold_numbers) - sum(len(self.done[arm]) for arm in arms) - 1
        text = f"{left} {'training' if left == 1 else 'trainings'} left"
        if not left or not self.durations:
            return text
        minutes = left * sum(self.durations) / len(self.durations) / 60
        return f"{text}, about {minutes:.0f} min" if minutes >= 1 else f"{text}, less than 1 min"

    @property
    def _report(self) -> Path:
        return self.places.reports / self.config.dataset / f"{self.file.stem}.json"

    def _write(self, folds_run: int) -> AblationSummary:
        """Compare the arms on the folds that are done, and write the summary and the page."""
        rows = np.concatenate([np.flatnonzero(self.folds == fold) for fold in range(1, folds_run + 1)])
        groups = self.images.index["group"].to_numpy(np.int64)[rows]
        compare, baseline = self.config.compare, self.settings[self.ablation.baseline]
        scores = compare_arms(
            {
                arm: np.concatenate([result.probabilities for result in results])
                for arm, results in self.done.items()
                if arm not in self.failed
            },
            self.images.labels[rows],
            groups,
            self.folds[rows],
            resamples=compare.resamples,
            confidence=compare.confidence,
            seed=self.ablation.seed,
        )
        arms = {}
        for arm, changes in self.ablation.arms.items():
            results = self.done[arm] if arm in scores else []
            arms[arm] = Arm(
                changes=changes,
                scores=scores.get(arm),
                seconds=round(float(np.mean([result.seconds for result in results])), 1) if results else None,
                processors=tuple(sorted({result.processor for result in results})),
                failed=self.failed.get(arm, ""),
            )
        summary = AblationSummary(
            name=self.file.stem,
            dataset=self.config.dataset,
            description=self.ablation.description,
            model=self.ablation.model,
            budget=self.ablation.budget,
            views=self.ablation.views,
            seed=self.ablation.seed,
            versions=baseline.versions,
            base=self.ablation.base,
            epochs=baseline.train.epochs,
            folds=self.ablation.folds,
            folds_run=folds_run,
            images=len(rows),
            groups=len(np.unique(groups)),
            rarest=self.images.classes[rarest_class(self.images.labels[rows])],
            resamples=compare.resamples,
            confidence=compare.confidence,
            arms=arms,
        )
        write_json(self._report, summary.to_json())
        write_page(self.places.page, self.places.reports)
        return summary
