"""How much gas a transaction needs on the embedded chain, in two runs where py-evm's own search takes twenty."""

from typing import cast

from eth.abc import ComputationAPI, SignedTransactionAPI, StateAPI
from eth.estimators.gas import binary_gas_search_intrinsic_tolerance
from eth.vm.spoof import SpoofTransaction

_MARGIN_GAS = 5_000


def estimate(state: StateAPI, transaction: SignedTransactionAPI) -> int:
    """Return what one run with the block's whole gas used, a sixteenth added, if a second run does with that.

    Inner calls are given 63/64 of what is left at most, so that what was used may not be enough; then py-evm searches.
    Errors: VMError of the first run.
    """
    whole = _run(state, transaction, state.gas_limit)
    if whole.is_error:
        raise whole.error
    used = int(transaction.intrinsic_gas) + whole.get_gas_used()
    enough = min(state.gas_limit, used + used // 16 + _MARGIN_GAS)
    if _run(state, transaction, enough).is_error:
        return int(binary_gas_search_intrinsic_tolerance(state, transaction))
    return enough


def _run(state: StateAPI, transaction: SignedTransactionAPI, gas: int) -> ComputationAPI:
    snapshot = state.snapshot()
    try:
        return state.apply_transaction(cast(SignedTransactionAPI, SpoofTransaction(transaction, gas=gas, gas_price=0)))
    finally:
        state.revert(snapshot)
