"""The section that arranges faces by their pixels: PCA and t-SNE."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from ferflow.eda import charts
from ferflow.reporting.page import Chart, PageSection, ReportFiles, contact_sheet
from ferflow.reporting.text import count, percent

Points = npt.NDArray[np.float64]
MAP_SIDE = 14  # faces per side of the map of faces
MIN_IMAGES = 10  # fewer are not informative, and t-SNE needs more than three times its perplexity


@dataclass(frozen=True)
class Embedding:
    """Images as points in a plane.

    Attributes:
        pca: First two principal components of the grey levels, (N, 2).
        explained: Share of the variance that each of the two components explains.
        tsne: t-SNE (van der Maaten & Hinton 2008) of the images normalised to the same brightness and contrast, (N, 2).
    """

    pca: Points
    explained: tuple[float, float]
    tsne: Points


def embed(images: npt.NDArray[np.uint8]) -> Embedding | None:
    """Embed images in the plane by their pixels, deterministically.

    Args:
        images: Images, uint8 (N, side, side).

    Returns:
        None for fewer than ten images, or if all are the same.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    levels = images.reshape(len(images), -1).astype(np.float32)
    if len(images) < MIN_IMAGES or not levels.std(axis=0).any():
        return None
    # With one thread, sums are always added in the same order, on any number of cores.
    with threadpool_limits(limits=1):
        pca = PCA(2, svd_solver="randomized", random_state=0)
        plane = pca.fit_transform(levels)
        # t-SNE of the raw grey levels would mostly show the lighting, as PCA already does.
        normalised = levels - levels.mean(axis=1, keepdims=True)
        normalised /= np.maximum(normalised.std(axis=1, keepdims=True), 1.0)
        reduction = PCA(min(50, *(size - 1 for size in normalised.shape)), svd_solver="randomized", random_state=0)
        perplexity = min(30.0, (len(images) - 1) / 3)
        tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=0, n_jobs=1)
        points = tsne.fit_transform(reduction.fit_transform(normalised))
    first, second = (float(value) for value in pca.explained_variance_ratio_[:2])
    return Embedding(plane.astype(np.float64), (first, second), points.astype(np.float64))


def neighbour_agreement(points: Points, labels: list[str]) -> tuple[float, float]:
    """Return the share of points whose nearest neighbour has the same class, and that share expected by chance."""
    names = np.unique(np.asarray(labels, dtype=str), return_inverse=True)[1]
    nearest = np.asarray(cKDTree(points).query(points, k=2)[1])
    # Of identical points either may come first, so the neighbour is the one that is not the point itself.
    other = np.where(nearest[:, 0] == np.arange(len(points)), nearest[:, 1], nearest[:, 0])
    sizes = np.bincount(names)
    chance = float((sizes * (sizes - 1)).sum() / (len(points) * (len(points) - 1)))
    return float((names[other] == names).mean()), chance


def embedding_section(
    images: npt.NDArray[np.uint8], labels: list[str], brightness: Points, classes: list[str], files: ReportFiles
) -> PageSection:
    """Return the section with PCA, t-SNE and a map of faces.

    Args:
        images: Images, uint8 (N, side, side).
        labels: Class of each image.
        brightness: Mean grey level of each image, (N,).
        classes: Classes to draw, in order.
        files: Receives `pca.png`, `tsne.png` and `face_map.png`.
    """
    embedding = embed(images)
    result = PageSection("embedding", "Faces arranged by their pixels")
    if embedding is None:
        result.findings.append(f"{count(len(images), 'image')}: too few to arrange, or all the same.")
        return result
    first, second = embedding.explained
    correlation = abs(float(np.corrcoef(embedding.pca[:, 0], brightness)[0, 1])) if brightness.std() > 0 else 0.0
    pca = PageSection("pca", "Principal components")
    pca.findings.append(
        f"The first two components explain {percent(first + second, 0)} of the variance of {len(images):,} faces "
        f"({percent(first, 0)} and {percent(second, 0)}). The first correlates with brightness by "
        f"{correlation:.2f}. {_closeness(embedding.pca, labels)}"
    )
    pca.blocks.append(_chart("pca", embedding.pca, labels, classes, files))
    tsne = PageSection("tsne", "t-SNE")
    tsne.findings.append(
        "The same faces at equal brightness and contrast; similar faces are close together. "
        + _closeness(embedding.tsne, labels)
    )
    tsne.blocks.append(_chart("tsne", embedding.tsne, labels, classes, files))
    side = min(MAP_SIDE, math.isqrt(len(images)))
    order = assign_to_grid(embedding.tsne[: side * side], side)
    pixels = images[: side * side].reshape(side * side, -1).astype(np.float64)
    adjacent, any_two = _similarity(pixels[order].reshape(side, side, -1))
    face_map = PageSection("face-map", "A map of the faces")
    face_map.findings.append(
        f"{side * side:,} of the faces, moved from their t-SNE position to the cells of a grid over the shortest total "
        f"distance. Adjacent faces correlate by {adjacent:.2f} on average, any two faces by {any_two:.2f}."
    )
    sheet = contact_sheet([images[index] for index in order], columns=side, gap=0)
    alt = f"{side} by {side} faces; similar faces are close together"
    face_map.blocks.append(Chart(files.add_picture("face_map", sheet, alt), kind="photo"))
    result.sections, result.paired = [pca, tsne, face_map], True
    return result


def _chart(name: str, points: Points, labels: list[str], classes: list[str], files: ReportFiles) -> Chart:
    alt = f"{len(points):,} faces as points, one panel per class with its faces in colour and all others in grey."
    return files.add_chart(name, charts.scatter_by_class(points, labels, classes), alt)


def _closeness(points: Points, labels: list[str]) -> str:
    if len(set(labels)) < 2:
        return "There is one class, so there is nothing to distinguish."
    own, chance = neighbour_agreement(points, labels)
    return (
        f"The nearest neighbour of a face has the same class in {percent(own)} of cases; by chance: {percent(chance)}."
    )


def assign_to_grid(points: Points, side: int) -> npt.NDArray[np.int64]:
    """Assign points to the cells of a square grid so that the sum of the squared distances is minimal.

    Args:
        points: Coordinates, (side * side, 2).
        side: Cells per side of the grid.

    Returns:
        Index of the point in each cell, row by row, int64 (side * side,).
    """
    low, high = points.min(axis=0), points.max(axis=0)
    even = (points - low) / np.maximum(high - low, 1e-9)
    steps = np.linspace(0.0, 1.0, side)
    cells = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    return linear_sum_assignment(cdist(cells, even, "sqeuclidean"))[1].astype(np.int64)


def _similarity(grid: Points) -> tuple[float, float]:
    """Return the mean correlation of adjacent faces in a grid (side, side, pixels), and that of any two faces."""
    even = grid - grid.mean(axis=2, keepdims=True)
    even /= np.maximum(np.linalg.norm(even, axis=2, keepdims=True), 1e-9)
    across, down = (even[:, :-1] * even[:, 1:]).sum(axis=2), (even[:-1] * even[1:]).sum(axis=2)
    flat = even.reshape(-1, even.shape[2])
    pairs = len(flat) * (len(flat) - 1)
    any_two = (float((flat.sum(axis=0) ** 2).sum()) - float((flat**2).sum())) / pairs
    return float(np.concatenate([across.ravel(), down.ravel()]).mean()), any_two
