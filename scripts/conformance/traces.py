"""Short stories of the state machine, each a function of a fresh scene; together they reach every action and ending."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from scripts.conformance.encoding import encode
from scripts.conformance.scene import (
    BAD,
    DOMAIN,
    GOOD,
    PRICE,
    REQUESTER,
    SETTLER,
    WORSE,
    Scene,
    Story,
    account,
    record_of,
    start,
    tree_of,
)
from scripts.conformance.verdicts import judged, kept, refused
from stun.protocol.market import actions
from stun.protocol.messages import NOBODY, Accept
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.resolve import prove_differences
from stun.protocol.trees.results import Top
from stun.protocol.trees.specs import prove_provider, providers_root

GARBAGE = Top(b"\x01" * 32, 150, b"\x02" * 32, 150)


def trace_vectors() -> dict[str, Any]:
    """Return the first state and every story with its steps."""
    told = []
    for name, story in stories():
        scene = Scene()
        story(scene)
        told.append({"name": name, "steps": scene.steps, "final": record_of(scene.market)})
    first = start()
    return {"domain": encode(DOMAIN), "start": _start(first), "traces": told}


def _start(market: Any) -> dict[str, Any]:
    version = market.config.versions[-1]
    return {
        "stun": encode(market.stun), "version": encode(market.config.version), "words": encode(version.words),
        "peers": encode(version.peers), "beacon": encode(market.beacons[version.peers.beacon]),
        "models": {encode(name): encode(model) for name, model in market.models.items()},
        "assets": {encode(asset): encode(rules) for asset, rules in market.config.assets.items()},
        "record": record_of(market),
    }  # fmt: skip


def stories() -> Iterator[tuple[str, Story]]:
    """Yield every story with its name."""
    for table in (lone(), several(), silent(), accepted(), judged(), refused(), kept()):
        yield from table.items()


def _life(replicas: int, trees: list[Any], later: int = 300, **order: Any) -> Story:
    """A batch that is delivered and settled by the first tree's claim."""

    def told(scene: Scene) -> None:
        batch = scene.match(scene.order(replicas, **order))
        if replicas == 1:
            scene.post(batch, trees[0])
        else:
            scene.deliver(batch, dict(enumerate(trees)))
        scene.settle(batch, trees[0], later - 1)
        scene.settle(batch, trees[0], 1)
        scene.settle(batch, trees[0], 0)

    return told


def _without_matcher(scene: Scene) -> None:
    order = scene.order(tip=9)
    batch = scene.match(order, scene.bids(order, matcher=NOBODY, price=PRICE - 1))
    scene.post(batch, GOOD)
    scene.settle(batch, GOOD)


def _listed(scene: Scene) -> None:
    admitted = [account("provider 1"), account("stranger")]
    order = scene.order(providers_root=providers_root(admitted))
    proof = prove_provider(admitted, account("provider 1"))
    scene.match(order)
    batch = scene.match(order, (replace(scene.bids(order)[0], membership=proof),))
    scene.post(batch, GOOD)
    scene.settle(batch, GOOD)


def lone() -> dict[str, Story]:
    """Lives of one replica."""

    return {
        "lone": _life(1, [GOOD]),
        "lone in the coin with a tip": _life(1, [GOOD], asset=account("coin"), tip=9),
        "lone of class token": _life(1, [GOOD], kind=NumericClass.TOKEN),
        "lone, private, judged as token": _life(1, [GOOD], flags=1),
        "lone of one task": _life(1, [tree_of((40,))], count=1),
        "lone of no units": _life(1, [tree_of((0, 0, 0, 0))], tip=9),
        "lone at the limit of units": _life(1, [tree_of((100, 100, 100, 100))]),
        "lone above the limit of units": _life(1, [tree_of((100, 100, 100, 101))]),
        "lone without a matcher in the bid": _without_matcher,
        "lone of a listed provider": _listed,
    }


def _resolved(replicas: int, trees: list[Any], **order: Any) -> Story:
    def told(scene: Scene) -> None:
        batch = scene.match(scene.order(replicas, **order))
        scene.deliver(batch, dict(enumerate(trees)))
        evidence = prove_differences(trees)
        scene.act(actions.Resolve(SETTLER, batch, replace(evidence, siblings=())))
        scene.act(actions.Resolve(SETTLER, batch, evidence))
        scene.act(actions.Resolve(SETTLER, batch, evidence))
        scene.settle(batch)

    return told


def _step_by_step(scene: Scene) -> None:
    batch = scene.match(scene.order(2))
    scene.deliver(batch, {0: GOOD})
    scene.deliver(batch, {0: GOOD}, reveal=False)
    scene.deliver(batch, {0: GOOD}, reveal=False)
    scene.now += 10
    scene.deliver(batch, {1: BAD}, reveal=False)
    scene.deliver(batch, {0: GOOD}, commit=False)
    scene.deliver(batch, {1: GOOD}, commit=False)
    scene.now += 10
    scene.deliver(batch, {1: BAD}, commit=False)
    scene.settle(batch, GOOD, 300)
    scene.settle(batch, GOOD, 120)


