"""Stories of verdicts, refusals, money and keys."""

from dataclasses import replace

from scripts.conformance.scene import (
    BAD,
    DOMAIN,
    GOOD,
    PRICE,
    REQUESTER,
    SETTLER,
    UNITS,
    WORSE,
    Scene,
    Story,
    account,
    tree_of,
)
from stun.protocol.market import actions
from stun.protocol.messages import NOBODY, Operator
from stun.protocol.parameters import WEEK_SECONDS, NumericClass
from stun.protocol.trees.resolve import prove_differences
from stun.protocol.trees.results import Top


def _convicted(wrong: bool, asset: str) -> Story:
    def told(scene: Scene) -> None:
        batch = scene.match(scene.order(2, asset=account(asset)))
        scene.deliver(batch, {0: GOOD, 1: BAD})
        verdict = actions.Convict(account("court"), batch, 1, wrong, account("challenger"))
        scene.act(replace(verdict, sender=SETTLER))
        scene.act(verdict)
        scene.act(verdict)
        scene.settle(batch, GOOD)

    return told


def _held(scene: Scene) -> None:
    batch = scene.match(scene.order())
    scene.act(actions.Hold(account("court"), batch, scene.now))
    scene.post(batch, GOOD)
    for sender, until in ((SETTLER, 1), (account("auditor"), scene.now + 400), (account("court"), 2**64 - 1)):
        scene.act(actions.Hold(sender, batch, until))
    scene.settle(batch, GOOD, 3_899)
    scene.settle(batch, GOOD, 1)


def _voided(scene: Scene) -> None:
    batch = scene.match(scene.order(3))
    scene.deliver(batch, {0: GOOD, 1: BAD, 2: WORSE})
    scene.act(actions.Resolve(SETTLER, batch, prove_differences([GOOD, BAD, WORSE])))
    scene.act(actions.Convict(account("court"), batch, 2, False, NOBODY))
    scene.act(actions.Resolve(SETTLER, batch, prove_differences([GOOD, BAD])))
    scene.settle(batch)


def _released(scene: Scene) -> None:
    batch = scene.match(scene.order(2))
    release = actions.Release(account("settlement"), batch, GOOD.root, 300, account("prover"))
    scene.act(release)
    scene.deliver(batch, {0: GOOD, 1: BAD})
    scene.act(replace(release, sender=SETTLER))
    scene.act(release)
    scene.settle(batch, BAD)


def _dues(scene: Scene) -> None:
    batch = scene.match(scene.order(2))
    scene.deliver(batch, {0: GOOD, 1: BAD})
    for due in ((401, 0, 0), (0, 0, 1), (300, 7, 0), (300, 7, 0)):
        scene.act(actions.SetDue(account("settlement"), batch, due))
    scene.settle(batch)


def _audit_account(scene: Scene) -> None:
    stun, coin, auditor, seat = account("stun"), account("coin"), account("auditor"), account("seat")
    for action in (
        actions.FundAudit(REQUESTER, stun, 0), actions.FundAudit(REQUESTER, stun, 2**64),
        actions.FundAudit(REQUESTER, stun, 100), actions.PayAudit(auditor, 1, stun, ((seat, 60),)),
        actions.PayAudit(auditor, 1, coin, ((seat, 1),)), actions.PayAudit(auditor, 2, stun, ((seat, 60),)),
        actions.PayAudit(auditor, 9, stun, ((seat, 1),)), actions.PayAudit(SETTLER, 1, stun, ((seat, 1),)),
        actions.FundAudit(REQUESTER, stun, 50), actions.PayAudit(auditor, 1, stun, ((seat, 30), (SETTLER, 30))),
        actions.Withdraw(seat, stun, 100, seat),
    ):  # fmt: skip
        scene.act(action)


def judged() -> dict[str, Story]:
    """What the peers of a config do."""

    return {
        "convicted of a wrong result": _convicted(True, "stun"),
        "convicted of a wrong result, in the coin": _convicted(True, "coin"),
        "convicted of a failed duty": _convicted(False, "stun"),
        "held to the longest hold": _held,
        "a resolution that falls": _voided,
        "released by the settlement": _released,
        "dues set by the settlement": _dues,
        "the audit account": _audit_account,
    }


def _orders(scene: Scene) -> None:
    for changes in (
        {"matcher": account("stranger")}, {"expires_at": scene.now}, {"expires_at": scene.now + 90 * 86_400 + 1},
        {"nonce": 0}, {"replicas": 0}, {"count": 0}, {"max_units": 0}, {"start_price": PRICE + 1}, {"tier": 1},
        {"flags": 4}, {"asset": account("stranger")}, {"config": 9}, {"post_seconds": 0}, {"task_seconds": 601},
        {"challenge_seconds": 39}, {"model_id": bytes(32)}, {"audit_ppm": 9_999}, {"tip": 2**64 - 1},
        {"kind": NumericClass.BOUNDED}, {"kind": NumericClass.OPAQUE}, {"requester": account("provider 1")},
        {"start_price": 10**18, "max_price": 10**18, "audit_ppm": 10**6, "count": 1, "max_units": 1},
        {"count": 65_536, "max_units": 2**32 - 1, "start_price": 2**64 - 1, "max_price": 2**64 - 1},
    ):  # fmt: skip
        order = scene.order(**changes)
        price = min(order.max_price, 2**64 - 1)
        scene.match(order, scene.bids(replace(order, replicas=1), price=price, order_digest=order.digest(DOMAIN)))


