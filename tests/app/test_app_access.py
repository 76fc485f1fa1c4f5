import asyncio
import io
import tomllib
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from pages import ENTRY, make_run, run_list, texts
from PIL import Image
from streamlit import config
from streamlit.testing.v1 import AppTest

from app import server
from app.access import admitted, login, upload_limits
from app.access.admission import is_loopback
from app.access.uploads import UPLOADS
from app.screens.train.draft import check_draft
from cifar_core.config import ROWS, TrainConfig
from cifar_core.data.pictures.images import open_image
from cifar_core.data.pictures.limits import MAX_MEGABYTES
from cifar_core.people import ROLES, Person
from cifar_core.runs.record import marks

AUTH = {
    "redirect_uri": "https://lab.org/oauth2callback",
    "cookie_secret": "0123456789abcdef" * 3,
    "client_id": "lab",
    "client_secret": "x",
    "server_metadata_url": "https://provider.org/.well-known/openid-configuration",
}


@pytest.fixture
def served(monkeypatch):
    """Return what sets how the server listens and who vouches for its visitors."""
    before = {key: config.get_option(key) for key in ("server.address",
              "server.allowedHosts", "server.trustedUserHeaders")}  # fmt: skip

    def serve(address="0.0.0.0", headers=None, names=(), **lists):
        config.set_option("server.address", address)
        config.set_option("server.allowedHosts", list(names))
        config.set_option("server.trustedUserHeaders", headers or {})
        for role, names in lists.items():
            monkeypatch.setenv(f"CIFAR_{role.upper()}S", names)

    yield serve
    for key, value in before.items():
        config.set_option(key, value)


def visit(user=None, login=False, name="runs", **changes):
    from streamlit.util import calc_hash

    page = AppTest.from_file(ENTRY, default_timeout=60)
    if login:
        page.secrets["auth"] = {**AUTH, **changes}
    page.user = user or {}
    if name != "runs":
        page._page_hash = calc_hash(name)
    return page.run()


PROXY = {"X-Forwarded-Email": "email"}


def test_the_machine_itself_may_enter(page_store, served):
    served("127.0.0.1")
    assert "What would you like to do?" in texts(visit())


@pytest.mark.parametrize("address", ["0.0.0.0", None, "192.0.2.7", "lab.example.org", "::"])
def test_another_address_without_a_login_shows_nothing_and_says_what_to_do(
    page_store, served, address
):
    make_run(page_store, "Secret run")
    served(address)
    page = visit()
    shown = texts(page)
    assert "not protected" in shown
    assert "CIFAR_OPEN=everybody" in shown
    assert "Secret run" not in shown
    assert run_list(page) is None
    assert not page.button


def test_the_explicit_word_opens_it_to_all_who_reach_it(page_store, served, monkeypatch):
    served("0.0.0.0")
    monkeypatch.setenv("CIFAR_OPEN", "yes")
    assert "not protected" in texts(visit())
    monkeypatch.setenv("CIFAR_OPEN", "everybody")
    assert "What would you like to do?" in texts(visit())


def test_with_a_login_nothing_is_shown_before_it(page_store, served):
    make_run(page_store, "Secret run")
    served("0.0.0.0")
    page = visit({"is_logged_in": False}, login=True)
    assert "Log in to see" in texts(page)
    assert run_list(page) is None


def test_a_login_gives_the_role_of_the_lists(page_store, served):
    served("0.0.0.0", admin="ana@lab.org", operator="@lab.org")
    for email, role in (("ana@lab.org", "admin"), ("ben@lab.org", "operator"), ("c@d.e", "viewer")):
        page = visit({"is_logged_in": True, "email": email}, login=True)
        assert f"{email}, {role}" in texts(page)


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"email": "ana@lab.org", "email_verified": False}, "has not confirmed that ana@lab.org"),
        ({"email": "ana@lab.org", "email_verified": "false"}, "has not confirmed that ana@lab.org"),
        ({"email": "ana@lab.org", "email_verified": None}, "has not confirmed that ana@lab.org"),
        ({}, "did not send your e-mail address"),
        ({"name": "ana@lab.org"}, "did not send your e-mail address"),
    ],
)
def test_an_address_that_is_not_sure_opens_nothing(page_store, served, claims, told):
    served("0.0.0.0", admin="ana@lab.org")
    page = visit({"is_logged_in": True, **claims}, login=True)
    problem = "not confirmed" if claims.get("email") else "missing"
    assert f"Your e-mail address is {problem}" in texts(page)
    assert told in texts(page)
    assert run_list(page) is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"cookie_secret": "short"}, "cookie_secret in secrets.toml is too short"),
        ({"cookie_secret": ""}, "is missing cookie_secret"),
        ({"client_id": "", "client_secret": ""}, "is missing client_id and client_secret"),
        ({"redirect_uri": "https://lab.org/"}, "followed by /oauth2callback"),
    ],
)
def test_a_login_that_cannot_work_says_why_and_shows_nothing(page_store, served, changes, told):
    served("127.0.0.1", admin="ana@lab.org")
    page = visit({"is_logged_in": True, "email": "ana@lab.org"}, login=True, **changes)
    assert "No one can log in yet" in texts(page)
    assert told in texts(page)
    assert run_list(page) is None
    assert not page.button


