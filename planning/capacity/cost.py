"""What nodes cost, and who pays for them: prices, shares and sums, exact to the last digit (docs/plan.md).

On-demand prices of EC2 alone. Disks, NAT gateways, data transfer and the control plane are not counted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, Self

from hardware import PRICES, Price, PurchaseOption
from model_catalog import Selector
from planning.capacity.resources import Resources

HOURS_PER_MONTH: Final = 730
"""365 days of 24 hours, in twelve parts, as AWS's own calculator assumes
(https://aws.amazon.com/calculator/calculator-assumptions)."""

STAND_IN_REGION: Final = "us-east-1"
"""Whose price is shown where that of the stack's region is unknown: the table has every type's there."""

PLACES: Final = 9
"""Digits behind the point of a share, at least; more where a price has more."""

Prices = Mapping[tuple[str, str, PurchaseOption], Price]


@dataclass(frozen=True, kw_only=True)
class NodePrice:
    """What one node of a type costs an hour, as far as somebody has read it."""

    instance_type: str
    region: str
    """Of the stack."""
    price: Price | None
    """Perhaps another region's, or on demand for spot. None: no price is known."""
    option: PurchaseOption = PurchaseOption.ON_DEMAND
    """How the node is paid for."""

    @property
    def stand_in(self) -> bool:
        """Whether it is another region's price, or another option's."""
        return self.price is not None and (self.price.region, self.price.option) != (self.region, self.option)

    @property
    def note(self) -> str:
        """What must be said beside the amount; empty where nothing must."""
        if self.price is None:
            return f"no price of {self.instance_type} is known"
        notes = []
        if self.price.option is not self.option:
            notes.append("at most, the on-demand price: spot's is unknown")
        if self.price.region != self.region:
            notes.append(f"{self.price.region}'s price: {self.region}'s is unknown")
        return "; ".join(notes)

    def times(self, nodes: int) -> "Cost":
        """So many nodes."""
        if self.price is None:
            return Cost(missing=(self.note,)) if nodes else Cost()
        stand_ins = (self.note,) if self.stand_in and nodes else ()
        return Cost(usd_per_hour=self.price.usd_per_hour * nodes, stand_ins=stand_ins)


def node_price(
    instance_type: str,
    region: str,
    prices: Prices = PRICES,
    option: PurchaseOption = PurchaseOption.ON_DEMAND,
) -> NodePrice:
    """In the region or else in STAND_IN_REGION; where the option's own is unknown, on demand.

    Spot costs no more than that: unless a request says otherwise, the on-demand price is the most that is paid
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-fleet-price-overrides.html, read 2026-11-22).
    """
    keys = (
        (instance_type, place, paid)
        for paid in (option, PurchaseOption.ON_DEMAND)
        for place in (region, STAND_IN_REGION)
    )
    found = next((prices[key] for key in keys if key in prices), None)
    return NodePrice(instance_type=instance_type, region=region, price=found, option=option)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """An amount of money an hour, with what it rests on."""

    usd_per_hour: Decimal = Decimal(0)
    """Of what is known."""
    missing: tuple[str, ...] = ()
    """What has no price and is not in the amount. Sorted, each once."""
    stand_ins: tuple[str, ...] = ()
    """Prices of another region that are in the amount. Sorted, each once."""

    @property
    def usd_per_month(self) -> Decimal:
        """Of HOURS_PER_MONTH."""
        return self.usd_per_hour * HOURS_PER_MONTH

    @property
    def unknown(self) -> bool:
        """Whether nothing at all is known of it."""
        return bool(self.missing) and not self.usd_per_hour

    @property
    def at_least(self) -> bool:
        """Whether a part of it is known, and another is not."""
        return bool(self.missing) and bool(self.usd_per_hour)

    @property
    def notes(self) -> tuple[str, ...]:
        """All that must be said beside the amount."""
        return (*self.missing, *self.stand_ins)

    def __add__(self, other: Self) -> "Cost":
        return Cost(
            usd_per_hour=self.usd_per_hour + other.usd_per_hour,
            missing=tuple(sorted({*self.missing, *other.missing})),
            stand_ins=tuple(sorted({*self.stand_ins, *other.stand_ins})),
        )


def total_cost(costs: Iterable[Cost]) -> Cost:
    """Nothing costs nothing."""
    return sum(costs, start=Cost())


def apportion(amount: Decimal, weights: Sequence[Fraction]) -> tuple[Decimal, ...]:
    """Parts in proportion to the weights, whose sum is exactly `amount`: by largest remainder, the earlier first.

    Raises ValueError where no weight is above zero, or one is below.
    """
    if not sum(weights) or min(weights) < 0:
        raise ValueError("an amount is divided by weights of which none is below zero and one above")
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101 - a price is finite
    scale = 10 ** max(PLACES, -exponent)
    units = int(Fraction(amount) * scale)
    whole = sum(weights)
    exact = [units * weight / whole for weight in weights]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in by_remainder[: units - sum(parts)]:
        parts[index] += 1
    return tuple(Decimal(part) / scale for part in parts)


class Use(StrEnum):
    """What a part of a pool's cost is for."""

    MODEL = "model"
    IDLE = "idle"
    """Of nodes for models, what no server asks for."""
    SYSTEM = "system"
    """Nodes that run cluster DNS and other add-ons, whatever is served."""


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """A version that runs on a pool, in one server."""

    server: str
    owner: str
    selector: Selector
    nodes: Fraction
    """Of the pool, for all replicas of the server: the version's part of them."""


@dataclass(frozen=True, kw_only=True)
class Charge:
    """A part of a pool's cost that is one version's, or nobody's."""

    pool: str
    use: Use
    server: str = ""
    """As all below, empty where the use is no model."""
    owner: str = ""
    selector: Selector | None = None
    cost: Cost

    @property
    def model(self) -> str:
        """Task/Model."""
        return f"{self.selector.task}/{self.selector.model}" if self.selector else ""

    @property
    def language(self) -> str:
        """`mul` where one version answers in many."""
        return (self.selector.language or "") if self.selector else ""


def node_share(wanted: Resources, node: Resources) -> Fraction:
    """Of one node: by GPUs where it has some, else the larger share of CPU and memory."""
    if node.gpus:
        return Fraction(wanted.gpus, node.gpus)
    return max(Fraction(wanted.millicores, node.millicores), Fraction(int(wanted.memory), int(node.memory)))


def charge(
    pool: str, nodes: int, price: NodePrice, tenants: Sequence[Tenant], *, rest: Use = Use.IDLE
) -> tuple[Charge, ...]:
    """Divide a pool's cost among its tenants, in their order; what they leave is the last one, for `rest`.

    Where larger shares of CPU here and of memory there add up to more than the nodes, all are cut in proportion.
    """
    cost = price.times(nodes)
    if not nodes:
        return ()
    left = nodes - sum((tenant.nodes for tenant in tenants), start=Fraction(0))
    weights = [*(tenant.nodes for tenant in tenants), *([left] if left > 0 else [])]
    amounts = apportion(cost.usd_per_hour, weights)
    charges = [
        Charge(
            pool=pool,
            use=Use.MODEL,
            server=tenant.server,
            owner=tenant.owner,
            selector=tenant.selector,
            cost=_part(cost, amount),
        )
        for tenant, amount in zip(tenants, amounts, strict=False)
    ]
    if left > 0:
        charges.append(Charge(pool=pool, use=rest, cost=_part(cost, amounts[-1])))
    return tuple(charges)


def _part(cost: Cost, amount: Decimal) -> Cost:
    return Cost(usd_per_hour=amount, missing=cost.missing, stand_ins=cost.stand_ins)


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """What one model, language, owner or pool costs; or what is nobody's."""

    name: str
    """Empty where the use is no model and the lines are not by pool."""
    use: Use
    cost: Cost


def cost_lines(charges: Iterable[Charge], name: Callable[[Charge], str]) -> tuple[CostLine, ...]:
    """Models first, by name; then what is idle and the system."""
    found: dict[tuple[Use, str], Cost] = {}
    for one in charges:
        key = (one.use, name(one))
        found[key] = found.get(key, Cost()) + one.cost
    order = list(Use)
    return tuple(
        CostLine(name=key[1], use=key[0], cost=cost)
        for key, cost in sorted(found.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))
    )


def by_model(charges: Iterable[Charge]) -> tuple[CostLine, ...]:
    """Task/Model."""
    return cost_lines(charges, lambda one: one.model)


def by_language(charges: Iterable[Charge]) -> tuple[CostLine, ...]:
    """All models of a language."""
    return cost_lines(charges, lambda one: one.language)


def by_owner(charges: Iterable[Charge]) -> tuple[CostLine, ...]:
    """All models of a team."""
    return cost_lines(charges, lambda one: one.owner)


def by_pool(charges: Iterable[Charge]) -> tuple[CostLine, ...]:
    """Each pool's use apart: what its models take, and what is idle of it."""
    return cost_lines(charges, lambda one: one.pool)
