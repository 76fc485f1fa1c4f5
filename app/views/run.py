"""The Run page: one run with its live curves, and everything known about it one click away."""

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from app import charts, theme
from app.components.live_chart import live_chart, window
from app.navigation import go, link
from app.session import Key, feed, store
from cifar_core.curves import Curves
from cifar_core.errors import CifarError, RunError
from cifar_core.intervals import wilson
from cifar_core.runs import STATES, Run, Status
from cifar_core.runs.run import RESUMABLE
from cifar_core.settings import label_of, rule_of

SILENCE = 40  # seconds without a sign of life after which the page says so
SMOOTHING = {"Off": 0, "Light": 10, "Medium": 50, "Strong": 250}  # half-lives in steps
LOG_LINES = 13  # more of them scroll
CHART = str(Key.CHART)


def page() -> None:
    """Draw the run that the address names."""
    ref = st.query_params.get("id", "")
    try:
        run = store().run(ref)
    except RunError as error:
        missing(str(error) if ref else "The address names no run.")
        return
    status = run.status
    heading(run, status)
    st.fragment(live, run_every=1.0 if is_under_way(status) else None)(run, status)
    details(run, status)


def is_under_way(status: Status) -> bool:
    """Tell whether the run may change by itself."""
    return status.is_live or status.state == "queued"


def missing(why: str) -> None:
    """Say that there is no such run and where the runs are."""
    with st.container(border=True):
        st.subheader("No such run", anchor=False)
        st.markdown(theme.safe(why))
        st.caption("It may be in the trash, or in another store.")
        link("runs", "All runs", ":material/monitoring:")


def heading(run: Run, status: Status) -> None:
    """Draw the name and what can be done with the run now."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(f"#{run.number} {theme.safe(run.name)}", anchor=False, width="content")
        st.space("stretch")
        with st.container(horizontal=True, width="content"):
            actions(run, status)


def actions(run: Run, status: Status) -> None:
    """Draw the buttons that make sense in the run's state."""
    if status.state == "draft":
        button("Start", "play_arrow", lambda: store().submit(run), primary=True)
    if status.state in RESUMABLE:
        button("Resume", "play_arrow", run.resume, primary=True)
    if is_under_way(status):
        stop_menu(run, status)
    settled = not is_under_way(status) and bool(run.summary)
    if settled and st.button("Explain", icon=":material/image_search:", key="explain"):
        go("explain", run=run.number)
    if st.button("Clone", icon=":material/content_copy:", key="clone"):
        go("new_run", clone=run.number)
    with st.popover("Rename", icon=":material/edit:"):
        rename(run)


def button(label: str, icon: str, act: Callable[[], None], *, primary: bool = False) -> None:
    """Draw a button that acts on the run; what goes wrong is said in a toast."""
    look: Any = "primary" if primary else "secondary"
    if st.button(label, icon=f":material/{icon}:", type=look, key=label.lower()):
        attempt(act)


def attempt(act: Callable[[], None]) -> None:
    """Do something and draw the page anew, or say why it cannot be done."""
    try:
        act()
    except CifarError as error:
        st.toast(str(error), icon=":material/error:")
    else:
        st.rerun()


def stop_menu(run: Run, status: Status) -> None:
    """Offer the three ways to stop, the gentlest first."""
    with st.popover("Stop", icon=":material/stop_circle:"):
        if status.state == "queued":
            st.caption("It has not started; it is only taken out of the queue.")
            button("Take out of the queue", "remove", lambda: run.stop("now"))
            return
        st.caption("All three keep what has been saved.")
        button("After this epoch", "flag", lambda: run.stop("epoch"))
        button("Now, with a checkpoint", "save", lambda: run.stop("now"))
        button("Pause", "pause", run.pause)
        if st.button("Kill", icon=":material/dangerous:", key="kill"):
            confirm_kill(run)


@st.dialog("Kill this run?")
def confirm_kill(run: Run) -> None:
    """Ask before progress is lost."""
    st.markdown(
        "The process is ended without saving. What it learned since its last checkpoint, "
        "usually the end of the last epoch, is lost; the run can be resumed from there."
    )
    if st.button("Kill it", type="primary", key="kill_now"):
        attempt(lambda: run.stop("kill"))


def rename(run: Run) -> None:
    """Ask for another name."""
    with st.form("rename", border=False):
        name = st.text_input("Name", run.name, max_chars=80, key=f"name {run.id}")
        if st.form_submit_button("Save"):
            attempt(lambda: run.rename(name or ""))


