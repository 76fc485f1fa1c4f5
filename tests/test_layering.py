"""The arrows of the architecture: each package may import only from those below it."""

import ast
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from cifar_core.runs.engine.live_attempts import WORKERS
from cifar_core.runs.record.run_kinds import KINDS

ROOT = Path(__file__).parent.parent
LAYERS = [  # of cifar_core, lowest first
    {"batching", "errors", "installation", "numbers"},
    {"palette", "registry", "timm_names", "titles"},
    {"people", "disk"},
    {"background", "settings", "statistics"},
    {"devices"},
    {"data", "evaluation", "explain", "inference", "models", "optim", "schedules", "weights"},
    {"config", "inside", "reading"},
    {"proposals"},
    {"training"},
    {"rate_search"},
    {"runs"},
    {"examples", "report"},
    {"terminal"},
    {"__main__"},
]
RUNS_LAYERS = [  # of cifar_core.runs; the loose modules are stubs for earlier versions
    {"record"},
    {"backends", "prepare"},
    {"store"},
    {"family"},
    {"listing", "results", "sweeps"},
    {"notifications"},
    {"engine", "exchange"},
]
APP_LAYERS = [
    {"warm_up"},
    {"theme"},
    {"boundary"},
    {"access", "navigation"},
    {"session"},
    {"cache", "upload"},
    {"shared"},
    {"corner", "screens"},
    {"server", "streamlit_app"},
    {"command"},
]
PAGES = "app/screens"  # rooms that know nothing of each other
STUBS = {"executor", "rate_search_worker", "search", "shim", "worker"}
REGISTRIES = {"cifar_core/models", "cifar_core/terminal"}  # one entry a file
MOST_MODULES, MOST_LINES = 16, 300
WITHOUT_TORCH = (
    "cifar_core.data",
    "cifar_core.devices",
    "cifar_core.evaluation",
    "cifar_core.proposals.networks",
    "cifar_core.runs.engine.executor",
    "cifar_core.runs.exchange.import_run",
    "cifar_core.runs.listing.saved_listings",
    "cifar_core.runs.listing.table",
    "cifar_core.runs.store.store",
    "cifar_core.runs.sweeps.sweep_results",
    "cifar_core.weights",
)


def imports(path: Path) -> set[str]:
    """Every module and name that a file imports, at its top or inside a function."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    return {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names} | {
        f"{n.module}.{alias.name}"
        for n in nodes
        if isinstance(n, ast.ImportFrom)
        for alias in n.names
    }


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def rooms(folder: str) -> list[tuple[str, str, str]]:
    """Return (file, its room, another room that it imports) of all files below a folder."""
    prefix = folder.replace("/", ".") + "."
    return [
        (str(path.relative_to(ROOT)), room, module.removeprefix(prefix).split(".")[0])
        for path in sources(folder)
        for room in [path.relative_to(ROOT / folder).parts[0].removesuffix(".py")]
        for module in imports(path)
        if module.startswith(prefix) and room != "__init__"
    ]


@pytest.mark.parametrize(
    ("folder", "layers"),
    [("cifar_core", LAYERS), ("cifar_core/runs", RUNS_LAYERS), ("app", APP_LAYERS)],
)
def test_imports_go_down_only(folder, layers):
    rank = {name: rank for rank, layer in enumerate(layers) for name in layer}
    found = rooms(folder)
    assert len(found) > 50
    upward = [
        f"{file} imports {other}"
        for file, room, other in found
        if other != room and rank[other] >= rank[room]
    ]
    assert upward == []


@pytest.mark.parametrize(("folder", "layers"), [("cifar_core", LAYERS), ("app", APP_LAYERS)])
def test_every_room_has_its_place_in_the_order(folder, layers):
    there = {path.stem for path in (ROOT / folder).iterdir() if path.suffix == ".py"}
    there |= {path.parent.name for path in (ROOT / folder).glob("*/__init__.py")}
    assert there - {"__init__"} == set().union(*layers)


def test_every_room_of_runs_has_its_place_in_the_order():
    runs = ROOT / "cifar_core" / "runs"
    assert {path.parent.name for path in runs.glob("*/__init__.py")} == set().union(*RUNS_LAYERS)
    assert {path.stem for path in runs.glob("*.py")} - {"__init__"} == STUBS


def test_no_folder_is_called_pages():
    """Streamlit would look for pages in it, and greet links with "Page not found"."""
    assert not (ROOT / "app" / "pages").exists()


def test_no_page_imports_another():
    found = rooms(PAGES)
    assert found
    assert [f"{file} imports {other}" for file, room, other in found if other != room] == []


def test_modules_are_named_by_imports_so_that_they_can_move():
    """But for the executor, which lower rooms start, and the stubs, whose names must stay."""
    named = {
        str(path.relative_to(ROOT)): node.value
        for path in [*sources("cifar_core"), *sources("app")]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and is_module(node.value)
    }
    assert {file for file in named if Path(file).stem not in STUBS} == {
        "cifar_core/background/processes.py"
    }


def is_module(value: object) -> bool:
    """Tell whether a text is the name of a module of ours."""
    if not isinstance(value, str) or not value.startswith(("cifar_core.", "app.")):
        return False
    return (ROOT / value.replace(".", "/")).with_suffix(".py").exists()


def test_every_kind_of_run_has_a_worker():
    assert set(WORKERS) == {kind.key for kind in KINDS.values() if kind.has_process}
    assert all(find_spec(module, "cifar_core.runs.engine") for module in WORKERS.values())


def test_the_core_knows_no_user_interface():
    for path in sources("cifar_core"):
        tops = {module.split(".")[0] for module in imports(path)}
        assert not tops & {"streamlit", "plotly", "app"}, path


@pytest.mark.parametrize("folder", ["app", "cifar_core"])
def test_a_newcomer_can_survey_every_room_and_file(folder):
    rooms = Counter(path.parent for path in sources(folder) if path.stem != "__init__")
    crowded = {str(room.relative_to(ROOT)): n for room, n in rooms.items() if n > MOST_MODULES}
    assert set(crowded) <= REGISTRIES, crowded
    lines = {str(path): len(path.read_text("utf-8").splitlines()) for path in sources(folder)}
    assert {path: n for path, n in lines.items() if n > MOST_LINES} == {}


def test_listing_runs_and_data_does_not_wait_for_torch():
    code = (
        "import importlib, sys\n"
        "for module in sys.argv[1:]:\n"
        "    importlib.import_module(module)\n"
        "    slow = {'torch', 'torchvision', 'captum', 'torch_optimizer', 'optuna'}\n"
        "    if slow & set(sys.modules):\n"
        "        sys.exit(f'{module} loads {slow & set(sys.modules)}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *WITHOUT_TORCH],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "package", ["captum", "optuna", "tensorboardX", "torch_optimizer", "torchvision"]
)
def test_slow_packages_are_imported_only_where_they_are_needed(package):
    at_top = [
        path
        for path in (ROOT / "cifar_core").rglob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and package in ast.unparse(node).replace("import", " ").replace(".", " ").split()
    ]
    assert at_top == []
