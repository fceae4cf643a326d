"""The few calls of the Hugging Face Hub that pushing and fetching take, on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_NEW = {".gitattributes": b"", "README.md": b"new"}
"""What the Hub puts into a new repository."""


class HubServer:
    """Repositories by name, each a dict of files; they are changed by those who push, or by a test."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.asked: list[str] = []
        """Every call, in order."""
        hub = self

        class Handler(BaseHTTPRequestHandler):  # by HTTP/1.0: no connection outlives the server
            def _do(self) -> None:
                hub.asked.append(f"{self.command} {self.path}")
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status, headers, content = hub.answer(self.command, self.path.partition("?")[0], body)
                self.send_response(status)
                for name, value in {"content-length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_POST = _do

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def revision(self, name: str) -> str:
        """The commit that a repository is at: a hash of what is in it."""
        files = sorted((path, hash(content)) for path, content in self.repositories[name].items())
        return hashlib.sha1(repr(files).encode()).hexdigest()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content."""
        if path == "/api/validate-yaml":
            return _json({"errors": [], "warnings": []})
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            self.repositories.setdefault(name, dict(_NEW))
            return _json({"url": f"{self.address}/{name}", "name": name, "id": name})
        name, what, rest = _parts(path)
        files = self.repositories.get(name)
        if files is None:
            return 404, {"x-error-code": "RepoNotFound", "x-error-message": "Repository not found"}, b""
        commit = self.revision(name)
        if what == "preupload":
            wanted = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in _files(body)]
            return _json({"files": wanted})
        if what == "commit":
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                elif line["key"] == "deletedFile":
                    del files[line["value"]["path"]]
            commit = self.revision(name)
            return _json({"commitOid": commit, "commitUrl": f"{self.address}/{name}/commit/{commit}", "success": True})
        if what == "resolve":
            content = files.get(rest)
            if content is None:
                return 404, {"x-error-code": "EntryNotFound"}, b""
            return 200, {"etag": f'"{hashlib.sha1(content).hexdigest()}"', "x-repo-commit": commit}, content
        if what == "tree":
            return _json([{"type": "file", "path": p, "size": len(c), "oid": "0"} for p, c in files.items()])
        siblings = [{"rfilename": path} for path in files]
        return _json({"id": name, "modelId": name, "sha": commit, "siblings": siblings, "private": False, "tags": []})


def _files(body: bytes) -> list[dict[str, str]]:
    return json.loads(body)["files"]


def _parts(path: str) -> tuple[str, str, str]:
    """Of a path: the repository, the call, and the file that it is for."""
    found = re.fullmatch(r"(?:/api/models)?/([^/]+/[^/]+)(?:/([^/]+)(?:/[^/]+(?:/(.*))?)?)?", path)
    assert found is not None, path
    return found[1], found[2] or "", found[3] or ""


def _json(value: object) -> tuple[int, dict[str, str], bytes]:
    return 200, {"content-type": "application/json"}, json.dumps(value).encode()
