"""Uploads of images over HTTP: what is taken, what is refused, and how an upload continues."""

import asyncio
import json
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from streamlit import config
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string
from test_app_access import PROXY, served  # noqa: F401 - a fixture

from app.access.doors import Doors
from app.upload.route import MOST_BODY, Arrivals
from cifar_core import data
from cifar_core.data.contents import Contents, Item
from cifar_core.data.options import SetOptions, keep_options, options_of
from cifar_core.data.sources.limits import shown
from cifar_core.data.uploads import arriving, limits, sets
from cifar_core.disk import lock, space
from cifar_core.errors import DataError
from cifar_core.people import OPERATOR, Person
from cifar_core.runs.record import action_log
from cifar_core.runs.store import image_sets, retention

TOKEN = generate_xsrf_token_string()
DAY = 24 * 3600


@pytest.fixture
def store(page_store):
    (page_store.root / "data").unlink()  # the folder that all tests of pages share
    return page_store


@pytest.fixture
def client(store):
    return browser()


def browser(token=TOKEN, **headers):
    """Return a client that sends what a page of the dashboard would."""
    return Browser({"X-Xsrftoken": token, "Cookie": f"_streamlit_xsrf={TOKEN}", **headers})


class Browser:
    app = Doors(Arrivals(PlainTextResponse("inside")))

    def __init__(self, headers):
        self.headers = headers

    def request(self, method, path, headers=None, **body):
        async def answered():
            server = httpx.ASGITransport(self.app)
            address, sent = "http://127.0.0.1:8501", self.headers | (headers or {})
            async with httpx.AsyncClient(transport=server, base_url=address) as client:
                return await client.request(method, path, headers=sent, **body)

        return asyncio.run(answered())

    def __getattr__(self, method):
        return lambda path, **options: self.request(method.upper(), path, **options)


def begin(client, size, key="k", **more):
    wanted = {"key": key, "title": "pets", "bytes": size, "files": 1, **more}
    return client.post("/upload", json=wanted)


def piece(*parts):
    """Return the bytes of a piece: parts are (name, bytes) or (name, bytes, offset)."""
    parts = [(*part, 0)[:3] for part in parts]
    head = json.dumps([[name, len(data), offset] for name, data, offset in parts]).encode()
    return struct.pack("<I", len(head)) + head + b"".join(data for _, data, _ in parts)


def put(client, id, at, *parts):
    return client.put(f"/upload/{id}?at={at}", content=piece(*parts))


def sent(client, *parts, **more):
    """Upload files in one piece; return the name of the set."""
    size = sum(len(part[1]) for part in parts)
    id = begin(client, size, files=len(parts), **more).json()["id"]
    assert put(client, id, 0, *parts).json() == {"have": size}
    return client.post(f"/upload/{id}/done").json()["set"]


def files_of(store, name):
    folder = arriving.home(store.root) / name
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def why(answer):
    return answer.status_code, answer.json()["why"]


def test_a_folder_becomes_a_set_with_its_files_and_the_log_says_who_uploaded_it(client, store):
    name = sent(client, ("cat/1.png", b"one"), ("dog/2.png", b"two!"), ("dog/.DS_Store", b"x"),
                ("dog/empty.png", b""), title="M\u00e9s amis: caf\u00e9")  # fmt: skip
    assert name == "M\u00e9s-amis-caf\u00e9"
    assert files_of(store, name) == {
        "cat/1.png": b"one", "dog/2.png": b"two!", "dog/empty.png": b""
    }  # fmt: skip
    assert arriving.arriving(store.root) == []
    done = [(action.did, action.detail) for action in action_log.latest(store.root)]
    title = "M\u00e9s amis: caf\u00e9"
    assert done == [("uploaded", title), ("began to upload", title)]


def test_a_class_whose_name_begins_with_a_dot_arrives_and_junk_does_not(client, store):
    name = sent(client, (".NET/1.png", b"one"), ("java/2.png", b"two"), ("java/._2.png", b"x"),
                (".git/config", b"x"))  # fmt: skip
    assert files_of(store, name) == {".NET/1.png": b"one", "java/2.png": b"two"}


def test_an_archive_stays_as_it_is_and_is_the_source(client, store):
    name = sent(client, ("pets.zip", b"PK"), single=True)
    assert sets.one(store.root, name).source(store.root).endswith("/data/uploads/pets/pets.zip")
    again = sent(client, ("pets.zip", b"PK"), single=True, key="other")
    assert again == "pets-2"


