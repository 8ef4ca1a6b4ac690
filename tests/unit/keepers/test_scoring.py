"""The simple scorer: its fast ranking is the slow one, and it passes over who cannot serve."""

import random

import pytest
from keeper_world import STUN, KeeperWorld

from keepers.services.profiles import NO_HARDWARE, ProviderProfile, read_hardware
from keepers.services.scoring import SimpleScorer, WantedOrder, rank_by_score
from stun.provider.hardware import Gpu, Hardware, parse_requirements

pytestmark = pytest.mark.unit
WORLD = KeeperWorld()
MODELS = [bytes([7]) * 32, bytes([8]) * 32]


def fleet(rng: random.Random, size: int) -> list[ProviderProfile]:
    big = Hardware((Gpu("big", 24 * 10**9, (8, 6)),), NO_HARDWARE.cpu, 0)
    return [
        ProviderProfile(
            rng.randbytes(32),
            {model: {WORLD.asset: rng.randint(0, 2 * STUN)} for model in MODELS if rng.random() < 0.7},
            rng.choice([NO_HARDWARE, big]),
            reputation=rng.randint(0, 10**6),
            load=rng.randint(0, 3),
        )
        for _ in range(size)
    ]


def wanted(rng: random.Random, size: int, requester: bytes) -> list[WantedOrder]:
    needs = [None, parse_requirements({"gpu_memory": "16GB", "compute_capability": "8.0+"})]
    return [
        WantedOrder(
            rng.randbytes(32),
            WORLD.order(model_id=rng.choice(MODELS), requester=requester),
            rng.randint(0, 2 * STUN),
            rng.choice(needs),
        )
        for _ in range(size)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_ranking_groups_at_once_gives_what_scoring_every_pair_gives(seed: int) -> None:
    rng = random.Random(seed)
    profiles = fleet(rng, 60)
    orders = wanted(rng, 40, requester=profiles[0].provider)
    scorer = SimpleScorer()
    assert scorer.rank(orders, profiles, 6) == rank_by_score(scorer, orders, profiles, 6)


def test_nobody_is_ranked_where_nobody_serves_the_model() -> None:
    order = WantedOrder(b"\x01" * 32, WORLD.order(model_id=b"\x09" * 32), STUN)
    assert SimpleScorer().rank([order], fleet(random.Random(1), 10), 3) == [[]]


def test_a_better_reputation_and_a_lower_load_rank_higher() -> None:
    prices = {WORLD.model_id: {WORLD.asset: STUN}}
    good = ProviderProfile(b"\x01" * 32, prices, reputation=900_000)
    new = ProviderProfile(b"\x02" * 32, prices)
    busy = ProviderProfile(b"\x03" * 32, prices, load=9)
    order = WantedOrder(b"\x05" * 32, WORLD.order(), STUN)
    assert SimpleScorer().rank([order], [busy, new, good], 3) == [[good.provider, new.provider, busy.provider]]


def test_hardware_of_a_profile_is_read_leniently_and_nonsense_refused() -> None:
    read = read_hardware({"gpus": [{"memory": 5, "compute_capability": [8, 6]}], "tee": "tdx", "colour": "green"})
    assert read.gpus == (Gpu("", 5, (8, 6)),)
    with pytest.raises((TypeError, ValueError, KeyError)):
        read_hardware({"gpus": [{"memory": "many"}]})
