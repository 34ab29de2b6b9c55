"""`clean:`, `eda:` and `prepare:` in params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from ferflow.base.section import Fraction, NonNegativeFloat, PositiveInt, Section

Policy = Literal["drop", "keep"]
RepairPolicy = Literal["drop", "repair"]


class Clean(Section):
    """`clean:`: what is looked for in the raw files, and what is done with what is found.

    Attributes:
        image_size: the side in pixels that the training arrays will have.
        wrong_size: an image of another size; `repair` keeps it and `prepare` resizes it.
        wrong_mode: colour, alpha, palette or 16 bit; `repair` keeps it and `prepare` converts it to 8-bit grey.
        blank: an image of nearly one grey.
        blank_std: grey levels (0 to 255); an image whose pixels' standard deviation is below it is blank.
        exact_copies: further training images with the very pixels and label of one before; `drop` keeps the first.
        conflicting_copies: training images with the same pixels and several labels; `drop_all`, `majority` (the
            label that most of them have; ties: drop all) or `keep`.
        leaked_copies: training images with the pixels of a test or validation image, and validation images with
            those of a test image. `drop` drops these, never the test image.
        near_copies: images that differ in at most `near_copy_bits` bits of a perceptual hash of 64, by however many
            steps. `keep` keeps them on one side of every cut; `drop` keeps one training image of each group, and
            none of a group with a test or validation image.
        near_copy_bits: see `near_copies`. Of the pairs that FER-2013 has at 6 bits about 1 in 200 shows different
            people, at 8 bits 1 in 30; from 10 on strangers chain into large groups.
        max_pixels: an image that claims more is not decoded.
    """

    image_size: Annotated[int, Field(ge=8, le=512)] = 48
    wrong_size: RepairPolicy = "repair"
    wrong_mode: RepairPolicy = "repair"
    blank: Policy = "drop"
    blank_std: NonNegativeFloat = 1.0
    exact_copies: Policy = "drop"
    conflicting_copies: Literal["drop_all", "majority", "keep"] = "drop_all"
    leaked_copies: Policy = "drop"
    near_copies: Policy = "keep"
    near_copy_bits: Annotated[int, Field(ge=0, le=12)] = 6
    max_pixels: Annotated[int, Field(ge=1, le=100_000_000)] = 50_000_000


class Eda(Section):
    """`eda:`: what the report shows.

    Attributes:
        samples_per_class: faces shown of each class.
        examples_per_finding: groups of pictures shown of each kind of damage.
        embedding_images: most images placed in the embedding; t-SNE takes some ten seconds for 2,000 on one core.
    """

    samples_per_class: Annotated[int, Field(ge=1, le=100)] = 10
    examples_per_finding: Annotated[int, Field(ge=1, le=100)] = 8
    embedding_images: Annotated[int, Field(ge=1, le=20_000)] = 2000


class Prepare(Section):
    """`prepare:`: how the kept images become arrays.

    Attributes:
        validation_fraction: of the training images, when the data brings no validation folder.
        test_fraction: of all images, when the data brings no test folder.
        min_images_per_class: fewer in any split is an error.
    """

    validation_fraction: Annotated[Fraction, Field(gt=0.0)] = 0.1
    test_fraction: Annotated[Fraction, Field(gt=0.0)] = 0.2
    min_images_per_class: PositiveInt = 2
