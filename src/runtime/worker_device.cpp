#include "gpu/link.hpp"
#include "runtime/worker.hpp"

#include <sluice/remark.hpp>

#include <algorithm>
#include <utility>

// How a worker on a GPU hands payloads on (docs/gpu.md). While user code runs, another thread looks
// after links: the worker is their Caretaker then.
namespace sluice::runtime {
namespace {

using namespace std::chrono_literals;

// For what comes while user code runs no doorbell need ring.
constexpr std::chrono::nanoseconds deaf_pause = 1ms;

template <AboutLinks... Kinds>
bool is_any_of(const transport::Message& message) {
  return (holds<Kinds>(message) || ...);
}

}  // namespace

void Worker::prepare_handover() {
  const auto next = place_.stage + 1;
  const bool wanted =
      next < spec_.stages.size() && spec_.stages[next].spec.inputs == Inputs::device;
  const auto path = spec_.options.device_path;
  handover_.set(runner_->device(), wanted, path);
  runner_->keep_on_device(handover_.keeps());
  if (runner_->device() == nullptr) return;
  transport_.set_caretaker(this);
  if (path == DevicePath::nccl && !gpu::has_links()) {
    remark("device_path is 'nccl', but NCCL cannot be used: payloads go through host memory");
  }
}

bool Worker::on_device_word(Packet& packet) {
  return std::visit(
      [this]<class Part>(Part& part) {
        if constexpr (AboutLinks<Part>) {
          handover_.links().on(std::move(part));
        } else if constexpr (std::is_same_v<Part, Fetched>) {
          handover_.on(part);
        } else if constexpr (std::is_same_v<Part, SharedData>) {
          on(std::move(part));
        }
        return AboutDevices<Part>;
      },
      packet);
}

void Worker::on(SharedData part) {
  if (part.data.epoch != epoch_) return;  // whoever sent it has let go of it
  if (auto data = handover_.incoming(std::move(part))) on(std::move(*data));
}

void Worker::look_after_links() {
  auto& links = handover_.links();
  for (const auto rank : lost()) links.lost(rank);
  links.step();
  for (const auto& text : links.take_remarks()) remark(text);
  for (auto& data : links.take_arrived()) on(std::move(data));
}

// What user code waits for on the GPU may be behind a transfer whose other end is no more.
bool Worker::take(transport::Message& message) {
  if (holds<Regroup>(message) || holds<End>(message)) handover_.links().forget(epoch_);
  if (!is_any_of<LinkOffer, LinkState, OfferedData, Cleared>(message)) return false;
  auto packet = unpack(std::move(message));
  return on_device_word(packet);
}

void Worker::step() {
  look_for_lost();
  for (const auto rank : lost()) handover_.links().lost(rank);
  handover_.links().step();
}

std::chrono::nanoseconds Worker::pause() const {
  const auto& links = handover_.links();
  return links.open() == 0 ? links.pause() : std::min(links.pause(), deaf_pause);
}

}  // namespace sluice::runtime
