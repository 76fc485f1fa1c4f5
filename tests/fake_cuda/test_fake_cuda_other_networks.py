"""The other half of the networks on a fake CUDA device."""

import pytest
from fake_runs import trained

from cifar_core.models import MODELS

SECOND = list(MODELS)[1::2]


@pytest.mark.parametrize("model", SECOND)
def test_a_network_trains_and_is_validated_on_the_device(model):
    assert trained(model=model, steps=1) == {}
