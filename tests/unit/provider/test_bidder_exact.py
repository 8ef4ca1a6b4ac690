"""What a provider bids on in class `exact`, where a result can be proven wrong."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from provider_bench import Bench

from stun.chains.evm.addresses import widen
from stun.pool.envelopes import BidEnvelope, OrderEnvelope
from stun.protocol.graph.arrays import to_tensor
from stun.protocol.messages import NOBODY
from stun.protocol.parameters import NumericClass
from stun.provider.bidder import Declined
from stun.provider.executor import ProviderService

pytestmark = pytest.mark.unit

GOOD = to_tensor(np.array([[1, 2, 3]]), 1).encode()
REFUSED = to_tensor(np.array([list(b"bad")]), 1).encode()  # a tensor that this model refuses


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.model_id = bench.market.add_model(widen(b"\x78" * 20), sha256(b"exact").digest(), NumericClass.EXACT)
    return bench


def answer(bench: Bench, provider: ProviderService, **changes: object) -> BidEnvelope | Declined:
    order = bench.order(**changes)  # type: ignore[arg-type]
    (envelope,) = bench.pools.order(order.digest(bench.market.domain))
    assert isinstance(envelope, OrderEnvelope)
    return provider.bidder.answer(envelope, NOBODY)


def test_tensors_are_bid_on(bench: Bench) -> None:
    provider = bench.provider("provider", policy=bench.policy(only_asked=False))
    assert isinstance(answer(bench, provider, inputs=[GOOD, GOOD]), BidEnvelope)


def test_no_input_may_be_refused_whatever_the_owner_accepts(bench: Bench) -> None:
    provider = bench.provider("provider", policy=bench.policy(only_asked=False, max_refused_bps=9_000))
    declined = answer(bench, provider, inputs=[GOOD, REFUSED])
    assert isinstance(declined, Declined)
    assert declined.reason == "policy: inputs"


def test_inputs_that_are_no_tensors_are_declined_and_the_provider_goes_on(bench: Bench) -> None:
    provider = bench.provider("provider", policy=bench.policy(only_asked=False))
    declined = answer(bench, provider, inputs=[b"text"], package_class=NumericClass.TOKEN)
    assert isinstance(declined, Declined)
    assert declined.reason == "tensors: length"
    assert isinstance(answer(bench, provider, inputs=[GOOD]), BidEnvelope)


def test_specs_over_chunks_are_not_what_class_exact_orders(bench: Bench) -> None:
    provider = bench.provider("provider", policy=bench.policy(only_asked=False))
    declined = answer(bench, provider, inputs=[GOOD], package_class=NumericClass.TOKEN)
    assert isinstance(declined, Declined)
    assert "not the ones that were ordered" in declined.reason
