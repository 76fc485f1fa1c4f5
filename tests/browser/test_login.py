"""Login with OpenID Connect: the real dashboard, a real Chromium, a provider on loopback."""

import json
import urllib.request
from types import SimpleNamespace

import pytest
from dashboards import free_port, serving
from pages import make_run
from playwright.sync_api import expect
from provider import CLIENT, FAULTS, SECRET, Provider
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from test_server import answer

from app.access.login import FAILURES
from app.server import HEADERS

RUN = "Secret run"
LISTS = {
    "CIFAR_ADMINS": "ana@lab.org",
    "CIFAR_OPERATORS": "@lab.org",
    "CIFAR_VIEWERS": "@guest.org",
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A dashboard that others could reach, with a log-in and one run."""
    from cifar_core.runs import Store

    folder, port = tmp_path_factory.mktemp("lab"), free_port()
    store = Store(folder / "store")
    make_run(store, RUN)
    provider = Provider(f"http://127.0.0.1:{port}/oauth2callback")
    settings = {
        "redirect_uri": provider.redirect_uri,
        "cookie_secret": "0123456789abcdef" * 3,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "server_metadata_url": f"{provider.url}/.well-known/openid-configuration",
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (folder / "secrets.toml").write_text("\n".join(["[auth]", *lines]))
    options = "--server.address=0.0.0.0", f"--secrets.files={folder / 'secrets.toml'}"
    with serving(store, folder / "log.txt", port, *options, CIFAR_UNASKED="off",
                 NO_PROXY="127.0.0.1", **LISTS) as url:  # fmt: skip
        yield SimpleNamespace(url=url, provider=provider, log=folder / "log.txt")
    provider.close()
    store.shutdown_executor()


@pytest.fixture(scope="module")
def url(lab):
    return lab.url


@pytest.fixture
def browser(browser, lab):
    """Return a browser that keeps everything that the dashboard sends to it."""
    lab.provider.person = {"email": "ana@lab.org", "email_verified": True, "name": "Ana"}
    lab.provider.fault, lab.provider.is_down = "", False
    browser.received = []

    def keep(frame):
        browser.received.append(frame)

    def hear(socket):
        socket.on("framereceived", keep)

    def watch(tab):
        tab.on("websocket", hear)

    (tab,) = browser.pages
    watch(tab)
    browser.on("page", watch)
    yield browser
    browser.remove_listener("page", watch)
    tab.remove_listener("websocket", hear)


def visit(browser, path="/"):
    tab = browser.pages[0]
    tab.goto(path)
    return tab


def enter(tab, answer="Yes"):
    """Ask to be logged in, and answer the provider's question."""
    tab.get_by_role("button", name="Log in").click()
    tab.get_by_role("link", name=answer).click()


def log_in(browser, path="/"):
    tab = visit(browser, path)
    enter(tab)
    return tab


def is_told(browser, text):
    """Tell whether the dashboard has sent a text to the browser, shown or not."""
    return any(text.encode() in frame for frame in browser.received if isinstance(frame, bytes))


def names_of_cookies(browser):
    return {cookie["name"] for cookie in browser.cookies()}


def expect_visitor(tab, email="ana@lab.org", role="admin"):
    """Open the menu at the top right, and find who is visiting in which role."""
    tab.get_by_role("button", name=email).click()
    expect(tab.get_by_text(f"{email}, {role}")).to_be_visible()


def test_whoever_is_not_logged_in_is_asked_to_and_told_nothing(browser):
    tab = visit(browser)
    for path in ("/", "/run?id=1", "/report?runs=1"):
        tab.goto(path)
        expect(tab.get_by_role("button", name="Log in")).to_be_visible()
        expect(tab.get_by_text("Log in to see the runs of this lab.")).to_be_visible()
    assert is_told(browser, "Log in to see")
    assert not is_told(browser, RUN)
    assert not is_told(browser, "Predict")


@pytest.mark.parametrize(
    ("email", "role"),
    [("ana@lab.org", "admin"), ("ben@lab.org", "operator"), ("cleo@guest.org", "viewer")],
)
def test_a_login_shows_the_runs_in_the_role_of_the_lists(browser, lab, email, role):
    lab.provider.person["email"] = email
    tab = log_in(browser)
    expect_visitor(tab, email, role)
    tab.wait_for_url(f"{lab.url}/")
    expect(tab.get_by_test_id("stException")).to_have_count(0)
    expect(tab.get_by_role("link", name=RUN)).to_be_visible()
    assert is_told(browser, RUN)


def test_the_cookies_of_a_login_are_kept_from_scripts_and_other_sites(browser):
    tab = log_in(browser)
    expect_visitor(tab)
    cookies = {cookie["name"]: cookie for cookie in browser.cookies()}
    kept = cookies["_streamlit_user"]
    assert (kept["httpOnly"], kept["sameSite"]) == (True, "Lax")
    assert {c["name"] for c in cookies.values() if not c["httpOnly"]} <= {"_streamlit_xsrf"}
    assert {c["sameSite"] for c in cookies.values()} <= {"Lax", "Strict"}
    assert "_streamlit_user" not in tab.evaluate("document.cookie")


def test_a_cookie_that_was_changed_logs_nobody_in(browser):
    tab = log_in(browser)
    expect_visitor(tab)
    (cookie,) = [c for c in browser.cookies() if c["name"] == "_streamlit_user"]
    value = cookie["value"].strip('"')
    changed = value[:-1] + ("A" if value[-1] != "A" else "B")
    browser.add_cookies([{**cookie, "value": changed}])
    tab.reload()
    expect(tab.get_by_role("button", name="Log in")).to_be_visible()


def test_somebody_on_no_list_is_told_so_and_can_log_out(browser, lab):
    lab.provider.person["email"] = "eve@evil.org"
    tab = log_in(browser, "/run?id=1")
    expect(tab.get_by_role("heading", name="You are not on the list")).to_be_visible()
    expect(tab.get_by_text("You are logged in as eve@evil.org, who has no role")).to_be_visible()
    tab.goto("/run?id=1")
    expect(tab.get_by_role("heading", name="You are not on the list")).to_be_visible()
    assert not is_told(browser, RUN)
    tab.get_by_role("button", name="Log out").click()
    expect(tab.get_by_role("button", name="Log in")).to_be_visible()


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"email_verified": False}, "has not confirmed that ana@lab.org"),
        ({"email": None, "name": "ana@lab.org"}, "did not send your e-mail address"),
    ],
)
def test_an_address_that_nobody_vouches_for_opens_nothing(browser, lab, claims, told):
    lab.provider.person.update(claims)
    tab = log_in(browser)
    expect(tab.get_by_text(told)).to_be_visible()
    assert not is_told(browser, RUN)


