"""The embedded chain behind JSON-RPC on loopback, so that actors in processes of their own can share it.

`python -m stun.chains.evm.embedded_server --port 8545` mines a block every second, as a chain's clock must go on when
nobody acts. It needs no node, forgets everything when it ends, and is for demonstrations and tests alone.
"""

import argparse
import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from web3 import Web3
from web3.types import RPCEndpoint

from stun.chains.evm.nodes import HOST, EmbeddedChain, embedded_chain

MAX_BODY_BYTES = 4 * 1024 * 1024
Ask = Callable[[RPCEndpoint, Any], Any]
_CHANGES = ("evm_mine", "evm_increaseTime", "eth_sendRawTransaction", "eth_sendTransaction")


def _plain(value: Any) -> Any:
    """Return what json cannot encode by itself: bytes as 0x-hex, mappings as dicts."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if hasattr(value, "items"):
        return dict(value)
    raise TypeError(f"no JSON for {type(value)}")


class LogIndex:
    """Every log of the chain by block, read once: the embedded chain itself searches all blocks for each question."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._logs: list[Any] = []
        self._next = 0

    def find(self, query: dict[str, Any]) -> list[Any]:
        """Return the logs of blocks fromBlock..toBlock (hex numbers) from an address of a list, with the topics."""
        self._read_new()
        first, last = (int(query.get(key, "0x0"), 16) for key in ("fromBlock", "toBlock"))
        wanted = query.get("address")
        addresses = {a.lower() for a in ([wanted] if isinstance(wanted, str) else wanted or [])}
        topics = [_hexes(topic) for topic in query.get("topics") or []]
        return [
            log
            for log in self._logs
            if first <= log["blockNumber"] <= last
            and (not addresses or log["address"].lower() in addresses)
            and len(log["topics"]) >= len(topics)
            and all(not want or have in want for want, have in zip(topics, map(_hex, log["topics"]), strict=False))
        ]

    def _read_new(self) -> None:
        head = int(self._ask(RPCEndpoint("eth_blockNumber"), [])["result"])
        if self._next <= head:
            query = {"fromBlock": hex(self._next), "toBlock": hex(head)}
            self._logs += self._ask(RPCEndpoint("eth_getLogs"), [query])["result"]
            self._next = head + 1


class Gateway:
    """Answers JSON-RPC requests one at a time, since the chain has one state; reads of one head are remembered."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self._chain = chain
        self._lock = threading.Lock()
        w3: Web3 = chain.w3
        self._ask: Ask = w3.provider.request_func(w3, w3.middleware_onion)
        self._index = LogIndex(self._ask)
        self._known: dict[str, dict[str, Any]] = {}

    def answer(self, request: Any) -> dict[str, Any]:
        """Return the response to one request object."""
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _error(None, -32600, "a request is an object with a method")
        number, method, params = request.get("id"), request["method"], request.get("params", [])
        if not isinstance(params, list):
            return _error(number, -32602, "params are a list")
        question = json.dumps([method, params])
        known = self._known.get(question)
        if known is None:
            with self._lock:
                known = self._known.get(question) or self._act(method, params)
                if method in _CHANGES:
                    self._known = {}
                elif "error" not in known:
                    self._known[question] = known
        return {**known, "id": number, "jsonrpc": "2.0"}

    def _act(self, method: str, params: list[Any]) -> dict[str, Any]:
        if method == "evm_increaseTime":
            self._chain.travel(int(params[0]))
            return {"result": hex(int(params[0]))}
        if method == "evm_mine":
            self._chain.mine()
            return {"result": "0x0"}
        if method == "eth_getLogs" and params and "blockHash" not in params[0]:
            return {"result": self._index.find(params[0])}
        if params and isinstance(params[-1], dict) and "blockHash" in params[-1]:
            block = self._ask(RPCEndpoint("eth_getBlockByHash"), [params[-1]["blockHash"], False]).get("result")
            if block is None:
                return {"error": {"code": -32001, "message": "block not found"}}
            params = [*params[:-1], hex(int(block["number"]))]
        return dict(self._ask(RPCEndpoint(method), params))


def _hex(value: Any) -> str:
    return value if isinstance(value, str) else "0x" + bytes(value).hex()


def _hexes(topic: Any) -> set[str]:
    return set() if topic is None else {_hex(each) for each in (topic if isinstance(topic, list) else [topic])}


def _error(number: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer waits 40 ms for the client's acknowledgement
    gateway: Gateway

    def do_POST(self) -> None:
        """Answer one request or a list of them."""
        size = self.headers.get("Content-Length", "")
        if not size.isdigit() or int(size) > MAX_BODY_BYTES:
            self.close_connection = True
            return self._reply(_error(None, -32600, "the body needs a length of at most 4 MiB"))
        try:
            request = json.loads(self.rfile.read(int(size)))
        except ValueError:
            return self._reply(_error(None, -32700, "the body is no JSON"))
        if isinstance(request, list):
            return self._reply([self.gateway.answer(item) for item in request])
        return self._reply(self.gateway.answer(request))

    def _reply(self, content: Any) -> None:
        body = json.dumps(content, default=_plain).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing for each request."""


def serve(port: int, block_seconds: float) -> None:
    """Serve until the process ends; a block every `block_seconds`."""
    gateway = Gateway(embedded_chain())
    handler = type("Handler", (_Handler,), {"gateway": gateway})
    server = ThreadingHTTPServer((HOST, port), handler)
    server.daemon_threads = True
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(block_seconds):
            gateway.answer({"id": 0, "method": "evm_mine"})

    threading.Thread(target=tick, daemon=True).start()
    sys.stdout.write(f"serving on http://{HOST}:{server.server_address[1]}\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    finally:
        stop.set()


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8545)
    parser.add_argument("--block-seconds", type=float, default=1.0)
    options = parser.parse_args()
    serve(options.port, options.block_seconds)


if __name__ == "__main__":
    main()
