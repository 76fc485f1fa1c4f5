"""Lists of tensors cut into blocks that fit in a core's cache, without copying."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

CPU_BLOCK = 128 * 1024  # numbers of each list for each thread: 512 KB, the size of most caches
GPU_BLOCK = 16 * 1024**2  # bounds the scratch memory; there is no such cache


@dataclass(frozen=True, kw_only=True)
class Block:
    """Pieces of the weights and of their state, with scratch memory of the same size.

    `newest` and `signs` are views of the scratch memory in the pieces' shapes; `nothing` holds
    minus infinity. All blocks share the scratch memory.
    """

    owners: list[int]  # index of the weight of each piece
    weights: list[Tensor]
    means: list[Tensor]
    squares: list[Tensor]
    newest: list[Tensor]
    signs: list[Tensor]
    nothing: list[Tensor]
    scratch: Tensor  # [n] under newest
    sign_scratch: Tensor  # [n] under signs


def block_size(device: torch.device) -> int:
    """Return how many numbers of each list a block holds."""
    return CPU_BLOCK * torch.get_num_threads() if device.type == "cpu" else GPU_BLOCK


def make_blocks(weights: list[Tensor], means: list[Tensor], squares: list[Tensor]) -> list[Block]:
    """Cut the weights and their state into blocks; the pieces are views.

    There are no blocks if a weight has gaps in memory, because its pieces could not be views.
    """
    if not all(map(is_dense, weights)):
        return []
    size = block_size(weights[0].device)
    pieces = list(cut(weights, weights))
    owners = [i for i, w in enumerate(weights) for _ in range(-(-w.numel() // size))]
    mean_pieces, square_pieces = list(cut(means, weights)), list(cut(squares, weights))
    lengths = [piece.numel() for piece in pieces]
    parts = list(filled(lengths, size))
    largest = max(sum(lengths[part]) for part in parts)
    memory = [weights[0].new_empty(largest), weights[0].new_empty(largest),
              weights[0].new_full((largest,), -math.inf)]  # fmt: skip
    return [
        Block(
            owners=owners[part],
            weights=pieces[part],
            means=mean_pieces[part],
            squares=square_pieces[part],
            newest=like(pieces[part], memory[0]),
            signs=like(pieces[part], memory[1]),
            nothing=like(pieces[part], memory[2]),
            scratch=memory[0][: sum(lengths[part])],
            sign_scratch=memory[1][: sum(lengths[part])],
        )
        for part in parts
    ]


def filled(lengths: list[int], size: int) -> Iterator[slice]:
    """Yield the ranges of pieces that fill one block each."""
    start, used = 0, 0
    for end, length in enumerate(lengths):
        if used + length > size:
            yield slice(start, end)
            start, used = end, 0
        used += length
    yield slice(start, len(lengths))


def cut(tensors: list[Tensor], weights: list[Tensor]) -> Iterator[Tensor]:
    """Yield each tensor, or flat pieces of one that is larger than a block, in memory order."""
    size = block_size(weights[0].device)
    for tensor, weight in zip(tensors, weights, strict=True):
        if tensor.stride() != weight.stride():  # a gradient can have another memory order
            tensor = torch.empty_like(weight).copy_(tensor)
        if weight.numel() <= size:
            yield tensor
        else:
            yield from tensor.as_strided((weight.numel(),), (1,)).split(size)


def like(pieces: list[Tensor], memory: Tensor) -> list[Tensor]:
    """Return consecutive views of the memory, each in the shape and order of a piece."""
    views, start = [], 0
    for piece in pieces:
        views.append(memory.as_strided(piece.shape, piece.stride(), start))
        start += piece.numel()
    return views


def is_dense(tensor: Tensor) -> bool:
    """Return True if the numbers are in memory without gaps, in any order."""
    if tensor.is_contiguous():
        return True
    reach = sum((n - 1) * stride for n, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return reach + 1 == tensor.numel()