def test_a_file_over_several_pieces_is_whole(client, store):
    id = begin(client, 12).json()["id"]
    assert put(client, id, 0, ("a.zip", b"abcd")).json() == {"have": 4}
    assert put(client, id, 4, ("a.zip", b"efgh", 4), ("b", b"12")).json() == {"have": 10}
    assert why(client.post(f"/upload/{id}/done"))[0] == 400
    assert put(client, id, 10, ("b", b"34", 2)).json() == {"have": 12}
    name = client.post(f"/upload/{id}/done").json()["set"]
    assert files_of(store, name) == {"a.zip": b"abcdefgh", "b": b"1234"}
    assert client.post(f"/upload/{id}/done").json()["set"] == name  # if the answer was lost


def test_an_upload_continues_where_it_stopped_even_in_a_new_server(client, store):
    id = begin(client, 8).json()["id"]
    put(client, id, 0, ("a", b"abcd"))
    answer = put(client, id, 0, ("a", b"abcd"))
    assert (answer.status_code, answer.json()["have"]) == (409, 4)
    another = browser()
    assert begin(another, 8).json() == {"id": id, "have": 4}
    assert put(another, id, 4, ("a", b"efgh", 4)).json() == {"have": 8}
    assert begin(another, 8, key="other files").json()["have"] == 0


def test_what_arrived_of_a_piece_that_was_cut_off_counts(client, store):
    id = begin(client, 8).json()["id"]
    upload = arriving.find(store.root, id)
    cut = arriving.Piece(upload)
    whole = piece(("a", b"abcd"), ("b", b"efgh"))
    for at in range(len(whole) - 3):  # one byte at a time, as a slow network may
        cut.write(whole[at : at + 1])
    assert cut.close() == 5
    assert put(client, id, 5, ("b", b"fgh", 1)).json() == {"have": 8}
    name = client.post(f"/upload/{id}/done").json()["set"]
    assert files_of(store, name) == {"a": b"abcd", "b": b"efgh"}


def test_after_a_restart_of_the_machine_nothing_that_may_be_lost_is_counted(client, monkeypatch):
    id = begin(client, 8).json()["id"]
    put(client, id, 0, ("a", b"abcd"))
    monkeypatch.setattr(lock, "boot_id", lambda: "another")
    assert begin(client, 8).json() == {"id": id, "have": 0}


def test_of_two_tabs_one_sends(client, store):
    id = begin(client, 8).json()["id"]
    with arriving.only_one(arriving.find(store.root, id)):
        status, words = why(put(client, id, 0, ("a", b"abcd")))
        assert (status, "in another tab" in words) == (423, True)
        assert why(client.delete(f"/upload/{id}"))[0] == 423
    assert put(client, id, 0, ("a", b"abcd")).json() == {"have": 4}


def test_a_discarded_upload_is_gone(client, store):
    id = begin(client, 8).json()["id"]
    put(client, id, 0, ("a", b"abcd"))
    assert client.delete(f"/upload/{id}").status_code == 200
    assert list(arriving.home(store.root).glob(".arriving/*")) == []
    assert why(put(client, id, 4, ("a", b"efgh", 4)))[0] == 404
    assert client.delete(f"/upload/{id}").status_code == 200
    for odd in ("x", "%2e%2e%2f", "0"):
        assert client.put(f"/upload/{odd}?at=0").status_code in (404, 405)


@pytest.mark.parametrize("name", [
    "../x", "a/../../x", "/etc/passwd", "C:/x", "c:x", "..\\x", "\\\\host\\x", "a\0b", "", ".",
    "//", "a" * 256, "/".join("a" * 20), "x/" * 600 + "y", "\ud800", "a\nb",
])  # fmt: skip
def test_files_whose_names_no_disk_can_take_are_left_out_and_listed(client, store, name):
    made = sent(client, ("cat/1.png", b"x"), (name, b"y"), ("cat/2.png", b"z"))
    assert files_of(store, made) == {"cat/1.png": b"x", "cat/2.png": b"z"}
    found = sets.one(store.root, made)
    assert (found.left_out, found.left_names) == (1, (shown(name),))
    id = begin(client, 1, key="2").json()["id"]
    put(client, id, 0, (name, b"x"))
    assert list((arriving.home(store.root) / ".arriving" / id / "files").iterdir()) == []
    status, words = why(client.post(f"/upload/{id}/done"))
    assert (status, "rename the files" in words) == (400, True)


