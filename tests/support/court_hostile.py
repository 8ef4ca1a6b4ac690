"""What tests of hostile acts before the court share: a cheat's scene, complete evidence, and where the coin is."""

from court_cheats import TASK, by_outputs, skipped_layer
from court_scene import COIN, CourtScene, small_job
from market_parties import parties

from stun.disputes.prosecution import next_step
from stun.disputes.steps import AskBelow, AskTrace, Show
from stun.protocol.court import actions
from stun.protocol.court.state import Demand, Stage
from stun.protocol.market import actions as market_actions
from stun.protocol.market.step import step as market_step
from stun.protocol.parameters import BY_NAME, read

THIEF = parties().stranger


def rule(scene: CourtScene, name: str) -> int:
    return read(scene.market.config.versions[-1].words[BY_NAME[name].word], name)


def cheating_scene(replicas: int = 1) -> CourtScene:
    job = small_job()
    return CourtScene(job, [by_outputs(skipped_layer)(job)] * replicas)


def with_evidence(scene: CourtScene) -> Show:
    """Ask for everything and return the complete evidence."""
    for _ in range(20):
        found = next_step(scene.suspect(0, TASK), list(scene.seen.values()))
        if isinstance(found, Show):
            return found
        demand = getattr(found, "demand", None)
        if isinstance(demand, Demand):
            scene.answer(demand)
        elif isinstance(found, AskTrace):
            scene.act(scene.ask_trace(0, TASK))
        else:
            assert isinstance(found, AskBelow)
            scene.act(actions.DemandBelow(scene.challenger, COIN, found.parent))
    raise AssertionError("no evidence")


def conserved(scene: CourtScene) -> bool:
    """Whether the native coin inside is what accounts may take out and what deposits are."""
    court = scene.court
    deposits = sum(d.deposit for d, standing in court.demands.items() if standing.stage != Stage.CLOSED)
    deposits += sum(announced.deposit for announced in court.announcements.values())
    return court.held == sum(court.credits.values()) + deposits


def settle(scene: CourtScene) -> None:
    batch = scene.market.batches[scene.batch_id]
    scene.travel(max(0, batch.quiet_at - scene.chain.now))
    root, units = batch.replicas[0].claim
    action = market_actions.Settle(THIEF, scene.batch_id, root, units)
    scene.market, _ = market_step(scene.market, action, scene.chain.now)
