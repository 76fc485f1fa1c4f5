"""Vision GNN: its graph by brute force, its parts by hand, its sizes by the published numbers."""

from functools import cache

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from cifar_core.errors import CheckpointError
from cifar_core.models import MODELS
from cifar_core.models import vig_graph as graph
from cifar_core.models.measure import count
from cifar_core.models.vig import neighbor_counts
from cifar_core.models.vig_blocks import DropPath, Grapher, MaxRelative, ViGBlock
from cifar_core.models.vig_graph import Nearest
from cifar_core.models.vig_keys import ours
from cifar_core.models.vig_sizes import SIZES

PUBLISHED = {  # with 1000 classes: trainable parameters, tensors in the published file
    "vig_ti": (7_184_744, 465),
    "vig_s": (22_747_752, 605),
    "vig_b": (86_841_832, 605),
    "pvig_ti": (10_714_376, 484),
    "pvig_s": (27_251_912, 484),
    "pvig_m": (49_525_832, 844),
    "pvig_b": (92_980_328, 916),
}
CONSTANTS = {"pvig_ti": 1_771_938, "pvig_s": 1_771_938, "pvig_m": 2_156_098, "pvig_b": 2_232_930}
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def some(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@cache
def on_meta(key):
    with torch.device("meta"):
        return MODELS[key].build(1000)


@pytest.fixture
def deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


# the graph


def test_the_neighbors_are_the_nearest_by_cosine_distance():
    places, keys = some(2, 12, 5), some(2, 7, 5, seed=1)
    found = Nearest(3)(places, keys)
    for image in range(2):
        for place in range(12):
            alike = [F.cosine_similarity(places[image, place], key, dim=0) for key in keys[image]]
            expected = torch.stack(alike).argsort(descending=True)[:3]
            assert found[image, place].tolist() == expected.tolist()


def test_a_place_is_its_own_first_neighbor():
    places = some(2, 64, 16)
    for nearest in (Nearest(9), Nearest(9, dilation=2)):
        own = torch.arange(64).expand(2, 64)
        assert torch.equal(nearest(places, places)[..., 0], own)


def test_dilation_keeps_every_second_of_twice_as_many_neighbors():
    places = some(1, 20, 4)
    every = Nearest(6)(places, places)
    assert torch.equal(Nearest(3, dilation=2)(places, places), every[..., ::2])


@pytest.mark.parametrize(
    ("k", "dilation", "kept"), [(9, 1, 4), (9, 3, 4), (3, 9, 3), (2, 9, 2), (1, 9, 1)]
)
def test_no_more_neighbors_are_sought_than_there_are_keys(k, dilation, kept):
    found = Nearest(k, dilation)(some(1, 6, 3), some(1, 4, 3, seed=1))
    assert found.shape == (1, 6, kept)


def test_what_lies_near_in_the_image_is_preferred_if_told_so():
    places = some(1, 5, 4)
    far = torch.full((1, 5, 5), 100.0, dtype=torch.float64)
    far[0, :, 3] = 0
    assert (Nearest(1)(places, places, far) == 3).all()


def test_autocast_does_not_move_the_neighbors():
    places = some(1, 256, 8, dtype=torch.float32)
    expected = Nearest(9)(places, places)
    with torch.autocast("cpu", torch.bfloat16):
        found = Nearest(9)(places, places)
    rounded = Nearest(9)(places.bfloat16().float(), places.bfloat16().float())
    assert torch.equal(found, expected)
    assert not torch.equal(rounded, expected), "rounding would have moved none anyway"


@pytest.mark.parametrize("keys", [9, 5])
@pytest.mark.parametrize("repeatable", [False, True])
def test_max_relative_is_the_largest_of_all_differences(keys, repeatable):
    torch.use_deterministic_algorithms(repeatable)
    try:
        x, y = some(2, 9, 4).requires_grad_(), some(2, keys, 4, seed=1).requires_grad_()
        neighbors = Nearest(3)(x, y)
        fast = graph.max_relative(x, y, neighbors)
        gradients = torch.autograd.grad(fast.square().sum(), (x, y))
    finally:
        torch.use_deterministic_algorithms(False)
    chosen = torch.stack([y[image, neighbors[image]] for image in range(2)])  # [N, P, k, C]
    naive = (chosen - x.unsqueeze(2)).amax(dim=2)
    assert torch.equal(fast, naive)
    expected = torch.autograd.grad(naive.square().sum(), (x, y))
    for ours_, theirs in zip(gradients, expected, strict=True):
        torch.testing.assert_close(ours_, theirs)


def test_deterministic_mode_takes_another_way_to_the_same_maxima(deterministic, monkeypatch):
    def refuse(*arguments, **settings):
        raise AssertionError("embedding_bag has no repeatable gradient on a GPU")

    keys, neighbors = some(2, 6, 3), torch.tensor([[[0, 1], [5, 2]], [[3, 3], [4, 0]]])
    monkeypatch.setattr(F, "embedding_bag", refuse)
    found = graph.neighbor_max(keys, neighbors)
    assert torch.equal(found[1, 0], keys[1, 3])
    assert torch.equal(found[0, 1], torch.maximum(keys[0, 5], keys[0, 2]))


def test_a_relative_distance_is_smallest_to_the_place_itself_and_grows():
    table = graph.relative_distance(16, 4, 1)[0]
    assert table.shape == (16, 16)
    assert torch.equal(table.argmin(dim=1), torch.arange(16))
    torch.testing.assert_close(table.diagonal(), torch.full((16,), -1.0))
    assert table[0, 1] < table[0, 2] < table[0, 3]
    torch.testing.assert_close(table, table.T)


def test_pooled_keys_lie_at_the_centers_of_their_cells():
    nearest_cell = graph.relative_distance(32, 4, 2)[0].argmin(dim=1).view(4, 4)
    assert nearest_cell.tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]
    turned = graph.relative_distance(32, 4, 2).flip(1, 2)  # as far from the end as from the start
    torch.testing.assert_close(turned, graph.relative_distance(32, 4, 2))


