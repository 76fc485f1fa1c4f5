"""Messages: sent once, never twice, and never to where they must not go."""

import os
import socket
import time

import pytest
from hostile_webhook import Webhook
from run_helpers import store_without_executor, until

from cifar_core.runs.notifications import courier, outbox, sender
from cifar_core.runs.notifications.addresses import Address
from cifar_core.runs.notifications.destinations import allowed_networks
from cifar_core.runs.notifications.news import News

HERE = allowed_networks("127.0.0.0/8")
NEWS = News(id="1-a.1.finished", kind="finished", name="#1 A run", text="It is over.", run="1-a")


@pytest.fixture(autouse=True, scope="module")
def loaded():
    courier.load()


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


@pytest.fixture
def webhook():
    made = Webhook()
    yield made
    made.close()


def sent(store, url, *, allowed=HERE, news=NEWS, deadline=5.0):
    """Send a message in a process of its own, and return what became of it."""
    assert outbox.put(store.root, news, "here")
    path = outbox.path_of(store.root, news.id, "here")
    message = outbox.change(path, outbox.read(path), outbox.SENDING, tries=1)
    address = Address(name="here", url=url)
    os.waitpid(courier.fork(path, message, address, allowed, deadline=deadline), 0)
    return outbox.concluded(path, outbox.read(path))


def test_a_message_arrives_with_its_title_text_and_key(store, webhook):
    message = sent(store, webhook.url)
    assert (message.state, message.why) == (outbox.SENT, "")
    (body,) = webhook.received
    assert (body["title"], body["message"]) == ("Finished: #1 A run", "It is over.")
    key = outbox.path_of(store.root, NEWS.id, "here").stem
    assert f"Idempotency-Key: {key}" in webhook.headers[0]


@pytest.mark.parametrize(
    ("how", "state", "why"),
    [
        ("500", outbox.WAITING, "The server answered 500."),
        ("404", outbox.WAITING, "The server answered 404."),
        ("302 http://127.0.0.1/", outbox.WAITING, "redirects are not followed"),
        ("reset after", outbox.UNCERTAIN, "not sent again"),
        ("hang", outbox.UNCERTAIN, "not sent again"),
        ("drip headers", outbox.UNCERTAIN, "not sent again"),
        ("endless body", outbox.SENT, ""),
        ("drip body", outbox.SENT, ""),
    ],
)
def test_what_a_server_does_decides_whether_a_message_is_sent_again(
    store, webhook, how, state, why
):
    webhook.behave = lambda times, title: how
    message = sent(store, webhook.url, deadline=4.0)
    assert message.state == state
    assert why in message.why
    assert len(webhook.received) == 1
    assert "4711" not in message.why


def test_a_server_that_is_not_there_leaves_the_message_waiting(store):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    message = sent(store, f"json://127.0.0.1:{port}/")
    assert message.state == outbox.WAITING
    assert message.why == "The server could not be reached."
    assert message.next_at > time.time() + 20


INSIDE = (
    *("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"),
    *("169.254.169.254", "2130706433", "0x7f000001"),
)


@pytest.mark.parametrize("host", INSIDE)
def test_this_machine_and_metadata_are_never_reached_unless_allowed(store, webhook, host):
    message = sent(store, f"json://{host}:{webhook.port}/", allowed=())
    assert message.state == outbox.WAITING
    assert webhook.connections == 0


def test_a_name_that_is_resolved_to_this_machine_later_is_refused_at_the_connection(
    store, webhook, monkeypatch
):
    answers = [("93.184.215.14", webhook.port), ("127.0.0.1", webhook.port)]
    asked = []

    def rebinding(host, port, *rest, **more):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", answers[-1])]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    message = sent(store, f"json://rebind.example.org:{webhook.port}/", allowed=())
    assert "CIFAR_NOTIFY_ALLOW" in message.why
    assert webhook.connections == 0


def test_a_redirect_to_the_metadata_of_a_cloud_is_not_followed(store, webhook):
    webhook.behave = lambda times, title: "307 http://169.254.169.254/latest/meta-data/"
    message = sent(store, webhook.url)
    assert message.state == outbox.WAITING
    assert webhook.connections == 1


