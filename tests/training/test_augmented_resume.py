"""A run whose images change goes on exactly, whatever changes them."""

import pytest
import torch
from augmentations import each_augmentation, name_of
from test_trainer import resumed, uninterrupted


@pytest.mark.parametrize("way", each_augmentation(), ids=name_of)
def test_a_run_cut_in_the_middle_of_its_second_epoch_ends_bit_for_bit_as_the_other(way):
    settings = {"model": "simple_cnn", "learning_rate": 0.01, "crop_padding": 0, "flip": False}
    said, ends = uninterrupted(**settings | way)
    said_later, ends_later = resumed(10, **settings | way)
    assert said_later == said
    assert torch.equal(ends_later, ends)
