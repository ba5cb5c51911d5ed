"""New nodes with pods on them, on paper: a fleet is loaded, what is left over gets more, and nodes are made smaller.

Everything is counted and ordered by unique keys, so the result is the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.filling import fill
from planner.ladders import Ladders
from planner.market import request_of
from planner.rooms import PLENTY
from planner.settling import ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from planner.asks import Ask
    from planner.board import Board, Flags, Ints
    from planner.filling import Filled
    from planner.fleet import Fleet
    from planner.kinds import Kind
    from planner.ledger import Ledger
    from planner.market import Market

    _Like = tuple[int, int, str]  # a request, an admission and a zone, by which new nodes are looked at once

NEW = "new/"  # begins the host names of nodes that are still without one


@dataclass
class Load:
    """A board with new nodes behind the existing ones. ``variant`` is each new node's, ``contents`` its pods by kind.

    ``left`` counts pods that wait, by kind and zone ("" for any). Those in ``dropped`` were given back: they are nodes
    no more.
    """

    board: Board
    market: Market
    ledger: Ledger
    shapes: Ints
    first: int
    variant: list[int] = field(default_factory=list)
    contents: list[dict[int, int]] = field(default_factory=list)
    left: dict[tuple[int, str], int] = field(default_factory=dict)
    asked: dict[tuple[int, str], Ask] = field(default_factory=dict)
    at: Market | None = None
    dropped: set[int] = field(default_factory=set)
    ladders: Ladders = field(init=False)

    def __post_init__(self) -> None:
        self.ladders = Ladders.of(self.market, self.shapes)

    def enter(self, market: Market) -> None:
        """Go on with another market of the same variants."""
        if market is not self.market:
            self.market = market
            self.ladders = Ladders.of(market, self.shapes)

    @classmethod
    def on(cls, board: Board, market: Market, ledger: Ledger, asks: Iterable[Ask]) -> Load:
        """No new nodes yet. The board and the ledger are used up."""
        asks = list(asks)
        left = {(one.kind.index, one.zone): one.all_pods for one in asks}
        made = {(one.kind.index, one.zone): one for one in asks}
        return cls(board, market, ledger, market.shapes(board.shapes), board.size, left=left, asked=made, at=market)

    @property
    def hourly(self) -> int:
        """What the new nodes that hold pods cost."""
        return int(self.market.price @ np.array(self.fleet(), np.int64))

    def add(self, fleet: Fleet) -> None:
        """Order the nodes of a fleet: those first that the fewest waiting pods could use, then the dearest."""
        wanted = np.zeros(len(fleet.counts), np.int64)
        pods: dict[int, tuple[Flags, int]] = {}
        for one in self.waiting():
            pods[id(one.options)] = (one.options, one.count + pods.get(id(one.options), (None, 0))[1])
        for options, count in pods.values():
            wanted += options * count
        order = sorted(
            np.flatnonzero(fleet.counts).tolist(),
            key=lambda one: (int(wanted[one]), -int(self.market.price[one]), one),
        )  # fmt: skip
        self.add_nodes([one for one in order for _ in range(fleet.counts[one])])

    def add_nodes(self, wanted: Sequence[int]) -> None:
        """Order a node of each of these variants, as far as the ledger allows."""
        allowed = []
        for one in wanted:
            candidate = self.market.variants[one]
            if self.ledger.affordable(candidate):
                self.ledger.order(candidate, 1)
                allowed.append(one)
        if not allowed:
            return
        names = [f"{NEW}{len(self.variant) + number}" for number in range(1, len(allowed) + 1)]
        free = self.market.free[allowed].T
        whole = self.market.allocatable(allowed)
        self.board.grow(names, self.shapes[allowed], free, whole)
        self.variant += allowed
        self.contents += [{} for _ in allowed]

    def fill(self) -> None:
        """Put waiting pods on the new nodes, kind by kind."""
        nodes = np.arange(self.board.size) >= self.first if self.first else None
        pins: dict[int, dict[str, int]] = {}
        for (number, zone), count in self.left.items():
            if count:
                pins.setdefault(number, {})[zone] = count
        for kind in self.board.kinds.kinds:
            if kind.index in pins:
                self._fill(kind, pins[kind.index], nodes)

    def _fill(self, kind: Kind, pins: dict[str, int], nodes: Flags | None) -> None:
        anywhere = pins.pop("", 0)
        if pins:
            self._filled(kind, fill(self.board, kind, sum(pins.values()), nodes=nodes, zones=pins), zoned=True)
        if anywhere:
            self._filled(kind, fill(self.board, kind, anywhere, nodes=nodes), zoned=False)

    def _filled(self, kind: Kind, filled: Filled, *, zoned: bool) -> None:
        for node, count in filled.taken.items():
            held = self.contents[node - self.first]
            held[kind.index] = held.get(kind.index, 0) + count
            zone = self.market.zones[self.variant[node - self.first]] if zoned else ""
            self.left[kind.index, zone] -= count

    def waiting(self) -> list[Ask]:
        """What is still without a node."""
        waiting = [(key, count) for key, count in self.left.items() if count]
        if self.at is not self.market:
            self.asked, self.at = {}, self.market
        return [self._ask(key, count) for key, count in waiting]

    def _ask(self, key: tuple[int, str], count: int) -> Ask:
        """An ask in the present market. Where the first pod of a kind decides the host of all, it is made anew."""
        kind = self.board.kinds.kinds[key[0]]
        found = self.asked.get(key)
        if found is None or kind.affinity:
            found = self.asked[key] = ask(self.board, self.market, kind, key[1], count)
        return found if kind.affinity or found.count == count else found.of(count)

    def fleet(self) -> tuple[int, ...]:
        """The new nodes that hold pods, by variant."""
        counts = [0] * len(self.market.variants)
        for variant, held in zip(self.variant, self.contents, strict=True):
            counts[variant] += bool(held)
        return tuple(counts)

    def grow(self) -> None:
        """For every pod that waits: the node that it makes dearer by the least, as it is, swapped or new."""
        growth = Growth(self)
        for number, zone in self.left:
            while self.left[number, zone] and growth.step(self.board.kinds.kinds[number], zone):
                self.left[number, zone] -= 1

    def shrink(self, since: int = 0) -> None:
        """Swap new nodes, from number ``since`` on, for the cheapest variant that holds their pods; drop empty ones."""
        if len(self.variant) <= since:
            return
        current = np.array(self.variant[since:], np.int64)
        used = self.market.free[current] - self.board.free[:, self.first + since :].T
        best = self.ladders.cheapest(current, used)
        cheaper = (best >= 0) & (self.market.price[best] < self.market.price[current])
        for place in np.flatnonzero(cheaper).tolist():
            self.swap(since + place, int(best[place]))
        self.drop([place for place, held in enumerate(self.contents) if not held and place >= since])

    def swap(self, place: int, variant: int) -> bool:
        """Make a new node one of another variant, where the ledger allows it."""
        old, node = self.variant[place], self.first + place
        self.ledger.order(self.market.variants[old], -1)
        if not self.ledger.affordable(self.market.variants[variant]):
            self.ledger.order(self.market.variants[old], 1)
            return False
        self.ledger.order(self.market.variants[variant], 1)
        self.board.resize([node], (self.market.free[variant] - self.market.free[old])[:, None])
        self.variant[place] = variant
        return True

    def bind(self, kind: Kind, place: int) -> None:
        """Put one pod on a new node."""
        self.board.bind(kind, self.first + place)
        self.contents[place][kind.index] = self.contents[place].get(kind.index, 0) + 1

    def drop(self, places: Sequence[int]) -> None:
        """Give empty nodes back. They stay on the board, where nobody is put on them any more."""
        gone = [place for place in places if place not in self.dropped]
        for place in gone:
            self.ledger.order(self.market.variants[self.variant[place]], -1)
        self.board.close([self.first + place for place in gone])
        self.dropped.update(gone)


def load(start: Load, fleet: Fleet) -> Load:
    """Load a fleet; pods that are left over make nodes larger, or get nodes of their own."""
    since = len(start.variant)
    start.add(fleet)
    start.fill()
    start.grow()
    start.shrink(since)
    return start


@dataclass
class _Dearer:
    """By new node: the variant it becomes for one more pod, -1 where none is large enough, and how much that adds.

    As it was after ``seen`` changes.
    """

    becomes: Ints
    more: Ints
    seen: int = 0


class Growth:
    """One more pod at a time on the new node that it makes dearer by the least: as it is, swapped for a larger, or new.

    What a node would become, and how much dearer, is the same for all pods of a request that the same variants take. It
    is kept, and looked at again only for the nodes that changed since; nobody else may change them meanwhile.
    """

    def __init__(self, state: Load) -> None:
        self.state = state
        self._variant = np.array(state.variant, np.int64)
        self._known: dict[_Like, _Dearer] = {}
        self._changed: list[int] = []

    def step(self, kind: Kind, zone: str) -> bool:
        """Place one pod of the kind, in a zone if one is named; whether that was possible."""
        state, options = self.state, self.state.market.options(kind, request_of(self.state.board, kind), zone)
        onto, variant, price = self._dearer(kind, zone)
        best = state.market.cheapest(options)
        cheapest = min(PLENTY, int(state.market.price[best[0]])) if len(best) else PLENTY
        for alone in self._new(options) if onto < 0 or cheapest < price else ():
            if self._opened(kind, zone, alone):
                onto, variant = len(state.variant) - 1, alone
                break
        if onto < 0 or (variant != state.variant[onto] and not state.swap(onto, variant)):
            return False
        state.bind(kind, onto)
        self._variant[onto] = variant
        self._changed.append(onto)
        return True

    def _new(self, options: Flags) -> Iterator[int]:
        """The cheapest variants for the pod alone that may be ordered, one of each shape."""
        market, ledger, shapes = self.state.market, self.state.ledger, set[int]()
        for one in market.cheapest(options):
            shape = int(self.state.shapes[one])
            if shape not in shapes and ledger.affordable(market.variants[one]):
                shapes.add(shape)
                yield int(one)

    def _opened(self, kind: Kind, zone: str, variant: int) -> bool:
        """Order a node for the pod; it is given back where some rule keeps the pod off it."""
        state = self.state
        place = len(state.variant)
        state.add_nodes([variant])
        self._variant = np.append(self._variant, variant)
        self._changed.append(place)
        if state.board.allowed_on(kind, state.first + place, apart_from=_settled(zone)):
            return True
        state.drop([place])
        return False

    def _dearer(self, kind: Kind, zone: str) -> tuple[int, int, int]:
        """The new node that takes the pod for the least more, with the variant it becomes, and how much more."""
        state = self.state
        if not len(self._variant):
            return -1, -1, 0
        found = self._figures(kind, zone)
        room = state.board.unsized(kind, apart_from=_settled(zone))[state.first :]
        more = np.where(room > 0, found.more, PLENTY)
        best = int(np.argmin(more))
        if more[best] >= PLENTY:
            return -1, -1, 0
        return best, int(found.becomes[best]), int(more[best])

    def _figures(self, kind: Kind, zone: str) -> _Dearer:
        key = (kind.request, kind.admission, zone)
        found, size = self._known.get(key), len(self._variant)
        if found is None:
            found = self._known[key] = _Dearer(np.full(size, -1, np.int64), np.full(size, PLENTY, np.int64))
            self._look(kind, zone, np.arange(size), found)
        elif found.seen < len(self._changed):
            more = size - len(found.more)
            found.becomes = np.append(found.becomes, np.full(more, -1, np.int64))
            found.more = np.append(found.more, np.full(more, PLENTY, np.int64))
            self._look(kind, zone, np.array(sorted({*self._changed[found.seen :]}), np.int64), found)
        found.seen = len(self._changed)
        return found

    def _look(self, kind: Kind, zone: str, places: Ints, into: _Dearer) -> None:
        """Work out the figures of new nodes that are open to the kind; those that were given back have none."""
        state, market = self.state, self.state.market
        places = places[market.open_to(kind, zone)[self._variant[places]]]
        if state.dropped:
            places = places[~np.isin(places, list(state.dropped))]
        current = self._variant[places]
        used = market.free[current] - state.board.free[:, state.first + places].T
        becomes = state.ladders.cheapest(current, used + request_of(state.board, kind))
        more = np.where(becomes >= 0, np.maximum(market.price[becomes] - market.price[current], 0), PLENTY)
        into.becomes[places], into.more[places] = becomes, more


def _settled(zone: str) -> str:
    """The label whose rules are not asked of pods that were told their zones."""
    return known.ZONE if zone else ""
