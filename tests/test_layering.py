"""The arrows of the architecture: each package may import only from those below it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = [  # lowest first
    {"errors"},
    {"download", "registry", "device", "intervals"},
    {"people", "settings"},
    {
        *("comparison", "curves", "data", "explain", "grid", "inference", "judging", "models"),
        *("optim", "paired", "schedules", "transfer", "views", "weights"),
    },
    {"config", "inside", "reading"},
    {"presets"},
    {"training"},
    {"rate_search"},
    {"runs"},
    {"report"},
    {"terminal"},
    {"__main__"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}


def imports(path: Path) -> set[str]:
    """Every module a file imports, at its top or inside a function."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plain = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    whole = {
        f"cifar_core.{alias.name}"
        for n in nodes
        if isinstance(n, ast.ImportFrom) and n.module == "cifar_core"
        for alias in n.names
    }
    return plain | whole | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "cifar_core").rglob("*.py")), ids=lambda path: path.stem
)
def test_the_core_imports_only_downwards(path):
    package = path.relative_to(ROOT / "cifar_core").parts[0].removesuffix(".py")
    for module in imports(path):
        top, *rest = module.split(".")
        assert top not in {"streamlit", "plotly", "app"}, f"{path} may not know {top}"
        if top == "cifar_core" and rest and package != "__init__":
            assert rest[0] == package or RANK[rest[0]] < RANK[package], f"{path} imports {module}"


@pytest.mark.parametrize(
    "module",
    [
        *(
            "cifar_core.runs.store.store",
            "cifar_core.runs.engine.executor",
            "cifar_core.runs.sweeps.sweep_results",
        ),
        *(
            "cifar_core.runs.listing.table",
            "cifar_core.runs.listing.saved_listings",
            "cifar_core.runs.exchange.import_run",
        ),
        *("cifar_core.data", "cifar_core.device", "cifar_core.judging", "cifar_core.weights"),
    ],
)
def test_listing_runs_and_data_does_not_wait_for_torch(module):
    code = (
        f"import sys, {module}\n"
        "slow = {'torch', 'torchvision', 'captum', 'torch_optimizer', 'optuna'}\n"
        "slow &= set(sys.modules)\n"
        "sys.exit(str(slow) if slow else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
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
