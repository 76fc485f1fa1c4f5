"""A copy of a network in which every activation is a separate module, as some methods need.

Methods that change the backward pass (guided backpropagation, DeepLift) put a hook on every
activation module. In Captum 0.9 they are silently wrong or refuse where an activation is a
function (F.relu), is used twice, is a ReLU6, or directly follows another one: Captum issues #199,
#378, #1082 (reuse), #1104 (ReLU before a max-pool). The copy computes exactly the same logits.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn


class CappedReLU(nn.ReLU):
    """ReLU6 as a kind of ReLU, so that hooks for ReLU find it."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input between 0 and 6."""
        return input.clamp(0, 6)


class Apart(nn.Module):
    """Returns a copy of its input: separates the hooks of adjacent activations."""

    def forward(self, input: Tensor) -> Tensor:
        """Return a copy."""
        return input.clone()


class GlobalMax(nn.MaxPool2d):
    """Max-pooling over the whole map, instead of `amax`, which has no rule."""

    def __init__(self) -> None:
        super().__init__(1)

    def forward(self, input: Tensor) -> Tensor:
        """Return the largest values [N, C, 1, 1] of maps [N, C, H, W]."""
        self.kernel_size = self.stride = (input.shape[2], input.shape[3])
        return super().forward(input)


ELEMENTWISE = (
    nn.ReLU, nn.ELU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.GELU, nn.SiLU,
    nn.Hardswish, nn.Hardsigmoid,
)  # fmt: skip
ACTIVATIONS = (*ELEMENTWISE, nn.MaxPool2d, nn.Softmax)
AS_MODULE: dict[Any, Callable[..., nn.Module]] = {  # functions and their equivalent modules
    F.relu: lambda **_: nn.ReLU(),
    torch.relu: lambda: nn.ReLU(),
    F.relu6: lambda **_: CappedReLU(),
    F.gelu: lambda **options: nn.GELU(**options),
    F.silu: lambda **_: nn.SiLU(),
    torch.tanh: lambda: nn.Tanh(),
    torch.sigmoid: lambda: nn.Sigmoid(),
    F.max_pool2d: lambda *size, return_indices=False, **options: nn.MaxPool2d(*size, **options),
}
PASSED_THROUGH = (nn.Identity, nn.Dropout)  # do nothing in evaluation


class Leaves(fx.Tracer):
    """Follows the network's forward pass down to torch's own modules and ours."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        """Return True if a module is kept whole."""
        return isinstance(module, (CappedReLU, GlobalMax)) or super().is_leaf_module(module, name)


def prepare(model: nn.Module) -> fx.GraphModule:
    """Return a frozen copy in evaluation mode whose activations are modules, each used once.

    Raises torch.fx's TraceError for a network whose path depends on its input.
    """
    own = copy.deepcopy(model).eval().requires_grad_(False)
    for name, module in list(own.named_modules()):
        if isinstance(module, nn.ReLU6):
            own.set_submodule(name, CappedReLU())
        elif hasattr(module, "inplace"):
            module.inplace = False
    graph = fx.GraphModule(own, Leaves().trace(own))
    functions_to_modules(graph)
    each_used_once(graph)
    separate_adjacent(graph)
    graph.graph.lint()
    graph.recompile()
    return graph


def functions_to_modules(graph: fx.GraphModule) -> None:
    """Replace activation functions by modules."""
    for number, node in enumerate(list(graph.graph.nodes)):
        if node.op == "call_method" and node.target == "amax":
            amax_to_pool(graph, node, f"activation_{number}")
        make = AS_MODULE.get(node.target) if node.op == "call_function" else None
        if make is None:
            continue
        options = {k: v for k, v in node.kwargs.items() if k != "inplace"}
        replace(graph, node, f"activation_{number}", make(*node.args[1:], **options))


def amax_to_pool(graph: fx.GraphModule, node: fx.Node, name: str) -> None:
    """Replace the maximum over a map's positions by a pooling module."""
    dims = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else None)
    if dims not in ((2, 3), [2, 3], (-2, -1)) or node.kwargs.get("keepdim"):
        return
    graph.add_submodule(name, GlobalMax())
    with graph.graph.inserting_before(node):
        pooled = graph.graph.call_module(name, (node.args[0],))
        node.replace_all_uses_with(graph.graph.call_method("flatten", (pooled, 1)))
    graph.graph.erase_node(node)


def each_used_once(graph: fx.GraphModule) -> None:
    """Give every second use of an activation its own module."""
    modules, seen = dict(graph.named_modules()), set()
    for number, node in enumerate(list(graph.graph.nodes)):
        if node.op != "call_module" or not isinstance(modules[node.target], ACTIVATIONS):
            continue
        if node.target in seen:
            replace(graph, node, f"again_{number}", copy.deepcopy(modules[node.target]))
        seen.add(node.target)


def separate_adjacent(graph: fx.GraphModule) -> None:
    """Put a copy of the values between two activations that follow each other."""
    modules = dict(graph.named_modules())
    for number, node in enumerate(list(graph.graph.nodes)):
        if not calls(node, modules, ACTIVATIONS):
            continue
        source = node.args[0]
        while calls(source, modules, PASSED_THROUGH):
            source = source.args[0]
        if calls(source, modules, ACTIVATIONS):
            name = f"apart_{number}"
            graph.add_submodule(name, Apart())
            with graph.graph.inserting_before(node):
                node.replace_input_with(
                    node.args[0], graph.graph.call_module(name, (node.args[0],))
                )


def calls(node: Any, modules: dict[str, nn.Module], kinds: tuple[type[nn.Module], ...]) -> bool:
    """Return True if a node of the graph calls a module of one of these kinds."""
    return node.op == "call_module" and isinstance(modules[node.target], kinds)


def replace(graph: fx.GraphModule, node: fx.Node, name: str, module: nn.Module) -> None:
    """Make a node of the graph call this module instead."""
    graph.add_submodule(name, module)
    with graph.graph.inserting_before(node):
        node.replace_all_uses_with(graph.graph.call_module(name, (node.args[0],)))
    graph.graph.erase_node(node)


def nonlinearities(graph: nn.Module) -> set[type[nn.Module]]:
    """Return the kinds of activation in the copy, except max-pooling."""
    return {type(m) for m in graph.modules() if isinstance(m, (*ELEMENTWISE, nn.Softmax))}