def test_a_forged_token_logs_nobody_in_and_gives_a_sentence(browser, lab, subtests):
    tab = visit(browser)
    for fault in FAULTS:
        with subtests.test(fault):
            lab.provider.fault = fault
            enter(tab)
            expect(tab.get_by_text(FAILURES["refused"])).to_be_visible()
            expect(tab.get_by_role("button", name="Log in")).to_be_visible()
            expect(tab.get_by_test_id("stException")).to_have_count(0)
            assert "_streamlit_user" not in names_of_cookies(browser)
            assert not is_told(browser, RUN)


def test_a_login_that_failed_can_be_tried_again(browser, lab):
    lab.provider.fault = "signature"
    tab = log_in(browser)
    expect(tab.get_by_text(FAILURES["refused"])).to_be_visible()
    lab.provider.fault = ""
    enter(tab, "No")
    expect(tab.get_by_text(FAILURES["cancelled"])).to_be_visible()
    lab.provider.is_down = True
    tab.get_by_role("button", name="Log in").click()
    expect(tab.get_by_text(FAILURES["unreachable"])).to_be_visible()
    lab.provider.is_down = False
    enter(tab)
    expect_visitor(tab)
    expect(tab).to_have_url(f"{lab.url}/")


def test_after_a_logout_the_other_tab_shows_nothing_either_once_it_is_reloaded(browser, lab):
    tab = log_in(browser)
    expect_visitor(tab)
    other = browser.new_page()
    other.goto("/run?id=1")
    expect(other.get_by_role("heading", name=RUN)).to_be_visible()
    lab.provider.log_outs.clear()
    tab.get_by_role("button", name="Log out").click()
    expect(tab.get_by_role("button", name="Log in")).to_be_visible()
    expect(tab.get_by_text("Log in to see")).to_be_visible()
    assert [asked["client_id"] for asked in lab.provider.log_outs] == [CLIENT]
    assert "_streamlit_user" not in names_of_cookies(browser)
    browser.received.clear()
    other.reload()
    expect(other.get_by_role("button", name="Log in")).to_be_visible()
    assert not is_told(browser, RUN)


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/auth/login?provider=forged", "/"),
        ("/auth/logout", "/"),
        ("/oauth2callback", "/"),
        ("/oauth2callback?code=1&state=2", "/?login=refused"),
        ("/oauth2callback?error=%3Cscript%3E&state=2", "/?login=cancelled"),
    ],
)
def test_each_step_leads_home_with_the_headers_of_every_answer(lab, path, leads_to):
    status, found = answer(lab.url, path)
    assert (status, found["location"]) == (302, leads_to)
    assert {(name.decode(), value.decode()) for name, value in HEADERS.items()} <= found.items()


def session_of(browser):
    """Return the id of the session that the dashboard made for a browser's last tab."""
    messages = [ForwardMsg.FromString(frame) for frame in browser.received]
    (*_, last) = [
        m.new_session.initialize.session_id for m in messages if m.HasField("new_session")
    ]
    return last


def upload(browser, session):
    """Send a file as an uploader on a page would, and return the status of the answer."""
    (token,) = [c["value"] for c in browser.cookies() if c["name"] == "_streamlit_xsrf"]
    picture = {"name": "sky.png", "mimeType": "image/png", "buffer": b"0" * 1000}
    return browser.request.put(
        f"/_stcore/upload_file/{session}/1", headers={"X-Xsrftoken": token},
        multipart={"file": picture},
    ).status  # fmt: skip


def test_whoever_is_not_logged_in_can_neither_upload_nor_fetch(browser, lab):
    tab = visit(browser)
    expect(tab.get_by_role("button", name="Log in")).to_be_visible()
    assert upload(browser, session_of(browser)) == 403
    assert upload(browser, "0" * 36) == 403
    enter(tab)
    expect_visitor(tab)
    assert upload(browser, session_of(browser)) == 204
    for path in ("/media/", f"/media/{'0' * 56}.png", "/_stcore/metrics"):
        assert answer(lab.url, path)[0] == 403
        found = browser.request.get(path).status
        assert found == (200 if "metrics" in path else 404)  # the browser has the cookie
    assert answer(lab.url, f"/_stcore/upload_file/{'0' * 36}/1")[0] == 403


def test_what_anybody_may_ask_the_server_names_no_run(browser, lab):
    tab = log_in(browser)
    expect_visitor(tab)
    pages = "/", "/run?id=1", "/app/.streamlit/secrets.toml", "/.streamlit/config.toml"
    for path in (*pages, "/_stcore/health", "/_stcore/host-config"):
        text = urllib.request.urlopen(f"{lab.url}{path}").read().decode()
        for secret in (RUN, "lab.org", SECRET, "client_secret", "allowedHosts ="):
            assert secret not in text, path
