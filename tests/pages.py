"""Helpers for the tests of pages: opens a page of the dashboard, and makes runs to look at."""

import json
from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.runs.record import checkpoints, status
from cifar_core.runs.record.watched import rows as watched

ENTRY = str(Path(__file__).resolve().parents[1] / "app" / "streamlit_app.py")
CLASSES = ["disc", "ring", "star", "cross", "moon", "heart", "arrow", "square", "triangle", "glass"]


def open_page(name="runs", *, known=False, **query):
    """Open a page as a browser would by its address; AppTest itself knows only pages in files."""
    page = AppTest.from_file(ENTRY, default_timeout=60)
    for key, value in query.items():
        page.query_params[key] = str(value)
    if known or name != "runs":
        page._page_hash = calc_hash(name)
    return page.run()


def open_part(run, tab, part, prepare=lambda page: None):
    """Open a part of a tab of a run that is closed at first."""
    page = open_page("run", id=run, tab=tab)
    page.session_state[f"part {part}"] = True
    prepare(page)
    return page.run()


def click_cell(page, column, row, table=0):
    """Click the button in a cell of a table, which AppTest itself cannot."""
    shown = page.dataframe[table]
    click = {"row": row, "label": shown.value[column][row]}
    states = page._tree.get_widget_states()
    button = states.widgets.add(id=shown.proto.button_click_widgets[column])
    button.string_trigger_value.data = json.dumps(click)
    return page._run(states)


def run_list(page, of="run_list"):
    """Return what a list was given, as the browser gets it; None if it is not drawn."""
    for component in page.get("bidi_component"):
        if component.proto.component_name.endswith(of):
            return json.loads(component.proto.json)
    return None


def listed(page):
    """Return the list of runs as a person reads it: for each row the text of each column."""
    shown = run_list(page)
    keys = [head["key"] for head in shown["heads"]]
    return [dict(zip(keys, map(said, line["cells"]), strict=True)) for line in shown["lines"]]


def said(value):
    """Return the words of a cell."""
    if not isinstance(value, dict):
        return value if isinstance(value, str) else [said(part) for part in value or []]
    marks = [label for _, label in value.get("marks", [])]
    badges = [badge["text"] for badge in value.get("badges", [])]
    own = [value[key] for key in ("text", "points", "note") if value.get(key)]
    words = [*badges, *own] if "note" in value else [*own, *marks, *badges]
    return words[0] if len(words) == 1 else words


def tick(page, *places):
    """Tick rows of the list and no others, as clicks on their boxes do."""
    shown = run_list(page)
    ids = [shown["lines"][place]["id"] for place in places]
    return answer(page, ticked={"ids": ids, "version": shown["ticks"]["version"]})


def answer(page, *, event="", value=None, of="run_list", **state):
    """Do what the browser's part of a list does: keep a state, or report an event."""
    states = page._tree.get_widget_states()
    (shown,) = [c for c in page.get("bidi_component") if c.proto.component_name.endswith(of)]
    if state:
        states.widgets.add(id=shown.proto.id).json_value = json.dumps(state)
    if event:
        events = states.widgets.add(id=f"$$STREAMLIT_INTERNAL_KEY_{shown.proto.id}__events")
        events.json_trigger_value = json.dumps([{"event": event, "value": value}])
    return page._run(states)