def test_the_published_table_differs_only_where_keys_are_pooled():
    assert graph.published_relative_distance(16, 4, 2).shape == (1, 16, 4)
    published, centered = (f(16, 4, 1) for f in
                          (graph.published_relative_distance, graph.relative_distance))  # fmt: skip
    torch.testing.assert_close(published, centered)
    pooled = graph.published_relative_distance(16, 4, 2) - graph.relative_distance(16, 4, 2)
    assert pooled.abs().max() > 0.01


# the blocks


def test_each_head_mixes_a_feature_with_its_own_difference():
    part = MaxRelative(8, heads=4).double().eval()
    with torch.no_grad():
        part.update[0].weight.zero_()
        part.update[0].bias.zero_()
        part.update[0].weight[0, 1] = 1  # the first output reads the first head's second input
    x = some(1, 8, 2, 2)
    keys, neighbors = x.flatten(2).transpose(1, 2), torch.tensor([[[0], [0], [0], [1]]])
    first = part(x, keys, neighbors)[0, 0].flatten()
    difference = keys[0, [0, 0, 0, 1], 0] - keys[0, :, 0]
    torch.testing.assert_close(first, F.gelu(difference), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("pool", [1, 2])
def test_a_grapher_has_the_right_gradient(pool):
    torch.manual_seed(0)
    relative = graph.relative_distance(4, 4, pool)
    grapher = Grapher(4, Nearest(2), pool, relative, 0.0).double().eval()
    assert torch.autograd.gradcheck(grapher, some(1, 4, 4, 4).requires_grad_())


def test_dropping_paths_leaves_evaluation_alone_and_keeps_the_mean_in_training():
    drop, x = DropPath(0.25), torch.ones(4000, 1, 1, 1)
    assert drop.eval()(x) is x
    torch.manual_seed(0)
    kept = drop.train()(x)
    torch.testing.assert_close(kept.unique(), torch.tensor([0, 4 / 3]))
    assert kept.mean() == pytest.approx(1, abs=0.05)


def test_an_image_loses_a_whole_branch_or_nothing_of_it():
    torch.manual_seed(0)
    block = ViGBlock(8, Nearest(3), drop_path=1 - 1e-9)
    x = some(4, 8, 4, 4, dtype=torch.float32)
    assert torch.equal(block.train()(x), x)
    assert not torch.equal(block.eval()(x), x)


# the networks


def test_the_number_of_neighbors_grows_evenly():
    assert neighbor_counts((9, 18), 12) == [9, 9, 10, 11, 12, 13, 13, 14, 15, 16, 17, 18]
    sixteen = [9, 9, 10, 10, 11, 12, 12, 13, 13, 14, 15, 15, 16, 16, 17, 18]
    assert neighbor_counts((9, 18), 16) == sixteen


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("vig_ti", [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]),
        ("pvig_m", [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 6),
        ("vig_small", [1] * 12),
    ],
)
def test_dilation_grows_every_four_blocks_up_to_what_the_smallest_grid_holds(key, expected):
    found = [m.dilation for m in on_meta(key).modules() if isinstance(m, Nearest)]
    assert found == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("vig_nano", [64] * 6),
        ("vig_small", [64] * 12),
        ("vig_pyramid", [256, 256, 64, 64, 64, 64, 16, 16]),
        ("vig_ti", [196] * 12),
        ("pvig_ti", [3136] * 2 + [784] * 2 + [196] * 6 + [49] * 2),
    ],
)
def test_a_graph_has_as_many_places_as_the_grid_of_its_stage(key, expected):
    model, found = on_meta(key), []
    handles = [
        m.register_forward_hook(lambda module, given, output: found.append(output.shape[1]))
        for m in model.modules()
        if isinstance(m, Nearest)
    ]
    model.eval()(torch.zeros(1, 3, 32, 32, device="meta"))
    for handle in handles:
        handle.remove()
    assert found == expected


