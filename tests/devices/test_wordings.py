"""Each wording of the tables, in a message that has it."""

import pytest

from cifar_core.devices import wordings
from cifar_core.runs.record.failures import reason_of


class AcceleratorError(RuntimeError):
    """Has the name of torch's."""


MESSAGES = {
    "oom": [
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8.00 GiB",
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
        "CUDA driver error: out of memory",
        "HIP out of memory. Tried to allocate 20.00 MiB",
        "MPS backend out of memory (MPS allocated: 17.9 GB, other allocations: 1.2 GB)",
        "Triton Error [CUDA]: out of memory",
        "CUDA_ERROR_OUT_OF_MEMORY",
        "hipErrorOutOfMemory",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "miopenStatusAllocFailed",
        "GET was unable to find an engine to execute this computation",
        "Unable to find a valid cuDNN algorithm to run convolution",
        "Invalid buffer size: 14.00 GB",
        "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)",
    ],
    "host_memory": [
        "[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.",
        "[Errno 12] Cannot allocate memory",
        "std::bad_alloc",
    ],
    "device": [
        "CUDA error: unspecified launch failure",
        "CUDA error: CUDA-capable device(s) is/are busy or unavailable",
        "CUDA error: uncorrectable ECC error encountered",
        "CUDA error: unknown error",
        "HIP error: the operation cannot be performed in the present state",
        "CUDA driver error: device not ready",
        "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU",
        "The NVIDIA driver on your system is too old (found version 12020).",
        "CUDA driver initialization failed, you might not have a CUDA gpu.",
        "Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized; cuInit",
        "CUDA initialization: CUDA unknown error - this may be due to an incorrectly set up",
        "CUDA_ERROR_ECC_UNCORRECTABLE",
        "No CUDA GPUs are available",
        "CUDA error: no kernel image is available for execution on the device",
        "Torch not compiled with CUDA enabled",
        "GPU 0000:41:00.0 has fallen off the bus",
        "GPU is lost. Reboot the system to recover this GPU",
        "NVRM: Xid (PCI:0000:41:00): 79",
        "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling cublasSgemm",
        "The MPS backend is supported on MacOS 14.0+. Current OS version can be queried",
    ],
    "bug": [
        "CUDA error: device-side assert triggered",
        "CUDA error: an illegal memory access was encountered",
        "CUDA error: misaligned address",
        "CUDA error: invalid configuration argument",
        "CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling cublasSgemm, invalid value",
        "Expected all tensors to be on the same device, but found at least two devices, cuda:0",
        "mat1 and mat2 shapes cannot be multiplied (8x4 and 2x8)",
        "lazily loading; CUDA driver 580 found",
    ],
}


@pytest.mark.parametrize(
    ("reason", "message"),
    [(reason, message) for reason, messages in MESSAGES.items() for message in messages],
)
def test_a_message_has_its_reason_whatever_the_type_of_the_error(reason, message):
    assert reason_of(RuntimeError(message)) == reason
    assert reason_of(AcceleratorError(message)) == reason


@pytest.mark.parametrize(
    ("table", "reason"),
    [("OUT_OF_MEMORY", "oom"), ("HOST_OUT_OF_MEMORY", "host_memory"), ("DEVICE_FAILED", "device"),
     ("MISTAKES", "bug")],
)  # fmt: skip
def test_each_wording_has_a_message(table, reason):
    for wording in getattr(wordings, table):
        assert any(wordings.says((wording,), message) for message in MESSAGES[reason]), wording
