#include <sluice/group.hpp>

#include <sluice/codec.hpp>
#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

template <class T>
std::string encoded(T value) {
  std::string bytes;
  Encoder encoder(bytes);
  encoder(value);
  return bytes;
}

template <class T>
T decoded(std::string_view bytes) {
  T value;
  Decoder decoder(bytes);
  decoder(value);
  decoder.finish();
  return value;
}

double reduced(Reduce how, double a, double b) {
  if (how == Reduce::sum) return a + b;
  return how == Reduce::min ? std::min(a, b) : std::max(a, b);
}

const char* name_of(Reduce how) {
  if (how == Reduce::sum) return "sum";
  return how == Reduce::min ? "min" : "max";
}

class Alone final : public Group {
 public:
  int rank() const noexcept override { return 0; }
  int size() const noexcept override { return 1; }
  int local_rank() const noexcept override { return 0; }
  int local_size() const noexcept override { return 1; }
  std::string master_address() const override { return "127.0.0.1"; }
  int master_port() const override { return 0; }
  void check() override {}
  void with_mpi(const std::function<void(void*)>&) override {
    throw UsageError("a group of one rank has no MPI communicator");
  }

 protected:
  std::string through_primary(const std::string&, std::string bytes,
                              const Combine& combine) override {
    return combine({std::move(bytes)});
  }
};

}  // namespace

std::shared_ptr<Group> Group::alone() { return std::make_shared<Alone>(); }

void Group::barrier() {
  through_primary("barrier", {}, [](std::vector<std::string>) { return std::string(); });
}

std::string Group::broadcast(std::string bytes, int root) {
  if (root < 0 || root >= size()) {
    throw UsageError(fmt::format("broadcast from rank {} of a group of {}", root, size()));
  }
  if (rank() != root) bytes.clear();
  return through_primary(fmt::format("broadcast from {}", root), std::move(bytes),
                         [root](std::vector<std::string> all) {
                           return std::move(all[static_cast<std::size_t>(root)]);
                         });
}

std::vector<std::string> Group::allgather(std::string bytes) {
  const auto together = [](std::vector<std::string> all) { return encoded(std::move(all)); };
  return decoded<std::vector<std::string>>(
      through_primary("allgather", std::move(bytes), together));
}

std::vector<double> Group::allreduce(std::vector<double> values, Reduce how) {
  const auto what = fmt::format("allreduce ({}) of {} numbers", name_of(how), values.size());
  const auto combine = [how](const std::vector<std::string>& all) {
    auto result = decoded<std::vector<double>>(all.front());
    for (std::size_t rank = 1; rank < all.size(); ++rank) {
      const auto more = decoded<std::vector<double>>(all[rank]);
      for (std::size_t i = 0; i < result.size(); ++i) result[i] = reduced(how, result[i], more[i]);
    }
    return encoded(std::move(result));
  };
  return decoded<std::vector<double>>(through_primary(what, encoded(std::move(values)), combine));
}

}  // namespace sluice
