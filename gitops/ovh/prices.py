"""Prices of the public order catalog: from plan codes to micro-units of its currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

UNITS_PER_MICRO = 100
"""The order catalog counts 1e-8 of the currency: 5120000 is 0.0512."""


class PricingEntry(msgspec.Struct):
    """One price of an addon; ``consumption`` among its capacities: what it costs to run, not to set up."""

    price: int
    capacities: Sequence[str] = ()


class AddonEntry(msgspec.Struct, rename="camel"):
    """One order plan. Its code tells hourly from monthly: the interval of its prices is ``none`` in some catalogs."""

    plan_code: str
    pricings: Sequence[PricingEntry] = ()


class LocaleEntry(msgspec.Struct, rename="camel"):
    """Whose catalog it is."""

    currency_code: str


class OrderCatalogEntry(msgspec.Struct):
    """``GET /order/catalog/public/cloud``, the small part that matters."""

    locale: LocaleEntry
    addons: Sequence[AddonEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Micro-units by plan code."""

    currency: str
    prices: dict[str, int]

    def get(self, plan_code: str | None) -> int | None:
        """The price of a plan, rounded up; None for no plan or one without a price."""
        return self.prices.get(plan_code) if plan_code else None


def price_list(entry: OrderCatalogEntry) -> PriceList:
    """The dearest consumption price of each plan, so that cost is never under-stated. Zero is no price."""
    prices: dict[str, int] = {}
    for addon in entry.addons:
        amounts = [pricing.price for pricing in addon.pricings if "consumption" in pricing.capacities]
        highest = max(amounts, default=0)
        if highest > 0:
            prices[addon.plan_code] = -(-highest // UNITS_PER_MICRO)
    return PriceList(currency=entry.locale.currency_code, prices=prices)
