"""A provider whose journal was lost finds its batch on chain, has nothing to deliver, and goes on with all others."""

from pathlib import Path

import pytest
from provider_bench import Bench, Party
from structlog.testing import capture_logs

pytestmark = pytest.mark.unit


def test_outputs_that_are_gone_are_told_and_end_no_cycle(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    party = Party(bench.market, "provider").fund()
    provider = bench.provider("provider", party=party, native=True)
    batch_id = bench.open_batch(bench.order(), [provider])
    for _ in range(4):
        provider.tick()
    provider.close()
    newcomer = bench.provider("another folder", party=party)
    with capture_logs() as logs:
        newcomer.tick()
        newcomer.tick()
    said = {entry["reason"] for entry in logs if entry["event"] == "duty_postponed"}
    assert said == {"the journal does not hold the outputs of this batch"}
    bid = bench.order()
    bench.ask(bid, party.account)
    newcomer.tick()
    assert bench.match(bid) != batch_id