@pytest.mark.parametrize("parts", [
    (("\u00e9.png", b"ab"), ("e\u0301.png", b"cd")), (("a", b"ab"), ("a", b"cd")),
    (("x\\a", b"ab"), ("x/a", b"c")),
])  # fmt: skip
def test_two_files_of_one_name_are_refused_and_none_is_lost_silently(client, store, parts):
    size = sum(len(data) for _, data in parts)
    id = begin(client, size, files=2).json()["id"]
    put(client, id, 0, *parts)
    status, words = why(client.post(f"/upload/{id}/done"))
    assert (status, "have the same name" in words) == (400, True)
    assert sets.uploaded(store.root) == []


@pytest.mark.parametrize("parts", [(("a", b"1"), ("a/b", b"2")), (("a/b", b"1"), ("a", b"2")),
                                   (("a", b"1"), ("a/b/c", b"2"))])  # fmt: skip
def test_a_name_of_a_file_and_a_folder_is_refused(client, parts):
    id = begin(client, 2, files=2).json()["id"]
    status, words = why(put(client, id, 0, *parts))
    assert (status, "is a file's and also a folder's" in words) == (400, True)


def test_what_was_announced_as_one_file_is_one(client):
    assert begin(client, 2, single=True, files=2).status_code == 400
    id = begin(client, 2, single=True).json()["id"]
    assert why(put(client, id, 0, ("x/y.zip", b"ab")))[0] == 400
    put(client, id, 0, ("x.zip", b"a"), ("y.zip", b"b"))
    status, words = why(client.post(f"/upload/{id}/done"))
    assert (status, "has 2 files, but one" in words) == (400, True)


def test_a_set_that_is_asked_for_by_several_at_once_is_made_once(client, store):
    id = begin(client, 400, files=400).json()["id"]
    put(client, id, 0, *[(f"cat/{n}.png", b"x") for n in range(400)])
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: client.post(f"/upload/{id}/done"), range(8)))
    assert [(one.status_code, one.json()) for one in answers] == 8 * [(200, {"set": "pets"})]
    assert [action.did for action in action_log.latest(store.root)].count("uploaded") == 1


def test_uploads_that_begin_at_once_are_counted(client, store, monkeypatch):
    monkeypatch.setattr(limits, "MOST_ARRIVING", 3)
    counted = limits.check

    def slowly(*values):
        counted(*values)
        time.sleep(0.02)  # in which others begin

    monkeypatch.setattr(limits, "check", slowly)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: begin(client, 1, key=str(n)).status_code, range(8)))
    assert sorted(answers) == 3 * [200] + 5 * [423]
    assert len(arriving.arriving(store.root)) == 3


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/upload", 405), ("GET", "/upload/0a", 405), ("POST", "/upload/", 404),
    ("PUT", "/upload/..%2f..", 404), ("PUT", "/upload/a/b/c", 404), ("TRACE", "/upload", 405),
])  # fmt: skip
def test_requests_that_nothing_answers_say_so_inside_the_server(client, method, path, status):
    client.app = Starlette(middleware=[Middleware(Doors), Middleware(Arrivals)])
    code, words = why(client.request(method, path))
    assert (code, "nothing at this address" in words) == (status, True)


@pytest.mark.parametrize("at", ["9" * 5000, "-1", "", "x"])
def test_a_position_that_is_no_number_is_refused(client, at):
    id = begin(client, 1).json()["id"]
    assert why(client.put(f"/upload/{id}?at={at}", content=piece(("a", b"x"))))[0] == 400


def test_names_are_kept_in_one_form(client, store):
    name = sent(client, ("e\u0301te\u0301\\1.png", b"x"), ("a/./b//c.png", b"y"))
    assert set(files_of(store, name)) == {"\u00e9t\u00e9/1.png", "a/b/c.png"}


@pytest.mark.parametrize("body", [
    b"", b"\1", struct.pack("<I", 2**32 - 1), struct.pack("<I", 3) + b"[1]",
    struct.pack("<I", 2) + b"no", piece(("a", b"12345")), piece(("a", b"1", 7)),
    piece(("a", b"1")) + b"more", piece(("a", b"1"), ("a/b", b"2")),
])  # fmt: skip
def test_a_piece_that_is_not_valid_changes_nothing_beyond_its_upload(client, store, body):
    id = begin(client, 4).json()["id"]
    answer = client.put(f"/upload/{id}?at=0", content=body)
    assert answer.status_code in ((200, 400) if len(body) < 2 else (400,))
    assert arriving.find(store.root, id).reached.bytes <= 1


