#include "process/session.hpp"

#include "process/died.hpp"
#include "process/environment.hpp"
#include "process/system.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cctype>
#include <utility>

namespace sluice::process {
namespace {

using Clock = Connection::Clock;
using Json = nlohmann::ordered_json;

constexpr auto never = Clock::time_point::max();
constexpr std::chrono::seconds time_to_end{10};
constexpr std::chrono::seconds time_to_let_go{10};
// How often a process that works is told which results are no longer needed.
constexpr std::chrono::milliseconds between_releases{20};

std::filesystem::path log_of(const WorkerContext& context) {
  auto name = context.stage;
  for (auto& c : name) {
    if (c == '/' || std::iscntrl(static_cast<unsigned char>(c)) != 0) c = '_';
  }
  const auto& folder = context.final_dir.empty() ? context.run_dir : context.final_dir;
  return folder / "logs" / fmt::format("{}-w{}.log", name, context.worker);
}

std::string human(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

}  // namespace

// What breaks off the exchange ends the process, and becomes its death.
template <class Body>
auto Session::guarded(Body body) {
  try {
    return body();
  } catch (const Gone&) {
    throw_gone();
  } catch (const Garbage& garbage) {
    throw_died(fmt::format("sent what the protocol does not allow, {}", garbage.what()));
  }
}

Session::Session(const ProcessOptions& options, const WorkerContext& context, SetupKind kind)
    : options_(options),
      context_(context),
      input_("sluice-input", options.shared_memory, MemoryFile::Use::read_write),
      output_(std::make_shared<MemoryFile>("sluice-output", options.shared_memory,
                                           MemoryFile::Use::read_write)),
      leases_(std::make_shared<Leases>(output_)),
      ranges_(input_.limit()) {
  if (!context.debug) {
    log_.emplace(log_of(context));
    log_path_ = log_->path().string();
  }
  auto socket = start();
  connection_.emplace(std::move(socket), child_->death());
  guarded([&] {
    greet();
    set_up(kind);
  });
}

// Returns our end of the socket.
store::Descriptor Session::start() {
  auto options = options_;
  options.env = on_node(std::move(options.env), context_.node_dir);
  auto prepared = prepare(options, context_);
  prepared.variables["SLUICE_NODE_DIR"] = context_.node_dir.string();
  std::array<int, 2> ends{};
  checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), "make a socket");
  store::Descriptor ours(ends[0]);
  const store::Descriptor theirs(ends[1]);
  const auto input = input_.read_only_descriptor();
  const store::Descriptor nothing(
      checked(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open /dev/null"));
  ChildSpec spec{prepared.program, prepared.arguments, {}, {}, context_.debug};
  for (const auto& [name, value] : prepared.variables) spec.variables.push_back(name + "=" + value);
  for (const auto* file : {"SLUICE_PROTOCOL=1", "SLUICE_SOCKET=3", "SLUICE_INPUT_MEMORY=4",
                           "SLUICE_OUTPUT_MEMORY=5"}) {
    spec.variables.emplace_back(file);
  }
  spec.files = {0, 1, 2, theirs.get(), input.get(), output_->descriptor()};
  if (log_) {
    note(fmt::format("starting {}", prepared.program));
    log_->begin();
    spec.files[0] = nothing.get();
    spec.files[1] = spec.files[2] = log_->descriptor();
  }
  child_.emplace(spec);
  return ours;
}

void Session::greet() {
  // Someone may have stopped in a debugger.
  const auto deadline = context_.debug ? never : Clock::now() + options_.start_timeout;
  const auto hello = hello_of(receive(deadline, "hello"));
  if (hello.protocol == protocol_version) return;
  throw UsageError(fmt::format(
      "its process ({}) speaks version {} of the protocol, and this sluice version {}; "
      "install a package for the process that belongs to this sluice",
      hello.name.empty() ? "without a name" : hello.name, hello.protocol, protocol_version));
}

void Session::set_up(SetupKind kind) {
  phase_ = "in setup";
  connection_->send({FrameKind::setup, 0, setup_text(kind)});
  expect(FrameKind::ready, "ready");
  phase_ = "between batches";
}

std::string Session::setup_text(SetupKind kind) const {
  const auto* group = context_.group.get();
  const Json json{{"stage", context_.stage},
                  {"worker", context_.worker},
                  {"workers", context_.workers},
                  {"rank", context_.rank},
                  {"node", context_.node},
                  {"run_dir", context_.run_dir.string()},
                  {"gpus", context_.gpus},
                  {"group_rank", group == nullptr ? 0 : group->rank()},
                  {"group_size", group == nullptr ? 1 : group->size()},
                  {"settings", Json::parse(options_.settings)},
                  {"batch_size", options_.batch_size},
                  {"depth", context_.depth},
                  {"output_limit", output_->limit()},
                  {"node_dir", context_.node_dir.string()},
                  {"on_node", kind != SetupKind::worker},
                  {"only_on_node", kind == SetupKind::node}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Results Session::process(const Batch<Record>& batch) {
  return guarded([&] {
    const BatchTable table(batch);
    require_fit(batch, table);
    ++batch_;
    const auto place = write(batch, table, room_for(table.bytes()));
    send_releases();
    connection_->send({FrameKind::batch, batch_, batch_body(place)});
    auto reply = reply_of(answer());
    if (reply.error) std::rethrow_exception(reply.error);
    return *std::move(reply.results);
  });
}

std::optional<std::uint64_t> Session::send(const Batch<Record>& batch) {
  const BatchTable table(batch);
  require_fit(batch, table);
  const auto offset = ranges_.take(batch_ + 1, table.bytes());
  if (!offset) return std::nullopt;
  ++batch_;
  connection_->send({FrameKind::batch, batch_, batch_body(write(batch, table, *offset))});
  return batch_;
}

std::optional<Reply> Session::poll() {
  return guarded([&]() -> std::optional<Reply> {
    send_releases();
    while (auto frame = connection_->look()) {
      if (frame->kind != FrameKind::release) return reply_of(*frame);
      let_go(frame->batch);
    }
    return std::nullopt;
  });
}

std::vector<int> Session::bells() const {
  return {connection_->descriptor(), child_->death(), leases_->bell()};
}

void Session::require_fit(const Batch<Record>& batch, const BatchTable& table) const {
  if (table.bytes() <= input_.limit()) return;
  throw StageError(fmt::format(
      "a batch of {} records takes {}, more than the shared memory to its process holds ({}); "
      "give the stage a larger shared_memory or a smaller batch_size",
      batch.size(), human(table.bytes()), human(input_.limit())));
}

// As the batch that was numbered last.
Place Session::write(const Batch<Record>& batch, const BatchTable& table, std::uint64_t offset) {
  try {
    input_.grow(offset + table.bytes());
    inside_[batch_] = {batch.size(), table.write(input_.at(offset), offset)};
  } catch (...) {
    ranges_.give_back(batch_);  // the process never hears of it
    throw;
  }
  note_phase();
  return {offset, table.table_bytes()};
}

void Session::note_phase() {
  if (inside_.size() > 1) {
    phase_ = fmt::format("with {} batches in it", inside_.size());
  } else {
    phase_ = inside_.empty() ? "between batches" : "in a batch";
  }
}

// The process may still hold earlier batches.
std::uint64_t Session::room_for(std::uint64_t bytes) {
  const auto deadline = Clock::now() + time_to_let_go;
  while (true) {
    if (const auto offset = ranges_.take(batch_, bytes)) return *offset;
    const auto frame = connection_->receive(deadline);
    if (!frame) break;
    if (frame->kind != FrameKind::release) throw Garbage("a frame that nothing asked for");
    let_go(frame->batch);
  }
  throw StageError(
      fmt::format("there is no room for a batch of {}: the process has not let go of earlier ones, "
                  "and all of them take more than shared_memory ({})",
                  human(bytes), human(input_.limit())));
}

// The result of the batch, or its failure.
Frame Session::answer() {
  while (true) {
    const auto pause = leases_->bytes() > 0 ? Clock::now() + between_releases : never;
    send_releases();  // after the question: what ended before it is sent, the rest is waited for
    auto frame = connection_->receive(pause);
    if (!frame) continue;
    if (frame->kind == FrameKind::release) {
      let_go(frame->batch);
    } else {
      return *std::move(frame);
    }
  }
}

Reply Session::reply_of(const Frame& frame) {
  const bool is_answer = frame.kind == FrameKind::result || frame.kind == FrameKind::failed;
  const auto it = inside_.find(frame.batch);
  if (!is_answer || it == inside_.end()) {
    throw Garbage("a frame that is no answer to a batch that it was given");
  }
  Reply reply{frame.batch};
  if (frame.kind == FrameKind::result) {
    reply.results = take_result(frame);
  } else {
    try {
      fail(frame, it->second.records);
    } catch (const StageError&) {
      reply.error = std::current_exception();
    }
  }
  inside_.erase(it);
  note_phase();
  return reply;
}

Results Session::take_result(const Frame& frame) {
  const auto notice = result_of(frame);
  const auto& given = inside_.at(frame.batch);
  const ResultTable table(notice.place, *output_, given.records, given.sent);
  Results results{table.records(owner_of(frame.batch, table), input_), table.sources()};
  if (notice.released) let_go(frame.batch);
  return results;
}

// Copies what would leave the process too little room, should nobody end what was shared before.
std::shared_ptr<void> Session::owner_of(std::uint64_t batch, const ResultTable& table) {
  const auto bytes = table.shared_bytes();
  if (bytes > 0 && leases_->bytes() + bytes <= output_->limit() / 2) {
    return Leases::lease(leases_, batch, bytes);
  }
  connection_->send({FrameKind::release, batch, {}});  // by the time it goes out, all is copied
  return nullptr;
}

void Session::fail(const Frame& frame, std::size_t inputs) {
  if (frame.batch != 0) let_go(frame.batch);
  const auto failure = failure_of(frame);
  const auto text = failure.details.empty()
                        ? failure.error
                        : fmt::format("{}{}", failure.error, indented(failure.details));
  note(fmt::format("{}: {}", phase_ == "in setup" ? "setup failed" : "failed", text));
  if (failure.record && *failure.record < inputs) throw RecordError(*failure.record, text);
  throw StageError(text);
}

void Session::tear_down() {
  guarded([&] {
    while (!inside_.empty()) reply_of(answer());  // nobody wants them any more
    send_releases();
    phase_ = "in teardown";
    connection_->send({FrameKind::teardown, 0, {}});
    expect(FrameKind::done, "done");
    phase_ = "after teardown";
    if (!child_->wait(time_to_end)) note("did not end after teardown, so it is ended");
    child_->kill();
  });
}

Frame Session::receive(Clock::time_point deadline, std::string_view awaited) {
  if (auto frame = connection_->receive(deadline)) return *std::move(frame);
  throw_died(
      fmt::format("did not say {} within {} s: is it a program that speaks sluice's protocol "
                  "(docs/process-protocol.md)?",
                  awaited, std::chrono::duration<double>(options_.start_timeout).count()));
}

Frame Session::expect(FrameKind kind, std::string_view awaited) {
  while (true) {
    auto frame = receive(never, awaited);
    if (frame.kind == kind) return frame;
    if (frame.kind == FrameKind::failed && frame.batch == 0) fail(frame, 0);
    if (frame.kind != FrameKind::release) {
      throw Garbage(fmt::format("another frame in place of {}", awaited));
    }
    let_go(frame.batch);
  }
}

void Session::let_go(std::uint64_t batch) {
  if (!ranges_.give_back(batch)) throw Garbage("a release of a batch that it does not hold");
}

void Session::send_releases() {
  for (const auto batch : leases_->take_ended()) {
    connection_->send({FrameKind::release, batch, {}});
  }
}

void Session::throw_gone() {
  auto status = child_->wait(std::chrono::seconds(1));
  const bool ended = status.has_value();
  if (!ended) status = child_->kill();
  const auto how =
      ended ? status_text(*status) : std::string("it closed its socket, and was ended");
  const auto text = fmt::format("the process died {}: {}{}", phase_, how, last_words());
  note(fmt::format("the process died {}: {}", phase_, how));
  throw ProcessDied(text, ended && killed_by_others(*status));
}

void Session::throw_died(const std::string& why) {
  child_->kill();
  const auto text = fmt::format("the process {}{}", why, last_words());
  note(fmt::format("the process {}", why));
  throw ProcessDied(text, false);
}

std::string Session::last_words() const {
  if (!log_) return "; what it printed is above";
  const auto lines = log_->last_lines();
  if (lines.empty()) return fmt::format("; it printed nothing ({})", log_path_);
  return fmt::format("; its last lines ({}):{}", log_path_, indented(lines));
}

void Session::note(const std::string& text) {
  if (log_) log_->note(text);
}

}  // namespace sluice::process
