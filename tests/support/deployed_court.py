"""The market's contracts with a court, and the court's calls: actions of the specification with real signatures."""

from collections.abc import Mapping
from functools import cache

from deployed_market import DeployedMarket
from evm_machines import Machine
from market_calls import Call
from market_parties import Parties, sign

from stun.chains.evm import court_encoding as encoding
from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.artifacts import Artifact, ArtifactStore
from stun.chains.evm.court_calls import Context, calldata
from stun.protocol import config
from stun.protocol.court import actions
from stun.protocol.court.evidence import Equivocation, Evidence, place_of, seal
from stun.protocol.court.state import Announcement
from stun.protocol.market.state import Terms
from stun.protocol.messages import Domain

PLANS: dict[str, tuple[str, ...]] = {
    "RefereeLinear": (), "RefereeRow": (),
    "Verdicts": ("Marketplace", "ModelRegistry", "RefereeLinear", "RefereeRow"),
    "Court": ("Marketplace", "Config", "Verdicts"),
}  # fmt: skip


@cache
def court_artifacts() -> dict[str, Artifact]:
    """Return the compiled contracts."""
    return ArtifactStore().build(tuple(PLANS))


class DeployedCourt(DeployedMarket):
    """A market whose first config version names a court that is a contract."""

    def _deploy_all(self) -> None:
        super()._deploy_all()
        for name, needs in PLANS.items():
            built = court_artifacts()[name]
            arguments = built.interface.encode_constructor([self.addresses[need] for need in needs])
            self.addresses[name] = self.machine.deploy(self.owner, built.deploy_bytecode + arguments)

    def peers(self) -> config.Peers:
        """Return the peers of version 1."""
        return config.Peers(self.people.settlement, self.court, self.people.auditor, self.beacon)

    @property
    def court(self) -> bytes:
        """The court as an account."""
        return widen(self.addresses["Court"])


def deployed_court(machine: Machine, people: Parties) -> DeployedCourt:
    """Deploy everything and give everybody native coin."""
    deployed = DeployedCourt(machine, people)
    for account in people.all:
        machine.fund(narrow(account), 10**24)
    return deployed


class CourtCalls:
    """Turns actions into calls; `announced` is what ChallengeAnnounced published, `terms` what BatchOpened did."""

    def __init__(self, terms: Mapping[bytes, Terms], announced: Mapping[bytes, Announcement], domain: Domain) -> None:
        self._terms = terms
        self._announced = announced
        self._domain = domain

    def call(self, action: actions.Action) -> tuple[Call, int]:
        """Return the call of an action and the native coin that comes along."""
        return Call(action.sender, "Court", calldata(action, self._context(action))), getattr(action, "value", 0)

    def evidence_digest(self, evidence: Evidence) -> bytes:
        """Return the hash of evidence as the contract sees it."""
        return encoding.evidence_digest(encoding.encode_evidence(evidence, self._signatures(evidence))[1])

    def _context(self, action: actions.Action) -> Context:
        if isinstance(action, actions.Challenge):
            digest = seal(action.sender, action.evidence_digest, action.salt)
            signatures = self._signatures(action.evidence)
            return Context(self._terms[place_of(action.evidence)[0]], self._known(digest), signatures)
        if isinstance(action, actions.Lapse):
            return Context(announced=self._known(action.digest))
        if isinstance(action, actions.DemandBelow):
            return Context(self._terms[action.parent.demand.batch_id])
        if isinstance(action, actions.ExpireDemand):
            return Context(self._terms[action.demand.batch_id])
        return Context(self._terms.get(getattr(action, "batch_id", bytes(32))))

    def _known(self, digest: bytes) -> Announcement:
        nothing = Announcement(bytes(32), bytes(32), 0, bytes(32), 0, 0, 0)
        return self._announced.get(digest, nothing)

    def _signatures(self, evidence: Evidence) -> list[bytes]:
        if not isinstance(evidence, Equivocation):
            return []
        signed = ((evidence.first, evidence.first_signer), (evidence.second, evidence.second_signer))
        return [b"" if signer is None else sign(signer, commit.digest(self._domain)) for commit, signer in signed]
