"""What a keeper knows of the chain, and the small market of the specification that its plans are tried on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stun.chains.market import ModelRecord, Rules
from stun.protocol import parameters
from stun.protocol.config import ConfigState, Peers, Version
from stun.protocol.market.state import Batch, Market
from stun.protocol.messages import NOBODY, Domain
from stun.protocol.parameters import PARAMETERS
from stun.protocol.registry import Model
from stun.protocol.staking import Stake


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """Chain state that matters to a decision; what is missing counts as zero, unknown or unused.

    `rules` by asset, `balances` by (asset, account), `stakes` (STUN), `reputations` ([0, 10^6]) and `operators` by
    account, `loads`: unfinished batches by provider, `used_nonces`: (requester, nonce).
    """

    domain: Domain
    stun: bytes
    rules: Mapping[bytes, Rules] = field(default_factory=dict)
    models: Mapping[bytes, ModelRecord] = field(default_factory=dict)
    balances: Mapping[tuple[bytes, bytes], int] = field(default_factory=dict)
    stakes: Mapping[bytes, int] = field(default_factory=dict)
    reputations: Mapping[bytes, int] = field(default_factory=dict)
    operators: Mapping[bytes, bytes] = field(default_factory=dict)
    loads: Mapping[bytes, int] = field(default_factory=dict)
    used_nonces: frozenset[tuple[bytes, int]] = frozenset()

    def asset_rules(self, asset: bytes) -> parameters.AssetRules | None:
        """The rules of an asset, None if it is unknown or not listed."""
        return self.rules[asset].asset if asset in self.rules else None


def config_of(rules: Iterable[tuple[bytes, Rules]]) -> ConfigState:
    """Return a config whose newest version is the one that the rules were read from."""
    known = list(rules)
    if not known:
        return ConfigState()
    newest = max((entry for _, entry in known), key=lambda entry: entry.version)
    words = {"rules": newest.rules, "limits": newest.limits, "times": newest.times, "duties": 0}
    values = tuple(parameters.read(words[p.word], p.name) for p in PARAMETERS)
    assets = {asset: entry.asset for asset, entry in known if entry.asset is not None}
    audit_words = {asset: rules.audit_word() for asset, rules in assets.items()}
    return ConfigState(values=values, versions=(Version(words, Peers()),), assets=assets, audit_words=audit_words)


def match_market(
    facts: ChainFacts,
    config: ConfigState,
    asset: bytes,
    model_id: bytes,
    accounts: list[bytes],
    balances: Mapping[tuple[bytes, bytes], int],
) -> Market:
    """Return the part of the market that a match of these accounts reads; `balances` may be ahead of the facts."""
    record = facts.models.get(model_id)
    models = (
        {}
        if record is None
        else {
            model_id: Model(
                record.creator,
                record.numeric_class,
                record.live,
                record.manifest_digest,
                record.weight_root,
                record.graph_root,
            )
        }
    )
    return Market(
        domain=facts.domain,
        stun=facts.stun,
        config=config,
        owner=NOBODY,
        balances={(asset, account): balances.get((asset, account), 0) for account in accounts},
        models=models,
        stakes={account: Stake(active=facts.stakes.get(account, 0)) for account in accounts},
        nonces=frozenset(used for used in facts.used_nonces if used[0] in accounts),
        operators={account: facts.operators.get(account, NOBODY) for account in accounts},
    )


def batch_market(
    domain: Domain, stun: bytes, batch_id: bytes, batch: Batch, operators: Mapping[bytes, bytes]
) -> Market:
    """Return a market that knows one batch only; `operators` are its providers' operator keys."""
    return Market(
        domain=domain,
        stun=stun,
        config=ConfigState(),
        owner=NOBODY,
        batches={batch_id: batch},
        operators=operators,
    )
