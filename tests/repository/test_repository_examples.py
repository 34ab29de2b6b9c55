"""The examples in docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import ferflow

# The registered model's own module, which MLflow runs as a script.
MODULES = sorted(
    info.name for info in pkgutil.walk_packages(ferflow.__path__, "ferflow.") if not info.name.endswith("served_model")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    documented = [test.name for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(documented) >= 10