def _bids(scene: Scene) -> None:
    order = scene.order()
    for changes in ({"order_digest": bytes(32)}, {"expires_at": scene.now}, {"price": PRICE + 1}, {"price": 1}):
        scene.match(order, scene.bids(order, **changes))
    scene.match(order, (replace(scene.bids(order)[0], signer=None),))
    scene.match(order, scene.bids(order, provider=account("stranger")))
    twice = scene.order(2)
    scene.match(twice, scene.bids(twice)[:1] * 2)
    scene.act(actions.Match(SETTLER, order, None, scene.bids(order)))
    scene.match(order)
    scene.match(order)


def _ramp(scene: Scene) -> None:
    order = scene.order(start_price=PRICE // 2, ramp_start=scene.now + 100, ramp_seconds=1_000)
    for later, price in ((0, PRICE // 2 + 1), (600, PRICE * 3 // 4 + 1), (0, PRICE * 3 // 4)):
        scene.now += later
        scene.match(order, scene.bids(order, price=price))


def _tops(scene: Scene) -> None:
    batch = scene.match(scene.order())
    for top in (Top(b"\x01" * 32, 2**64 - 1, b"\x02" * 32, 1), Top(b"\x01" * 32, 401, b"\x02" * 32, 0)):
        scene.act(actions.PostResult(account("provider 1"), batch, top))
    scene.act(actions.PostResult(SETTLER, batch, GOOD.top))
    scene.deliver(batch, {0: GOOD})
    scene.now += 600
    scene.post(batch, GOOD)


def refused() -> dict[str, Story]:
    """Orders and bids that are refused, each rule in its turn."""

    return {
        "orders out of their bounds": _orders,
        "bids out of their bounds": _bids,
        "bids along the ramp": _ramp,
        "false tops and late posts": _tops,
    }


def _money(scene: Scene) -> None:
    coin = account("coin")
    for action in (
        actions.Deposit(SETTLER, account("stranger"), 1, SETTLER), actions.Deposit(SETTLER, coin, 1, NOBODY),
        actions.Deposit(SETTLER, coin, 0, SETTLER), actions.Deposit(SETTLER, coin, 2**64, SETTLER),
        actions.Deposit(SETTLER, coin, 2**64 - 1, SETTLER), actions.Withdraw(SETTLER, coin, 0, SETTLER),
        actions.Withdraw(SETTLER, coin, 1, NOBODY), actions.Withdraw(SETTLER, coin, 2**64, SETTLER),
        actions.Withdraw(SETTLER, coin, 2**64 - 1, REQUESTER), actions.Withdraw(SETTLER, coin, 1, SETTLER),
    ):  # fmt: skip
        scene.act(action)


def _operators(scene: Scene) -> None:
    named = Operator(account("provider 1"), account("operator"), 0, scene.now + 10)
    signed = actions.SetOperator(SETTLER, named, account("provider 1"))
    scene.act(replace(signed, signer=SETTLER))
    scene.act(replace(signed, message=replace(named, nonce=1)))
    scene.act(signed)
    scene.act(signed)
    order = scene.order()
    batch = scene.match(order, (replace(scene.bids(order)[0], signer=account("operator")),))
    scene.act(actions.PostResult(account("operator"), batch, GOOD.top))
    scene.act(actions.SetOperator(account("provider 1"), replace(named, operator=NOBODY, nonce=7)))
    scene.now += 10
    scene.act(replace(signed, message=replace(named, nonce=2)))


def _nonces(scene: Scene) -> None:
    order = scene.order()
    scene.act(actions.CancelOrder(SETTLER, order.nonce))
    scene.act(actions.CancelOrder(REQUESTER, order.nonce))
    scene.act(actions.CancelOrder(REQUESTER, order.nonce))
    scene.match(order)
    scene.match(replace(order, nonce=order.nonce + (1 << 40)))
    scene.now += WEEK_SECONDS
    scene.match(order)


def _unknown(scene: Scene) -> None:
    scene.settle(bytes(32))
    scene.act(actions.Expire(SETTLER, bytes(32)))
    scene.act(actions.LeaveBatch(SETTLER, bytes(32), 0))
    scene.act(actions.Hold(account("court"), bytes(32), 0))


def _many(scene: Scene) -> None:
    batches = [scene.match(scene.order(1 + k % 3)) for k in range(3)]
    scene.post(batches[0], GOOD)
    scene.deliver(batches[1], {0: GOOD, 1: BAD})
    scene.deliver(batches[2], {0: GOOD, 1: GOOD, 2: tree_of(UNITS, t3="x")})
    for batch, later in zip(batches, (300, 0, 0), strict=True):
        scene.settle(batch, GOOD, later)


def kept() -> dict[str, Story]:
    """Money, keys and nonces."""

    return {
        "deposits and withdrawals": _money,
        "operator keys": _operators,
        "cancelled orders": _nonces,
        "batches nobody opened": _unknown,
        "three batches at once": _many,
    }
