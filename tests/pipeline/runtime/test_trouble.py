"""Errors are recognised by their text, as ONNX Runtime, CUDA and their users reported them."""

import pytest

from pipeline.runtime.trouble import brief, trouble_of

_NODE = "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running "
_ARENA = (
    "/onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 void* onnxruntime::BFCArena::"
    "AllocateRawInternal(size_t, bool, onnxruntime::Stream*, bool, "
    "onnxruntime::WaitNotificationFn) "
)
_GEMM = (
    "file=D:\\a\\_work\\1\\s\\onnxruntime\\core\\providers\\cuda\\math\\gemm.cc ; line=121 ; "
    "expr=cublasGemmHelper(...)"
)


@pytest.mark.parametrize(
    "words",
    [
        _NODE + "Conv node. Name:'/up/Conv' Status Message: \n" + _ARENA
        + "Failed to allocate memory for requested buffer of size 939524096",
        _NODE + "Mul node. Name:'Mul_1' Status Message: " + _ARENA
        + "Available memory of 0 is smaller than requested bytes of 135383040",
        _NODE + "Softmax node. Status Message: std::bad_alloc",
        _NODE + "Softmax node. Status Message: bad allocation",
        "CUDA failure 2: out of memory ; GPU=0 ; hostname=box ; file=/onnxruntime_src/onnxruntime/"
        "core/providers/cuda/cuda_allocator.cc ; line=67 ; expr=cudaMalloc((void**)&p, size);",
        "CUDA error cudaErrorMemoryAllocation:out of memory",
        "CUDA out of memory. Tried to allocate 1.50 GiB (GPU 0; 7.79 GiB total capacity)",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=box ; " + _GEMM,
        "CUDNN failure 4002: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED ; GPU=0",
        "Unable to allocate 1.91 GiB for an array with shape (2, 4, 8192, 8192)",
    ],
)  # fmt: skip
def test_memory_that_ran_out(words: str) -> None:
    assert trouble_of(words) == "out_of_memory"


@pytest.mark.parametrize(
    "words",
    [
        "CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=box ; "
        "file=/onnxruntime_src/onnxruntime/core/providers/cuda/gpu_data_transfer.cc ; line=63 ; "
        "expr=cudaMemcpyAsync(dst_data, src_data, bytes, cudaMemcpyHostToDevice, ...);",
        "RuntimeError: /onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:116 bool "
        "onnxruntime::CudaCall(...) [with ERRTYPE = cudaError; bool THRW = true] CUDA failure 999: "
        "unknown error ; GPU=192915439 ; expr=cudaSetDevice(info_.device_id);",
        "CUDA failure 719: unspecified launch failure ; GPU=1 ; hostname=box",
        "CUDA failure 710: device-side assert triggered ; GPU=0",
        "CUDA failure 100: no CUDA-capable device is detected ; GPU=-1",
        "CUDA error: all CUDA-capable devices are busy or unavailable",
        "CUDA error: CUDA-capable device(s) is/are busy or unavailable",
        "cuda runtime error (46) : all CUDA-capable devices are busy or unavailable at /home/x",
        "CUDA error cudaErrorDevicesUnavailable:devices unavailable",
        "CUDA failure 214: uncorrectable ECC error encountered ; GPU=0",
        "CUBLAS failure 13: CUBLAS_STATUS_EXECUTION_FAILED ; GPU=0 ; hostname=box ; " + _GEMM,
        _NODE + "Conv node. Name:'/conv1/Conv'Status Message: \nCUDNN failure 5000: "
        "CUDNN_STATUS_EXECUTION_FAILED ; \nGPU=0 ; \nhostname=box ; file=conv.cc ; line=493",
        "Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.",
    ],
)  # fmt: skip
def test_a_device_that_is_gone(words: str) -> None:
    assert trouble_of(words) == "device_lost"


@pytest.mark.parametrize(
    "words",
    [
        "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid dimensions for input: sample",
        _NODE + "Einsum node. Status Message: CUDA failure 1: invalid argument ; GPU=1",
        "CUDNN failure 3: CUDNN_STATUS_BAD_PARAM ; GPU=0 ; hostname=box",
        "CUDNN failure 9: CUDNN_STATUS_NOT_SUPPORTED ; GPU=0",
        "CUDA failure 209: no kernel image is available for execution on the device ; GPU=0",
        "CUDA failure 7000: a number of another kind",
        _NODE + "Add node. Name:'Add_700' Status Message: shapes differ: {700} {999}",
    ],
)
def test_anything_else_is_neither(words: str) -> None:
    assert trouble_of(words) is None


def test_the_log_gets_cudas_own_words_in_one_line() -> None:
    words = (
        _NODE + "Conv node. Status Message: \nCUDA failure 700: an illegal memory access was "
        "encountered ; GPU=0 ; hostname=box ; file=/x.cc ; line=63 ; expr=y"
    )
    told = "CUDA failure 700: an illegal memory access was encountered ; GPU=0"
    assert brief(words) == told
    arena = "Failed to allocate memory for requested buffer of size 4"
    assert brief(_NODE + "Softmax node. Status Message: " + _ARENA + arena) == arena
    assert brief("two\nlines " + "x" * 1000) == "two lines " + "x" * 290
