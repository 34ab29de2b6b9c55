"""Search for better params: a study of short trainings that a kill does not change.

`run_study` asks for params, has them tried and remembers each finished trial; `write_study` writes what came
out. What a trial does is the caller's: a function from params to a validation metric.
"""

from ferflow.tune.journal import fingerprint
from ferflow.tune.report import write_study
from ferflow.tune.space import corners, dotted
from ferflow.tune.study import Objective, Params, Report, run_study
from ferflow.tune.subset import stratified_rows

__all__ = [
    "Objective",
    "Params",
    "Report",
    "corners",
    "dotted",
    "fingerprint",
    "run_study",
    "stratified_rows",
    "write_study",
]
