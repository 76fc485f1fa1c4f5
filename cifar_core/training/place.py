"""Where this process computes: on which device, and with how many CPU threads."""

import torch


def compute_on(device: str, threads: int) -> None:
    """Make this process compute on a device, by torch's name, and with so many CPU threads.

    To be called before anything else touches a GPU: memory, events and waiting without a device of
    their own then mean this GPU, and no other one is opened.
    """
    torch.set_num_threads(threads)
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
