"""post: a lone replica shows the top of its results tree."""

import pytest
from market_stage import DEPOSIT, Opened, Stage, honest_tree, tree_of

from stun.chains.evm.addresses import narrow
from stun.chains.evm.market_encoding import top_tuple
from stun.protocol.messages import Post
from stun.protocol.trees.results import Top

pytestmark = pytest.mark.unit


@pytest.fixture
def opened(stage: Stage) -> Opened:
    return stage.open(stage.order())


def test_a_post_stores_the_result_and_starts_the_window(stage: Stage, opened: Opened) -> None:
    stage.travel(599)
    tree = honest_tree()
    events = stage.must(stage.providers[0], "post", *opened.about, top_tuple(tree.top), b"")
    expected = {
        "batch_id": opened.batch_id, "provider": narrow(stage.providers[0]), "seq": 1, "outputs_root": tree.root,
        "total_units": 300,
    }  # fmt: skip
    assert events == [("Posted", expected)]
    batch = stage.batch(opened)
    assert (batch.phase, batch.phase_at, batch.posted, batch.states[0]) == (3, stage.now, True, 2)
    assert stage.balances()[1] == DEPOSIT - opened.terms.casts[0].bond


def test_the_operator_posts(stage: Stage, opened: Opened) -> None:
    operator = stage.people.operators[0]
    stage.must(stage.providers[0], "set_operator", narrow(operator))
    stage.must(operator, "post", *opened.about, top_tuple(honest_tree().top), b"")


def test_anybody_brings_a_signed_post(stage: Stage, opened: Opened) -> None:
    tree = honest_tree()
    signature = stage.sign(stage.providers[0], Post(opened.batch_id, stage.providers[0], tree.root, 300))
    stage.must(stage.settler, "post", *opened.about, top_tuple(tree.top), signature)


def test_a_signature_is_for_one_root_and_its_units(stage: Stage, opened: Opened) -> None:
    tree, other = honest_tree(), tree_of((70, 80, 90, 61))
    signature = stage.sign(stage.providers[0], Post(opened.batch_id, stage.providers[0], tree.root, 300))
    for brought in (b"", bytes(65), signature[:64]):
        refusal = stage.refusal(stage.settler, "post", *opened.about, top_tuple(tree.top), brought)
        assert refusal == "batches: signer"
    refusal = stage.refusal(stage.settler, "post", *opened.about, top_tuple(other.top), signature)
    assert refusal == "batches: signer"


def test_at_post_by_it_is_too_late(stage: Stage, opened: Opened) -> None:
    stage.travel(600)
    call = (*opened.about, top_tuple(honest_tree().top), b"")
    assert stage.refusal(stage.providers[0], "post", *call) == "batches: late"


def test_a_provider_posts_once(stage: Stage, opened: Opened) -> None:
    stage.post(opened, honest_tree())
    call = (*opened.about, top_tuple(honest_tree().top), b"")
    assert stage.refusal(stage.providers[0], "post", *call) == "batches: replica"


def test_several_replicas_commit_instead(stage: Stage) -> None:
    opened = stage.open(stage.order(2))
    call = (*opened.about, top_tuple(honest_tree().top), b"")
    assert stage.refusal(stage.providers[0], "post", *call) == "batches: lone"


def test_units_end_at_the_limit(stage: Stage, opened: Opened) -> None:
    over = tree_of((100, 100, 100, 101))
    call = (*opened.about, top_tuple(over.top), b"")
    assert stage.refusal(stage.providers[0], "post", *call) == "batches: units"
    stage.post(opened, tree_of((100, 100, 100, 100)))


def test_other_terms_are_unknown(stage: Stage, opened: Opened) -> None:
    other = stage.open(stage.order(tip=1))
    call = (opened.batch_id, other.about[1], top_tuple(honest_tree().top), b"")
    assert stage.refusal(stage.providers[0], "post", *call) == "batches: unknown"


def test_a_batch_of_one_shows_its_leaf(stage: Stage) -> None:
    opened = stage.open(stage.order(count=1))
    tree = tree_of((40,))
    for top in (Top(tree.top.left, 40, b"\x01" * 32, 0), Top(tree.top.left, 40, bytes(32), 1)):
        assert stage.refusal(stage.providers[0], "post", *opened.about, top_tuple(top), b"") == "trees: top"
    events = stage.must(stage.providers[0], "post", *opened.about, top_tuple(tree.top), b"")
    assert (events[0][1]["outputs_root"], events[0][1]["total_units"]) == (tree.root, 40)


def test_a_sum_beyond_u64_is_refused(stage: Stage, opened: Opened) -> None:
    top = Top(b"\x01" * 32, 2**64 - 1, b"\x02" * 32, 1)
    assert stage.refusal(stage.providers[0], "post", *opened.about, top_tuple(top), b"") == "trees: overflow"
