// A stage's process for tests, which does as its first argument says. It speaks the protocol from
// docs/process-protocol.md and nothing of sluice's code, so that it checks that code.
#include <nlohmann/json.hpp>

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Json = nlohmann::json;

struct Head {
  std::uint32_t kind;
  std::uint32_t size;
  std::uint64_t batch;
};
struct Table {
  std::uint32_t magic, records, fields, dimensions;
  std::uint64_t text, zero;
};
struct RecordPart {
  std::uint32_t source, fields, key, zero;
};
struct FieldPart {
  std::uint32_t name;
  std::uint8_t type, dtype, dimensions, memory;
  std::uint64_t a, b;
};

int file_from(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) std::exit(90);
  return std::atoi(text);
}

class Worker {
 public:
  Worker(std::string mode, std::vector<std::string> arguments)
      : mode_(std::move(mode)), arguments_(std::move(arguments)) {}

  int run() {
    if (mode_ == "exits") return say_and_exit();
    if (mode_ == "silent") ::pause();
    if (mode_ == "chatty") chat();
    send(1, 0, Json{{"protocol", mode_ == "old" ? 2 : 1}, {"name", "test"}}.dump());
    if (mode_ == "noise") noise();
    set_up();
    while (true) {
      if (mode_ == "gathers" && answers_one()) continue;
      const auto [head, body] = receive();
      if (head.kind == 4 && mode_ == "gathers") {
        gather({head, body});
      } else if (head.kind == 4) {
        process(head.batch, body);
      }
      if (head.kind == 7) --held_;
      if (head.kind == 8) break;
    }
    send(9, 0, "");
    return 0;
  }

 private:
  struct Frame {
    Head head;
    std::string body;
  };

  int say_and_exit() {
    for (int i = 0; i < 50; ++i) std::fprintf(stderr, "line %d\n", i);
    std::fprintf(stderr, "ImportError: no module named 'nothing'\n");
    return 3;
  }

  void chat() {
    const std::string line(1023, 'x');
    for (int i = 0; i < 3000; ++i) std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  }

  void noise() {
    const std::string bytes(1000, '\x77');
    (void)::write(socket_, bytes.data(), bytes.size());
    ::pause();
  }

  void send(std::uint32_t kind, std::uint64_t batch, const std::string& body) const {
    const Head head{kind, static_cast<std::uint32_t>(body.size()), batch};
    std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
    bytes += body;
    if (::write(socket_, bytes.data(), bytes.size()) < 0) std::exit(91);
  }

  void take(void* to, std::size_t size) const {
    if (size > 0 && ::recv(socket_, to, size, MSG_WAITALL) <= 0) std::exit(0);
  }

  Frame receive() const {
    Frame frame{};
    take(&frame.head, sizeof frame.head);
    frame.body.resize(frame.head.size);
    take(frame.body.data(), frame.body.size());
    return frame;
  }

  void set_up() {
    setup_ = Json::parse(receive().body);
    const auto limit = setup_["output_limit"].get<std::size_t>();
    input_ = map(file_from("SLUICE_INPUT_MEMORY"), limit, PROT_READ);
    output_file_ = file_from("SLUICE_OUTPUT_MEMORY");
    output_ = map(output_file_, limit, PROT_READ | PROT_WRITE);
    if (!arguments_.empty() && mode_ == "notes") {
      const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
      setup_["visible"] = visible == nullptr ? "all" : visible;
      std::ofstream(arguments_[0], std::ios::app) << setup_.dump() << "\n";
    }
    if (mode_ == "fails-setup") {
      send(6, 0, Json{{"error", "no such model"}, {"details", "line 1\nline 2"}}.dump());
      std::exit(1);
    }
    if (mode_ == "forks" && ::fork() == 0) {
      while (true) ::pause();
    }
    send(3, 0, "");
  }

  static char* map(int file, std::size_t size, int protection) {
    void* at = ::mmap(nullptr, size, protection, MAP_SHARED, file, 0);
    if (at == MAP_FAILED) std::exit(92);
    return static_cast<char*>(at);
  }

  void process(std::uint64_t batch, const std::string& body) {
    std::uint64_t place[2];
    std::memcpy(place, body.data(), sizeof place);
    const char* table = input_ + place[0];
    act(batch, table);
    if (mode_ == "garbage") return answer(batch, std::string(200, 'g'), true);
    if (held_ == 0) place_ = after_ = 0;
    std::string result(table, place[1]);
    if (mode_ == "outside")
      aim_outside(result);
    else if (mode_ == "copy")
      copy_values(result);
    else
      hand_on(result);
    answer(batch, result, mode_ != "keep");
    if (mode_ == "keep" && batch > 1) send(7, batch - 1, "");
  }

