"""A proxy before a JSON-RPC node that loses, garbles and invents answers as a test tells it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from eth_utils.crypto import keccak

Answer = dict[str, Any] | bytes | int | None
Meddle = Callable[[dict[str, Any], dict[str, Any]], Answer]


class RpcProxy(ThreadingHTTPServer):
    """`meddle(request, answer)` returns what the client gets.

    A dict is sent as JSON, bytes as they are, an int as that HTTP status; None closes the connection unanswered.
    A transaction that `passes_on` refuses is answered with its hash and never reaches the node.
    """

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = target
        self.meddle: Meddle = lambda _request, answer: answer
        self.seen: list[str] = []
        self.client = httpx.Client(trust_env=False, verify=False)
        self.passes_on: Callable[[dict[str, Any]], bool] = lambda _: True
        self.url = f"http://127.0.0.1:{self.server_port}/v3/secret-token"


class _Handler(BaseHTTPRequestHandler):
    server: RpcProxy

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(request["method"])
        real = self._ask(request)
        answer = self.server.meddle(request, real)
        if answer is None:
            self.close_connection = True
            return
        status = answer if isinstance(answer, int) else 200
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _ask(self, request: dict[str, Any]) -> Any:
        if request["method"] == "eth_sendRawTransaction" and not self.server.passes_on(request):
            digest = keccak(bytes.fromhex(request["params"][0][2:])).hex()
            return {"jsonrpc": "2.0", "id": request["id"], "result": f"0x{digest}"}
        return self.server.client.post(self.server.target, json=request).json()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


@contextmanager
def rpc_proxy(target: str) -> Iterator[RpcProxy]:
    """A proxy that serves until the block ends."""
    proxy = RpcProxy(target)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        proxy.client.close()
        thread.join()
