import http.client
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from app.server import HEADERS


def answer(url, path, **headers):
    """Return the status and the headers of an answer, whose body is not read."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)) as connection:
        connection.request("GET", path, headers=headers)
        with connection.getresponse() as found:
            return found.status, dict(found.getheaders())


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/app/static/favicon.png"])
def test_every_answer_tells_browsers_to_be_careful(url, path):
    status, found = answer(url, path)
    assert status == 200
    assert {(name.decode(), value.decode()) for name, value in HEADERS.items()} <= found.items()


@pytest.mark.parametrize("path", ["/", "/_stcore/metrics", "/media/x.png"])
def test_nothing_but_health_answers_to_another_name(url, path):
    assert answer(url, path)[0] in (200, 404)
    assert answer(url, path, Host="evil.example")[0] == 403
    assert answer(url, "/_stcore/health", Host="evil.example")[0] == 200


UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_a_page_that_calls_this_machine_by_another_name_is_not_served(url):
    assert answer(url, "/_stcore/stream", **UPGRADE)[0] == 101
    assert answer(url, "/_stcore/stream", Host="evil.example", **UPGRADE)[0] == 403


def test_a_page_of_another_origin_is_not_served(url):
    assert answer(url, "/_stcore/stream", Origin="http://evil.example", **UPGRADE)[0] == 403