def test_a_piece_has_a_largest_size(client):
    id = begin(client, 2 * MOST_BODY).json()["id"]
    assert why(put(client, id, 0, ("a", b"x" * (MOST_BODY + 1))))[0] == 413
    assert why(put(client, id, 0, ("a", b"x" * (arriving.PIECE_BYTES + 1))))[0] == 400
    assert put(client, id, 0, ("a", b"x" * arriving.PIECE_BYTES)).status_code == 200


@pytest.mark.parametrize(
    "token", ["", "wrong", generate_xsrf_token_string()], ids=["none", "wrong", "of another"]
)
def test_requests_of_other_sites_are_refused(store, token):
    status, words = why(begin(browser(token), 1))
    assert (status, "Load the page again" in words) == (403, True)
    assert not arriving.home(store.root).exists()


def test_the_check_follows_the_option_of_streamlit(store):
    config.set_option("server.enableXsrfProtection", False)
    try:
        assert begin(browser(""), 1).status_code == 200
    finally:
        config.set_option("server.enableXsrfProtection", True)


def test_operators_upload_for_themselves_and_viewers_do_not(store, served):  # noqa: F811
    served("127.0.0.1", headers=PROXY, operator="ana@lab.org,ben@lab.org", viewer="@lab.org")
    ana, ben, eve = (browser(**{"X-Forwarded-Email": f"{who}@lab.org"})
                     for who in ("ana", "ben", "eve"))  # fmt: skip
    refused = begin(eve, 1)
    assert refused.status_code == 403
    assert "You are a viewer here, but this needs an operator." in refused.text
    assert begin(browser(), 1).status_code == 403
    id = begin(ana, 1).json()["id"]
    for request in (put(ben, id, 0, ("a", b"x")), ben.post(f"/upload/{id}/done")):
        assert request.status_code == 404
    ben.delete(f"/upload/{id}")
    assert put(ana, id, 0, ("a", b"x")).status_code == 200
    assert begin(ben, 1).json()["id"] != id
    name = ana.post(f"/upload/{id}/done").json()["set"]
    status, words = why(begin(ben, 1, into=name, label="cat"))
    assert (status, "belongs to ana@lab.org" in words) == (403, True)


def test_a_wrong_name_of_the_server_is_refused(client, served):  # noqa: F811
    served("127.0.0.1", names=["127.0.0.1"])
    evil = client.post("/upload", json={}, headers={"host": "evil.example"})
    assert evil.status_code == 403


def test_under_a_path_the_route_moves_too(client):
    config.set_option("server.baseUrlPath", "lab")
    try:
        assert client.post("/lab/upload", json={}).status_code == 400
        assert client.get("/lab/uploads.html").text == "inside"
    finally:
        config.set_option("server.baseUrlPath", "")


def test_people_have_a_quota_and_all_together_too(store, served, monkeypatch):  # noqa: F811
    served("127.0.0.1", headers=PROXY, operator="@lab.org")
    ana, ben = (browser(**{"X-Forwarded-Email": f"{who}@lab.org"}) for who in ("ana", "ben"))
    monkeypatch.setenv(limits.EACH, "0.000001")
    monkeypatch.setenv(limits.ALL, "0.0000015")
    sent(ana, ("a.png", b"x" * 600))
    assert (
        "Your uploads take 600 bytes, and with these 500 bytes they would exceed the 1 KB of one "
        "person."
    ) in why(begin(ana, 500, key="2"))[1]
    assert begin(ana, 400, key="3").status_code == 200
    assert "of everyone" in why(begin(ben, 600))[1]
    assert begin(ben, 400).status_code == 200
    monkeypatch.setenv(limits.EACH, "much")
    assert "must be a number" in why(begin(ben, 1, key="4"))[1]


def test_on_ones_own_machine_the_disk_is_the_limit(client, store, monkeypatch):
    monkeypatch.setenv(limits.EACH, "0")
    id = begin(client, 10).json()["id"]
    monkeypatch.setattr(space, "free_bytes", lambda folder: arriving.KEPT_FREE)
    status, words = why(put(client, id, 0, ("a", b"x" * 10)))
    assert (status, "no room on the disk" in words) == (507, True)
    assert why(begin(client, 10, key="2"))[0] == 507
    assert [path.name for path in (arriving.home(store.root) / ".arriving").iterdir()] == [id]


def test_a_person_has_so_many_unfinished_uploads_and_no_more(client, monkeypatch):
    monkeypatch.setattr(limits, "MOST_ARRIVING", 2)
    assert [begin(client, 1, key=str(n)).status_code for n in range(3)] == [200, 200, 423]


