"""What a strategy is judged under: governed values, one asset's amounts, a batch, and what its players are like.

Money is in the asset's smallest unit, chances and shares are fractions of one. A "profit" is always what a strategy
earns above honest work, of the whole coalition that plays it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction

from stun.protocol import money
from stun.protocol.parameters import BPS, CREATOR_BPS, PPM, PROVIDER_BPS, AssetRules, defaults

USDC = 10**6
STUN = 10**9
AUDITORS = 2
# The coin that a production network lists; a test holds them equal to the deployment's plan.
USDC_RULES = AssetRules(
    min_locked=USDC // 10,
    min_bond=USDC,
    reward_cap=10_000 * USDC,
    reference_fee=USDC,
    audit_fee=USDC // 10,
    report_fee=3 * USDC // 10,
    audit_cover=100 * USDC,
)


def audited_defaults() -> dict[str, int]:
    """Return the governed defaults of a network whose audits run: two auditors."""
    return defaults() | {"auditors": AUDITORS}


@dataclass(frozen=True, slots=True)
class Setting:
    """A batch, the rules it stands under, and the assumptions; every default is what the decision assumes.

    The batch: `count` tasks, `locked` the price locked for each replica, `audit_ppm`.

    - `cost`: what the work costs, as a share of what it earns the provider; 1 is the worst case, C = R.
    - `earned_bps`: what flows back to a cheat of a payment: at most what is the provider's, creator's and keepers'.
    - `seats`, `colluding`: how many seats are listed, and the share of them that belongs to the coalition.
    - `reported`: chance that a draw is shown in time; `defended`: chance that an honest co-replica goes to court.
    - `shown`: chance that the drawn results are proven on chain, so that a seat's empty agreement is found out.
    - `seat_cost`: what running drawn tasks costs a seat, as a share of the price that it is paid for them.
    - `canaries`: share of drawn batches that the treasury has made wrong on purpose; with `refunds_whole_bond` its
      programme gives back the bond whoever took the reward.
    - `offline`: chance that an honest provider misses a demand's whole time; `basefee_rise`: by how much the base fee
      grows between a demand and its answer.
    - `reward_share`, `duty_share`: the challenger's part of a bond, and of the least bond for a failed duty; with
      `duty_by_bond` a failed duty pays like a wrong result (the rule that decision 0014 refused).
    - `gas_cost`: money for a unit of gas; `basefee`: wei; `stun_value`: money for 10^9 units of STUN.
    - `follow_rule`: demands that follow an answer may come after the window. `floor_rule`: reputation lowers no audit.
    - `counts_report_fee`: whether the prepayment counts REPORT_FEE as a cost of the audit, as the market does.
    """

    values: Mapping[str, int] = field(default_factory=audited_defaults)
    asset: AssetRules = USDC_RULES
    count: int = 1_000
    locked: int = 100 * USDC
    audit_ppm: int = 10_000
    cost: Fraction = Fraction(1)
    earned_bps: int = PROVIDER_BPS + CREATOR_BPS + 200 + 50
    seats: int = 300
    colluding: Fraction = Fraction(1, 3)
    reported: Fraction = Fraction(1)
    defended: Fraction = Fraction(3, 5)
    shown: Fraction = Fraction(9, 10)
    seat_cost: Fraction = Fraction(1)
    canaries: Fraction = Fraction(1, 1_000)
    refunds_whole_bond: bool = False
    offline: Fraction = Fraction(1, 100)
    basefee_rise: Fraction = Fraction(3, 2)
    reward_share: Fraction = Fraction(1, 4)
    duty_share: Fraction = Fraction(1, 8)
    duty_by_bond: bool = False
    gas_cost: Fraction = Fraction(3, 100)  # 0.01 gwei at 3,000 USDC a coin
    basefee: int = 10**7
    stun_value: Fraction = Fraction(USDC, 10)
    follow_rule: bool = True
    floor_rule: bool = True
    counts_report_fee: bool = True

    def value(self, name: str) -> int:
        """Return a governed value."""
        return self.values[name]

    @property
    def auditors(self) -> int:
        """How many seats are drawn."""
        return self.value("auditors")

    @property
    def draw_rate(self) -> Fraction:
        """The chance that a batch is drawn and someone shows it."""
        return Fraction(self.audit_ppm, PPM) * self.reported

    @property
    def bond(self) -> int:
        """The bond of each replica (PROTOCOL.md section 3)."""
        value = self.value
        rules = value("min_bond_bps"), value("bond_margin")
        return money.bond(self.locked, self.audit_ppm, self.asset.min_bond, *rules)

    @property
    def reward(self) -> int:
        """What a challenger is paid for a wrong result: min(REWARD_CAP, a quarter of the bond)."""
        return min(self.asset.reward_cap, int(self.bond * self.reward_share))

    @property
    def duty_reward(self) -> int:
        """What the asker of a failed duty is paid: an eighth of the least bond, at most a quarter of the bond."""
        if self.duty_by_bond:
            return self.reward
        return min(int(self.asset.min_bond * self.duty_share), self.bond // 4)

    @property
    def lost(self) -> int:
        """S: what a conviction really costs a cheat whose accomplice takes the reward. Stake counts as nothing."""
        return self.bond - self.reward

    @property
    def earned(self) -> int:
        """R: what a paid replica brings a coalition."""
        return self.locked * self.earned_bps // BPS

    @property
    def saved(self) -> int:
        """C: what is saved by computing nothing."""
        return self.earned * self.cost.numerator // self.cost.denominator

    @property
    def share(self) -> int:
        """What one seat is paid for one audit."""
        return money.seat_share(self.locked, self.count, self.value("audit_tasks"), self.asset.audit_fee)

    @property
    def seat_work(self) -> int:
        """What an audit costs a seat that runs the drawn tasks."""
        return (self.share - self.asset.audit_fee) * self.seat_cost.numerator // self.seat_cost.denominator

    @property
    def seat_bond(self) -> int:
        """A seat's bond in money of the asset."""
        return int(self.value("seat_bond") * self.stun_value / STUN)

    @property
    def colluding_seats(self) -> int:
        """How many of the listed seats belong to the coalition."""
        return int(self.seats * self.colluding)


_OWN = {item.name for item in fields(Setting)} - {"values", "asset"}
_ASSET = {item.name for item in fields(AssetRules)}


def read(setting: Setting, name: str) -> Fraction:
    """Return a governed value, an amount of the asset or an assumption by its name."""
    holder = setting if name in _OWN else setting.asset if name in _ASSET else None
    return Fraction(getattr(holder, name) if holder is not None else setting.values[name])


def change(setting: Setting, name: str, value: Fraction | int) -> Setting:
    """Return the setting with one governed value, amount or assumption replaced; values and amounts are whole."""
    if name in _OWN:
        kind = type(getattr(setting, name))
        return replace(setting, **{name: kind(value)})
    if name in _ASSET:
        return replace(setting, asset=replace(setting.asset, **{name: int(value)}))
    if name not in setting.values:
        raise KeyError(name)
    return replace(setting, values={**setting.values, name: int(value)})
