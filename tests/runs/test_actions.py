"""Whatever a person changes is asked for and written down in one place, found by reading the code.

A function changes the store if it calls a writer, or a function that does, outside of a
`with ...action(...)`. Pages and commands may call such a function only inside one.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# the functions of these rooms are followed; those of the executor and its processes are its own
ROOMS = ("runs/record", "runs/backends", "runs/store", "runs/store/queue", "runs/listing",
         "runs/results", "runs/sweeps", "runs/exchange", "runs/notifications", "data/sources",
         "data/uploads", "weights", "background")  # fmt: skip
FILES = "cifar_core.disk.files."
WRITERS = {
    *(FILES + name for name in ("write_json", "write_atomic", "edit", "append_line", "replacing")),
    "cifar_core.disk.download.download", "cifar_core.disk.lock.send",
    *("shutil." + name for name in ("rmtree", "move", "copytree", "copyfile")),
    *("." + name for name in ("unlink", "rename", "touch", "write_text", "write_bytes")),
}  # fmt: skip
RESULT = "a result that is computed again at will, as viewers may ask for"
EXECUTOR = "restarts the executor, which changes no run"
FREE = {  # what may be called without an action, or a class whose methods may
    "cifar_core.runs.record.action_log.action": "the one that asks and writes down",
    "cifar_core.runs.record.run.Run.action": "the same",
    "cifar_core.runs.store.run_job.RunJob._action": "the same",
    "cifar_core.runs.store.store.Store.action": "the same",
    "cifar_core.runs.notifications.sender.Sender": "of the process that sends messages",
    "cifar_core.runs.backends.local.Local": "of the executor, which follows the requests",
    "cifar_core.runs.backends.slurm.Slurm": "the same; a test of its settings changes nothing",
    "cifar_core.runs.backends.ray_jobs.RayJobs": "the same",
    "cifar_core.runs.backends.cluster.Cluster": "the same",
    "cifar_core.runs.store.index.Index": "rebuilt from the folders whenever it is missing",
    "cifar_core.weights.locations.remembered_sha256": "checksums, computed again at will",
    "cifar_core.weights.locations.forget_verified": "the same",
    "cifar_core.data.uploads.arriving.Piece": "of an upload that was begun within an action",
    "cifar_core.data.uploads.sets.see": "a mark that the person who uploaded it saw it",
    "cifar_core.data.sources.progress.ProgressWriter": "of the process that downloads",
    "cifar_core.runs.store.queue.seen_failures.dismiss": "a mark of one person, for that person",
    "cifar_core.runs.record.checkpoints.newest_valid": "sets a damaged checkpoint aside",
    "cifar_core.runs.results.test_looks.count_look": "a list of its own; viewers may look",
    "cifar_core.background.jobs.Job.start": "a page may start a quick job; a click calls `begin`",
    "cifar_core.runs.results.predictions.compute": RESULT,
    "cifar_core.runs.results.neighbors.compute": RESULT,
    "cifar_core.runs.results.verify.verify": RESULT,
    "cifar_core.runs.exchange.model_export.export_model": "a file for the person who asks",
    "cifar_core.runs.exchange.curves.look.look_at": "files in a folder that it removes again",
    "app.shared.live_chart.publish_plotly": "a file of the program, not of the store",
    "cifar_core.background.processes.look_after": EXECUTOR,
    "cifar_core.background.processes.ensure_running": EXECUTOR,
    "cifar_core.background.processes.shut_down": EXECUTOR,
    "cifar_core.disk.server_clock.seconds_ahead": "a file that asks the file server for the time",
}


def is_free(name):
    """Whether a function, or its class, may be called without an action."""
    return name in FREE or name.rpartition(".")[0] in FREE


def imported(tree):
    """Return what each name of a module stands for."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {(a.asname or a.name): f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            names |= {(a.asname or a.name): a.name for a in node.names}
    return names


