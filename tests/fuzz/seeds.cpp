// fuzz_seeds FOLDER: what the readers are to be fed with at first: whole messages, envelopes,
// batches, journals and texts of a store, as the program itself writes them.
#include "process/batch_table.hpp"
#include "process/frames.hpp"
#include "runtime/protocol.hpp"
#include "runtime/run_journal.hpp"
#include "store/journal.hpp"
#include "store/manifest.hpp"
#include "transport/envelope.hpp"

#include <sluice/any_stage.hpp>
#include <sluice/record.hpp>

#include <filesystem>
#include <fstream>
#include <string>

namespace sluice {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& folder, const std::string& name, const std::string& bytes) {
  fs::create_directories(folder);
  std::ofstream(folder / name, std::ios::binary) << bytes;
}

std::vector<Record> some_records() {
  std::vector<Record> values;
  for (std::uint64_t i = 0; i < 3; ++i) {
    Record record("key-" + std::to_string(i));
    record.set("text", std::string("a page"));
    record.set("count", std::int64_t{7});
    record.set("vector", Tensor{DType::f32, {2}, Buffer(8)});
    values.push_back(std::move(record));
  }
  return values;
}

EncodedBatch batch() {
  AnyBatch records;
  records.records = std::make_shared<std::vector<Record>>(some_records());
  for (std::uint64_t i = 0; i < 3; ++i) {
    records.ids.push_back({i, i == 1 ? RecordPath().child(4) : RecordPath()});
  }
  return record_type<Record>().encode(std::move(records));
}

void write_process(const fs::path& folder) {
  const Batch<Record> records(some_records());
  const process::BatchTable table(records);
  std::string bytes(table.bytes(), '\0');
  table.write(reinterpret_cast<std::byte*>(bytes.data()), 0);
  write(folder / "process_table", "records", bytes.substr(0, table.table_bytes()));
  using process::FrameKind;
  write(folder / "process_frames", "conversation",
        process::packed({FrameKind::hello, 0, R"({"protocol": 1, "name": "test"})"}) +
            process::packed({FrameKind::ready, 0, {}}) +
            process::packed({FrameKind::result, 1, std::string(20, '\0')}) +
            process::packed({FrameKind::failed, 2, R"({"error": "bad", "record": 1})"}));
}

runtime::Commit commit() {
  runtime::Commit commit;
  commit.settled.done.add({0, 10});
  commit.settled.dead.add(12);
  commit.parts.push_back({1, "s2-a1-r3-n0", 11});
  commit.written[1].add(RecordId{11, RecordPath().child(2)});
  return commit;
}

void write_wire(const fs::path& folder) {
  const auto packed = [&](const char* name, runtime::Packet packet) {
    write(folder, name, runtime::pack(1, std::move(packet)).bytes + '\1');
  };
  packed("hello", runtime::Hello{"stage a\n", "host", {}});
  packed("data", runtime::Data{.batch = 3, .total = 3, .records = batch()});
  packed("orders", runtime::Orders{{control::Assign{1, 2, 3}, control::Grant{1, 2, 3, 4, 4},
                                    control::Retire{1}}});
  packed("link-offer", runtime::LinkOffer{0, 1, 2, "an id", "GPU-0"});
  packed("link-state", runtime::LinkState{0, 2, true, runtime::LinkState::State::open});
  packed("offered", runtime::OfferedData{
                        0, 5, 2, {{true, 4096}, {false, 8}}, {.total = 3, .records = batch()}});
  packed("cleared", runtime::Cleared{0, 5});
  runtime::Report report;
  control::Finished finished;
  finished.batch = 3;
  finished.descents = {{1, -1, 5}};
  report.events = {control::Taken{1, 3, 100}, finished, control::Left{1}};
  report.parts.push_back({{1, "s2-a1-r3-n0", 11}, {}});
  packed("report", report);
}

void write_seeds(const fs::path& folder) {
  write_process(folder);
  write_wire(folder / "wire");
  std::string packed;
  batch().pack(packed);
  write(folder / "encoded_batch", "records", packed + '\0');
  std::string envelope = "bytes";
  transport::close_envelope(envelope, {1, 2, 1 << 20, false, {{100, {}}, {1 << 20, {}}}});
  write(folder / "envelope", "sealed", envelope);
  write(folder / "run_journal", "commit",
        runtime::opening_entry({"input", "stage"}, 20) + '\n' + runtime::attempt_entry(1) + '\n' +
            runtime::commit_entry(commit()) + '\n' + runtime::finish_entry() + '\n');
  fs::create_directories(folder / "journal");
  store::Journal journal(folder / "journal" / "commit");
  journal.append(runtime::opening_entry({"input", "stage"}, 20));
  journal.append(runtime::commit_entry(commit()));
  write(folder / "store_texts", "manifest",
        store::manifest_text({"1-read", {{"input", "stage"}}, {}}));
  write(folder / "shard", "changes", std::string("\x10\0\0\0a\x20\0\0\0b", 10));
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  sluice::write_seeds(argv[1]);
  return 0;
}
