"""A server that answers as the dashboard of Ray 2.60 does, for tests; it starts real shims."""

import json
import subprocess
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "a-token-of-the-tests"


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    def answer(self):
        ray = self.server
        ray.seen.append((self.command, self.path, self.headers.get("Authorization")))
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else {}
        is_known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if ray.mode == "redirects":
            self.reply(302, b"", Location=f"http://127.0.0.1:{ray.server_port}/elsewhere")
        elif ray.mode == "drips" and is_known:
            self.drip()
        elif ray.asks_for_a_token and not is_known:
            self.reply(401, b"Unauthorized: Missing authentication token")
        elif ray.mode:
            status, data = ray.mode
            self.reply(status, data)
        else:
            self.reply(*ray.route(self.command, self.path, body))

    do_GET = do_POST = answer  # noqa: N815 - names that http.server asks for

    def reply(self, status, data, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(data)

    def drip(self):
        with suppress(OSError):
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 100_000:
                self.wfile.write(bytes([letter]))
                time.sleep(0.05)

    def log_message(self, *_):
        pass


class Ray(ThreadingHTTPServer):
    """A head with its jobs; `start` runs one that waits."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asks_for_a_token, self.mode, self.runs_at_once = True, None, True
        self.jobs, self.shims, self.seen = {}, {}, []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def route(self, method, path, body):
        if path == "/api/version":
            return 200, json.dumps({"version": "4", "ray_version": "2.60.0"}).encode()
        if method == "GET":
            for name, shim in self.shims.items():
                if shim.poll() is not None and self.jobs[name]["status"] == "RUNNING":
                    self.jobs[name]["status"] = "FAILED" if shim.returncode else "SUCCEEDED"
            driver = {"type": "DRIVER", "submission_id": None, "status": "RUNNING"}
            return 200, json.dumps([driver, *self.jobs.values()]).encode()
        if path.endswith("/stop"):
            return self.stop(path.split("/")[-2])
        return self.submit(body)

    def submit(self, body):
        name = body["submission_id"]
        if name in self.jobs:
            words = f"Traceback\nValueError: Job with submission_id {name} already exists."
            return 500, words.encode()
        self.jobs[name] = {
            "type": "SUBMISSION", "submission_id": name, "job_id": None, "status": "PENDING",
            "entrypoint": body["entrypoint"], "driver_info": None, "asked": body,
            "message": "Job has not started yet. It may be waiting for resources.",
            "driver_agent_http_address": None, "driver_node_id": None,
        }  # fmt: skip
        if self.runs_at_once:
            self.start(name)
        return 200, json.dumps({"job_id": name, "submission_id": name}).encode()

    def start(self, name):
        job = self.jobs[name]
        self.shims[name] = subprocess.Popen(job["entrypoint"], shell=True, start_new_session=True)
        job |= {"status": "RUNNING", "message": "Job is currently running.",
                "driver_agent_http_address": "http://10.0.0.7:52365",
                "driver_node_id": "f" * 56}  # fmt: skip

    def stop(self, name):
        if name not in self.jobs:
            return 404, b"Job does not exist"
        self.jobs[name]["status"] = "STOPPED"
        if name in self.shims:
            self.shims[name].terminate()
        return 200, b'{"stopped": true}'

    def close(self):
        for shim in self.shims.values():
            shim.kill()
            shim.wait()
        self.shutdown()
        self.server_close()
