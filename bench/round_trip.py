"""Measure what finding and cutting a face costs in accuracy: test crops are pasted into photographs and found again.

    python bench/round_trip.py --archive fer2013.zip [--model export] [--images 2000]

Each PrivateTest face of FER-2013 is enlarged, tilted and pasted on a photograph-like ground, where YuNet looks for it.
The found face is cut out in five ways, the first of them ferflow's own, and the network's accuracy on these crops is
compared with that on the untouched crops of the same faces. A sixth crop is cut where the face was pasted: what it
loses is lost by enlarging and shrinking a crop of 48 pixels, which a photograph is spared, and not by finding the face.
Writes reports/bench/round_trip.json and docs/images/round_trip.png.
"""

import argparse
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from PIL import Image

from ferflow.base.files import write_json
from ferflow.reporting import save_figure
from ferflow.ui.progress import progress
from ferflow.use.crop import Placement, cut, place, placements
from ferflow.use.face import Box, Face
from ferflow.use.model_source import find_network
from ferflow.use.network import Network
from ferflow.use.yunet import YuNet

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 640, 480
SMALLEST, LARGEST = 80, 260  # sides of the pasted crops in pixels
SURE = 0.3  # overlap from which a found face is the pasted one
TILTS = (0, 20)  # degrees to either side
LIMIT = 1.5  # points that the crop which ferflow.use makes may lose
Grey = npt.NDArray[np.uint8]


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--archive", type=Path, required=True, help="fer2013.zip in the layout of msambare/fer2013")
    parser.add_argument("--model", default="export", help="export folder of a network trained on FER-2013")
    parser.add_argument("--images", type=int, default=2000, help="number of faces")
    arguments = parser.parse_args()
    network = Network(find_network(arguments.model), threads=1)
    faces, labels = test_faces(arguments.archive, network.card.classes, arguments.images)
    rows = [measure(network, faces, labels, tilt) for tilt in TILTS]
    card = network.card
    report = {"network": card.name, "file": network.file, "images": len(faces), "limit_points": LIMIT, "tilts": rows}
    write_json(ROOT / "reports/bench/round_trip.json", report)
    draw(rows, ROOT / "docs/images/round_trip.png")
    for row in rows:
        print(f"tilt up to {row['tilt']} degrees: {row['found']} of {len(faces)} found")
        for name, crop in row["crops"].items():
            change = f"{100 * crop['change']:+5.1f} ± {100 * crop['change_standard_error']:.1f} points"
            print(f"  {name:<30} {crop['accuracy']:6.1%}  {change}  same answer {crop['same_answer']:6.1%}")


def test_faces(archive: Path, classes: tuple[str, ...], most: int) -> tuple[Grey, npt.NDArray[np.int64]]:
    """Return faces of PrivateTest, uint8 (N, 48, 48), and their classes, int64 (N,)."""
    with zipfile.ZipFile(archive) as content:
        names = sorted(name for name in content.namelist() if Path(name).name.startswith("PrivateTest_"))
        names = [name for name in names if Path(name).parent.name in classes]
        chosen = np.sort(np.random.default_rng(0).permutation(len(names))[:most])
        images = [np.asarray(Image.open(io.BytesIO(content.read(names[index]))).convert("L")) for index in chosen]
        labels = [classes.index(Path(names[index]).parent.name) for index in chosen]
    return np.stack(images), np.array(labels)


def measure(network: Network, faces: Grey, labels: npt.NDArray[np.int64], tilt: int) -> dict[str, Any]:
    """Return accuracy and agreement for each way to cut the faces that are found.

    Args:
        network: The network.
        faces: Crops as they are in the dataset.
        labels: Their classes.
        tilt: Maximum tilt in degrees.
    """
    crops: dict[str, list[list[Grey]]] = {name: [] for name in (PASTED, *WAYS)}
    found = []
    pasted = progress(searched(faces, tilt), len(faces), "finding faces", unit="face")
    for index, (photo, face, truth) in enumerate(pasted):
        if face is None:
            continue
        found.append(index)
        crops[PASTED].append([cut(photo, truth, network.card.side)])
        for name, way in WAYS.items():
            crops[name].append(way(photo, face, network))
    untouched = network.probabilities(faces[found]).argmax(1)
    result = {"untouched": score(untouched, untouched, labels[found])}
    for name in crops:
        looks = np.array(crops[name])
        rows = network.probabilities(looks.reshape(-1, *looks.shape[2:])).reshape(*looks.shape[:2], -1)
        result[name] = score(rows.mean(1).argmax(1), untouched, labels[found])
    return {"tilt": tilt, "found": len(found), "crops": result}


def score(
    answers: npt.NDArray[np.int64], untouched: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]
) -> dict[str, float]:
    """Return accuracy and its change against the untouched crop, each with its standard error, and the same answers."""
    right, before = answers == labels, untouched == labels
    change = right.astype(float) - before
    root = np.sqrt(len(labels))
    numbers = {
        "accuracy": right.mean(),
        "standard_error": right.std() / root,
        "change": change.mean(),
        "change_standard_error": change.std() / root,
        "same_answer": (answers == untouched).mean(),
    }
    return {name: round(float(value), 4) for name, value in numbers.items()}