def test_a_proxy_of_the_environment_is_not_used(store, webhook, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{webhook.port}")
    message = sent(store, "json://192.0.2.1:9/", allowed=HERE, deadline=2.0)
    assert message.state == outbox.WAITING
    assert webhook.connections == 0


def test_options_of_an_address_cannot_turn_checks_off(store, webhook):
    webhook.behave = lambda times, title: f"302 http://127.0.0.1:{webhook.port}/"
    sent(store, f"{webhook.url}?redirect=yes&verify=no")
    assert webhook.connections == 1


def test_an_address_with_several_receivers_is_refused(store):
    message = sent(store, "mailtos://u:p@example.org?to=a@example.org,b@example.org")
    assert "must lead to one" in message.why


def test_the_same_news_are_written_once_for_each_address(store):
    assert outbox.put(store.root, NEWS, "one")
    assert not outbox.put(store.root, NEWS, "one")
    path = outbox.path_of(store.root, NEWS.id, "one")
    outbox.put_away(path)
    assert not outbox.put(store.root, NEWS, "one")
    outbox.done(path).write_text("damaged")
    assert not outbox.put(store.root, NEWS, "one")
    assert outbox.put(store.root, NEWS, "another")


def test_a_message_is_given_up_after_a_day(store, monkeypatch):
    outbox.put(store.root, NEWS, "one")
    path = outbox.path_of(store.root, NEWS.id, "one")
    message = outbox.change(path, outbox.read(path), outbox.SENDING, tries=1)
    monkeypatch.setattr(outbox, "PATIENCE", -1.0)
    assert outbox.concluded(path, message).state == outbox.GIVEN_UP
    (shown,) = outbox.undelivered(store.root, 0.0)
    assert shown.why == outbox.SLOW


@pytest.mark.parametrize(
    ("state", "code", "then"),
    [
        (outbox.SENDING, 0, outbox.WAITING),
        (outbox.ASKING, 0, outbox.UNCERTAIN),
        (outbox.ANSWERED, 204, outbox.SENT),
        (outbox.ANSWERED, 503, outbox.WAITING),
    ],
)
def test_a_kill_between_two_writes_is_decided_in_favor_of_not_twice(store, state, code, then):
    outbox.put(store.root, NEWS, "one")
    path = outbox.path_of(store.root, NEWS.id, "one")
    message = outbox.change(path, outbox.read(path), state, code=code)
    assert outbox.concluded(path, message).state == then


def test_a_message_is_remembered_as_long_as_its_news_can_be_found(store, monkeypatch):
    outbox.put(store.root, NEWS, "one")
    path = outbox.path_of(store.root, NEWS.id, "one")
    outbox.change(path, outbox.read(path), outbox.SENT)
    outbox.put_away(path)
    monkeypatch.setattr(outbox, "KEPT", -1.0)
    outbox.prune(store.root, {NEWS.id})
    assert not outbox.put(store.root, NEWS, "one")
    outbox.prune(store.root, set())
    assert outbox.put(store.root, NEWS, "one")


def test_a_server_that_hangs_holds_up_only_its_own_address(store, webhook, monkeypatch):
    webhook.behave = lambda times, title: "hang" if "slow" in (title or "") else "ok"
    names = {"CIFAR_NOTIFY_SLOW": webhook.url, "CIFAR_NOTIFY_QUICK": webhook.url}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CIFAR_NOTIFY_ALLOW", "127.0.0.1")
    outbox.put(store.root, News(id="s", kind="finished", name="slow"), "slow")
    for number in range(3):
        outbox.put(store.root, News(id=f"q{number}", kind="finished", name="quick"), "quick")
    made = sender.Sender(store, pause=0.0, deadline=8.0)
    until(lambda: webhook.accepted["Finished: quick"] == 3, made.step)
    until(lambda: not outbox.is_pending(store.root), made.step)
    assert webhook.accepted["Finished: slow"] == 1
