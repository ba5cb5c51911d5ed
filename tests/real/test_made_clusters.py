"""The made clusters themselves: the same for the same seed, of the sizes that are meant, and with every rule often."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.real.made.clusters import CHANCES, SEEDS, Object, alike, made
from tests.real.made.rules import RULES

ROOT = Path(__file__).parents[2]
DIGEST = (
    "import hashlib; from tests.real.made.clusters import made; "
    "print(hashlib.sha256(repr([made(seed) for seed in (1, 8, 30)]).encode()).hexdigest())"
)


def test_a_seed_makes_the_same_cluster_in_every_process() -> None:
    digests = {digest_with(hash_seed) for hash_seed in ("1", "2")}
    assert len(digests) == 1


def digest_with(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", DIGEST], cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )
    return done.stdout


def test_there_are_enough_clusters_of_the_right_size() -> None:
    sizes = [len(made(seed).pending()) for seed in SEEDS]
    assert len(sizes) >= 60
    assert all(15 <= size <= 150 for size in sizes)
    assert sum(size >= 60 for size in sizes) >= 25


def test_every_rule_is_in_many_clusters() -> None:
    seen = Counter(feature for seed in SEEDS for feature in made(seed).features)
    usual = {name for name, (slot, _) in RULES.items() if slot != "nowhere"}
    assert {name for name in usual if seen[name] < 15} == set()
    assert {name for name in (*RULES, *CHANCES) if seen[name] < 5} == set()


def test_clusters_mix_many_rules() -> None:
    assert min(len(made(seed).features) for seed in SEEDS) >= 12


def test_every_pod_has_a_name_of_its_own() -> None:
    for seed in SEEDS:
        names = [(pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in made(seed).pending()]
        assert len(names) == len(set(names))


def test_pods_of_one_template_are_alike_and_pods_with_volumes_of_their_own_are_not() -> None:
    web: Object = {"kind": "Pod", "metadata": {"namespace": "shop", "name": "web-1", "labels": {"app": "web"}}, "spec": {}}
    other: Object = {**web, "metadata": {**web["metadata"], "name": "web-2"}}
    with_claim: Object = {**other, "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data-web-2"}}]}}
    assert alike(web) == alike(other)
    assert alike(web) != alike(with_claim)
