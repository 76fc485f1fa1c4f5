"""How this copy of the program is installed: from which folder, with which store and command."""

import os
import sys
import zlib
from pathlib import Path

VERSION = "1.0.0.dev0"  # pyproject.toml reads it here
ROOT = Path(__file__).resolve().parents[1]  # what holds the packages app and cifar_core
IS_CHECKOUT = (ROOT / "pyproject.toml").is_file() and (ROOT / "models_store").is_dir()
PROGRAM = "python -m cifar_core" if IS_CHECKOUT else "cifar-lab"  # what a person types
NEEDS_POSIX = "CIFAR Lab runs on Linux and macOS; on Windows, install and start it in WSL2."
STORE_RULE = (
    "$CIFAR_STORE if set; else models_store in a checkout; else cifar-lab in your data folder"
)


def default_store() -> Path:
    """Return the folder of runs when no command names one; STORE_RULE says the same in words."""
    if named := os.environ.get("CIFAR_STORE"):
        return Path(named)
    if IS_CHECKOUT:
        return ROOT / "models_store"
    from platformdirs import user_data_path

    return user_data_path("cifar-lab", appauthor=False)


def index_file(root: Path) -> Path:
    """Return the database of a store: in it, or in the folder that CIFAR_INDEX names.

    That folder, on a local disk, may hold the databases of several stores.
    """
    if folder := os.environ.get("CIFAR_INDEX"):
        return Path(folder).absolute() / f"index-{zlib.crc32(bytes(root.absolute())):08x}.db"
    return root / "index.db"


def require_posix() -> None:
    """End the program with a sentence on Windows, which lacks the file locks that runs rely on."""
    if sys.platform == "win32":
        sys.exit(NEEDS_POSIX)