def test_a_login_without_its_packages_says_what_to_install(page_store, served, monkeypatch):
    monkeypatch.setattr(login, "PACKAGES", ("authlib", "no_such_package"))
    served("0.0.0.0")
    page = visit({"is_logged_in": False}, login=True)
    assert "this machine lacks no_such_package" in texts(page)
    assert "pip install -r requirements.txt" in texts(page)


@pytest.mark.parametrize("text", ["[auth", "auth = ???", "\0"])
def test_secrets_that_cannot_be_read_open_nothing(page_store, served, monkeypatch, tmp_path, text):
    from streamlit.runtime.secrets import Secrets

    (tmp_path / "secrets.toml").write_text(text)
    monkeypatch.setattr(st, "secrets", Secrets())
    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(tmp_path / "secrets.toml")])
    try:
        served("127.0.0.1")
        assert login.has_login()
        assert "cannot be read" in login.obstacle()
    finally:
        config.set_option("secrets.files", before)


def test_a_dashboard_with_a_name_of_its_own_is_not_the_machines_own(page_store, served):
    local = ["localhost", "127.0.0.1", "[::1]", "::1"]
    served("127.0.0.1", names=local)
    assert "What would you like to do?" in texts(visit())
    served("127.0.0.1", names=[*local, "lab.example.org"])
    assert "127.0.0.1 and answers to lab.example.org" in texts(visit())


def test_only_a_session_that_was_let_in_may_upload(page_store, served, monkeypatch):
    monkeypatch.setattr(admitted, "_sessions", {})
    served("0.0.0.0")
    visit({"is_logged_in": False}, login=True)
    assert not admitted._sessions
    visit({"is_logged_in": True, "email": "ana@lab.org"}, login=True)
    assert len(admitted._sessions) == 1


