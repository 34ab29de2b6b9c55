"""Find whole sets that the raw data holds twice, such as `images/` and again `images/images/`."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

Unit = tuple[str, str, str]  # source, name of the split's folder, split


def second_sets(images: pd.DataFrame, sources: Sequence[tuple[str, str]]) -> "pd.Series[str]":
    """Return, for each image of a set that another set holds as well, the path of its counterpart there; else "".

    A set is what one folder, or one table, has of one split. It is a second one if another set of the same split has
    each of its pictures under the same label, at least as often. The larger stays, of equal ones the one less deep.
    Copies within one set do not count, so FER-2013's own stay as published.

    Args:
        images: Readable images with a place, sorted by path: `path`, `split`, `label` and `pixels`.
        sources: Of each image the folder that holds its whole set, or its table, and the name of its split's folder.

    Returns:
        Text, indexed as `images`.
    """
    keys = pd.factorize(images["label"] + "\n" + images["pixels"])[0]
    units = [(*source, str(split)) for source, split in zip(sources, images["split"], strict=True)]
    members: dict[Unit, list[int]] = defaultdict(list)
    for position, unit in enumerate(units):
        members[unit].append(position)
    original = np.full(len(images), "", object)
    paths = images["path"].tolist()
    order = sorted(members, key=lambda unit: (-len(members[unit]), unit[0].count("/"), unit))
    counts: dict[Unit, Counter[int]] = {}
    holders: dict[tuple[int, str], list[Unit]] = defaultdict(list)  # the sets that stay, by picture and split
    for unit in order:
        counts[unit] = Counter(keys[members[unit]].tolist())
        candidates = holders[next(iter(counts[unit])), unit[2]]
        whole = next((held for held in candidates if counts[unit] <= counts[held]), None)
        if whole is None:
            for key in counts[unit]:
                holders[key, unit[2]].append(unit)
            continue
        first = _first_path(keys, members[whole], paths)
        for position in members[unit]:
            original[position] = first[int(keys[position])]
    return pd.Series(original, index=images.index)


def _first_path(keys: npt.NDArray[np.int64], positions: Sequence[int], paths: Sequence[str]) -> dict[int, str]:
    return {int(keys[position]): paths[position] for position in reversed(positions)}
