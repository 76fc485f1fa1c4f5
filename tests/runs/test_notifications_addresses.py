"""Addresses: set by the admin alone, secret, and only where messages may go."""

import email
import json

import pytest
import requests

from cifar_core.errors import NotificationError
from cifar_core.runs.notifications import courier, destinations, services
from cifar_core.runs.notifications.addresses import FILE, Address, Addresses
from cifar_core.runs.notifications.destinations import allowed_networks, may_connect

SECRET = "4711-secret"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


def test_a_variable_makes_an_address_and_may_name_its_people(root, monkeypatch):
    monkeypatch.setenv("CIFAR_NOTIFY_TEAM_SLACK", f"slack://{SECRET}/b/c")
    monkeypatch.setenv("CIFAR_NOTIFY_ANN", "ntfy://ann ann@example.org @lab.org")
    found = Addresses.here(root)
    assert found.usable("ben@example.org") == ["team-slack"]
    assert found.usable("ann@example.org") == found.usable("x@lab.org") == ["ann", "team-slack"]
    assert found.personal("ann@example.org") == ["ann"]
    assert found.personal("x@lab.org") == []
    assert SECRET not in repr(found)
    with pytest.raises(NotificationError, match="You can use: team-slack"):
        found.of("ann", "ben@example.org")


def test_a_file_that_others_can_read_or_that_lies_in_the_store_is_not_used(
    root, tmp_path, monkeypatch
):
    text = f'[ann]\nurl = "ntfy://{SECRET}"\npeople = ["ann"]\n[odd]\nurl = 7\n'
    for path, mode, known in [(tmp_path / "a.toml", 0o600, ["ann"]), (tmp_path / "b", 0o640, []),
                              (root / "c.toml", 0o600, [])]:  # fmt: skip
        path.write_text(text)
        path.chmod(mode)
        monkeypatch.setenv(FILE, str(path))
        found = Addresses.here(root)
        assert sorted(found.known) == known
        assert len(found.problems) == 1
        assert SECRET not in repr(found)


@pytest.mark.parametrize("text", ["[ann", "a = 1", '[ann]\nurl = "4711-secret"', "[B]\nurl='x'"])
def test_what_is_wrong_with_a_file_is_said_without_its_secrets(root, tmp_path, monkeypatch, text):
    path = tmp_path / "a.toml"
    path.write_text(text)
    path.chmod(0o600)
    monkeypatch.setenv(FILE, str(path))
    found = Addresses.here(root)
    assert (len(found.problems), dict(found.known)) == (1, {})
    assert SECRET not in repr(found)


@pytest.mark.parametrize("url", ["tgram://x/y", "file:///etc/passwd", "ftp://x", "https://a.b",
                                 "4711-secret", "exec://x", "windows://", "dbus://"])  # fmt: skip
def test_only_the_listed_services_can_be_reached(root, monkeypatch, url):
    monkeypatch.setenv("CIFAR_NOTIFY_ODD", url)
    found = Addresses.here(root)
    assert (dict(found.known), len(found.problems)) == ({}, 1)
    assert "Known: json" in found.problems[0]
    assert SECRET not in found.problems[0]


REFUSED = (
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "fd00:ec2::254", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::ffff:0:10.0.0.1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::1", "2001:0:1:2::3", "2a00::5efe:10.0.0.1", "2a00::200:5efe:127.0.0.1"),
    *("example.org", "localhost", "", "1", "0x7f000001", "127.1"),
)


@pytest.mark.parametrize("host", REFUSED)
def test_addresses_that_are_not_public_are_refused(host):
    assert not may_connect(host)


PUBLIC = (
    *("1.1.1.1", "93.184.215.14", "2606:4700:4700::1111"),
    *("::ffff:1.1.1.1", "2002:101:101::1", "64:ff9b::101:101"),
)


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_are_allowed(host):
    assert may_connect(host)


def test_only_the_named_networks_are_allowed_beyond_those():
    allowed = allowed_networks("10.1.2.0/24, 127.0.0.1 fd12::/16")
    assert all(may_connect(host, allowed) for host in ("10.1.2.9", "127.0.0.1", "fd12::1",
                                                       "::ffff:10.1.2.9"))  # fmt: skip
    assert not any(may_connect(host, allowed) for host in ("10.1.3.9", "127.0.0.2", "::1"))
    everything = allowed_networks("0.0.0.0/0 ::/0")
    metadata = [str(network.network_address) for network in destinations.METADATA]
    assert not any(may_connect(host, everything) for host in metadata)
    with pytest.raises(NotificationError, match="CIFAR_NOTIFY_ALLOW"):
        allowed_networks("private")


