"""Taints and tolerations, as the API reference's table has them."""

from __future__ import annotations

import pytest

from planner.errors import ValueRefused
from planner.taints import Taint, Toleration, untolerated

DEDICATED = Taint("dedicated", "gpu", "NoSchedule")
TABLE = [
    (Toleration("dedicated", "Equal", "gpu", "NoSchedule"), True),
    (Toleration("dedicated", "Equal", "gpu", ""), True),
    (Toleration("dedicated", "Equal", "cpu", "NoSchedule"), False),
    (Toleration("dedicated", "Equal", "", "NoSchedule"), False),
    (Toleration("dedicated", "Equal", "gpu", "NoExecute"), False),
    (Toleration("dedicated", "Exists", "", "NoSchedule"), True),
    (Toleration("dedicated", "Exists", "", ""), True),
    (Toleration("other", "Exists", "", ""), False),
    (Toleration("", "Exists", "", ""), True),
    (Toleration("", "Exists", "", "NoSchedule"), True),
    (Toleration("", "Exists", "", "NoExecute"), False),
    (Toleration("", "Equal", "gpu", ""), False),
]


@pytest.mark.parametrize(("toleration", "tolerated"), TABLE, ids=str)
def test_a_toleration_matches_by_key_value_and_effect(toleration: Toleration, tolerated: bool) -> None:
    assert toleration.tolerates(DEDICATED) is tolerated
    assert untolerated([DEDICATED], [toleration]) == (() if tolerated else (DEDICATED,))


def test_an_empty_value_equals_an_empty_value() -> None:
    assert Toleration("key").tolerates(Taint("key"))


@pytest.mark.parametrize(("effect", "keeps_off"), [("NoSchedule", True), ("NoExecute", True), ("PreferNoSchedule", False)])
def test_a_taint_that_only_prefers_keeps_nobody_off(effect: str, keeps_off: bool) -> None:
    taint = Taint("key", "", effect)
    assert untolerated([taint], []) == ((taint,) if keeps_off else ())


def test_every_taint_needs_a_toleration_of_its_own() -> None:
    second = Taint("zone", "b", "NoExecute")
    assert untolerated([DEDICATED, second], [Toleration("dedicated", "Exists")]) == (second,)


def test_unknown_words_are_refused() -> None:
    with pytest.raises(ValueRefused, match="NoSchedule"):
        Taint("key", "", "Never")
    with pytest.raises(ValueRefused, match="Exists"):
        Toleration("key", "In")


def test_a_taint_reads_as_kubectl_writes_it() -> None:
    assert (str(DEDICATED), str(Taint("key"))) == ("dedicated=gpu:NoSchedule", "key:NoSchedule")
