"""Which nodes kube-scheduler fills without leaving a pod behind: the cheapest fleet that survives its replays.

A set of nodes that is enough on paper may not be for the scheduler, which places by its own scores. Many fleets are
tried at once, at first only in the order of arrival that strands pods most often:

- ``secure``: where pods gather in zones, recipes as unlike as can be, from little room to plenty, until one survives;
- ``probe``: fleets of some families and sizes of flavors with more or less room than the pods ask for;
- ``mend``: fleets that strand pods, with nodes for these beside;
- ``descend``: the cheapest that survives, with nodes left out, made smaller, split or joined;
- ``few``: once that goes no further, all fleets of few nodes that are cheaper.

What is cheapest in the end is tried in all other orders. Where one of these strands pods, it counts from then on, and
nodes are added for these pods while that stays cheaper than what survived everything. How long to go on is counted in
work, not in time; what is nearly done may take some more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from planner import scores
from planner.moves import cheaper
from planner.recipes import SLACKS, Series, different, recipes, scatters
from planner.trials import LANES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.trials import Counts, Court, Trial

T = TypeVar("T")

#: Recipes that are probed at most, of which many differ only in where pods gather, and compared at least.
RECIPES, GATHERING, LEAST = 15, 5, 8
#: The steps of room of which one is to be enough, whatever it costs.
LADDER = (4, 8, 10, 12, 14)
#: Thousandths of the work that are left for the time when some fleet survives.
LATER = 500
#: How many of the fleets that failed are mended at a time, and how often at most.
NEAREST, MENDED = 4, 24
#: Thousandths of the work that are left when fleets are no longer probed or mended; where none survives, mending has
#: more; and beyond which a batch may use half. Thousandths above the bound at which the search ends.
PROBED, NEAR, LAST, FEWER, ENOUGH = 250, 300, 80, 200, 2
#: How often nodes are added to the cheapest fleet for what it strands in another order.
REPAIRS = 3
#: Steps of a recipe that are tried at once, where it takes much work to try anything, and recipes then.
STEPS, FEWEST = 3, 5
#: How many times as many nodes as the smallest fleet another has at most, where it takes much work to try anything.
MANY = 2
#: Thousandths of the work that are added when it is used up, where no fleet has survived all orders or a cheaper one
#: that survived so far has not been through all.
OVERTIME = 200
#: How often no cheaper fleet is found before the search ends.
PATIENCE = 8
#: From how many fleets in a row no cheaper one is found before the search ends.
FRONTS = 4
#: Thousandths of the price at which a fleet is tried in the other orders before it is made cheaper still.
FURTHER = 970
#: For how many batches of fleets in all hard orders a budget is to be enough.
BATCHES = 16


def search(court: Court, starts: Sequence[Counts]) -> Trial | None:
    """The cheapest fleet found that survives every order; else the one that strands fewest pods, if any was tried."""
    if court.left <= 0:
        return None
    hunt = _Hunt(court, list(starts))
    hunt.secure()
    hunt.probe(PROBED if hunt.sure is None else LAST)
    hunt.mend()
    if hunt.soon():
        hunt.verify()
    vain, going = 0, True
    while not hunt.good_enough():
        if not going or vain == FRONTS:
            if not hunt.few():
                break
            vain = 0
        if hunt.best is None:
            hunt.probe(LAST)
            hunt.mend()
        before = hunt.sure
        going = (hunt.descend() | hunt.verify()) and court.left > 0
        vain = vain + 1 if hunt.sure is before else 0
    if hunt.sure is None or hunt.best is not hunt.sure:
        court.left = max(court.left, 0) + court.problem.aims.budget * OVERTIME
        if hunt.sure is None:
            hunt.mend()
        hunt.verify()
    court.stopped = hunt.sure is None or (vain < FRONTS and not hunt.good_enough() and not hunt.finished)
    return hunt.sure or hunt.likely()


@dataclass
class _Hunt:
    """Fleets under trial. ``hard`` are the orders in which all are tried; those that survive these are ``alive``.

    ``sure`` is the cheapest fleet that survived all orders, ``finished`` whether the last search ended by itself,
    ``loose`` whether what survives has so much room to spare that the first steps down should be large, ``swept``
    whether all fleets of few nodes were tried.
    """

    court: Court
    starts: list[Counts]
    hard: list[int] = field(default_factory=list)
    sure: Trial | None = None
    finished: bool = False
    menu: list[Series] = field(default_factory=list)
    probed: bool = False
    loose: bool = False
    swept: bool = False
    done: set[Counts] = field(default_factory=set)
    _seen: tuple[object, ...] = ()
    _alive: list[Trial] = field(default_factory=list)
    _failed: list[Trial] = field(default_factory=list)

    def __post_init__(self) -> None:
        share = self.court.problem.aims.budget * 1000 // BATCHES
        least = 2 if self.court.ruled and self._several(0) == LANES else 1
        self.hard = [*self.court.orders[: max(least, share // max(1, self.court.work(LANES, self._nodes())))]]

    # What is known

    def _look(self) -> None:
        """Sort what was tried, once for every time that something was."""
        now = (self.court.left, len(self.court.tried), len(self.hard))
        if self._seen != now:
            tried = [one for one in self.court.tried.values() if one.played]
            whole = (one for one in tried if not one.stranded and all(order in one.played for order in self.hard))
            self._alive = sorted(whole, key=lambda one: one.rank())
            self._failed = sorted((one for one in tried if one.stranded), key=lambda one: one.nearness(self.court.pods))
            self._seen = now

    def alive(self) -> list[Trial]:
        """Fleets that survived all hard orders, the cheapest first."""
        self._look()
        return self._alive

    def failed(self) -> list[Trial]:
        """Fleets that stranded pods, the nearest first."""
        self._look()
        return self._failed

    @property
    def best(self) -> Trial | None:
        return next(iter(self.alive()), None)

    def likely(self) -> Trial | None:
        """A fleet that strands no pod in the orders that were tried, or the fewest."""
        tried = (one for one in self.court.tried.values() if one.played)
        return min(tried, key=lambda one: (one.stranded, -len(one.played), one.rank()), default=None)

    def may_go_on(self, until: int, fleets: int = 0) -> bool:
        """Whether so many fleets can be tried, and there is more work left then than so many thousandths, and than it
        takes to try one in all other orders."""
        orders = min(2, len(self.hard))  # few are left after the first ones
        left = self.court.left - (orders * self.court.work(fleets, self._nodes()) if fleets else 0)
        return left > max(self.court.problem.aims.budget * until, self._reserve())

    def _reserve(self) -> int:
        best = self.best
        played, nodes = (best.played, sum(best.counts)) if best is not None else ({}, self._nodes())
        return sum(1 for one in self.court.orders if one not in played) * self.court.work(1, nodes)

    def soon(self) -> bool:
        """Whether it takes so little to try the cheapest in all orders that it pays to know early."""
        return 5 * self._reserve() < self.court.left

    def good_enough(self) -> bool:
        """Whether nothing that is noticeably cheaper than what survives can exist."""
        return self.good(self.sure)

    def good(self, trial: Trial | None) -> bool:
        """Whether nothing can exist that is noticeably cheaper."""
        return trial is not None and trial.hourly * 1000 <= self.court.bound * (1000 + ENOUGH)

    def survive(self, fleets: Iterable[Counts]) -> list[Trial]:
        """Try fleets in the hard orders, one order after the other: those that survive all, the cheapest first."""
        alive = [one for one in dict.fromkeys(fleets) if one in self.court.tried or self.court.may_order(one)]
        for order in self.hard:
            self.court.replay(alive, order)
            trials = [self.court.trial(one) for one in alive]
            alive = [one.counts for one in trials if order in one.played and not one.stranded]
        return sorted(map(self.court.trial, alive), key=lambda one: one.rank())

    # The three ways to cheaper fleets

    def secure(self) -> None:
        """Look for any fleet that survives, with more and more room: what is tried then has only to be cheaper."""
        court = self.court
        most = self._most(min(map(sum, self.starts), default=0))
        self.survive(one for one in self.starts if sum(one) <= most)
        self.starts = []
        lanes = self._several(LATER)
        if not self.good(self.best):
            self.menu = self._menu()
            if court.gathering:
                self._climb(lanes)

    def _most(self, fewest: int) -> int:
        """How many nodes fleets are to have at most where the smallest has so many: those of which kube-scheduler looks
        at all nodes are not replayed together with others."""
        few = scores.EVERYONE - 1 - self.court.board.size
        return few if fewest <= few else MANY * fewest

    def _climb(self, lanes: int) -> None:
        """Try recipes as unlike each other as can be, with little room and with plenty."""
        self.loose = True
        court, steps = self.court, LADDER[:: 1 if lanes == LANES else 2]
        series, until, early = list[Series](), court.left // 2, court.left * 4 // 5
        known = [one for one in self.menu if court.left > early and one.at(0) is not None]
        known.sort(key=lambda one: sum(one.at(0) or ()))
        for one in _evenly(known, max(FEWEST, lanes // len(steps))):
            if court.left > until or not series:
                series.append(one)
                one.asked.update(step for step in steps if one.at(step) is not None)
        fleets = [counts for one in series for step in sorted(one.asked) if (counts := one.fleets[step]) is not None]
        most = self._most(min(map(sum, fleets), default=0))
        fleets = [counts for counts in fleets if sum(counts) <= most]
        self.survive(fleets)
        for one in series:
            one.asked &= {step for step in one.asked if one.fleets[step] in court.tried}
            one.narrow()
        if self.best is None:
            self.mend()
        self.verify()
        self.menu.sort(key=lambda one: (not 0 < one.high < len(SLACKS), one.price_of(one.high)))

    def probe(self, until: int) -> None:
        """Of fleets with more and more room, look for the smallest that survives, for many recipes at once.

        Where it is done again, more orders have turned out to be hard, and all must have more room.
        """
        lanes = self._several(until)
        for one in self.menu if self.probed else ():
            one.low, one.high = min(one.high, len(SLACKS)) - 1, len(SLACKS)
        self.probed = True
        menu, fleets = self.menu if lanes == LANES else self.menu[: max(FEWEST, lanes // STEPS)], self.starts
        while (menu and self.may_go_on(until, lanes)) or fleets:
            steps = max(1, lanes // max(1, len(menu)))
            more = [one.at(step) for one in menu for step in one.between(steps)]
            wanted = [one for one in (*fleets, *more) if one is not None and self._cheaper(one)]
            self.survive(self._affordable(wanted, until))
            fleets = self.starts = []
            for one in menu:
                one.narrow()
            menu = [one for one in menu if one.high - one.low > 1]

    def _affordable(self, fleets: Sequence[Counts], until: int) -> list[Counts]:
        """Some of these, of every price, without those of very many nodes, where it takes too much work to try all."""
        left = self.court.left - max(self.court.problem.aims.budget * until, self._reserve())
        most = MANY * min(map(sum, fleets), default=0)
        found = sorted(dict.fromkeys(fleets), key=lambda one: (self.court.hourly(one), one))
        orders = min(2, len(self.hard))
        if self.court.work(len(found), max(map(sum, found), default=0)) * orders > left:
            found = [one for one in found if sum(one) <= most]
        while len(found) > FEWEST and self.court.work(len(found), max(map(sum, found))) * orders > left:
            found = _evenly(found, len(found) * 3 // 4)
        return found

    def _menu(self) -> list[Series]:
        """The recipes that promise most. They are compared as far as a tenth of the work goes."""
        court, ways = self.court, scatters(self.court.gathering)
        until, found = court.left - court.problem.aims.budget * 100, list[Series]()
        for allowed in recipes(court.market, [one for each in court.served for one in each.asks]):
            if court.left > until or (court.left > 0 and len(found) < LEAST):
                found += [Series(court, allowed, ways[0], even) for even in (True, False)]
        best = different([one for one in found if one.price(0) is not None])[:RECIPES]
        if len(ways) == 1:
            return best
        unlike = _evenly(sorted(best, key=lambda one: sum(one.at(0) or ())), GATHERING)
        return [Series(court, one.allowed, way, one.even) for way in ways for one in unlike]

    def _nodes(self) -> int:
        return min((sum(one) for one in (*self.starts, *self.court.tried)), default=0)

    def _cheaper(self, counts: Counts) -> bool:
        best = self.best
        return best is None or self.court.hourly(counts) < best.hourly

    def mend(self) -> None:
        """Ask for more of what fleets strand, until one strands nothing that is cheaper than all that survive."""
        done: set[Counts] = set()
        until = NEAR if self.alive() else LAST
        for _ in range(MENDED):
            near = [one for one in self.failed() if one.counts not in done and self._cheaper(one.counts)][:NEAREST]
            if not near or not self.may_go_on(until, 2 * NEAREST) or self._too_much(near):
                return
            done.update(one.counts for one in near)
            before = self.best
            mended = [counts for one in near for counts in self._mended(one) if self._cheaper(counts)]
            self.survive(mended)
            if before is not None and self.best is before:
                return
            until = NEAR if self.alive() else LAST

    def _too_much(self, near: Sequence[Trial]) -> bool:
        """Whether it takes too much of the work to mend fleets while others survive."""
        return bool(self.alive()) and 4 * self.court.work(2 * len(near), self._nodes()) > self.court.left

    def _mended(self, trial: Trial) -> list[Counts]:
        """The fleet with nodes for what it strands, and another that has what it strands in mind."""
        missing = self.court.missing(trial)
        both = (self.court.beside(trial.counts, missing), self.court.again(missing))
        return [one for one in both if one is not None and one not in self.court.tried]

    def descend(self) -> bool:
        """Make a fleet that survives cheaper by a node or two at a time, in large steps and small ones: the cheapest,
        and when that goes no further, others. Whether there was one to begin with.

        Where it became much cheaper it is time to see what other orders say of it.
        """
        front = begun = next((one for one in self.alive() if one.counts not in self.done), None)
        if front is None or begun is None:
            self.finished = self.best is not None
            return False
        vain, span, several = 0, front.hourly // (8 if self.loose else 20), self._several(FEWER)
        self.loose = False
        while vain < PATIENCE and front.hourly * 1000 >= begun.hourly * FURTHER and self.may_go_on(0, several):
            moves = cheaper(self.court, front.counts, span, [one.counts for one in self.failed()], several)
            found = self.survive(moves)
            vain = vain + 1 if moves and not found else 0 if moves else PATIENCE
            further = 8 if 2 * len(found) > len(moves) else 2
            span = further * (front.hourly - found[0].hourly) if found else max(front.hourly // 2000, span // 2)
            front = found[0] if found else front
        if vain >= PATIENCE:
            # what lies between this and the cheapest that it came from has been looked at
            self.done.update(one.counts for one in self.alive() if one.hourly <= begun.hourly and one is not begun)
            self.done.update((front.counts, begun.counts))
        self.finished = self.may_go_on(0, several)
        return self.finished

    def _several(self, share: int) -> int:
        """How many fleets to try at a time: so many that half of the work beyond a share is enough for them."""
        work = (self.court.left - self.court.problem.aims.budget * share) // 6
        sizes = (LANES, LANES // 2)
        return next((one for one in sizes if self.court.work(one, self._nodes()) <= work), LANES // 4)

    def few(self) -> bool:
        """Try fleets of few nodes, once, as far as a sixth of the work goes; whether a cheaper one survives."""
        if self.sure is None or self.swept or self.court.left <= 0:
            return False
        self.swept, court = True, self.court
        one = max(1, court.work(LANES, sum(self.sure.counts)) // LANES)
        self.survive(court.few(self.sure.hourly, court.left // 6 // one))
        return self.best is not self.sure

    def verify(self) -> bool:
        """Try the cheapest fleets in all orders, until one survives; whether an order turned out to be hard."""
        orders = len(self.hard)
        while (best := self.best) is not None and best is not self.sure and self.court.left > 0:
            for order in (one for one in self.court.orders if one not in best.played):
                self.court.replay([best.counts], order)
                if best.stranded:
                    near = [one.counts for one in _evenly(self.alive(), LANES)]
                    more = self._repaired(best, order)
                    self.hard.append(order)
                    self.survive(near if more is None else [more.counts, *near])
                    break
            if not best.stranded and all(order in best.played for order in self.court.orders):
                self.sure = best
        return len(self.hard) > orders

    def _repaired(self, trial: Trial, order: int) -> Trial | None:
        """The fleet with nodes for what strands in one order, until nothing does, if that is cheaper than what is
        sure."""
        for _ in range(REPAIRS if self.sure is not None else 0):
            counts = self.court.beside(trial.counts, self.court.missing(trial))
            if counts is None or not self._surer(counts):
                return None
            self.court.replay([counts], order)
            trial = self.court.trial(counts)
            if not trial.stranded:
                return trial if order in trial.played else None
        return None

    def _surer(self, counts: Counts) -> bool:
        return self.sure is None or self.court.hourly(counts) < self.sure.hourly


def _evenly(among: Sequence[T], most: int) -> list[T]:
    """So many of these, as far from each other as can be."""
    return [among[place * len(among) // most] for place in range(most)] if len(among) > most else [*among]
