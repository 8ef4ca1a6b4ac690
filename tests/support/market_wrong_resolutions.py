"""Wrong evidence of a disagreement: one method for each code, None where no state fits it."""

from collections.abc import Callable
from dataclasses import replace

from market_moves import evidence
from market_plans import Plan
from market_seeker import Seeker, Wanted

from stun.protocol.market import actions
from stun.protocol.market.settlement import agreed_root
from stun.protocol.market.state import Batch, Phase
from stun.protocol.messages import NOBODY
from stun.protocol.trees.resolve import Resolution
from stun.protocol.trees.results import Result


class ResolutionWrongs(Seeker):
    """Resolutions that a rule refuses."""

    def _split(self, wanted: Wanted) -> tuple[Plan, Batch] | None:
        return self.find_current(Phase.RESULTS, lambda b: len(b.revealed) > 1 and agreed_root(b) is None and wanted(b))

    def _altered(self, change: Callable[[Resolution, Batch], Resolution]) -> actions.Action | None:
        found = self.find(lambda b: evidence(self.plans_of(b), b) is not None if len(b.revealed) > 1 else False)
        if found is None:
            return None
        plan, batch = found
        shown = evidence(plan, batch)
        assert shown is not None
        return actions.Resolve(self.party(), plan.batch_id, change(shown, batch))

    def resolve_agreed(self) -> actions.Action | None:
        found = self.find(lambda b: b.phase == Phase.RESULTS and agreed_root(b) is not None)
        if found is None:
            return None
        plan, batch = found
        shown = evidence(plan, batch) or Resolution((0,), ((Result(NOBODY, 0),) * len(batch.revealed),), ())
        return actions.Resolve(self.party(), plan.batch_id, shown)

    def resolve_empty(self) -> actions.Action | None:
        return self._altered(lambda r, b: Resolution((), (), r.siblings))

    def resolve_leaves(self) -> actions.Action | None:
        cut = self.rng.choice((0, 1))
        return self._altered(
            lambda r, b: replace(r, leaves=r.leaves[:-1] if cut or len(r.tasks) > 31 else (*r.leaves, r.leaves[0]))
        )

    def resolve_order(self) -> actions.Action | None:
        first = self.rng.choice((0, 1, 2**31))
        return self._altered(
            lambda r, b: replace(r, tasks=(r.tasks[0] + first, r.tasks[0]), leaves=(r.leaves[0], r.leaves[0]))
        )

    def resolve_index(self) -> actions.Action | None:
        past = self.rng.choice((0, 1, 2**31))
        return self._altered(lambda r, b: replace(r, tasks=(*r.tasks[:-1], b.terms.count + past)))

    def resolve_siblings(self) -> actions.Action | None:
        extra = self.rng.random() < 0.5
        return self._altered(
            lambda r, b: replace(r, siblings=(*r.siblings, (NOBODY, 0)) if extra or not r.siblings else r.siblings[:-1])
        )

    def resolve_overflow(self) -> actions.Action | None:
        def change(r: Resolution, b: Batch) -> Resolution:
            if r.siblings:
                return replace(r, siblings=((NOBODY, 2**64 - 1), *r.siblings[1:]))
            return replace(r, leaves=tuple(tuple(Result(x.output_digest, 2**64 - 1) for x in row) for row in r.leaves))

        return self._altered(change)

    def resolve_root(self) -> actions.Action | None:
        def change(r: Resolution, b: Batch) -> Resolution:
            first = tuple(replace(leaf, output_digest=self.rng.randbytes(32)) for leaf in r.leaves[0])
            return replace(r, leaves=(first, *r.leaves[1:]))

        return self._altered(change)

    def resolve_standing(self) -> actions.Action | None:
        found = self._split(lambda b: b.dues is not None and self.world.now < b.resolve_by)
        return None if found is None else self.moves.resolve(*found)