  // "gathers N [crashes|keeps KEY]": answers once it has N batches, or no other comes for a while,
  // the last first; crashes with, or never answers, the one that has the key.
  void gather(Frame frame) {
    gathered_.push_back(std::move(frame));
    if (gathered_.size() <= most_) return;
    most_ = gathered_.size();
    std::printf("most %zu\n", most_);
    std::fflush(stdout);
  }
  bool answers_one() {
    const auto wanted = std::stoul(arguments_.at(0));
    pollfd more{socket_, POLLIN, 0};
    if (gathered_.empty()) return false;
    if (gathered_.size() < wanted && ::poll(&more, 1, 50) > 0) return false;
    const std::string does = arguments_.size() > 1 ? arguments_[1] : "";
    for (auto it = gathered_.rbegin(); it != gathered_.rend(); ++it) {
      const bool marked = !does.empty() && has_key(*it, arguments_.at(2));
      if (marked && does == "crashes") crash();
      if (marked) continue;
      const auto frame = std::move(*it);
      gathered_.erase(std::next(it).base());
      process(frame.head.batch, frame.body);
      return true;
    }
    return false;
  }
  bool has_key(const Frame& frame, const std::string& key) const {
    std::uint64_t place = 0;
    std::memcpy(&place, frame.body.data(), sizeof place);
    const auto found = keys(input_ + place);
    return std::find(found.begin(), found.end(), key) != found.end();
  }

  std::vector<std::string> keys(const char* table) const {
    const auto* head = reinterpret_cast<const Table*>(table);
    const auto* records = reinterpret_cast<const RecordPart*>(head + 1);
    const auto* fields = reinterpret_cast<const FieldPart*>(records + head->records);
    const char* text = reinterpret_cast<const char*>(fields + head->fields) + 8 * head->dimensions;
    std::vector<std::string> found;
    for (std::uint32_t i = 0; i < head->records; ++i) {
      found.emplace_back(text, records[i].key);
      text += records[i].key;
      for (std::uint32_t f = 0; f < records[i].fields; ++f) text += (fields++)->name;
    }
    return found;
  }

  // What is particular about the mode.
  void act(std::uint64_t batch, const char* table) {
    if (mode_ == "sleeps") ::usleep(static_cast<useconds_t>(std::stoi(arguments_.at(0)) * 1000));
    if (mode_ == "hangs") ::pause();
    if (mode_ == "closes") {
      ::close(socket_);
      ::pause();
    }
    const auto found = keys(table);
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (arguments_.empty() || found[i] != arguments_[0]) continue;
      if (mode_ == "crashes") crash();
      if (mode_ == "crashes-once" && ::access(arguments_.at(1).c_str(), F_OK) != 0) {
        std::ofstream(arguments_[1]) << "crashed\n";
        crash();
      }
      if (mode_ == "fails") {
        send(6, batch, Json{{"error", "bad record"}, {"record", i}, {"details", "trace"}}.dump());
        failed_ = true;
      }
    }
  }

  static void crash() {
    std::fprintf(stderr, "about to crash\n");
    ::signal(SIGSEGV, SIG_DFL);
    ::raise(SIGSEGV);
  }

  FieldPart* fields_of(std::string& table) const {
    auto* head = reinterpret_cast<Table*>(table.data());
    return reinterpret_cast<FieldPart*>(reinterpret_cast<RecordPart*>(head + 1) + head->records);
  }
  std::uint32_t field_count(const std::string& table) const {
    return reinterpret_cast<const Table*>(table.data())->fields;
  }
  static bool is_outside(const FieldPart& field) { return field.type != 2 && field.type != 3; }

  // The values where they are.
  void hand_on(std::string& table) const {
    for (std::uint32_t i = 0; i < field_count(table); ++i) {
      auto& field = fields_of(table)[i];
      if (is_outside(field)) field.memory = 1;
    }
  }
  void aim_outside(std::string& table) const {
    for (std::uint32_t i = 0; i < field_count(table); ++i) fields_of(table)[i].a = 1ULL << 50;
  }
  void copy_values(std::string& table) {
    auto at = (place_ + table.size() + 63) / 64 * 64;
    for (std::uint32_t i = 0; i < field_count(table); ++i) {
      auto& field = fields_of(table)[i];
      if (!is_outside(field)) continue;
      grow(at + field.b);
      std::memcpy(output_ + at, input_ + field.a, field.b);
      field.a = at;
      at = (at + field.b + 63) / 64 * 64;
    }
    after_ = at;
  }

  void answer(std::uint64_t batch, const std::string& table, bool released) {
    if (failed_) {
      failed_ = false;
      return;
    }
    grow(place_ + table.size());
    std::memcpy(output_ + place_, table.data(), table.size());
    const std::uint64_t place[2] = {place_, table.size()};
    const std::uint32_t flag = released ? 1 : 0;
    std::string body(reinterpret_cast<const char*>(place), sizeof place);
    body.append(reinterpret_cast<const char*>(&flag), sizeof flag);
    send(5, batch, body);
    ++held_;
    // Round and round: tests let go of results in time.
    place_ = std::max(after_, (place_ + table.size() + 63) / 64 * 64);
    if (place_ > setup_["output_limit"].get<std::uint64_t>() / 2) place_ = 0;
  }

  void grow(std::uint64_t size) {
    if (size <= size_) return;
    size_ = size;
    if (::ftruncate(output_file_, static_cast<off_t>(size)) != 0) std::exit(93);
  }

  std::string mode_;
  std::vector<std::string> arguments_;
  int socket_ = file_from("SLUICE_SOCKET");
  Json setup_;
  char* input_ = nullptr;
  int output_file_ = -1;
  char* output_ = nullptr;
  std::uint64_t size_ = 0;
  std::uint64_t place_ = 0;
  std::uint64_t after_ = 0;
  int held_ = 0;  ///< results that the rank has not let go of
  bool failed_ = false;
  std::vector<Frame> gathered_;
  std::size_t most_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  return Worker(argv[1], std::vector<std::string>(argv + 2, argv + argc)).run();
}
