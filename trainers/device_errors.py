"""Which exceptions are a GPU's own, whatever runs on it: told by type and text, as torch has no one class for them.

No torch: whoever tells a user of a failure asks here.
"""

from __future__ import annotations

import re

_TYPES = ("OutOfMemoryError", "AcceleratorError", "DeferredCudaCallError")  # torch's; not in every version
_MEMORY = re.compile(r"CUDA (error: )?out of memory|STATUS_ALLOC_FAILED|cudaErrorMemoryAllocation", re.I)
_TEXT = re.compile(
    r"\b(CUDA|HIP|cuDNN|cuBLAS|cuBLASLt|cuSOLVER|cuSPARSE|cuFFT|NVRTC|NCCL|nvJitLink) (driver )?error\b"
    r"|\bcu(da|dnn|blas|solver|sparse|fft|rand)[A-Za-z]*(Error|Status)[A-Z_]"
    r"|\b(CUDNN|CUBLAS|CUSOLVER|CUSPARSE|CUFFT|CURAND|NVRTC)_(STATUS_|ERROR_)?[A-Z]"
    r"|device-side assert|illegal memory access|no kernel image|NVIDIA driver",
    re.I,
)


def is_device_error(error: BaseException) -> bool:
    """Tell whether a GPU, its driver or its libraries failed, rather than the program that runs on it."""
    by_type = any(each.__name__ in _TYPES for each in type(error).__mro__)
    return by_type or (isinstance(error, RuntimeError) and bool(_TEXT.search(str(error)) or is_out_of_memory(error)))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether a GPU had no memory left, by whatever library that was said."""
    return type(error).__name__ == "OutOfMemoryError" or bool(_MEMORY.search(str(error)))
