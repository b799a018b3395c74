"""Real servers on loopback, started by rclone: WebDAV, S3 and SFTP; and a WebDAV front that lets nobody delete."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from kiosk.backup.targets import rclone

KINDS = ("webdav", "s3", "sftp")
USER, PASSWORD = "kasa", "secret-of-the-server"


@dataclass
class Server:
    """A server, its folder on the disk, and how rclone finds it."""

    kind: str
    folder: Path
    port: int
    options: dict[str, str]
    where: str
    process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def start(self) -> None:
        command = [rclone.program(), "serve", self.kind, "--config", "/dev/null", "--addr", f"127.0.0.1:{self.port}"]
        command += ["--auth-key", f"{USER},{PASSWORD}"] if self.kind == "s3" else ["--user", USER, "--pass", PASSWORD]
        # The server keeps nothing in memory: what a test damages on the disk is what a client gets.
        command += ["--dir-cache-time", "0s", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(kind: str, folder: Path) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    if kind == "webdav":
        options = {"url": f"http://127.0.0.1:{port}", "vendor": "rclone", "user": USER, "pass": PASSWORD}
    elif kind == "s3":
        options = {
            "provider": "Rclone", "endpoint": f"http://127.0.0.1:{port}", "access_key_id": USER,
            "secret_access_key": PASSWORD, "use_multipart_uploads": "false",
        }  # fmt: skip
    else:
        options = {"host": "127.0.0.1", "port": str(port), "user": USER, "pass": PASSWORD}
    server = Server(kind, folder, port, options, "shop/copies")
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def append_only(behind: Server) -> Iterator[int]:
    """A WebDAV server whose owner forbade DELETE, MOVE and the replacing of files; gives its port."""

    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command in ("DELETE", "MOVE", "PROPPATCH") or (self.command == "PUT" and self._exists()):
                self.send_response(403)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            status, headers, answer = self._ask(self.command, body)
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        def _exists(self) -> bool:
            return self._ask("HEAD", b"")[0] == 200

        def _ask(self, method: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = HTTPConnection("127.0.0.1", behind.port, timeout=30)
            try:
                kept = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                kept["Content-Length"] = str(len(body))
                kept.pop("Transfer-Encoding", None)
                connection.request(method, self.path, body, kept)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            finally:
                connection.close()

        do_GET = do_HEAD = do_PUT = do_DELETE = do_MOVE = do_PROPFIND = do_MKCOL = do_PROPPATCH = do_OPTIONS = _pass

        def log_message(self, format: str, *args: object) -> None:
            return

    front = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    front.daemon_threads = True
    thread = threading.Thread(target=front.serve_forever)
    thread.start()
    try:
        yield front.server_port
    finally:
        front.shutdown()
        front.server_close()
        thread.join()
