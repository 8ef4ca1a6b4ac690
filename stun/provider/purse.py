"""The native coin that answers are paid with: who has none is convicted of a silence that it could not break."""

from stun.provider.context import ProviderContext

LEAST_ANSWERS = 32  # what should be there: two whole disputes at today's fees
LOOK_SECONDS = 600


class Purse:
    """Looks now and then whether the account that sends can pay. `warning` is empty while it can."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        self._looked_at: int | None = None
        self.warning = ""

    def look(self) -> None:
        """Compare what is there with what answers cost; warn where it changes. Errors: ChainError."""
        context, now = self._context, self._context.reader.now()
        if context.courts is None or context.writer is None:
            return
        if self._looked_at is not None and now < self._looked_at + LOOK_SECONDS:
            return
        court = context.courts.current()
        if court is None:
            return
        held, needed = court.purse(context.writer.account), LEAST_ANSWERS * court.defence_costs().answer
        self._looked_at = now
        warning = ""
        if held < needed:
            warning = (
                f"the account that sends holds {held} of the chain's own coin: with less than {needed}, demands of a "
                "court may stay unanswered and cost the bond"
            )
        if warning and not self.warning:
            context.log.warning("purse_low", held=held, needed=needed)
        self.warning = warning
