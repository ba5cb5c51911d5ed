"""One leads at a time, and soon another one when it is gone: processes by hand-moved clocks over Leases in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.cluster.lease import Lease, Record
from gitops.cluster.live import Answer
from gitops.election import Belief, Terms, leads, next_record, next_wakeup
from gitops.errors import Stalled, Waiting
from gitops.leading import Leadership
from tests.gitops.fakeleases import FakeLeases, Wire

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
KEY = ("default", "poolplan")


@dataclass
class Moment:
    """The true time, in seconds, that all processes share and none of them knows."""

    now: float = 0.0


@dataclass
class SkewedClock:
    """A process's clocks: each is off by as much as anybody likes."""

    moment: Moment
    off: float = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.moment.now + 1000 * self.off)

    def seconds(self) -> float:
        return self.moment.now + self.off

    def sleep(self, duration: timedelta) -> None:
        raise NotImplementedError


class Process:
    """One replica. ``due`` is the true time of its next turn."""

    def __init__(self, name: str, leases: FakeLeases, moment: Moment, off: float = 0.0) -> None:
        clock = SkewedClock(moment, off)
        self.name, self.moment, self.wire, self.due = name, moment, Wire(leases), moment.now
        self.told: list[bool] = []
        lease = Lease(self.wire, *KEY)
        self.leadership = Leadership(
            lease, name, clock=clock, seconds=clock.seconds, on_change=self.told.append
        )  # fmt: skip

    def turn(self) -> None:
        self.due = self.moment.now + self.leadership.turn()

    @property
    def leads(self) -> bool:
        return self.leadership.leads()


def run(moment: Moment, until: float, *processes: Process) -> None:
    """Let each have its turns when they are due. At most one leads at any of these times."""
    while True:
        soonest = min(processes, key=lambda one: one.due)
        if soonest.due > until:
            moment.now = until
            return
        moment.now = max(moment.now, soonest.due)
        soonest.turn()
        assert sum(one.leads for one in processes) <= 1


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def leases() -> FakeLeases:
    return FakeLeases()


@pytest.fixture
def pair(moment: Moment, leases: FakeLeases) -> tuple[Process, Process]:
    """Two replicas; the first leads, and the other has seen it."""
    one, other = Process("one", leases, moment), Process("other", leases, moment, off=77.0)
    run(moment, 1.0, one, other)
    assert (one.leads, other.leads) == (True, False)
    return one, other


def test_the_first_one_leads_and_says_so(pair: tuple[Process, Process], leases: FakeLeases) -> None:
    spec = leases.kept[KEY]["spec"]
    assert spec == {
        "holderIdentity": "one", "leaseDurationSeconds": 15, "leaseTransitions": 0,
        "acquireTime": "2026-03-01T12:00:00.000000Z", "renewTime": "2026-03-01T12:00:00.000000Z",
    }  # fmt: skip
    assert ([one.told for one in pair], pair[1].leadership.holder) == ([[True], []], "one")


def test_it_goes_on_leading_with_one_request_every_two_seconds(pair: tuple[Process, Process], moment: Moment, leases: FakeLeases) -> None:
    before = pair[0].wire.asked
    run(moment, 61.0, *pair)
    assert (pair[0].leads, pair[0].wire.asked - before) == (True, 30)
    spec = leases.kept[KEY]["spec"]
    assert (spec["leaseTransitions"], spec["acquireTime"][17:19], spec["renewTime"][14:19]) == (0, "00", "01:00")


def test_when_it_is_killed_the_other_leads_within_20_seconds(pair: tuple[Process, Process], moment: Moment, leases: FakeLeases) -> None:
    run(moment, 100.0, *pair)
    killed_at = moment.now
    while not pair[1].leads:
        run(moment, pair[1].due, pair[1])
    assert 10.0 < moment.now - killed_at < 20.0
    assert leases.kept[KEY]["spec"]["leaseTransitions"] == 1


def test_when_it_stops_in_order_the_other_leads_at_its_next_turn(pair: tuple[Process, Process], moment: Moment, leases: FakeLeases) -> None:
    pair[0].leadership.release()
    assert (pair[0].leads, pair[0].told, leases.kept[KEY]["spec"]["holderIdentity"]) == (False, [True, False], "")
    run(moment, moment.now + 2.0, pair[1])
    assert pair[1].leads


def test_one_that_cannot_renew_steps_down_before_another_takes_over(pair: tuple[Process, Process], moment: Moment) -> None:
    pair[0].wire.cut = True
    run(moment, 9.0, *pair)
    assert pair[0].leads
    assert isinstance(pair[0].leadership.problem, Waiting)
    moment.now = 10.1
    assert not pair[0].leads
    with pytest.raises(Waiting, match="this process does not lead: Lease default/poolplan was last held by one"):
        pair[0].leadership.must_lead()
    run(moment, 25.0, *pair)
    assert (pair[1].leads, pair[0].told) == (True, [True, False])
    pair[0].wire.cut = False
    run(moment, 60.0, *pair)
    assert (pair[0].leads, pair[1].leads, pair[0].leadership.problem) == (False, True, None)


