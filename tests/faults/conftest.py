"""How much the fault suite does: a little in `make test`, all of it in `make faults`."""

import pytest
from small_runs import IS_LONG


@pytest.fixture(scope="session")
def sized():
    """Return a function that chooses the short size or the long one."""
    return lambda short, long: long if IS_LONG else short