def texts(page):
    """Return everything written on the page, in one string."""
    kinds = (page.markdown, page.caption, page.subheader, page.header, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def row(step, **values):
    """Return a row that a trainer might have written."""
    return {
        "kind": "step",
        "step": step,
        "epoch": step / 50,
        "loss": 2.0,
        "accuracy": 0.3,
        "learning_rate": 0.1,
        "grad_norm": 1.0,
        "images_per_second": 900.0,
        **values,
    }


def epoch(number, accuracy):
    """Return the row of an epoch's end."""
    return {"kind": "epoch", "step": 50 * number, "epoch": number, "train_loss": 1.9,
            "train_accuracy": 0.3, "val_loss": 1.8, "val_accuracy": accuracy, "best": True,
            "seconds": 1.0, "cpu_seconds": 1.0}  # fmt: skip


def make_run(store, name="A run", state="finished", *, accuracies=(0.4, 0.5), reason="", **changes):
    """Make a run as if it had trained so many epochs; its weights are those of the first step."""
    run = store.create(TrainConfig(**{"epochs": 5, "data": "synthetic", **changes}), name=name)
    folder = run.path / "attempts" / "1"
    folder.mkdir(parents=True)
    files.write_json(folder / "attempt.json", {"device": "cpu", "at": 1.7e9})
    files.write_json(folder / "start.json", {"checkpoint": "", "step": 0})
    for name in ("shim.json", "result.json", "end.json"):
        files.write_json(folder / name, {})
    (folder / "log.txt").write_text("epoch 1 is over\n")
    rows = []
    for number, accuracy in enumerate(accuracies, 1):
        rows += [row(50 * number - 25), row(50 * number), epoch(number, accuracy)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    files.write_json(run.path / "summary.json", summary(accuracies, state))
    files.write_json(run.path / "environment.json", environment(**changes))
    if accuracies:
        save_weights(run, len(accuracies), accuracies[-1])
    words = status.described(state, reason=reason)
    status.write(run.path, status.RunStatus(**words, attempt=1))
    return run


def summary(accuracies, state):
    """Return what the trainer keeps beside its rows."""
    best = max(accuracies, default=None)
    values = {
        "step": 50 * len(accuracies),
        "total_steps": 250,
        "epochs_done": len(accuracies),
        "best_val_accuracy": best,
        "best_epoch": accuracies.index(best) + 1 if accuracies else None,
        "sparkline": list(accuracies),
        "seconds": 65.0,
        "images_per_second": 900.0,
        "test_accuracy": 0.45 if state == "finished" else None,
    }
    return {key: value for key, value in values.items() if value is not None}


def environment(*, image_size=0, fit="crop", **others):
    """Return what is known about the machine and the images."""
    side = image_size or 32
    data = {"title": "Synthetic shapes", "kind": "synthetic", "source": "synthetic",
            "note": "Drawn by the program.", "classes": CLASSES, "train_images": 9000,
            "val_images": 1000, "test_images": 2000,
            "side": side, "stored": side, "fit": fit}  # fmt: skip
    return {"python": "3.11", "device": "cpu", "threads": 1, "data": data}


def save_weights(run, epochs, accuracy):
    """Commit a checkpoint with weights that have learned nothing."""
    import torch

    torch.manual_seed(0)
    model = run.config.build_model(len(CLASSES)).state_dict()
    best = {"worth": accuracy, "epoch": epochs, "to_beat": accuracy, "stale_epochs": 0}
    progress = {"step": 50 * epochs, "epoch": epochs, "best": best}
    manifest = {"step": 50 * epochs, "epoch": epochs, "attempt": 1, "val_accuracy": accuracy,
                "meta": {"progress": progress}}  # fmt: skip
    name = f"{50 * epochs}-a1"
    checkpoints.commit(run.path / "checkpoints", name, model=model,
                       state={"nothing": torch.zeros(1)}, manifest=manifest)  # fmt: skip
    files.write_atomic(run.path / "best", name)


def watching(store, *answers, images=(3, 4, 5), labels=(0, 1, 2), counts=None, **more):
    """Make a run whose watched images were taken for these classes, epoch by epoch."""
    from cifar_core import data

    source = "synthetic:200"
    run = make_run(store, accuracies=(0.4,) * len(answers), data=source, **more)
    found = data.load(source, store.root)
    described = {"source": source, "fingerprint": found.fingerprint}
    files.edit(run.path / "environment.json", dict, lambda old: {"data": old["data"] | described})
    for epoch, predicted in enumerate(answers, 1):
        row = {"step": 50 * epoch, "epoch": epoch, "images": images, "labels": labels,
               "predicted": predicted}  # fmt: skip
        many = {"counts": [epoch if i == j else 1 for i in range(3) for j in range(3)]}
        files.append_line(watched.path_of(run.path, 1), row | (counts or many))
    return run