class Calls(ast.NodeVisitor):
    """Collects what a function calls outside of an action."""

    def __init__(self, names, module, own):
        self.names, self.module, self.own, self.found = names, module, own, set()

    def visit_With(self, node):
        calls = [item.context_expr for item in node.items]
        if not any(
            isinstance(c, ast.Call) and last(c.func) in ("action", "_action") for c in calls
        ):
            self.generic_visit(node)

    def visit_Call(self, node):
        handed_on = [*node.args, *(word.value for word in node.keywords)]  # on_cancel=job.stop
        if last(node.func) == "job_of":  # the function that a job's own process calls
            handed_on = []
        self.found |= {self.target(func) for func in (node.func, *handed_on)}
        self.generic_visit(node)

    def target(self, func):
        if isinstance(func, ast.Name):
            return self.names.get(func.id, f"{self.module}.{func.id}")
        if isinstance(func, ast.Attribute):
            if isinstance(func.value, ast.Name) and func.value.id in self.names:
                return f"{self.names[func.value.id]}.{func.attr}"
            if isinstance(func.value, ast.Name) and func.value.id == "self":
                return f"{self.own}.{func.attr}"
            if isinstance(func.value, ast.Name) and func.value.id == "run":
                return f"cifar_core.runs.record.run.Run.{func.attr}"
            return f".{func.attr}"
        return ""


def last(func):
    """Return the last word of what is called."""
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


def functions(path):
    """Yield the dotted name of each function of a module, its class, and what it calls."""
    module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = imported(tree)
    for node in tree.body:
        of = node.body if isinstance(node, ast.ClassDef) else [node]
        for function in of:
            if isinstance(function, ast.FunctionDef):
                own = f"{module}.{node.name}" if isinstance(node, ast.ClassDef) else module
                calls = Calls(names, module, own)
                for statement in function.body:
                    calls.visit(statement)
                yield f"{own}.{function.name}", isinstance(node, ast.ClassDef), calls.found


def changing():
    """Return the names of the functions that change a store without asking."""
    files = [path for room in ROOMS for path in (ROOT / "cifar_core" / room).glob("*.py")]
    known = [entry for path in files for entry in functions(path)]
    dirty = set(WRITERS)
    before = 0
    while len(dirty) > before:
        before = len(dirty)
        for name, is_method, calls in known:
            if calls & dirty and not is_free(name):
                dirty |= {name, f".{name.rpartition('.')[2]}"} if is_method else {name}
    return dirty


def strays(dirty):
    """Yield what pages and commands call of it outside of an action."""
    folders = (ROOT / "app", ROOT / "cifar_core/terminal")
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        # a command writes files for the person who gives it, where that person says
        own = WRITERS if "terminal" in path.parts else set()
        for name, _, calls in functions(path):
            for call in sorted(calls & dirty - own if not is_free(name) else ()):
                yield f"{name} calls {call}"


def test_pages_and_commands_change_a_store_only_inside_an_action():
    assert list(strays(changing())) == []


@pytest.mark.parametrize("code", [
    "def f(store):\n    shutil.rmtree(store.root)",
    "def f(store, run):\n    run.edit_about(name='mine')",
    "def f(store, sweep):\n    sweep_files.save(store.root, sweep)",
    "def f(job):\n    return offer(on_cancel=job.cancel)",
])  # fmt: skip
def test_a_page_that_goes_around_it_is_found(code, tmp_path, monkeypatch):
    (tmp_path / "app").mkdir()
    page = tmp_path / "app/page.py"
    head = "import shutil\nfrom cifar_core.runs.store import sweep_files\n"
    page.write_text(head + code)
    dirty = changing()
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert len(list(strays(dirty))) == 1
    body = code.splitlines()
    guarded = [body[0], "    with store.action('do it', 'did'):", *(f"    {x}" for x in body[1:])]
    page.write_text(head + "\n".join(guarded))
    assert list(strays(dirty)) == []


def test_roles_are_asked_for_in_one_place():
    asking = [
        path.relative_to(ROOT).as_posix()
        for folder in ("app", "cifar_core")
        for path in (ROOT / folder).rglob("*.py")
        if ".must(" in path.read_text(encoding="utf-8")
    ]
    assert asking == ["cifar_core/runs/record/action_log.py"]
