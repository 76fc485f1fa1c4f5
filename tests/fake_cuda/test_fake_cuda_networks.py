"""Half of the networks on a fake CUDA device; the other half is beside it, for another process."""

import pytest
from fake_runs import trained

from cifar_core.models import MODELS

FIRST = list(MODELS)[::2]


@pytest.mark.parametrize("model", FIRST)
def test_a_network_trains_and_is_validated_on_the_device(model):
    assert trained(model=model, steps=1) == {}
