"""Run a stage and record every project file it opens, every module it loads and every key of params.yaml it reads.

Usage: python audited_stage.py RECORD stages/clean.py [ARGUMENT ...], from the project root. A line of RECORD is a JSON
list: ["file", path, by], ["module", path] or ["param", key]. `by` is `tracking` for what ferflow.ui.tracking opened (it
only shows results), `settings` for what ferflow.settings opened (it only checks params.yaml), and else empty.
"""

import json
import os
import runpy
import sys
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from pathlib import Path

record, script, *arguments = sys.argv[1:]
ROOT = str(Path.cwd())
SOURCE = os.path.join(ROOT, "src", "ferflow")  # noqa: PTH118 (no Path objects inside an audit hook)
SILENT = {
    "tracking": os.path.join(SOURCE, "ui", "tracking") + os.sep,  # noqa: PTH118
    "settings": os.path.join(SOURCE, "settings") + os.sep,  # noqa: PTH118
}
USES_SETTINGS = "ferflow.settings" in Path(script).read_text()
sys.dont_write_bytecode = True
out = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND)  # one descriptor, shared with forked workers
written: set[str] = set()


def write(*item: object) -> None:
    line = json.dumps(item)
    if line not in written:
        written.add(line)
        os.write(out, f"{line}\n".encode())


def opened_by() -> str:
    """`tracking` or `settings` if code of that package is on the stack, else nothing."""
    frame = sys._getframe()
    while frame:
        for name, folder in SILENT.items():
            if frame.f_code.co_filename.startswith(folder):
                return name
        frame = frame.f_back
    return ""


def hook(event: str, details: tuple) -> None:
    if event != "open" or not isinstance(details[0], str | bytes):
        return
    path, mode, flags = os.path.abspath(os.fsdecode(details[0])), details[1], details[2]  # noqa: PTH100
    reads = (flags & os.O_ACCMODE) == os.O_RDONLY if mode is None else not set(mode) & set("wax+")
    if reads and path.startswith(ROOT + os.sep) and os.path.isfile(path):  # noqa: PTH113
        path = path.replace("__pycache__" + os.sep, "").replace(f".{sys.implementation.cache_tag}.pyc", ".py")
        write("file", os.path.relpath(path, ROOT), opened_by())


sys.addaudithook(hook)

from ferflow.base.section import Section  # noqa: E402

keys: dict[int, str] = {}
kept: list[object] = []  # so that no id is used twice


class RecordingDict(dict):
    """A mapping of sections that records when its keys are listed; a look-up by key is recorded at what it finds."""

    key = ""

    def __iter__(self) -> Iterator:
        write("param", self.key)
        return super().__iter__()

    def keys(self) -> KeysView:
        write("param", self.key)
        return super().keys()

    def values(self) -> ValuesView:
        write("param", self.key)
        return super().values()

    def items(self) -> ItemsView:
        write("param", self.key)
        return super().items()


def index(value: object, key: str) -> None:
    if isinstance(value, Section):
        keys[id(value)] = key
        kept.append(value)
        for name, field in type(value).model_fields.items():
            below = f"{key}.{field.alias or name}".lstrip(".")
            item = object.__getattribute__(value, name)
            index(item, below)
            if isinstance(item, dict) and any(isinstance(part, Section) for part in item.values()):
                value.__dict__[name] = recording = RecordingDict(item)
                recording.key = below
    elif isinstance(value, dict):
        for name, item in value.items():
            index(item, f"{key}.{name}")


def leaves(value: object, key: str) -> list[str]:
    """The dotted keys of a value; a mapping without sections is one."""
    if isinstance(value, Section):
        fields = type(value).model_fields.items()
        return [
            leaf
            for name, field in fields
            for leaf in leaves(object.__getattribute__(value, name), f"{key}.{field.alias or name}".lstrip("."))
        ]
    if isinstance(value, dict) and any(isinstance(item, Section) for item in dict.values(value)):
        return [leaf for name, item in dict.items(value) for leaf in leaves(item, f"{key}.{name}")]
    return [key]


original_get, original_dump = Section.__getattribute__, Section.model_dump


def get(self: Section, name: str) -> object:
    value = original_get(self, name)
    key = keys.get(id(self))
    if key is not None and not name.startswith("_"):
        field = type(self).model_fields.get(name)
        if field is not None:
            full = f"{key}.{field.alias or name}".lstrip(".")
            if leaves(value, full) == [full]:
                write("param", full)
    return value


def dump(self: Section, **options: object) -> dict:
    key = keys.get(id(self))
    if key is not None:
        for leaf in leaves(self, key):
            write("param", leaf)
    return original_dump(self, **options)


Section.__getattribute__ = get  # type: ignore[method-assign]
Section.model_dump = dump  # type: ignore[method-assign]
if USES_SETTINGS:
    import ferflow.settings

    original_load = ferflow.settings.load_config

    def load(path: Path) -> object:
        config = original_load(path)
        index(config, "")
        return config

    ferflow.settings.load_config = load
sys.argv = [script, *arguments]
sys.path[0] = str(Path(script).parent)
try:
    runpy.run_path(script, run_name="__main__")
finally:
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        if file.startswith(SOURCE):
            write("module", os.path.relpath(file, ROOT))
