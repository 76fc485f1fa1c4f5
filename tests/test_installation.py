"""The wheel holds what the program needs, and runs outside the checkout."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from cifar_core import installation
from cifar_core.__main__ import main

ROOT = Path(__file__).parent.parent
COPIED = ("app", "cifar_core", "pyproject.toml", "README.md", "models_store/README.md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from a copy of the tracked files, without any network."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in (*COPIED, *(path.name for path in ROOT.glob("requirements*.txt"))):
        (source / name).parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, source / name)
    build = "from setuptools import build_meta; build_meta.build_wheel({!r})"
    subprocess.run(
        [sys.executable, "-c", build.format(str(target))],
        cwd=source, check=True, capture_output=True,
    )  # fmt: skip
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return a folder in which the wheel is unpacked, as in site-packages."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def outside(installed, code, home, **variables):
    """Run code with the installed program in a folder of its own; return what it printed."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("CIFAR_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, capture_output=True, text=True, check=False,
        env={**keep, "PYTHONPATH": str(installed), "HOME": str(home), **variables},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_both_packages_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = subprocess.run(
        ["git", "ls-files", "app", "cifar_core"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert inside == set(tracked.stdout.splitlines())
    assert {"app/.streamlit/config.toml", "app/static/favicon.png", "app/py.typed"} <= inside


def test_the_wheel_brings_the_command_and_its_extras(installed):
    (about,) = installed.glob("*.dist-info")
    assert "cifar-lab = app.command:main" in (about / "entry_points.txt").read_text("utf-8")
    metadata = (about / "METADATA").read_text("utf-8")
    for extra in ("cluster", "export", "test", "timm"):
        assert f"Provides-Extra: {extra}\n" in metadata
    assert f"\nVersion: {installation.VERSION}\n" in metadata


def test_the_command_works_outside_the_checkout(installed, tmp_path):
    call = "import sys; sys.argv = ['cifar-lab', '--help']; from app.command import main; main()"
    shown = outside(installed, call, tmp_path)
    assert "open the dashboard" in shown
    assert "train" in shown


def test_outside_the_checkout_the_store_is_in_the_user_data(installed, tmp_path):
    call = "from cifar_core import installation as i; print(i.PROGRAM, i.default_store())"
    program, store = outside(installed, call, tmp_path).split(maxsplit=1)
    assert program == "cifar-lab"
    assert Path(store.strip()).is_relative_to(tmp_path)
    assert Path(store.strip()).name == "cifar-lab"
    assert outside(installed, call, tmp_path, CIFAR_STORE="/a/store").split() == [
        program,
        "/a/store",
    ]


def test_in_the_checkout_the_store_is_models_store_whatever_the_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("CIFAR_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert installation.default_store() == ROOT / "models_store"


def test_the_dashboard_takes_port_address_and_store(monkeypatch, tmp_path):
    from app import command, server

    asked = {}
    monkeypatch.setattr(server.app, "run", lambda config: asked.update(config))
    monkeypatch.setenv("CIFAR_STORE", "")
    words = ["cifar-lab", "up", "--port", "8600", "--store", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    assert command.main() == 0
    assert asked == {"server.port": 8600}
    assert os.environ["CIFAR_STORE"] == str(tmp_path)
    assert Path(sys.argv[0]).with_name(".streamlit").joinpath("config.toml").is_file()


@pytest.mark.parametrize(
    "start",
    [
        "import runpy; runpy.run_module('cifar_core', run_name='__main__')",
        "from app.command import main; main()",
        "import app.server",
    ],
)
def test_a_start_on_windows_says_what_it_needs(start):
    fake = "import asyncio, uvicorn, streamlit.starlette, sys; sys.platform = 'win32'; "
    done = subprocess.run(
        [sys.executable, "-c", f"{fake}sys.modules['fcntl'] = None; {start}"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [installation.NEEDS_POSIX]
    assert "WSL2" in installation.NEEDS_POSIX


def test_this_system_is_good_enough(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert installation.VERSION in capsys.readouterr().out


def packages(name):
    """Return the pinned packages of a requirements or lock file: name to version."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    pins = [line.split(" ")[0].split("==") for line in lines if line[:1].isalpha()]
    return {pin[0].lower().replace("_", "-"): pin[1] for pin in pins}


@pytest.mark.parametrize(
    ("short", "lock"),
    [
        ("requirements.txt", "requirements.lock"),
        ("requirements.txt", "requirements-dev.lock"),
        ("requirements-dev.txt", "requirements-dev.lock"),
    ],
)
def test_a_lock_file_holds_every_package_of_the_short_list(short, lock):
    assert packages(short).items() <= packages(lock).items(), "make lock brings it up to date"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_has_a_hash_for_every_package_and_no_address(lock):
    text = (ROOT / lock).read_text("utf-8")
    blocks = text[text.index("\nalembic==") :].replace("\\\n", "").strip().splitlines()
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text


def test_types_reach_those_who_install_it():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert config["project"]["name"] == "cifar-lab"
    for package in ("app", "cifar_core"):
        assert (ROOT / package / "py.typed").is_file()


def test_the_container_can_load_what_it_compiles():
    """Docker mounts /tmp without the right to run anything; the volume has it."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    [volume] = re.findall(r"^VOLUME (\S+)$", text, re.MULTILINE)
    for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"):
        [folder] = re.findall(rf"\b{name}=(\S+)", text)
        assert folder.startswith(f"{volume}/")
    assert re.search(r"apt-get install .* g\+\+", text)