def several() -> dict[str, Story]:
    """Lives of several replicas, agreeing or not."""

    token = NumericClass.TOKEN
    return {
        "two that agree": _life(2, [GOOD, GOOD]),
        "three that agree": _life(3, [GOOD] * 3, tip=10),
        "three, one in the minority": _life(3, [GOOD, BAD, GOOD]),
        "three of class token, one in the minority": _life(3, [GOOD, BAD, GOOD], 420, kind=token),
        "two of class opaque": _life(2, [GOOD, GOOD], kind=NumericClass.OPAQUE),
        "two that differ and nobody resolves": _life(2, [GOOD, BAD], 420),
        "two, one with a root that nobody can open": _life(2, [GOOD, GARBAGE], 420),
        "two that differ, resolved": _resolved(2, [GOOD, BAD]),
        "three that all differ, resolved": _resolved(3, [GOOD, BAD, WORSE]),
        "three of class token, resolved": _resolved(3, [GOOD, BAD, GOOD], kind=token),
        "commitments and openings one by one": _step_by_step,
    }


def _nobody(replicas: int, **order: Any) -> Story:
    def told(scene: Scene) -> None:
        batch = scene.match(scene.order(replicas, tip=3, **order))
        scene.now += 599
        scene.act(actions.Expire(SETTLER, batch))
        scene.now += 1
        scene.act(actions.Expire(SETTLER, batch))

    return told


def _one_commits(scene: Scene) -> None:
    batch = scene.match(scene.order(3))
    scene.deliver(batch, {0: GOOD}, reveal=False)
    scene.now += 600
    scene.act(actions.Expire(SETTLER, batch))
    scene.deliver(batch, {0: GOOD}, commit=False)
    scene.settle(batch, GOOD)


def _one_does_not_reveal(scene: Scene) -> None:
    batch = scene.match(scene.order(2))
    scene.deliver(batch, {0: GOOD, 1: GOOD}, reveal=False)
    scene.deliver(batch, {0: GOOD}, commit=False)
    scene.now += 60
    scene.act(actions.Expire(SETTLER, batch))
    scene.settle(batch, GOOD)


def _nobody_reveals(scene: Scene) -> None:
    batch = scene.match(scene.order(2, asset=account("coin")))
    scene.deliver(batch, {0: GOOD}, reveal=False)
    scene.settle(batch, GOOD, 660)


def _leaving(scene: Scene) -> None:
    batch = scene.match(scene.order(2))
    scene.act(actions.LeaveBatch(SETTLER, batch, 0))
    scene.act(actions.LeaveBatch(account("provider 1"), batch, 2))
    scene.act(actions.LeaveBatch(account("provider 1"), batch, 0))
    scene.act(actions.LeaveBatch(account("provider 1"), batch, 0))
    scene.act(actions.LeaveBatch(account("provider 2"), batch, 1))


def silent() -> dict[str, Story]:
    """Silence, stepping back, and expiry."""

    return {
        "a lone provider stays silent": _nobody(1),
        "three stay silent, in the coin": _nobody(3, asset=account("coin")),
        "one of three commits": _one_commits,
        "one of two does not reveal": _one_does_not_reveal,
        "both deadlines pass before anybody calls": _nobody_reveals,
        "both providers leave": _leaving,
    }


def _word(scene: Scene, batch: bytes, tree: Any = GOOD, **how: Any) -> str | None:
    message = Accept(batch, tree.root, tree.total_units)
    return scene.act(actions.AcceptResult(how.pop("sender", SETTLER), message, **how))


def _posted(**how: Any) -> Story:
    def told(scene: Scene) -> None:
        batch = scene.match(scene.order(tip=5))
        _word(scene, batch, **how)
        _word(scene, batch, posted=True, **how)

    return told


def _late(scene: Scene) -> None:
    batch = scene.match(scene.order())
    _word(scene, batch, sender=REQUESTER)
    scene.post(batch, GOOD)
    _word(scene, batch)
    _word(scene, batch, BAD, sender=REQUESTER)
    scene.now += 10_000
    _word(scene, batch, signer=REQUESTER)


def _minority(scene: Scene) -> None:
    batch = scene.match(scene.order(3, tip=5))
    scene.deliver(batch, {0: GOOD, 1: BAD, 2: GOOD})
    _word(scene, batch, BAD, signer=REQUESTER)
    scene.settle(batch, GOOD)


def accepted() -> dict[str, Story]:
    """Acceptance by the requester."""

    by_provider = {"sender": account("provider 1"), "signer": REQUESTER}
    by_keeper = {"signer": REQUESTER, "post_signer": account("provider 1")}
    return {
        "accepted with its post, by the provider": _posted(**by_provider),
        "accepted with its post, by the requester": _posted(sender=REQUESTER, post_signer=account("provider 1")),
        "accepted with its post, by a keeper": _posted(**by_keeper),
        "accepted with a post that nobody signed": _posted(signer=REQUESTER),
        "accepted after its post": _late,
        "the minority accepted": _minority,
    }
