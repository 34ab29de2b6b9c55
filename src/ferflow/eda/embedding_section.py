"""The section that places faces by their pixels: PCA, and t-SNE."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from ferflow.eda import charts
from ferflow.eda.page import Chart, Files, Section
from ferflow.eda.pictures import Levels, sheet
from ferflow.eda.text import count, share

Points = npt.NDArray[np.float64]
GRID = 14  # cells a side of the map of faces
FEWEST = 10  # images; fewer say nothing, and t-SNE wants more than three times its perplexity


@dataclass(frozen=True)
class Embedding:
    """Images as points of a plane.

    Attributes:
        pca: (N, 2) first two principal components of the grey levels.
        explained: share of the variance that each of the two carries.
        tsne: (N, 2) t-SNE (van der Maaten & Hinton 2008) of the faces freed of brightness and contrast.
    """

    pca: Points
    explained: tuple[float, float]
    tsne: Points


def embed(images: npt.NDArray[np.uint8]) -> Embedding | None:
    """Place images in the plane by their pixels, the same every time.

    Args:
        images: uint8 (N, side, side).

    Returns:
        None where there is nothing to place: fewer than ten images, or all of them the same.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    levels = images.reshape(len(images), -1).astype(np.float32)
    if len(images) < FEWEST or not levels.std(axis=0).any():
        return None
    # With one thread sums are always added in the same order, on any number of cores.
    with threadpool_limits(limits=1):
        pca = PCA(2, svd_solver="randomized", random_state=0)
        plane = pca.fit_transform(levels)
        # t-SNE of the raw levels would draw a map of the lighting, which PCA shows already.
        even = levels - levels.mean(axis=1, keepdims=True)
        even /= np.maximum(even.std(axis=1, keepdims=True), 1.0)
        few = PCA(min(50, *(side - 1 for side in even.shape)), svd_solver="randomized", random_state=0)
        perplexity = min(30.0, (len(images) - 1) / 3)
        tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=0, n_jobs=1)
        points = tsne.fit_transform(few.fit_transform(even))
    first, second = (float(value) for value in pca.explained_variance_ratio_[:2])
    return Embedding(plane.astype(np.float64), (first, second), points.astype(np.float64))


def neighbours(points: Points, labels: list[str]) -> tuple[float, float]:
    """Return how often a point's nearest neighbour is of its class, and how often it would be by chance."""
    names = np.unique(np.asarray(labels, dtype=str), return_inverse=True)[1]
    nearest = np.asarray(cKDTree(points).query(points, k=2)[1])
    # Of points in the same place either may come first; the neighbour is the one that is not the point itself.
    other = np.where(nearest[:, 0] == np.arange(len(points)), nearest[:, 1], nearest[:, 0])
    sizes = np.bincount(names)
    chance = float((sizes * (sizes - 1)).sum() / (len(points) * (len(points) - 1)))
    return float((names[other] == names).mean()), chance


def section(
    images: npt.NDArray[np.uint8], labels: list[str], brightness: Points, classes: list[str], files: Files
) -> Section:
    """Return the section.

    Args:
        images: uint8 (N, side, side).
        labels: N class names.
        brightness: N mean grey levels.
        classes: to draw, in order.
        files: takes `pca.png`, `tsne.png` and `face_map.png`.
    """
    placed = embed(images)
    result = Section("embedding", "Faces placed by their pixels")
    if placed is None:
        result.findings.append(f"{count(len(images), 'image')} to place: too few, or all the same.")
        return result
    first, second = placed.explained
    correlation = abs(float(np.corrcoef(placed.pca[:, 0], brightness)[0, 1])) if brightness.std() > 0 else 0.0
    pca = Section("pca", "Principal components")
    pca.findings.append(
        f"The first two components carry {share(first + second, 1, 0)} of the variance of {len(images):,} faces "
        f"({share(first, 1, 0)} and {share(second, 1, 0)}). The first follows the brightness with a correlation of "
        f"{correlation:.2f}. {_closeness(placed.pca, labels)}"
    )
    pca.blocks.append(_chart("pca", placed.pca, labels, classes, files))
    tsne = Section("tsne", "t-SNE")
    tsne.findings.append(
        f"The same faces freed of brightness and contrast, alike ones close together. {_closeness(placed.tsne, labels)}"
    )
    tsne.blocks.append(_chart("tsne", placed.tsne, labels, classes, files))
    side = min(GRID, math.isqrt(len(images)))
    order = on_a_grid(placed.tsne[: side * side], side)
    pixels = images[: side * side].reshape(side * side, -1).astype(np.float64)
    beside, any_two = _likeness(pixels[order].reshape(side, side, -1))
    map_ = Section("face-map", "A map of the faces")
    map_.findings.append(
        f"{side * side:,} of the faces, moved from their place in t-SNE to the nearest free one of a grid. Faces side "
        f"by side correlate by {beside:.2f} on average, any two of them by {any_two:.2f}."
    )
    faces: list[Levels] = [images[number] for number in order]
    alt = f"{side} by {side} faces, alike ones close together"
    map_.blocks.append(Chart(files.picture("face_map", sheet(faces, columns=side, gap=0), alt), kind="photo"))
    result.sections, result.paired = [pca, tsne, map_], True
    return result


def _chart(name: str, points: Points, labels: list[str], classes: list[str], files: Files) -> Chart:
    alt = (
        f"{len(points):,} faces as points, a panel for each class with its own faces in colour and all others in grey."
    )
    return files.chart(name, charts.scatter_by_class(points, labels, classes), alt)


def _closeness(points: Points, labels: list[str]) -> str:
    if len(set(labels)) < 2:
        return "There is one class, so nothing to tell apart."
    own, chance = neighbours(points, labels)
    return f"A face's nearest neighbour here is of its own class in {share(own, 1)}; by chance: {share(chance, 1)}."


def on_a_grid(points: Points, side: int) -> npt.NDArray[np.int64]:
    """Return for each cell of a square grid, row by row, the point that goes there, so that all move the least.

    Args:
        points: (side * side, 2).
        side: of the grid, in cells.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    even = (points - low) / np.maximum(high - low, 1e-9)
    steps = np.linspace(0.0, 1.0, side)
    cells = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    return linear_sum_assignment(cdist(cells, even, "sqeuclidean"))[1].astype(np.int64)


def _likeness(grid: Points) -> tuple[float, float]:
    """Return the mean correlation of faces side by side in a grid (side, side, pixels), and of any two."""
    even = grid - grid.mean(axis=2, keepdims=True)
    even /= np.maximum(np.linalg.norm(even, axis=2, keepdims=True), 1e-9)
    across, down = (even[:, :-1] * even[:, 1:]).sum(axis=2), (even[:-1] * even[1:]).sum(axis=2)
    flat = even.reshape(-1, even.shape[2])
    pairs = len(flat) * (len(flat) - 1)
    any_two = (float((flat.sum(axis=0) ** 2).sum()) - float((flat**2).sum())) / pairs
    return float(np.concatenate([across.ravel(), down.ravel()]).mean()), any_two