def live(run: Run, drawn: Status) -> None:
    """Draw everything that changes while the run trains; Streamlit repeats it every second."""
    status, summary = run.status, run.summary
    if (status.state, status.attempt) != (drawn.state, drawn.attempt):
        st.rerun()  # the buttons above differ, and so may the pace of this part
    status_line(run, status)
    with st.container():  # always there: parts that move are built anew and forget their zoom
        progress(status, summary, run.settings.get("epochs", 0))
    curves = feed(str(run.path)).curves()
    cards(run, status, summary, curves)
    with st.container(border=True):
        look = controls(run)
        if len(curves.step):
            live_chart(charts.live_figure(curves, look), key=CHART)
        else:
            st.caption(NOTHING_YET.get(status.state, "This run has not measured anything."))
            st.space("large")


NOTHING_YET = {
    "draft": "The curves appear here once the run is started.",
    "queued": "The curves appear here once a device is free.",
    "starting": "The first numbers come within seconds.",
    "running": "The first numbers come within seconds.",
}


def status_line(run: Run, status: Status) -> None:
    """Say where the run stands and what to do about it."""
    color, icon = theme.ICONS[status.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        paint: Any = color
        st.badge(STATES[status.state].title, icon=f":material/{icon}:", color=paint)
        silent = run.seconds_since_news if status.is_live else None
        if silent is not None and silent > SILENCE:
            st.badge(f"No news for {theme.duration(silent)}", color="orange")
        st.markdown(theme.safe(sentence(status)), width="content")


def sentence(status: Status) -> str:
    """Join what happened with what to do next."""
    left = status.deadline - time.time()
    if status.deadline and left > 0:
        return f"{status.message} A stronger way follows in {theme.duration(left)}."
    return f"{status.message} {status.action}".strip()


def progress(status: Status, summary: dict[str, Any], epochs: int) -> None:
    """Draw how far the run is and when it will be done."""
    if not status.is_live or not summary.get("total_steps"):
        return
    done = min(1.0, summary.get("step", 0) / summary["total_steps"])
    words = f"Epoch {min(summary.get('epochs_done', 0) + 1, epochs)} of {epochs}"
    if done == 1:
        words = f"All {epochs} epochs are done; the test images are being classified"
    left = summary.get("eta_seconds")
    if left and done < 1:
        words += f", {theme.duration(left)} left, done at {theme.clock(time.time() + left)}"
    st.progress(done, text=words)


def cards(run: Run, status: Status, summary: dict[str, Any], curves: Curves) -> None:
    """Draw the four numbers that most people look for."""
    data = run.environment.get("data", {})
    with st.grid(4, min_column_width=165):
        best = summary.get("best_val_accuracy")
        at = summary.get("best_epoch")
        card("Best validation accuracy", theme.percent(best), f"epoch {at}" if at else "")
        test = summary.get("test_accuracy")
        interval = wilson(test, data.get("test_images", 0)) if test is not None else None
        note = "when it is done" if is_under_way(status) else "not tested"
        card("Test accuracy", theme.percent(test), theme.between(interval) if interval else note)
        last = f"{curves.train_loss[-1]:.3f}" if len(curves.train_loss) else theme.NONE
        val = f"validation {curves.val_loss[-1]:.3f}" if len(curves.val_loss) else ""
        card("Training loss", last, val)
        speed = summary.get("images_per_second")
        spent = summary.get("seconds")
        card(
            "Images per second",
            theme.count(speed) if speed else theme.NONE,
            f"{theme.duration(spent)} so far" if is_under_way(status) and spent
            else f"{theme.duration(spent)} in all" if spent else "",
        )  # fmt: skip


def card(label: str, value: str, note: str) -> None:
    """Draw one number with a word about it."""
    st.metric(label, value, delta=note or theme.NONE, delta_color="off", delta_arrow="off",
              border=True, height="stretch")  # fmt: skip


def controls(run: Run) -> charts.Look:
    """Draw the choices of how to see the curves; the address keeps them."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        axis = st.segmented_control(
            "Axis", ["Step", "Epoch"], default="Step", required=True, key="axis",
            bind="query-params",
        )  # fmt: skip
        smoothing = st.segmented_control(
            "Smoothing", list(SMOOTHING), default="Light", required=True, key="smoothing",
            bind="query-params", help="Half-life of the average: 10, 50 or 250 steps. "
            "Validation and the learning rate are never smoothed.",
        )  # fmt: skip
        log = st.toggle("Log loss", key="log", bind="query-params")
        goal = st.toggle(
            "Goal", key="goal", bind="query-params",
            help="The course's first network reached 66.71 % on the test images.",
        )  # fmt: skip
    return charts.Look(
        by_epoch=axis == "Epoch",
        half_life=SMOOTHING[smoothing or "Off"],
        log_loss=log,
        goal=goal,
        window=window(CHART),
        revision=run.id,
    )


def details(run: Run, status: Status) -> None:
    """Draw what fewer people need, each part only when it is opened."""
    parts = {"Log": log_tail, "Settings": settings, "Environment": environment,
             "Checkpoints": checkpoints, "Attempts": attempts}  # fmt: skip
    for tab, draw in zip(
        st.tabs(list(parts), on_change="rerun", key="details"), parts.values(), strict=True
    ):
        if tab.open:
            with tab:
                draw(run, status)


def log_tail(run: Run, status: Status) -> None:
    """Draw the end of the log, following it while the run lives."""

    def draw() -> None:
        text = run.log_tail(200)
        if not text:
            st.caption("Nothing has been printed yet.")
            return
        high = text.count("\n") > LOG_LINES
        with st.container(height=320 if high else "content", border=False, autoscroll=high or None):
            st.code(text, language=None, wrap_lines=True)

    st.fragment(draw, run_every=2.0 if status.is_live else None)()


def settings(run: Run, status: Status) -> None:
    """Draw every setting, in the groups of their declarations."""
    with st.skeleton(height=240):
        config = run.config  # imports torch, which no other part of this page needs
    groups: dict[str, dict[str, str]] = {}
    for f in config.relevant():
        value = getattr(config, f.name)
        among = rule_of(f).among
        shown = among[value].title if among else theme.plain(value)
        changed = value != f.default
        label = f"**{label_of(f)}**" if changed else label_of(f)
        groups.setdefault(rule_of(f).group, {})[label] = theme.safe(shown)
    st.caption("Bold: not the default.")
    columns, filled = st.columns(3, gap="large"), [0, 0, 0]
    for title, values in groups.items():
        place = filled.index(min(filled))  # the column that ends highest
        filled[place] += len(values) + 3
        with columns[place]:
            st.markdown(f"**{title}**")
            st.table(values, border="horizontal", alt=f"Settings: {title}")


def environment(run: Run, status: Status) -> None:
    """Draw where the run trains and on which images."""
    known = run.environment
    if not known:
        st.caption("Known once the run has started.")
        return
    data = known.get("data", {})
    machine = {key: value for key, value in known.items() if not isinstance(value, dict)}
    versions = {
        name: value
        for group in known.values() if isinstance(group, dict) and group is not data
        for name, value in group.items()
    }  # fmt: skip
    if isinstance(data.get("classes"), list):
        data = {**data, "classes": ", ".join(data["classes"])}
    with st.grid(2, min_column_width=320, gap="large"):
        for title, values in (("Images", data), ("Machine", machine | versions)):
            with st.container():
                st.markdown(f"**{title}**")
                rows = {theme.title(k): theme.safe(theme.fact(v)) for k, v in values.items()}
                st.table(rows, border="horizontal", alt=title)


def checkpoints(run: Run, status: Status) -> None:
    """Draw what has been saved, newest first."""
    found = run.checkpoints()
    if not found:
        st.caption("One is saved at the end of each epoch.")
        return
    rows = {
        "Checkpoint": [info.name for info in found],
        "Epoch": [f"{info.epoch:g}" for info in found],
        "Validation accuracy": [theme.percent(info.val_accuracy, 2) for info in found],
        "Size": [f"{info.megabytes:.1f} MB" for info in found],
        "": ["best" if info.best else "" for info in found],
    }
    st.table(rows, border="horizontal", hide_index=True, alt="Checkpoints, newest first")
    st.caption(f"In {theme.safe(str(run.path / 'checkpoints'))}")


def attempts(run: Run, status: Status) -> None:
    """Draw the processes that worked on the run."""
    found = run.attempts()
    if not found:
        st.caption("None yet.")
        return
    for a in found:
        end = f" to {theme.clock(a.ended_at)}" if a.ended_at else ", still at work"
        start = f"step {a.from_step:,}" if a.from_checkpoint else "the beginning"
        st.markdown(f"**Attempt {a.number}** on {a.device}, {theme.clock(a.started_at)}{end}")
        st.caption(theme.safe(" ".join(filter(None, [f"From {start}.", a.ended, a.note]))))
