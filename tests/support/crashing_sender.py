"""A process that submits one call and kills itself (-9) after the step it is told, the n-th time it is reached."""

import os
import signal
import sys
from pathlib import Path

from stun.chains.evm.endpoint import connect
from stun.chains.evm.fees import FeePolicy
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.nodes import funded_accounts
from stun.chains.evm.rpc import ChainReader, Finality
from stun.chains.evm.sender import Sender


def main(url: str, database: str, counter: str, data: str, key: str, step: str, times: int) -> None:
    seen = 0

    def die(reached: str) -> None:
        nonlocal seen
        seen += reached == step
        if seen == times:
            os.kill(os.getpid(), signal.SIGKILL)

    reader = ChainReader([connect(url)], Finality(0))
    policy = FeePolicy(bump_blocks=0) if step == "signed" and times > 1 else FeePolicy()
    sender = Sender(funded_accounts(2)[1], reader, IntentStore.open(Path(database)), policy, on_step=die, poll=0.01)
    intent = sender.submit(key, bytes.fromhex(counter), bytes.fromhex(data))
    if times > 1:
        sender.tick()
    sender.wait(intent, timeout=20)


if __name__ == "__main__":
    node, file, market, calldata, intent_key, last_step, count = sys.argv[1:]
    main(node, file, market, calldata, intent_key, last_step, int(count))
