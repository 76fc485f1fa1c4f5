import os
from functools import cache

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["CIFAR_REPORTS"] = "by_step"  # so that the rows of two equal runs can be compared

import pytest
import torch
from streamlit import config
from streamlit.components.v2 import manifest_scanner

torch.set_num_threads(1)
config.set_option("server.address", "127.0.0.1")  # AppTest has no server to ask


@pytest.fixture(autouse=True)
def faults_are_raised(monkeypatch):
    """Let a fault of the program fail the test, where its user would get a code and a log."""

    def raised(error, root):
        raise error

    monkeypatch.setattr("cifar_core.disk.faults_log.record", raised)


@pytest.fixture(autouse=True, scope="session")
def components_are_looked_for_once():
    """Let AppTest look through all installed packages only once for components of others."""
    with pytest.MonkeyPatch.context() as patch:
        look = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", look)
        yield


@pytest.fixture(autouse=True)
def kernels_are_chosen_anew():
    """Let no test leave its choice of kernels to the next one: it is one for the whole process."""
    yield
    if torch.are_deterministic_algorithms_enabled():  # to turn them off loads the compiler
        torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = True


@pytest.fixture
def images():
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="session")
def decoded(tmp_path_factory):
    """Return a folder in which the synthetic images are kept decoded, for all tests of pages."""
    return tmp_path_factory.mktemp("decoded")


def decode_here(job):
    """Do a job in this process, as its own one would."""
    from cifar_core.data.decoding.job import work
    from cifar_core.errors import CifarError

    job.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        work({**job.request, "path": str(job.path)}, lambda done, total: None)
    except CifarError as error:
        job.lock.touch()
        job.log.write_text(f"{error}\n")


@pytest.fixture
def page_store(tmp_path, monkeypatch, decoded):
    """Return an empty store for the pages, on a machine without images and without an executor."""
    from cifar_core.disk import lock
    from cifar_core.runs import Store

    store = Store(tmp_path / "store")
    store.root.mkdir()
    (store.root / ".examples").touch()  # as if the shipped runs had been deleted
    (store.root / "data").symlink_to(decoded)
    monkeypatch.setenv("CIFAR_UNASKED", "off")  # no process but those that a test asks for
    for name in ("CIFAR_DATA", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CIFAR_STORE", str(store.root))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("app.cache.opening.begin", decode_here)  # a test waits for its images
    executor = lock.take(store.root / ".executor.lock")  # so that none is started
    yield store
    assert executor is not None
    os.close(executor)
