#pragma once

#include <sluice/buffer.hpp>

#include <cstddef>

/// What a stage needs of the engine to work on a GPU (docs/gpu.md). All of it is about the device
/// of the calling worker, which is set before `setup`, and is CUDA's current device there.
namespace sluice::gpu {

/// Whether the worker has a device. If not, its stage gets host memory and works on the CPU.
bool has_device() noexcept;

/// The worker's cudaStream_t: what a stage does with its inputs, and to buffers from `allocate`, it
/// orders after all that is in this stream. The engine waits for the stream when `process` is done.
/// Null without a device.
void* stream();

/// `size` bytes on the worker's device, uninitialised, for work in `stream`. When the last buffer
/// that shares them goes they are used again, in the order of that stream. Throws Error without a
/// device, or if its memory is full.
Buffer allocate(std::size_t size);

/// Host memory that the device copies from and to by itself; plain host memory without a device.
Buffer allocate_pinned(std::size_t size);

}  // namespace sluice::gpu