HOSTILE = "@everyone [x](http://evil.example) <!channel> <@U1> *b* `c` ||d|| \u202egnp\x00\n# h"


@pytest.mark.parametrize("service", services.SERVICES.values(), ids=lambda one: one.key)
def test_a_text_is_one_short_line_without_control_characters(service):
    title, text = services.written(service, HOSTILE, HOSTILE * 100)
    assert not {"\x00", "\u202e"} & set(title + text)
    assert len(f"{title}{text}".splitlines()) == (2 if service.joins else 1)
    assert len(services.plain(HOSTILE * 100, 50)) <= 50


def test_no_name_of_a_run_mentions_anyone_or_becomes_a_link_or_markup():
    slack = services.for_slack(HOSTILE)
    discord = services.for_discord(HOSTILE)
    assert "<" not in slack
    assert "&lt;!channel&gt;" in slack
    assert "\\[x\\]\\(http" in discord
    assert "\\*b\\*" in discord
    for text in (slack, discord, services.without_links(HOSTILE)):
        assert "@everyone" not in text
        assert "http://" not in text


SLACK, DISCORD = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "discord://4174216298/JHMH"
TITLE, TEXT = "Finished: #1 @everyone A & B", "A <b>*run*</b>"


def sent_by(url, monkeypatch):
    """Return what Apprise hands to the network, on a network that takes everything."""
    courier.load()
    requested = []

    def take(method, url, **options):
        requested.append((url, json.loads(options["data"]), options))
        response = requests.Response()
        response.status_code, response._content = 200, b"ok"
        return response

    monkeypatch.setattr(requests, "request", take)
    monkeypatch.setattr(requests, "post", lambda url, **options: take("POST", url, **options))
    address = Address(name="x", url=url)
    title, text = services.written(address.service, TITLE, TEXT)
    assert courier.as_plain_text(courier.plugin_of(address, "k"), title, text)
    ((asked, body, options),) = requested
    assert options["verify"] is True
    assert options["allow_redirects"] is False
    assert "X-Markdown" not in options["headers"]
    assert "github" not in str(body).lower()
    assert not {"avatar_url", "icon_url", "embeds"} & set(body)
    return asked, body


@pytest.mark.parametrize("options", ["", "?format=markdown&redirect=yes&verify=no"])
def test_each_service_gets_plain_text_whatever_its_address_asks_for(monkeypatch, options):
    asked, body = sent_by(SLACK + options, monkeypatch)
    assert asked.startswith("https://hooks.slack.com/")
    assert body["attachments"][0]["text"] == (
        "Finished: #1 @\u200beveryone A &amp; B\nA &lt;b&gt;*\u200brun*\u200b&lt;/b&gt;"
    )
    asked, body = sent_by(DISCORD + options, monkeypatch)
    assert asked.startswith("https://discord.com/")
    assert body["content"] == (
        "Finished\\: \\#1 @\u200beveryone A & B\r\nA \\<b\\>\\*run\\*\\</b\\>"
    )
    asked, body = sent_by("ntfy://topic-4711" + options, monkeypatch)
    assert asked == "https://ntfy.sh"
    assert (body["title"], body["message"]) == ("Finished: #1 @\u200beveryone A & B", TEXT)
    asked, body = sent_by("jsons://example.org/hook" + options, monkeypatch)
    assert asked == "https://example.org/hook"
    assert (body["title"], body["message"]) == (TITLE, TEXT)


@pytest.mark.parametrize("options", ["", "&format=html&verify=no&mode=starttls"])
def test_a_mail_is_plain_text_over_verified_tls(monkeypatch, options):
    mails, contexts = [], []

    class Server:
        def __init__(self, *words, **options):
            contexts.append(options.get("context"))

        def starttls(self, context):
            contexts.append(context)

        def login(self, *words):
            assert contexts[-1].check_hostname

        def sendmail(self, sender, receivers, text):
            mails.append((receivers, email.message_from_string(text)))
            return {}

        def quit(self):
            pass

    monkeypatch.setattr("smtplib.SMTP", Server)
    monkeypatch.setattr("smtplib.SMTP_SSL", Server)
    courier.load()
    url = f"mailtos://ann:pw@example.org?to=ben@example.org{options}"
    address = Address(name="x", url=url)
    title, text = services.written(address.service, f"{TITLE}\nBcc: all@example.org", TEXT)
    assert courier.as_plain_text(courier.plugin_of(address, "k"), title, text)
    ((receivers, mail),) = mails
    assert receivers == ["ben@example.org"]
    assert mail.get_content_type() == "text/plain"
    assert mail["Bcc"] is None
    assert contexts[-1].check_hostname
