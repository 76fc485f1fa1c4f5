"""How much is fuzzed: a little and always the same in `make test`, much in `make fuzz`."""

import os

import pytest
from hypothesis import HealthCheck, settings

IS_LONG = os.environ.get("CIFAR_FUZZ") == "long"
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]

settings.register_profile(
    "short",
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=SLOW,
)
settings.register_profile(
    "long", max_examples=5000, deadline=None, suppress_health_check=SLOW, print_blob=True
)
settings.load_profile("long" if IS_LONG else "short")


@pytest.fixture
def store(page_store):
    """Return an empty store without an executor."""
    return page_store
