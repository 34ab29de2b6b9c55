"""Every reason that a verdict can have, in the order in which they win; see docs/data.md."""

# One file, one reason: of the findings that drop a file the first in this order; where none drops it, of those that it
# is kept with, again the first.
REASONS = (
    "link",  # never followed
    "special_file",  # pipe, socket, device: never opened
    "system_file",  # hidden, or left behind by a system: .DS_Store, Thumbs.db, desktop.ini, __MACOSX
    "table",  # a CSV whose rows are images (they have verdicts of their own) or FER+ votes
    "outside_class",  # in no class folder
    "unknown_class",  # in a folder of a class that is not asked for
    "no_split",  # beside the train and test folders
    "no_label",  # a row without a known emotion, or one on which the crowd did not agree
    "bomb",  # claims more pixels than allowed: never decoded
    "animated",  # several frames: never decoded
    "unreadable",  # empty, cut off, damaged, no permission, or not an image whatever its name says
    "wrong_size",
    "wrong_mode",
    "blank",
    "leaked_copy",  # a training image with the pixels of a test image, or either with those of a validation image
    "conflicting_copies",
    "exact_copy",
    "near_copy",
)
PLACE_REASONS = REASONS[: REASONS.index("bomb")]  # told by the name and kind alone, without reading a pixel
READ_REASONS = ("bomb", "animated", "unreadable")
