"""`infer:`: which corruptions, severities and compared views are allowed."""

import pytest
from pydantic import ValidationError

from defaults import section


def test_the_repositorys_own_and_none() -> None:
    assert len(section("infer").corruptions.kinds) == 10
    assert section("infer", corruptions={"kinds": []}).corruptions.kinds == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": ["fog"]}, "gaussian_noise"),
        ({"kinds": ["jpeg", "jpeg"]}, "one kind occurs twice"),
        ({"severities": []}, "at least 1 item"),
        ({"severities": [0]}, "1, 2, 3, 4 or 5"),
        ({"severities": [3, 1]}, "must be in ascending order"),
        ({"severities": [2, 2]}, "must be in ascending order"),
    ],
)
def test_what_is_refused(change: dict[str, list[object]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        section("infer", corruptions=change)


def test_views_are_compared_once_each_or_not_at_all() -> None:
    assert section("infer", compared_views=[]).compared_views == ()
    with pytest.raises(ValidationError, match=r"compared_views: one kind occurs twice"):
        section("infer", compared_views=["flip", "flip"])