def searched(faces: Grey, tilt: int) -> Iterator[tuple[Grey, Face | None, Placement]]:
    """Yield a photograph for each crop, grey, the face that is found where the crop was pasted, and that place."""
    rng = np.random.default_rng(tilt)
    detector = YuNet(threads=1)
    for crop in faces:
        side = int(rng.integers(SMALLEST, LARGEST))
        photo = ground(rng)
        large = Image.fromarray(crop).resize((side, side), Image.Resampling.BICUBIC)
        angle = float(rng.uniform(-tilt, tilt))
        turned = large.rotate(angle, Image.Resampling.BICUBIC, expand=True)
        mask = Image.new("L", large.size, 255).rotate(angle, Image.Resampling.BILINEAR, expand=True)
        corner = (int(rng.integers(WIDTH - turned.width)), int(rng.integers(HEIGHT - turned.height)))
        photo.paste(turned, corner, mask)
        pixels = np.asarray(photo)
        pasted = Box(*corner, turned.width, turned.height)
        near = [
            face for face in detector.detect(np.repeat(pixels[:, :, None], 3, 2)) if face.box.overlap(pasted) > SURE
        ]
        axis = complex(side * np.exp(-1j * np.deg2rad(angle)))
        centre = complex(corner[0] + turned.width / 2, corner[1] + turned.height / 2)
        yield pixels, near[0] if near else None, Placement(centre - (0.5 + 0.5j) * axis, axis)


def ground(rng: np.random.Generator) -> Image.Image:
    """Return a photograph-like ground: coarse and fine variation of brightness, as out of focus."""
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8)).astype(np.uint8)).resize(
        (WIDTH, HEIGHT), Image.Resampling.BICUBIC
    )
    fine = Image.fromarray(rng.integers(0, 256, (48, 64)).astype(np.uint8)).resize(
        (WIDTH, HEIGHT), Image.Resampling.BICUBIC
    )
    return Image.blend(coarse, fine, 0.2)


def ours(photo: Grey, face: Face, network: Network) -> list[Grey]:
    """Cut the crops that ferflow.use averages over."""
    height, width = photo.shape
    found = placements(face, network.card.crop, (height, width))
    return [cut(photo, placement, network.card.side) for placement in found]


def landmarks(photo: Grey, face: Face, network: Network) -> list[Grey]:
    """Cut by landmarks and the template."""
    return [cut(photo, place(face, network.card.crop), network.card.side)]


def square(photo: Grey, face: Face, network: Network) -> list[Grey]:
    """Cut the square that the template puts around the detector's box."""
    return landmarks(photo, Face(face.box, face.score), network)


def margin(photo: Grey, face: Face, network: Network) -> list[Grey]:
    """Cut a square around the box with a margin of 30 % of its longer side."""
    box = face.box
    side = 1.3 * max(box.width, box.height)
    wide = Box(box.x + (box.width - side) / 2, box.y + (box.height - side) / 2, side, side)
    return stretched(photo, Face(wide, face.score), network)


def stretched(photo: Grey, face: Face, network: Network) -> list[Grey]:
    """Resize the box to the network's input, as tutorials do."""
    x, y, width, height = (round(part) for part in face.box)
    frame = max(width, height)
    framed = np.pad(photo, frame, "edge")[y + frame : y + frame + height, x + frame : x + frame + width]
    size = (network.card.side, network.card.side)
    return [np.asarray(Image.fromarray(framed).resize(size, Image.Resampling.BOX))]


PASTED = "where it was pasted"
OURS = "mean of ferflow's three crops"
WAYS: dict[str, Callable[[Grey, Face, Network], list[Grey]]] = {
    OURS: ours,
    "landmarks to the template": landmarks,
    "square by the template": square,
    "box stretched": stretched,
    "square with 30 % margin": margin,
}


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the accuracy of each crop as a point with its interval, one panel a tilt."""
    figure, panels = plt.subplots(1, len(rows), figsize=(9, 2.8), sharey=True, sharex=True, layout="constrained")
    for panel, row in zip(panels, rows, strict=True):
        for height, (name, crop) in enumerate(reversed(row["crops"].items())):
            value, error = 100 * crop["accuracy"], 196 * crop["standard_error"]
            colour = "#1864ab" if name in ("untouched", OURS) else "#868e96"
            panel.errorbar(value, height, xerr=error, fmt="o", color=colour, capsize=3, lw=1.5)
            panel.text(1.01, height, f"{value:.1f} %", va="center", fontsize=9, transform=panel.get_yaxis_transform())
        panel.axvline(100 * row["crops"]["untouched"]["accuracy"], color="black", lw=0.8, ls=":")
        panel.set_yticks(range(len(row["crops"])), list(row["crops"])[::-1], fontsize=9)
        panel.set_title("upright" if not row["tilt"] else f"tilted up to {row['tilt']}° to either side", fontsize=10)
        panel.set_xlabel("accuracy in %, 95 % interval", fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


if __name__ == "__main__":
    main()
