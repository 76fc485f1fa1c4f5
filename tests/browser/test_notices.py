"""Notifications of the browser: in the background only, each once, whatever the number of tabs."""

import pytest
from dashboards import free_port, serving, wait_until
from pages import make_run
from run_helpers import store_without_executor

from cifar_core.runs.notifications import subscriptions
from cifar_core.runs.record import status

STAND_IN = """
window.Notification = class {
    static permission = "granted";
    static async requestPermission() { return "granted"; }
    constructor(title, { tag }) {
        const shown = JSON.parse(localStorage.getItem("shown") ?? "[]");
        localStorage.setItem("shown", JSON.stringify([...shown, `${title} ${tag}`]));
    }
};
Object.defineProperty(document, "visibilityState", {
    get: () => (window.isHidden ? "hidden" : "visible"),
});
"""
UNSEEN = "Date.now() - JSON.parse(localStorage.getItem('cifar-lab-news')).at > 8000"  # by any tab


@pytest.fixture
def followed(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        (store.root / ".examples").touch()
        subscriptions.follow_mine(store, True)
        with serving(store, tmp_path / "log.txt", free_port()) as address:
            yield store, address


def shown(tab):
    return tab.evaluate("JSON.parse(localStorage.getItem('shown') ?? '[]')")


def end(run, attempt=1):
    status.write(run.path, status.RunStatus(**status.described("finished"), attempt=attempt))


def test_news_are_shown_once_and_only_while_no_tab_is_in_sight(followed, chromium):
    store, address = followed
    first, second = (make_run(store, name, "running") for name in ("One", "Two"))
    context = chromium.new_context(base_url=address)
    context.set_default_timeout(60_000)
    context.add_init_script(STAND_IN)
    tabs = [context.new_page() for _ in range(2)]
    for tab in tabs:
        tab.goto("/queue")
        tab.get_by_text("Alerts").first.wait_for()
        tab.get_by_role("heading", name="Queue").wait_for()

    end(first)
    for tab in tabs:
        tab.get_by_text("Alerts 1").first.wait_for()
    seen = "(localStorage.getItem('cifar-lab-news') ?? '').includes('finished')"
    wait_until(lambda: tabs[0].evaluate(seen), "the news to be remembered")
    assert shown(tabs[0]) == []

    for tab in tabs:
        tab.evaluate("window.isHidden = true")
    tabs[0].wait_for_function(UNSEEN, polling=200)
    end(second)
    wait_until(lambda: shown(tabs[0]), "a notification")
    tabs[0].wait_for_timeout(6000)  # another look of every tab
    (words,) = shown(tabs[0])
    assert words == f"Finished: #{second.number} Two {second.id}.1.finished"
    context.close()