async def answered(size, session="a"):
    """Return the status with which the server answers an upload of a stated size."""
    sent = []

    async def accept(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def keep(message):
        sent.append(message)

    headers = [] if size is None else [(b"content-length", str(size).encode())]
    scope = {"type": "http", "method": "PUT", "headers": headers,
             "path": f"/_stcore/upload_file/{session}/1"}  # fmt: skip
    await server.Uploads(accept)(scope, None, keep)
    return sent[0]["status"]


def test_the_server_takes_no_larger_file_than_the_boxes_that_a_session_was_shown(monkeypatch):
    monkeypatch.setattr(admitted, "_sessions", {})
    ana = Person(name="ana", role=ROLES["operator"])
    admitted.add("a", ana)
    monkeypatch.setattr(upload_limits, "held", dict)
    status = lambda size: asyncio.run(answered(size))  # noqa: E731
    assert [status(size) for size in (50 * 2**20, 51 * 2**20, None)] == [204, 413, 411]
    admitted.allow("a", UPLOADS["run"].megabytes)
    admitted.add("a", ana)
    assert [status(size) for size in (200 * 2**20, 201 * 2**20)] == [204, 413]
    admitted.allow("stranger", 200)
    assert asyncio.run(answered(1, "stranger")) == 403


def test_one_table_has_the_limits_of_the_boxes_the_server_and_the_opening():
    path = Path(server.__file__).parent / ".streamlit" / "config.toml"
    largest = tomllib.loads(path.read_text("utf-8"))["server"]["maxUploadSize"]
    assert largest == max(upload.megabytes for upload in UPLOADS.values())
    assert UPLOADS["picture"].megabytes == MAX_MEGABYTES == admitted.USUAL_MEGABYTES
    picture = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (4100, 4200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(picture, "BMP")
    assert 49 * 2**20 < len(picture.getvalue()) <= 50 * 2**20
    assert open_image(picture.getvalue()).width == 1600
    app = Path(server.__file__).parent
    boxes = [path for path in app.rglob("*.py") if "file_uploader(" in path.read_text("utf-8")]
    assert [path.name for path in boxes] == ["uploads.py"]


def test_a_viewer_is_shown_no_box_for_runs(page_store, served):
    served("0.0.0.0", viewer="@lab.org")
    page = visit({"is_logged_in": True, "email": "eve@lab.org"}, login=True)
    assert not page.exception
    assert not [box for box in page.get("file_uploader") if "Import" in box.proto.label]


def test_the_session_used_longest_ago_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(admitted, "_sessions", {})
    monkeypatch.setattr(admitted, "MOST", 2)
    for session in "abac":
        admitted.add(session, Person(name=session, role=ROLES["viewer"]))
    assert [bool(admitted.person(session)) for session in "abc"] == [True, False, True]


def test_somebody_in_no_list_is_told_whom_to_ask(page_store, served):
    served("0.0.0.0", viewer="@lab.org")
    shown = texts(visit({"is_logged_in": True, "email": "eve@evil.org"}, login=True))
    assert "eve@evil.org" in shown
    assert "Ask an admin" in shown


def test_a_proxy_that_names_nobody_opens_nothing(page_store, served):
    served("0.0.0.0", headers=PROXY)
    assert "No one is logged in" in texts(visit({}))
    assert "ana@lab.org, viewer" in texts(visit({"email": "ana@lab.org"}))


def test_a_proxy_counts_on_the_machines_own_address_too(page_store, served):
    served("127.0.0.1", headers=PROXY)
    assert "No one is logged in" in texts(visit({}))


def run_page_of(run, email, tab="watch", part=""):
    from streamlit.util import calc_hash

    page = AppTest.from_file(ENTRY, default_timeout=60)
    page.user = {"email": email}
    page.query_params.update({"id": str(run.number), "tab": tab})
    page._page_hash = calc_hash("run")
    page.session_state[f"part {part}"] = True
    return page.run()


def test_a_viewer_sees_pins_but_cannot_pin(page_store, served):
    run = make_run(page_store, "A run", "stopped")
    marks.pin_checkpoint(run, "best", True)
    served("0.0.0.0", headers=PROXY)
    page = run_page_of(run, "guest@lab.org", "files", "checkpoints")
    assert not page.exception
    assert "pin" not in {button.key for button in page.button}
    (table,) = page.dataframe
    assert list(table.value["pin"]) == ["pinned"]
    assert not table.proto.button_click_widgets


def test_a_viewer_sees_a_run_but_no_way_to_change_it(page_store, served):
    run = make_run(page_store, "A run", "stopped")
    served("0.0.0.0", headers=PROXY)
    page = run_page_of(run, "guest@lab.org")
    assert {button.key for button in page.button} & {"resume", "clone", "kill"} == set()
    assert "A run" in texts(page)


def test_a_viewer_cannot_start_a_run_even_if_the_button_is_pressed(page_store, served):
    served("0.0.0.0", headers=PROXY)
    page = visit({"email": "guest@lab.org"}, name="train")
    assert page.button(key="start").disabled
    assert page_store.runs() == []


def test_a_viewer_is_offered_nothing_that_would_be_refused(page_store, served):
    make_run(page_store, "A run")
    names = {"new", "save_the_listing", "measure", "find_fit", "find_rate"}
    served("0.0.0.0", headers=PROXY, operator="ana@lab.org")
    for email, offered in (("ana@lab.org", names), ("guest@lab.org", set())):
        seen = set()
        for name in ("runs", "train"):
            page = visit({"email": email}, name=name)
            if name == "train":
                for row in ROWS:
                    page.session_state[f"row.{row.lower().replace(' ', '-')}"] = True
                page.run()
            assert not page.exception
            seen |= {button.key for button in page.button}
        assert seen & names == offered


@pytest.mark.parametrize("role", ROLES.values(), ids=lambda role: role.key)
def test_a_visitor_opens_no_folder_of_the_machine(page_store, tmp_path, role):
    (tmp_path / "secret" / "train" / "cat").mkdir(parents=True)
    visitor, told = Person(name="ana", role=role), []
    for name in ("secret", "nothing"):
        values = {**TrainConfig().to_dict(), "data": str(tmp_path / name)}
        draft = check_draft(values, page_store.root, visitor)
        assert draft.images is None
        told.append(draft.problems["data"].rpartition("'")[2])
    assert told[0] == told[1]
    assert "not among the images that you may use" in told[0]


@pytest.mark.parametrize(
    ("address", "own"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.9.9.9", True),
     ("0.0.0.0", False), ("", False), ("::", False), ("localhost.evil.org", False)],
)  # fmt: skip
def test_only_loopback_addresses_are_the_machines_own(address, own):
    assert is_loopback(address) is own


def test_streamlit_still_has_what_the_login_rests_on():
    assert callable(st.login)
    assert callable(st.logout)
