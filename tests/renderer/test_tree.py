"""The pools folder: both forms say the same, nothing changes without need, and what people wrote is kept or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from hypothesis import given

from planner.between import NOTHING, Given, plan_between
from planner.catalog import Catalog
from planner.errors import ValueRefused
from planner.handover import import_plan, release_plan
from planner.pools import Pool, PoolName, PoolSet, ProviderState
from renderer.errors import TextRefused
from renderer.files import FileSet
from renderer.layout import Live, cluster_folder, is_owned, pools_folder
from renderer.terraform import pool_file, released_text
from renderer.terraform_read import read_pool
from renderer.terraform_settings import TerraformSettings
from renderer.tree import parse_pools, removed_paths, render_files, render_plan
from tests.renderer.strategies import few_examples, pool_sets

SETTINGS = TerraformSettings(service_name="0123456789abcdef0123456789abcdef", kube_id="1111-2222")
ONE = Pool(name=PoolName("one"), flavor="b3-8", desired=1)
TWO = Pool(name=PoolName("two"), flavor="b3-16", desired=2, labels=(("a", "b"),))
POOLS = PoolSet.of([ONE, TWO])
FILES = render_files(POOLS, SETTINGS)


def _edited(path: str, old: str, new: str) -> FileSet:
    texts = FILES.as_map()
    assert old in texts[PurePosixPath(path)]
    return FileSet.of({**texts, PurePosixPath(path): texts[PurePosixPath(path)].replace(old, new, 1)})


def _differing(one: FileSet, other: FileSet) -> list[str]:
    return [str(path) for path in one.paths() if one.get(path) != other.get(path)]


@few_examples
@given(pool_sets)
def test_both_forms_declare_the_desired_pools(desired: PoolSet) -> None:
    files = render_files(desired, SETTINGS)

    assert [parse_pools(files, live) for live in Live] == [desired, desired]


@few_examples
@given(pool_sets, pool_sets)
def test_rendering_again_changes_nothing(before: PoolSet, desired: PoolSet) -> None:
    files = render_files(desired, SETTINGS, existing=render_files(before, SETTINGS))

    assert render_files(desired, SETTINGS, existing=files) == files
    assert parse_pools(files, Live.TERRAFORM) == desired


def test_the_paths_are_those_of_the_layout() -> None:
    assert [str(path) for path in FILES.paths()] == [
        "manifests/kustomization.yaml", "manifests/one.yaml", "manifests/two.yaml", "terraform/backend.tf",
        "terraform/pool-one.tf", "terraform/pool-two.tf", "terraform/provider.tf", "terraform/versions.tf",
    ]  # fmt: skip


def test_another_size_touches_one_file_in_each_form() -> None:
    after = render_files(PoolSet.of([ONE, TWO.resized(7)]), SETTINGS, existing=FILES)

    assert _differing(FILES, after) == ["manifests/two.yaml", "terraform/pool-two.tf"]


def test_a_file_that_says_what_is_wanted_is_kept_as_a_person_wrote_it() -> None:
    noted = _edited("terraform/pool-one.tf", "desired_nodes = 1", "desired_nodes = 1   # for the fair")

    assert render_files(POOLS, SETTINGS, existing=noted) == noted


def test_a_comment_in_terraform_survives_another_size() -> None:
    noted = _edited("terraform/pool-one.tf", "desired_nodes = 1", "desired_nodes = 1   # for the fair")

    after = render_files(PoolSet.of([ONE.resized(4), TWO]), SETTINGS, existing=noted)

    text = after.get(PurePosixPath("terraform/pool-one.tf"))
    assert text is not None
    assert "desired_nodes = 4   # for the fair\n" in text


def test_any_other_change_writes_the_terraform_file_anew() -> None:
    noted = _edited("terraform/pool-one.tf", "desired_nodes = 1", "desired_nodes = 1   # for the fair")
    changed = PoolSet.of([replace(ONE, maximum=9), TWO])

    assert render_files(changed, SETTINGS, existing=noted).get(PurePosixPath("terraform/pool-one.tf")) == (
        render_files(changed, SETTINGS).get(PurePosixPath("terraform/pool-one.tf"))
    )


def test_a_broken_file_is_written_anew() -> None:
    broken = _edited("terraform/pool-one.tf", "desired_nodes = 1", "desired_nodes = oops(")

    assert render_files(POOLS, SETTINGS, existing=broken) == FILES


def test_a_size_in_a_comment_is_not_taken_for_the_size() -> None:
    old = "  desired_nodes = 1"
    noted = _edited("terraform/pool-one.tf", old, f"  /*\n  desired_nodes = 5\n  */\n{old}")

    after = render_files(PoolSet.of([ONE.resized(2), TWO]), SETTINGS, existing=noted)

    assert parse_pools(after, Live.TERRAFORM) == PoolSet.of([ONE.resized(2), TWO])


def test_files_of_pools_that_go_are_removed_and_nothing_else() -> None:
    texts = {
        **FILES.as_map(), PurePosixPath("terraform/.terraform.lock.hcl"): "", PurePosixPath("terraform/extra.tf"): "",
        PurePosixPath("README.md"): "",
    }  # fmt: skip
    after = render_files(PoolSet.of([TWO]), SETTINGS, existing=FileSet.of(texts))

    assert [str(path) for path in removed_paths(FileSet.of(texts), after)] == [
        "manifests/one.yaml", "terraform/pool-one.tf",
    ]  # fmt: skip


@pytest.mark.parametrize(("path", "owned"), [
    ("terraform/pool-a.tf", True), ("terraform/backend.tf", True), ("manifests/a.yaml", True),
    ("manifests/kustomization.yaml", True), ("terraform/main.tf", False), ("terraform/.terraform.lock.hcl", False),
    ("terraform/deep/pool-a.tf", False), ("manifests/notes.md", False), ("pool-a.tf", False),
])  # fmt: skip
def test_what_belongs_to_poolplan(path: str, owned: bool) -> None:
    assert is_owned(PurePosixPath(path)) is owned


@pytest.mark.parametrize(("files", "live", "says"), [
    ({"terraform/pool-b.tf": FILES.get(PurePosixPath("terraform/pool-one.tf"))}, Live.TERRAFORM,
     "terraform/pool-b.tf: the pool is named one, so its file must be named pool-one.tf"),
    ({"manifests/b.yaml": FILES.get(PurePosixPath("manifests/one.yaml"))}, Live.MANIFESTS,
     "manifests/b.yaml: the pool is named one, so its file must be named one.yaml"),
    ({"terraform/main.tf": FILES.get(PurePosixPath("terraform/pool-one.tf"))}, Live.TERRAFORM,
     "terraform/main.tf: a pool stands here, but poolplan keeps each pool in a file of its own, named after it"),
    ({"terraform/x.tf.json": '{"resource": {"ovh_cloud_project_kube_nodepool": {}}}'}, Live.TERRAFORM,
     "terraform/x.tf.json: a pool stands here, but poolplan keeps each pool in a file of its own, named after it"),
    ({"manifests/x.yml": FILES.get(PurePosixPath("manifests/one.yaml"))}, Live.MANIFESTS,
     "manifests/x.yml: a pool stands here, but poolplan keeps each pool in a file of its own, named after it"),
    ({"terraform/pool-b.tf": "nonsense"}, Live.TERRAFORM,
     "terraform/pool-b.tf:1:9: '{' is expected, found the end of the file"),
    ({"manifests/b.yaml": ""}, Live.MANIFESTS, "manifests/b.yaml:1:1: a map is expected, found nothing"),
])  # fmt: skip
def test_pools_that_cannot_be_read_are_refused_with_their_place(files: dict[str, str], live: Live, says: str) -> None:
    with pytest.raises(TextRefused) as refused:
        parse_pools(FileSet.of({PurePosixPath(path): text for path, text in files.items()}), live)
    assert str(refused.value) == says


def test_the_form_that_is_not_live_is_not_read() -> None:
    broken = _edited("manifests/one.yaml", "desiredNodes: 1", "desiredNodes: [")

    assert parse_pools(broken, Live.TERRAFORM) == POOLS


def test_a_set_of_files_moves_between_folders() -> None:
    moved = FILES.under(pools_folder("demo"))

    assert str(moved.paths()[0]) == "clusters/demo/pools/manifests/kustomization.yaml"
    assert moved.inside(cluster_folder("demo") / "pools") == FILES


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x"])
def test_a_path_that_leaves_its_folder_is_refused(path: str) -> None:
    with pytest.raises(ValueRefused, match="leaves its folder"):
        FileSet.of({PurePosixPath(path): ""})


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "-a"])
def test_a_cluster_name_that_is_no_folder_name_is_refused(name: str) -> None:
    with pytest.raises(ValueRefused, match="is no name of a cluster"):
        cluster_folder(name)


KNOWN = replace(TWO, state=ProviderState(id="1f2e"))
POOL_FILE, GONE_FILE = PurePosixPath("terraform/pool-two.tf"), PurePosixPath("terraform/released-two.tf")
IMPORT = '\nimport {\n  to = ovh_cloud_project_kube_nodepool.two\n  id = "0123456789abcdef0123456789abcdef/1111-2222/1f2e"\n}\n'
GIVEN = Given(catalog=Catalog(currency="EUR", source="", regions=(), flavors=()), policy=NOTHING, now="2026-03-01T12:00:00Z")
ALONE = render_files(PoolSet.of([ONE]), SETTINGS)
TAKEN = render_plan(import_plan(PoolSet.of([ONE]), [KNOWN], GIVEN), SETTINGS, existing=ALONE)
FREED = render_plan(release_plan(POOLS, [KNOWN], GIVEN), SETTINGS, existing=TAKEN)


def test_an_imported_pool_is_a_file_like_any_other_with_an_import_block() -> None:
    assert TAKEN.as_map() == {**FILES.as_map(), POOL_FILE: (FILES.get(POOL_FILE) or "") + IMPORT}
    assert [parse_pools(TAKEN, live) for live in Live] == [POOLS, POOLS]


@pytest.mark.parametrize(("changed", "kept"), [
    (TWO, True), (TWO.resized(5), True), (replace(TWO, labels=()), True), (replace(TWO, flavor="b3-32"), False),
])  # fmt: skip
def test_how_it_was_imported_stays_while_it_is_the_same_pool(changed: Pool, *, kept: bool) -> None:
    text = render_files(PoolSet.of([ONE, changed]), SETTINGS, existing=TAKEN).get(POOL_FILE) or ""

    assert text.endswith(IMPORT) is kept
    assert read_pool(text, file="") == changed


def test_an_import_block_that_a_person_deleted_does_not_come_back() -> None:
    assert render_files(PoolSet.of([ONE, TWO.resized(5)]), SETTINGS, existing=FILES).get(POOL_FILE) == (
        pool_file(TWO.resized(5))
    )


def test_a_released_pool_leaves_word_for_terraform_until_it_is_declared_again() -> None:
    nothing = plan_between(PoolSet.of([ONE]), PoolSet.of([ONE]), GIVEN)
    again = import_plan(PoolSet.of([ONE]), [KNOWN], GIVEN)

    assert FREED.as_map() == {**ALONE.as_map(), GONE_FILE: released_text("two")}
    assert removed_paths(TAKEN, FREED) == (PurePosixPath("manifests/two.yaml"), POOL_FILE)
    assert render_plan(nothing, SETTINGS, existing=FREED) == FREED
    assert render_plan(again, SETTINGS, existing=FREED) == TAKEN
    assert removed_paths(FREED, TAKEN) == (GONE_FILE,)


def test_an_import_needs_every_id() -> None:
    with pytest.raises(ValueRefused, match="ids of project, cluster and pool"):
        render_plan(import_plan(PoolSet(), [KNOWN], GIVEN), TerraformSettings(kube_id="1111"))
