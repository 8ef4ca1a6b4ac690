"""The embedded chain behind JSON-RPC on loopback, so that actors in processes of their own can share it.

`python -m stun.chains.evm.embedded_server --port 8545` mines a block every second, as a chain's clock must go on when
nobody acts. It needs no node, forgets everything when it ends, and is for demonstrations and tests alone.
"""

import argparse
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from web3 import Web3
from web3.types import RPCEndpoint

from stun.chains.evm.nodes import HOST, EmbeddedChain, embedded_chain

MAX_BODY_BYTES = 4 * 1024 * 1024


def _plain(value: Any) -> Any:
    """Return what json cannot encode by itself: bytes as 0x-hex, mappings as dicts."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if hasattr(value, "items"):
        return dict(value)
    raise TypeError(f"no JSON for {type(value)}")


class Gateway:
    """Answers JSON-RPC requests one at a time, since the chain has one state."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self._chain = chain
        self._lock = threading.Lock()
        w3: Web3 = chain.w3
        self._ask = w3.provider.request_func(w3, w3.middleware_onion)

    def answer(self, request: Any) -> dict[str, Any]:
        """Return the response to one request object."""
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _error(None, -32600, "a request is an object with a method")
        number, method, params = request.get("id"), request["method"], request.get("params", [])
        if not isinstance(params, list):
            return _error(number, -32602, "params are a list")
        with self._lock:
            if method == "evm_increaseTime":
                self._chain.travel(int(params[0]))
                return {"jsonrpc": "2.0", "id": number, "result": hex(int(params[0]))}
            if method == "evm_mine":
                self._chain.mine()
                return {"jsonrpc": "2.0", "id": number, "result": "0x0"}
            return self._forward(number, method, params)

    def _forward(self, number: Any, method: str, params: list[Any]) -> dict[str, Any]:
        if params and isinstance(params[-1], dict) and "blockHash" in params[-1] and method != "eth_getLogs":
            block = self._ask(RPCEndpoint("eth_getBlockByHash"), [params[-1]["blockHash"], False]).get("result")
            if block is None:
                return _error(number, -32001, "block not found")
            params = [*params[:-1], hex(int(block["number"]))]
        response = dict(self._ask(RPCEndpoint(method), params))
        return {**response, "id": number, "jsonrpc": "2.0"}


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
