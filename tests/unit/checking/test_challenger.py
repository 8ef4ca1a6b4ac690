"""Charges against the specification: every cheat, silence and crash ends in a conviction; the honest are left alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from court_batch import Work, honest
from court_cheats import MUSEUM, TASK
from court_scene import COIN, CourtScene, small_job
from scene_court import Crash, SceneChain, SceneWriter, charge_of

from stun.checking.challenger import Challenger
from stun.checking.charges import Charge, Search
from stun.checking.progress import CoinMissing, Fate, NoVerdict, OverBudget, Progress, TooLate
from stun.checking.store import DisputeStore
from stun.protocol.court import actions
from stun.protocol.court.state import Demand, Kind, Stage
from stun.protocol.trees.results import ResultsTree

MOST_LOOKS = 200
Answers = Callable[[Demand], bool]


def everything(_: Demand) -> bool:
    return True


def nothing(_: Demand) -> bool:
    return False


class Play:
    """A challenger with its store beside a replica that answers what `answers` says, at the last moment."""

    def __init__(self, scene: CourtScene, budget: int | None = None) -> None:
        self.scene = scene
        self.chain = SceneChain(scene)
        self.writer = SceneWriter(self.chain, scene.challenger)
        self.store = DisputeStore.open(None)
        self.budget = 1_000 * COIN if budget is None else budget
        self.answers: Answers = everything

    def challenger(self) -> Challenger:
        return Challenger(self.chain, self.chain, self.writer, self.store, self.budget)

    def run(self, charge: Charge | Search) -> Progress:
        """Look until nothing is left to do."""
        challenger = self.challenger()
        for _ in range(MOST_LOOKS):
            told = challenger.advance(charge)
            if told.done:
                return told
            self.let_answer(charge, told)
        raise AssertionError("a charge without end")

    def let_answer(self, charge: Charge | Search, told: Progress) -> None:
        """The replica answers, or time passes."""
        waiting = [demand for demand, seen in self.scene.seen.items() if not seen.answered]
        answered = [demand for demand in waiting if self.answers(demand) and self.chain.stage(demand) is Stage.OPEN]
        for demand in answered:
            if self.scene.state_of(charge.replica) is not None and not self.scene.convicted:
                self.scene.answer(demand)
        if not answered and told.until > self.chain.now():
            self.scene.travel(told.until - self.chain.now())
        else:
            self.scene.chain = replace(self.scene.chain, block=self.chain.head() + 1)


def cheating(name: str, replicas: int = 1) -> CourtScene:
    job = small_job()
    others: list[Work] = [honest(job.graph, job.inputs)] * (replicas - 1)
    return CourtScene(job, [MUSEUM[name][0](job), *others])


@pytest.mark.parametrize("published", [True, False], ids=["published", "withheld"])
@pytest.mark.parametrize("name", MUSEUM)
def test_every_cheat_of_the_museum_is_convicted_and_all_deposits_come_back(name: str, published: bool) -> None:
    play = Play(cheating(name))

    told = play.run(charge_of(play.scene, 0, TASK, published))

    assert told.fate is Fate.CONVICTED
    assert play.scene.convicted == [(play.scene.providers[0], True)]
    kinds = [type(action).__name__ for action in play.writer.taken]
    assert kinds.count("Announce") == kinds.count("Challenge") == 1
    assert ("DemandTop" in kinds) is not published
    assert play.scene.court.held == 0, "every deposit and every credit was taken"
    assert play.chain.credit(play.scene.challenger) == 0


@pytest.mark.parametrize("kind", list(Kind))
def test_a_replica_that_falls_silent_at_any_depth_is_convicted_by_its_silence(kind: Kind) -> None:
    play = Play(cheating("one bit of the first operator"))
    play.answers = lambda demand: demand.kind is not kind

    told = play.run(charge_of(play.scene, 0, TASK, published=False))

    reached = any(demand.kind is kind for demand in play.scene.seen)
    assert told.fate is Fate.CONVICTED
    assert play.scene.convicted == [(play.scene.providers[0], not reached)]
    assert play.chain.credit(play.scene.challenger) == 0


def test_one_that_withholds_everything_is_expired() -> None:
    play = Play(cheating("other weights"))
    play.answers = nothing

    assert play.run(charge_of(play.scene, 0, TASK, published=False)).fate is Fate.CONVICTED
    assert [type(action).__name__ for action in play.writer.taken] == ["DemandTop", "ExpireDemand", "TakeCredit"]


def test_an_honest_result_that_was_withheld_is_left_alone_once_it_is_shown() -> None:
    job = small_job()
    play = Play(CourtScene(job, [honest(job.graph, job.inputs)]))

    told = play.run(charge_of(play.scene, 0, TASK, published=False))

    assert told.fate is Fate.RIGHT
    assert play.scene.convicted == []
    assert {type(action).__name__ for action in play.writer.taken} <= {"DemandTop", "DemandBelow"}


def test_only_the_wrong_one_of_several_replicas_is_touched() -> None:
    play = Play(cheating("weights at 7 bits", replicas=3))

    assert play.run(charge_of(play.scene, 0, TASK)).fate is Fate.CONVICTED
    assert play.scene.convicted == [(play.scene.providers[0], True)]
    assert all(getattr(a, "replica", 0) == 0 for a in play.writer.taken)


def test_what_others_demanded_is_used_and_not_demanded_again() -> None:
    play = Play(cheating("other weights"))
    stranger = SceneWriter(play.chain, b"\x77" * 32)
    stranger.act("theirs", replace(play.scene.ask_trace(0, TASK), sender=stranger.account))

    assert play.run(charge_of(play.scene, 0, TASK)).fate is Fate.CONVICTED
    assert "DemandTrace" not in [type(action).__name__ for action in play.writer.taken]


def search_of(scene: CourtScene) -> Search:
    """A search in the results of replica 0, by somebody who ran the whole batch again."""
    own = ResultsTree(honest(scene.job.graph, scene.job.inputs).results)
    top = ResultsTree(scene.works[0].results).levels[-1][0]
    return Search(scene.batch_id, scene.market.batches[scene.batch_id].terms, scene.order, 0, own, top)


@pytest.mark.parametrize("tasks", [2, 3, 16, 17, 40])
def test_the_wrong_result_among_withheld_ones_is_found_and_convicted(tasks: int) -> None:
    job = small_job(tasks)
    play = Play(CourtScene(job, [MUSEUM["other weights"][0](job)]))
    search = search_of(play.scene)

    assert play.run(search).fate is Fate.FOUND
    assert play.challenger().found(search) == TASK
    assert play.run(search).fate is Fate.FOUND, "asked again, after a crash, it still knows"
    assert play.run(charge_of(play.scene, 0, TASK, published=False)).fate is Fate.CONVICTED
    asked = [type(action).__name__ for action in play.writer.taken]
    assert asked.count("DemandTop") == 1
    assert play.scene.court.held == 0


def test_a_replica_that_is_silent_while_it_is_searched_is_expired() -> None:
    play = Play(cheating("other weights"))
    play.answers = nothing
    search = search_of(play.scene)

    assert play.run(search).fate is Fate.CONVICTED
    assert play.challenger().found(search) is None
    assert play.scene.convicted == [(play.scene.providers[0], False)]


def steps_of(name: str, published: bool, answers: Answers) -> list[str]:
    """Every durable write and every side of every act of an undisturbed dispute."""
    play, steps = Play(cheating(name)), []
    play.answers = answers
    play.store._on_step = steps.append
    play.writer.on_act = steps.append
    play.run(charge_of(play.scene, 0, TASK, published))
    return steps


@pytest.mark.parametrize("answers", [everything, nothing], ids=["answered", "silent"])
def test_killed_at_any_step_it_goes_on_and_does_nothing_twice(answers: Answers) -> None:
    name = "one bit of the first operator"
    undisturbed = steps_of(name, False, answers)
    assert len(undisturbed) > 10

    for killed_at in range(len(undisturbed)):
        play = Play(cheating(name))
        play.answers = answers
        charge = charge_of(play.scene, 0, TASK, published=False)
        left = killed_at

        def step(_: str) -> None:
            nonlocal left
            left -= 1
            if left == -1:
                raise Crash

        play.store._on_step = step
        play.writer.on_act = step
        with pytest.raises(Crash):
            play.run(charge)
        assert play.run(charge).fate is Fate.CONVICTED, undisturbed[killed_at]
        kinds = [type(action).__name__ for action in play.writer.taken]
        assert kinds.count("Announce") <= 1
        assert kinds.count("DemandTop") == 1
        assert play.scene.court.held == 0, "no deposit was lost"


def test_a_charge_that_may_need_more_than_the_budget_is_not_begun() -> None:
    play = Play(cheating("other weights"))
    charge = charge_of(play.scene, 0, TASK)
    needed = play.challenger().estimate(charge).total
    play.budget = needed - 1

    with pytest.raises(OverBudget) as refused:
        play.run(charge)
    assert refused.value.needed == needed
    assert play.writer.taken == []

    play.budget, play.chain.coin = needed, needed - 1
    with pytest.raises(CoinMissing):
        play.run(charge)
    play.chain.coin = needed
    play.challenger().begin(charge)
    assert play.run(charge).fate is Fate.CONVICTED
    sent = sum(getattr(action, "value", 0) for action in play.writer.taken)
    assert sent <= needed


def test_what_is_set_aside_for_one_charge_is_not_there_for_another() -> None:
    play = Play(cheating("other weights"))
    first, second = (charge_of(play.scene, 0, task, published=False) for task in (TASK, 2))
    play.budget = play.challenger().estimate(first).total

    play.challenger().begin(first)
    with pytest.raises(OverBudget):
        play.challenger().begin(second)


def test_what_was_set_aside_is_free_again_once_a_batch_is_final_that_nobody_pursued() -> None:
    first, second = Play(cheating("other weights")), Play(cheating("other weights"))
    charge = charge_of(first.scene, 0, TASK)
    first.budget = first.challenger().estimate(charge).total
    other = replace(charge_of(second.scene, 0, 2), batch_id=bytes(32))
    first.challenger().begin(charge)
    first.scene.market = replace(first.scene.market, batches={bytes(32): second.scene.market.batches[charge.batch_id]})

    first.challenger().begin(other)

    assert first.store.fate(charge.name) == Fate.GONE
    assert first.store.fate(other.name) == Fate.OPEN


def test_evidence_that_another_process_sealed_first_is_not_replaced() -> None:
    play = Play(cheating("other weights"))
    charge, challenger = charge_of(play.scene, 0, TASK), play.challenger()
    while (first := play.store.sealed(charge.name)) is None:
        play.let_answer(charge, challenger.advance(charge))

    challenger._seal(charge, first.evidence)

    assert play.store.sealed(charge.name) == first


def test_after_the_window_a_charge_is_not_begun_and_before_results_neither() -> None:
    play = Play(cheating("other weights"))
    charge = charge_of(play.scene, 0, TASK)
    batch = play.scene.market.batches[play.scene.batch_id]

    play.scene.travel(batch.window_end - play.chain.now())
    with pytest.raises(TooLate):
        play.run(charge)
    play.scene.market = replace(play.scene.market, batches={})
    with pytest.raises(NoVerdict):
        play.run(charge)
    assert play.writer.taken == []


def test_nothing_is_demanded_where_nobody_shows_a_top() -> None:
    play = Play(cheating("other weights"))
    whole = charge_of(play.scene, 0, TASK, published=False)
    blind = replace(whole, top=None)

    assert play.run(blind).fate is Fate.BLIND
    assert play.writer.taken == []


def test_an_announcement_that_was_not_opened_in_time_is_made_again() -> None:
    play = Play(cheating("other weights"))
    charge = charge_of(play.scene, 0, TASK)
    challenger = play.challenger()
    while not any(isinstance(action, actions.Announce) for action in play.writer.taken):
        play.let_answer(charge, challenger.advance(charge))
    [announced] = play.scene.court.announcements.values()
    play.scene.travel(announced.open_until - play.chain.now())

    assert play.run(charge).fate in (Fate.CONVICTED, Fate.LATE)
    assert sum(isinstance(action, actions.Announce) for action in play.writer.taken) <= 2
