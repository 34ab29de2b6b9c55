"""`clean:`, `eda:` and `prepare:` in params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from ferflow.base.section import Fraction, NonNegativeFloat, PositiveInt, Section

Policy = Literal["drop", "keep"]
RepairPolicy = Literal["drop", "repair"]


class Clean(Section):
    """`clean:`: what to look for in the raw files, and what to do about it.

    Attributes:
        min_size: Pixels; an image with a shorter side is dropped, since enlarging it shows no face. 20 is the smallest
            face that detectors look for by default (MTCNN, Zhang et al. 2016; Viola and Jones 2001 use 24); expressions
            are hardly recognised in smaller ones. 1 keeps every size.
        wrong_size: An image whose side is not `image_size`; `repair` keeps it and `prepare` resizes it.
        wrong_mode: Colour, alpha, palette or 16 bit; `repair` keeps it and `prepare` converts it to 8-bit grey.
        blank: An image of nearly one grey.
        blank_std: Grey levels (0 to 255); an image whose pixels have a lower standard deviation is blank.
        exact_copies: Training images with the same pixels and label as an earlier one; `drop` keeps the first.
        conflicting_copies: Training images with the same pixels but several labels; `drop_all`, `majority` (keep
            the most frequent label; on ties drop all) or `keep`.
        leaked_copies: Training images with the pixels of a test or validation image, and validation images with
            those of a test image. `drop` drops these, never the test image.
        near_copies: Images linked by pairs that differ in at most `near_copy_bits` of the 64 bits of a perceptual
            hash. `keep` keeps each group on one side of every split; `drop` keeps one training image of each group,
            and none of a group that contains a test or validation image.
        near_copy_bits: Hamming distance for `near_copies`. Of the pairs that FER-2013 has at 6 bits about 1 in 200
            shows different people, at 8 bits 1 in 30; from 10 on strangers chain into large groups.
        max_pixels: An image that claims more pixels is not decoded.
    """

    min_size: Annotated[int, Field(ge=1, le=512)]
    wrong_size: RepairPolicy
    wrong_mode: RepairPolicy
    blank: Policy
    blank_std: NonNegativeFloat
    exact_copies: Policy
    conflicting_copies: Literal["drop_all", "majority", "keep"]
    leaked_copies: Policy
    near_copies: Policy
    near_copy_bits: Annotated[int, Field(ge=0, le=12)]
    max_pixels: Annotated[int, Field(ge=1, le=100_000_000)]


class Eda(Section):
    """`eda:`: what the report shows.

    Attributes:
        samples_per_class: Faces shown of each class.
        examples_per_finding: Groups of pictures shown of each kind of damage.
        embedding_images: Maximum number of images in the embedding; t-SNE takes about ten seconds for 2,000 on one
            core.
    """

    samples_per_class: Annotated[int, Field(ge=1, le=100)]
    examples_per_finding: Annotated[int, Field(ge=1, le=100)]
    embedding_images: Annotated[int, Field(ge=1, le=20_000)]


class Prepare(Section):
    """`prepare:`: how the kept images become arrays.

    Attributes:
        validation_fraction: Share of the training images, if the data has no validation folder.
        validation_subset: Subset of the test images to validate on instead, such as PublicTest of FER-2013: the
            protocol of most publications, whose training set keeps all of its images. None: a part of the training
            images.
        test_fraction: Share of all images, if the data has no test folder.
        min_images_per_class: Fewer images of a class in any split are an error.
    """

    validation_fraction: Annotated[Fraction, Field(gt=0.0)]
    validation_subset: str | None
    test_fraction: Annotated[Fraction, Field(gt=0.0)]
    min_images_per_class: PositiveInt