def test_pictures_are_put_into_classes_one_after_the_other(client, store):
    name = sent(client, ("holiday/1.png", b"a"), ("1.png", b"b"), label="cat", title="Mine")
    assert files_of(store, name) == {"cat/1-2.png": b"a", "cat/1.png": b"b"}
    assert sent(client, ("1.png", b"c"), label=" dog ", into=name) == name
    assert sent(client, ("1.png", b"d"), label="cat", into=name) == name
    assert set(files_of(store, name)) == {"cat/1-2.png", "cat/1.png", "cat/1-3.png", "dog/1.png"}
    known = sets.one(store.root, name)
    assert (known.files, known.bytes, known.kept) == (4, 4, False)
    for label in ("..", "a/b", "", ".hidden", "x" * 101):
        answer = begin(client, 1, label=label or " ", into=name)
        assert answer.status_code == 400
    assert "no uploaded set" in why(begin(client, 1, label="cat", into="other"))[1]


def test_a_class_of_an_uploaded_folder_is_where_its_pictures_are(client, store, monkeypatch):
    name = sent(client, ("set/train/cat/1.png", b"a"), ("set/test/cat/2.png", b"b"))
    items = (Item(name="set/train/cat/1.png", part="train", label="cat"),)
    found = Contents(format="pictures", items=items, classes=("cat",), pictures=lambda _: iter(()))
    monkeypatch.setattr("app.upload.route.open_source", lambda *_: found)
    for label in ("cat", "dog"):
        sent(client, ("1.png", b"c"), label=label, into=name)
    assert {"set/train/cat/1-2.png", "set/train/dog/1.png"} < set(files_of(store, name))


def test_classes_that_are_not_folders_take_no_pictures():
    items = [Item(name="images/1.png", part="train", label="cat")]
    with pytest.raises(DataError, match="are not its folders"):
        sets.folder_of_class(items, "cat")


def test_a_named_set_is_offered_to_those_who_may_train_and_to_no_one_before(client, store):
    name = sent(client, ("cat/1.png", b"a"))
    source = sets.one(store.root, name).source(store.root)
    operator = Person(name="ben", role=OPERATOR)
    assert source not in [one.source for one in data.offered_to(operator, store.root)]
    sets.name_it(store.root, sets.one(store.root, name), " Our  pets ")
    assert source in [one.source for one in data.offered_to(operator, store.root)]
    assert data.resolve(source, store.root, operator) == source
    sets.discard(store.root, sets.one(store.root, name))
    assert sets.uploaded(store.root) == []
    assert files_of(store, name) == {}


def test_a_new_set_has_no_decisions_of_an_earlier_one_of_its_name(client, store):
    name = sent(client, ("1.png", b"a"), title="pets")
    source = sets.one(store.root, name).source(store.root)
    keep_options(store.root, source, SetOptions(pattern="{class}_{number}"))
    sets.discard(store.root, sets.one(store.root, name))
    again = sent(client, ("cat/1.png", b"a"), key="2", title="pets")
    assert again == name
    assert options_of(store.root, source) == SetOptions()
    sets.name_it(store.root, sets.one(store.root, again), "Pets")
    image_sets.remove(store, source)
    assert sent(client, ("cat/1.png", b"a"), key="3", title="pets") != name
    image_sets.restore(store, source)
    assert len(sets.uploaded(store.root)) == 2


def test_an_upload_that_says_nothing_of_itself_is_tidied(store):
    half = arriving.home(store.root) / ".arriving" / ("0a" * 12)
    (half / "files").mkdir(parents=True)
    assert list(limits.left_behind(store.root)) == []
    assert list(limits.left_behind(store.root, time.time() + 2 * 3600)) == [half]


def test_what_no_one_finished_is_tidied_after_days(client, store):
    id = begin(client, 8).json()["id"]
    put(client, id, 0, ("a", b"abcd"))
    kept = sent(client, ("cat/1.png", b"a"), key="2")
    sets.name_it(store.root, sets.one(store.root, kept), "Kept")
    unnamed = sent(client, ("cat/1.png", b"a"), key="3", title="unnamed")
    now = time.time()
    assert list(limits.left_behind(store.root, now + 6 * DAY)) == []
    found = {path.name for path in limits.left_behind(store.root, now + 8 * DAY)}
    assert found == {id, unnamed, f"{unnamed}.json"}
    with arriving.only_one(arriving.find(store.root, id)):
        assert unnamed == next(limits.left_behind(store.root, now + 8 * DAY)).name
    retention.tidy(store, now + 8 * DAY)
    assert list((arriving.home(store.root) / ".arriving").iterdir()) == []
    assert [known.name for known in sets.uploaded(store.root)] == [kept]
