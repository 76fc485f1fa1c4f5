"""What the server answers to whom: names, log-ins and the room for uploads."""

import asyncio
import json
from types import SimpleNamespace

import pytest
import streamlit as st
from starlette.responses import PlainTextResponse
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from test_app_access import AUTH, PROXY, served  # noqa: F401 - a fixture

from app.access import admitted, upload_limits
from app.access.doors import Doors
from app.access.upload_limits import Uploads
from cifar_core.people import OPERATOR, VIEWER, Person

LOCAL = ["localhost", "127.0.0.1"]
CLOSED = ["/_stcore/metrics", "/media/0123.png", "/_stcore/upload_file/s/1",
          "/_stcore/script-health-check", "/_stcore/agent/mcp", "/_stcore/new"]  # fmt: skip
FREE = ["/", "/run", "/static/js/index.js", "/app/static/favicon.png", "/_stcore/host-config",
        "/component/x/index.html", "/_stcore/bidi-components/x.js", "/oauth2callback"]  # fmt: skip


def ask(path, door=Doors, host="127.0.0.1:8501", method="GET", **headers):
    """Return the status and the text of what a middleware answers."""
    pairs = {"host": host, **{name.replace("_", "-").lower(): v for name, v in headers.items()}}
    scope = {
        "type": "http", "method": method, "path": path, "query_string": b"", "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
    }  # fmt: skip
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(door(PlainTextResponse("inside"))(scope, receive, send))
    return sent[0]["status"], sent[1]["body"].decode()


@pytest.mark.parametrize("path", [*CLOSED, *FREE])
def test_the_server_answers_to_its_own_names_only(served, path):  # noqa: F811
    served("127.0.0.1", names=LOCAL)
    assert ask(path) == (200, "inside")
    for host in ("evil.example", "127.0.0.1.evil.example", "169.254.169.254"):
        status, told = ask(path, host=host)
        assert status == 403
        assert "server.allowedHosts" in told


def test_health_is_told_to_anyone_who_asks_by_any_name(served):  # noqa: F811
    served("0.0.0.0", names=LOCAL)
    assert ask("/_stcore/health", host="10.0.0.7") == (200, "inside")


@pytest.mark.parametrize("path", CLOSED)
def test_an_unprotected_dashboard_answers_no_one(served, path):  # noqa: F811
    served("0.0.0.0")
    assert ask(path)[0] == 403
    assert {ask(free)[0] for free in FREE} == {200}


@pytest.mark.parametrize("path", CLOSED)
def test_a_proxys_word_opens_what_the_persons_role_opens(served, path):  # noqa: F811
    served("127.0.0.1", headers=PROXY, admin="ana@lab.org", viewer="@lab.org")
    assert ask(path)[0] == 403
    assert ask(path, X_Forwarded_Email="eve@evil.org")[0] == 403
    assert ask(path, X_Forwarded_Email="ana@lab.org")[0] == 200
    guests = 403 if path == "/_stcore/metrics" else 200
    assert ask(path, X_Forwarded_Email="guest@lab.org")[0] == guests


def signed(secret=AUTH["cookie_secret"], origin="https://lab.org", **user):
    values = {"origin": origin, "is_logged_in": True, "email": "ana@lab.org", **user}
    return create_signed_value(secret, USER_COOKIE_NAME, json.dumps(values)).decode()


@pytest.mark.parametrize(
    ("cookie", "status"),
    [
        (signed(), 200),
        (signed(email="guest@lab.org"), 403),
        (signed(email_verified=False), 403),
        (signed(is_logged_in=False), 403),
        (signed(secret="another secret of more than 32 letters"), 403),
        (signed(origin="https://evil.org"), 403),
        (signed()[:-2], 403),
        ("", 403),
    ],
)
def test_metrics_need_the_signed_cookie_of_an_admin(served, monkeypatch, cookie, status):  # noqa: F811
    served("0.0.0.0", admin="ana@lab.org")
    monkeypatch.setattr(st.secrets, "_secrets", {"auth": AUTH})
    assert ask("/_stcore/metrics", cookie=f"{USER_COOKIE_NAME}={cookie}")[0] == status


@pytest.fixture
def room(monkeypatch):
    """Two people with three sessions, and no file yet; return the bytes that sessions hold."""
    kept = {}
    people = {"a1": ("ana", VIEWER), "a2": ("ana", VIEWER), "b": ("ben", OPERATOR)}
    monkeypatch.setattr(admitted, "_sessions", {
        session: admitted.Session(Person(name=name, role=role), megabytes=2000)
        for session, (name, role) in people.items()
    })  # fmt: skip
    monkeypatch.setattr(upload_limits, "held", lambda: dict(kept))
    return kept


def put(session, **headers):
    return ask(f"/_stcore/upload_file/{session}/1", Uploads, method="PUT", **headers)


def put_bytes(session, size):
    return put(session, content_length=str(size))


def test_a_persons_uploads_are_limited_over_all_sessions_and_so_are_all(room):
    assert put_bytes("a1", upload_limits.MOST_VIEWER)[0] == 200
    room["a1"] = upload_limits.MOST_VIEWER - 10
    assert put_bytes("a2", 10)[0] == 200
    status, told = put_bytes("a2", 11)
    assert status == 413
    assert "exceed the 100 MB of one person. Remove some" in told
    assert put_bytes("b", upload_limits.MOST_OTHERS)[0] == 200
    room["others"] = upload_limits.MOST - room["a1"] - 10
    assert "of all visitors would exceed 1,200 MB" in put_bytes("b", 11)[1]
    assert put_bytes("nobody", 1)[0] == 403


def test_an_upload_that_hides_its_size_is_refused(room):
    assert put("a1")[0] == put("a1", content_length="-1")[0] == 411


def test_files_that_are_still_being_sent_count(monkeypatch):
    kept = {"a1": {"1": SimpleNamespace(data=b"12345")}}
    server = SimpleNamespace(uploaded_file_mgr=SimpleNamespace(file_storage=kept))
    monkeypatch.setattr(upload_limits.Runtime, "instance", lambda: server)
    ana = Person(name="ana", role=VIEWER)
    monkeypatch.setattr(admitted, "_sessions", {"a1": admitted.Session(ana, megabytes=2000)})
    with upload_limits.announced("a1", ana, upload_limits.MOST_VIEWER - 5) as why:
        assert why == ""
        with upload_limits.announced("a1", ana, 1) as another:
            assert "would exceed" in another
    with upload_limits.announced("a1", ana, 1) as why:
        assert why == ""
    assert upload_limits._arriving == {}