@pytest.mark.parametrize(("key", "figures"), PUBLISHED.items())
def test_a_published_size_has_the_published_parameters_and_tensors(key, figures):
    model = on_meta(key)
    assert count(model).trainable == figures[0]
    assert len(model.state_dict()) == figures[1]
    tables = [t.numel() for name, t in model.state_dict().items() if "relative_pos" in name]
    assert sum(tables) == CONSTANTS.get(key, 0)


def test_tables_are_no_parameters_and_share_no_memory():
    model = MODELS["vig_pyramid"].build(10)
    tables = [t for name, t in model.state_dict().items() if name.endswith("relative_pos")]
    assert len(tables) == 8
    assert len({table.data_ptr() for table in tables}) == 8
    assert not any(name.endswith("relative_pos") for name, _ in model.named_parameters())


@pytest.mark.parametrize("key", ["vig_nano", "vig_pyramid"])
def test_logits_in_float64_survive_saving_and_loading_to_the_bit(key, tmp_path):
    torch.manual_seed(0)
    model = MODELS[key].build(10).double().train()
    images = some(4, 3, 32, 32).sigmoid()
    model(images)  # so that the running means are worth saving
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    other = MODELS[key].build(10).double()
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    with torch.inference_mode():
        assert torch.equal(model.eval()(images), other.eval()(images))


@pytest.mark.parametrize("key", ["vig_nano", "vig_pyramid"])
def test_neither_memory_layout_nor_deterministic_mode_change_the_logits(key, request):
    torch.manual_seed(0)
    model, images = MODELS[key].build(10).double().eval(), some(2, 3, 32, 32).sigmoid()
    with torch.inference_mode():
        expected = model(images)
        last = model.to(memory_format=torch.channels_last)
        torch.testing.assert_close(last(images), expected)
        request.getfixturevalue("deterministic")
        torch.testing.assert_close(last(images), expected)


def test_a_published_network_works_at_other_resolutions():
    for key, side in (("vig_ti", 100), ("pvig_ti", 100)):
        with torch.device("meta"):
            model = MODELS[key].build(10, resolution=side).eval()
            assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_dropout_comes_before_the_last_layer():
    for key in ("vig_nano", "vig_ti"):
        with torch.device("meta"):
            head = MODELS[key].build(10, dropout=0.5).body.head
        assert head[-2].p == 0.5


# the published files


def norm(name):
    return [f"{name}.{part}" for part in NORM]


def conv(name):
    return [f"{name}.weight", f"{name}.bias"]


def published_names(key):
    """The names in a published file, written out as its authors' modules nest."""
    sizes, convs = SIZES[key], len(SIZES[key].stem)
    pyramid = len(sizes.depths) > 1
    names = ["pos_embed", *conv("prediction.0"), *norm("prediction.1"), *conv("prediction.4")]
    for layer in range(convs):
        names += [*conv(f"stem.convs.{3 * layer}"), *norm(f"stem.convs.{3 * layer + 1}")]
    number = 0
    for stage, depth in enumerate(sizes.depths):
        if stage:
            names += [*conv(f"backbone.{number}.conv.0"), *norm(f"backbone.{number}.conv.1")]
            number += 1
        for _ in range(depth):
            at = f"backbone.{number}"
            for part in ("0.fc1", "0.graph_conv.gconv.nn", "0.fc2", "1.fc1", "1.fc2"):
                names += [*conv(f"{at}.{part}.0"), *norm(f"{at}.{part}.1")]
            names += [f"{at}.0.relative_pos"] * pyramid
            number += 1
    return names


@pytest.mark.parametrize("key", PUBLISHED)
def test_every_tensor_of_a_published_file_has_its_place_in_our_network(key):
    names = published_names(key)
    assert len(names) == PUBLISHED[key][1]
    assert {ours(name) for name in names} == set(on_meta(key).state_dict())


def test_the_prefix_of_parallel_training_is_taken_off():
    name = "module.backbone.3.0.graph_conv.gconv.nn.1.running_mean"
    assert ours(name) == "body.blocks.3.grapher.conv.update.1.running_mean"


def test_a_file_of_another_network_is_refused_by_the_tensor_that_gives_it_away():
    with pytest.raises(CheckpointError, match=r"'layer1\.0\.conv1\.weight'"):
        ours("layer1.0.conv1.weight")
