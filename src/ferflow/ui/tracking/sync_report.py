"""What `ferflow track` did, for people."""

from dataclasses import dataclass, field

from ferflow.ui.tracking.run_content import Outcome


@dataclass
class SyncReport:
    """What a sync did.

    Attributes:
        outcomes: Outcome for the run of each stage, and for the champion's registration: `added`, `completed` (the run
            was incomplete), `updated` (the results have changed) or `unchanged`.
        skipped: By stage, why it is not shown and what to run.
        obsolete: Stages in dvc.lock that dvc.yaml no longer has; their results are not shown, their runs are kept.
        moved: Whether the project is in another folder than before, so that MLflow's paths were corrected.
        decision: Decision about the champion as text, or an empty string if none was made.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    obsolete: list[str] = field(default_factory=list)
    moved: bool = False
    decision: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return any(outcome != "unchanged" for outcome in self.outcomes.values())

    def __str__(self) -> str:
        """Return lines for people."""
        lines = ["The project was moved: MLflow now finds its figures and models here."] if self.moved else []
        lines += [f"{outcome}: {stage}" for stage, outcome in self.outcomes.items() if outcome != "unchanged"]
        lines += [self.decision] if self.decision else []
        lines += [f"not shown: {stage}: {reason}" for stage, reason in self.skipped.items()]
        unchanged = list(self.outcomes.values()).count("unchanged")
        if unchanged:
            lines.append(f"up to date: {unchanged}")
        if not lines:
            lines.append("dvc.lock has no trained model yet. Run the pipeline: dvc repro")
        if self.obsolete:
            lines.append(
                f"no longer part of the pipeline (in dvc.lock, not in dvc.yaml): {', '.join(self.obsolete)}. "
                "Their runs in MLflow are kept as they are. To see what is left of them on disk: ferflow tidy"
            )
        return "\n".join(lines)