def test_a_write_whose_answer_is_lost_is_found_again(pair: tuple[Process, Process], moment: Moment) -> None:
    pair[0].wire.deaf = True
    run(moment, 4.0, *pair)
    pair[0].wire.deaf = False
    run(moment, 30.0, *pair)
    assert (pair[0].leads, pair[0].told) == (True, [True])


def test_the_same_pod_started_again_goes_on_at_once(pair: tuple[Process, Process], moment: Moment, leases: FakeLeases) -> None:
    again = Process("one", leases, moment)
    again.turn()
    assert (again.leads, leases.kept[KEY]["spec"]["leaseTransitions"]) == (True, 0)


def test_what_others_wrote_on_the_lease_stays(pair: tuple[Process, Process], moment: Moment, leases: FakeLeases) -> None:
    leases.kept[KEY]["metadata"] |= {"labels": {"app": "poolplan"}, "resourceVersion": "99"}
    leases.kept[KEY]["spec"]["preferredHolder"] = "one"
    run(moment, 20.0, *pair)
    assert pair[0].leads
    assert leases.kept[KEY]["metadata"]["labels"] == {"app": "poolplan"}
    assert leases.kept[KEY]["spec"]["preferredHolder"] == "one"


def test_a_label_does_not_prolong_the_lease_of_a_dead_leader(pair: tuple[Process, Process], moment: Moment, leases: FakeLeases) -> None:
    killed_at = moment.now
    while not pair[1].leads:
        leases.kept[KEY]["metadata"] |= {"labels": {"at": str(moment.now)}, "resourceVersion": f"x{moment.now}"}
        run(moment, pair[1].due, pair[1])
    assert moment.now - killed_at < 20.0


def test_a_deleted_lease_is_made_again(pair: tuple[Process, Process], moment: Moment, leases: FakeLeases) -> None:
    leases.kept.clear()
    run(moment, 20.0, pair[0])
    assert (pair[0].leads, leases.kept[KEY]["spec"]["holderIdentity"]) == (True, "one")


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (401, Stalled, "does not accept these credentials"),
        (403, Stalled, r"no right to get Lease default/poolplan: grant the verb get on leases\.coordination\.k8s\.io"),
        (500, Waiting, r"cannot be read now \(500\)"),
        (200, Stalled, "something that is no Lease"),
    ],
)
def test_refusals(status: int, error: type[Exception], said: str) -> None:
    class Refusing(FakeLeases):
        def read_lease(self, namespace: str, name: str, *, timeout: float) -> Answer:
            return Answer(status, b"no")

    with pytest.raises(error, match=said):
        Lease(Refusing(), *KEY).read()


def test_a_namespace_that_is_not_there() -> None:
    with pytest.raises(Stalled, match="there is no namespace elsewhere"):
        Lease(FakeLeases(), "elsewhere", "poolplan").write(Record(holder="one"), None)


def test_a_thread_leads_and_releases(leases: FakeLeases) -> None:
    changes: list[bool] = []
    clock = SkewedClock(Moment())
    leadership = Leadership(Lease(leases, *KEY), "one", clock=clock, seconds=clock.seconds, on_change=changes.append)
    leadership.start()
    leadership.stop()
    assert leadership.leads() is False
    assert changes in ([], [True, False])  # it may be stopped before its first turn
    assert leases.kept.get(KEY, {"spec": {"holderIdentity": ""}})["spec"]["holderIdentity"] == ""


@given(st.floats(0, 1e6), st.floats(0, 100))
def test_the_next_wakeup_is_never_later_than_the_next_try(renewed: float, later: float) -> None:
    belief = Belief(renewed=renewed, asked=renewed)
    assert 0 <= next_wakeup(belief, "one", Terms(), renewed + later) <= Terms().retry


def test_nobody_is_asked_before_the_first_turn() -> None:
    assert next_wakeup(Belief(), "one", Terms(), 5.0) == 0.0
    assert not leads(Belief(), Terms(), 5.0)
    assert next_record(Belief(), "one", Terms(), now=5.0, wall=NOON) is not None


FAULTS = st.lists(
    st.tuples(st.floats(0.1, 12.0), st.integers(0, 2), st.sampled_from(["cut", "deaf", "mend", "release", "restart"])),
    max_size=12,
)


@given(FAULTS, st.lists(st.floats(-1e5, 1e5), min_size=3, max_size=3))
def test_two_never_lead_at_once_and_somebody_does_in_the_end(faults: list[Any], offs: list[float]) -> None:
    moment, leases = Moment(), FakeLeases()
    processes = [Process(f"p{number}", leases, moment, off) for number, off in enumerate(offs)]
    for after, who, what in faults:
        run(moment, moment.now + after, *processes)
        one = processes[who]
        if what == "release":
            one.leadership.release()
        elif what == "restart":
            processes[who] = Process(f"{one.name}+", leases, moment, offs[who])
        else:
            one.wire.cut, one.wire.deaf = what == "cut", what == "deaf"
        assert sum(each.leads for each in processes) <= 1
    for one in processes:
        one.wire.cut = one.wire.deaf = False
    run(moment, moment.now + 20.0, *processes)
    assert sum(one.leads for one in processes) == 1
