"""How evenly the devices of a run share the work of a step: a line each, and who is slower."""

import streamlit as st

from app import theme
from cifar_core.numbers import NARROW
from cifar_core.runs.record.machine.balance import Balance

EVEN = "All devices take about the same time for their part of a batch."


def balance(even: Balance) -> None:
    """Draw for each device how long it computes its part of a batch, of the whole step."""
    st.markdown(f"**Devices**, {milliseconds(even.seconds)} a step")
    for rank, share in enumerate(even.shares):
        waits = even.waits(rank)
        st.progress(
            1.0 - waits,
            text=f"{theme.safe(name(even, rank))}: computes its part of a batch for "
            f"{milliseconds(share.work)}, the rest is exchange and waiting "
            f"({theme.percent(waits, 0)})",
        )
    st.caption(meaning(even))


def name(even: Balance, rank: int) -> str:
    """Return the name of a device; slots of the CPU have one name, so they are numbered."""
    device = even.shares[rank].device or "device"
    same = sum(share.device == even.shares[rank].device for share in even.shares)
    return f"{device} (rank {rank})" if same > 1 else device


def milliseconds(seconds: float) -> str:
    """Write the time of a step."""
    return f"{1000 * seconds:.3g}{NARROW}ms" if seconds < 1 else theme.duration(seconds)


def in_short(even: Balance | None) -> str:
    """Say in a few words how even several devices are; empty for a run on one."""
    if even is None:
        return ""
    return slower(even) or f"{theme.plural(len(even.shares), 'device')}, equally busy"


def slower(even: Balance) -> str:
    """Say which device is clearly slower; empty if none is."""
    slowest = even.slowest
    return "" if slowest is None else f"{name(even, slowest)} is slower than the others"


def meaning(even: Balance) -> str:
    """Say whether a device is clearly slower, and what that means."""
    if not (words := slower(even)):
        return EVEN
    return (
        f"{theme.safe(words)}, and each step takes as long as it does: see what else uses it, and "
        "whether it is too hot."
    )
