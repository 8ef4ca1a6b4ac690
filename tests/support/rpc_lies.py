"""What a bad node says: answers that are lost, late, cut, of another question, or invented."""

import json
import random
from collections.abc import Callable
from typing import Any

from rpc_proxy import Answer, Meddle

Request = dict[str, Any]
Reply = dict[str, Any]


def drops(chance: random.Random) -> Meddle:
    """Every second answer never comes."""
    return lambda _, answer: None if chance.random() < 0.5 else answer


def refuses(status: int) -> Callable[[random.Random], Meddle]:
    """HTTP errors instead of two answers of three."""
    return lambda chance: lambda _, answer: status if chance.random() < 0.66 else answer


def truncates(chance: random.Random) -> Meddle:
    """JSON that ends in its middle."""

    def meddle(_: Request, answer: Reply) -> Answer:
        body = json.dumps(answer).encode()
        return body[: chance.randint(0, len(body) - 1)]

    return meddle


def reorders(chance: random.Random) -> Meddle:
    """Answers with the one before to the same method."""
    before: dict[str, Reply] = {}

    def meddle(request: Request, answer: Reply) -> Answer:
        late = before.get(request["method"], answer)
        before[request["method"]] = answer
        return late | {"id": answer["id"]}

    return meddle


def stands_still(chance: random.Random) -> Meddle:
    """The newest block is for ever the first that was asked for."""
    frozen: list[Any] = []

    def meddle(request: Request, answer: Reply) -> Answer:
        if request["method"] == "eth_getBlockByNumber" and request["params"][0] == "latest":
            frozen.append(answer["result"])
            return answer | {"result": frozen[0]}
        return answer

    return meddle


def runs_ahead(chance: random.Random) -> Meddle:
    """Every block is of next week: all deadlines seem past."""

    def meddle(request: Request, answer: Reply) -> Answer:
        if request["method"].startswith("eth_getBlock") and answer.get("result"):
            later = hex(int(answer["result"]["timestamp"], 16) + 7 * 86_400)
            return answer | {"result": {**answer["result"], "timestamp": later}}
        return answer

    return meddle


def forges_hashes(chance: random.Random) -> Meddle:
    """Blocks under hashes that are not theirs."""

    def meddle(request: Request, answer: Reply) -> Answer:
        if request["method"].startswith("eth_getBlock"):
            return answer | {"result": {**answer["result"], "hash": "0x" + chance.randbytes(32).hex()}}
        return answer

    return meddle


def hides(method: str, instead: Any) -> Callable[[random.Random], Meddle]:
    """One method answers the same whatever it is asked."""

    def make(_: random.Random) -> Meddle:
        return lambda request, answer: _plain(answer, instead) if request["method"] == method else answer

    return make


def swallows(chance: random.Random) -> Meddle:
    """Takes transactions, passes none on (see `passes_on`), and shows receipts of success in the newest block."""
    block: dict[str, Any] = {}

    def meddle(request: Request, answer: Reply) -> Answer:
        method = request["method"]
        if method.startswith("eth_getBlock") and answer.get("result"):
            block.update(answer["result"])
        if method == "eth_getTransactionReceipt" and block:
            return _plain(answer, receipt_of(request["params"][0], block, "0x1"))
        return answer

    return meddle


def says_all_failed(chance: random.Random) -> Meddle:
    """Every receipt that there is says that its transaction reverted."""

    def meddle(request: Request, answer: Reply) -> Answer:
        if request["method"] == "eth_getTransactionReceipt" and answer.get("result"):
            return answer | {"result": {**answer["result"], "status": "0x0", "logs": []}}
        return answer

    return meddle


def receipt_of(transaction: str, block: dict[str, Any], status: str) -> dict[str, Any]:
    """A receipt of whatever is asked for."""
    return {
        "transactionHash": transaction, "blockNumber": block["number"], "blockHash": block["hash"], "status": status,
        "gasUsed": "0x5208", "cumulativeGasUsed": "0x5208", "contractAddress": None, "logs": [],
        "transactionIndex": "0x0",
        "from": "0x" + "11" * 20, "to": "0x" + "22" * 20, "logsBloom": "0x" + "00" * 256, "type": "0x2",
        "effectiveGasPrice": "0x1",
    }  # fmt: skip


def _plain(answer: Reply, result: Any) -> Reply:
    return {"jsonrpc": "2.0", "id": answer.get("id"), "result": result}


LIES: dict[str, Callable[[random.Random], Meddle]] = {
    "drops": drops,
    "429": refuses(429),
    "500": refuses(500),
    "truncated": truncates,
    "reordered": reorders,
    "stale head": stands_still,
    "wrong block hash": forges_hashes,
    "missing logs": hides("eth_getLogs", []),
    "empty state": hides("eth_call", "0x"),
    "zero state": hides("eth_call", "0x" + "00" * 2_048),
    "null": hides("eth_getBlockByNumber", None),
    "nonsense": hides("eth_getLogs", [{"topics": [], "data": 7}]),
    "wrong chain id": hides("eth_chainId", "0x1"),
    "swallowed": swallows,
    "false failures": says_all_failed,
    "no receipts": hides("eth_getTransactionReceipt", None),
    "forged nonce": hides("eth_getTransactionCount", "0x0"),
}
