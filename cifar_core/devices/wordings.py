"""How torch and the drivers below it word what went wrong on a GPU, in all their versions."""

import re

# Each line is a wording; tests/devices has a message of each.
OUT_OF_MEMORY = (
    r"(?i)(cuda|hip|mps)\b.*out of memory",  # of torch's allocator, or of the driver
    r"CUDA_ERROR_OUT_OF_MEMORY|hipErrorOutOfMemory|hipErrorMemoryAllocation",
    r"(CUDNN|CUBLAS|CUSOLVER|CUSPARSE|HIPBLAS)_STATUS_ALLOC_FAILED",
    r"miopenStatusAllocFailed|rocblas_status_memory_error",
    r"[Uu]nable to find an engine to execute this computation",  # cuDNN without workspace
    r"[Uu]nable to find a valid cuDNN algorithm",  # the same in earlier versions
    r"Invalid buffer size",  # Apple
    r"kIOGPUCommandBufferCallbackErrorOutOfMemory",
)
HOST_OUT_OF_MEMORY = (
    r"can't allocate memory",  # torch's allocator on the CPU
    r"DefaultCPUAllocator: not enough memory",
    r"Cannot allocate memory",  # the system
    r"std::bad_alloc",
)
MISTAKES = (  # of a program: they would come again on any device
    r"device-side assert",
    r"illegal memory access",
    r"misaligned address",
    r"invalid (argument|configuration argument|value|resource handle)",
)
DEVICE_FAILED = (
    r"(CUDA|HIP)( driver)? error",
    r"Found no NVIDIA driver|(NVIDIA|CUDA) driver\b.*(too old|insufficient|initialization failed)",
    r"cuInit|CUDA initialization|CUDA_ERROR_\w+|hipError\w+",
    r"No (CUDA|HIP) GPUs are available",
    r"no kernel image is available",
    r"not compiled with CUDA|not linked with support for mps|PyTorch is not linked",
    r"busy or unavailable",
    r"unspecified launch failure",
    r"fallen off the bus|GPU is lost",
    r"\bXid\b",
    r"uncorrectable ECC|ECC error",
    r"(CUDNN|CUBLAS|CUSOLVER|CUSPARSE)_STATUS_(NOT_INITIALIZED|EXECUTION_FAILED|MAPPING_ERROR"
    r"|INTERNAL_ERROR|ARCH_MISMATCH)",
    r"MPS backend is (not )?(supported|available)",
)


def lacks_memory(error: BaseException) -> bool:
    """Return True if an error says that a GPU has not enough memory."""
    # by name, so that this module need not import torch
    return type(error).__name__ == "OutOfMemoryError" or is_out_of_memory(str(error))


def is_out_of_memory(words: str) -> bool:
    """Return True if a message says that a GPU has not enough memory."""
    return says(OUT_OF_MEMORY, words)


def is_host_out_of_memory(words: str) -> bool:
    """Return True if a message says that the machine has not enough memory."""
    return says(HOST_OUT_OF_MEMORY, words)


def is_device_failure(words: str) -> bool:
    """Return True if a message says that a GPU or its driver does not work.

    A mistake of the program that a GPU reports is none.
    """
    return says(DEVICE_FAILED, words) and not is_out_of_memory(words) and not says(MISTAKES, words)


def says(wordings: tuple[str, ...], words: str) -> bool:
    """Return True if a message has one of the wordings."""
    return any(re.search(wording, words) for wording in wordings)
