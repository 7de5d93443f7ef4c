#pragma once

#include "runtime/pipelines.hpp"
#include "store/dead_letters.hpp"
#include "store/scratch_folder.hpp"

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

/// Pipelines with records that cannot be processed.
namespace sluice::testing {

inline bool is_poison(const Item& item, int in) {
  return std::hash<std::string>{}(std::to_string(item.number) + item.trail) %
             static_cast<unsigned>(in) ==
         0;
}

/// A stamp that a record in `in` defeats; it names that record, or leaves it to be searched for.
class Poisoned : public Stage<Item, Item> {
 public:
  Poisoned(int in, bool names) : in_(in), names_(names) {}
  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const bool poison = is_poison(batch[i], in_);
      batch[i].trail += "!";  // what is tried again must be as it came
      if (poison && names_) throw RecordError(i, "poison");
      if (poison) throw std::runtime_error("poison");
      out.emit(i, batch[i]);
    }
  }

 private:
  int in_;
  bool names_;
};

/// The same, but that it drops what the other one is defeated by, and counts that.
class Antidote : public Stage<Item, Item> {
 public:
  explicit Antidote(int in) : in_(in) {}
  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (is_poison(batch[i], in_)) {
        ++*dropped_;
      } else {
        out.emit(i, {batch[i].number, batch[i].trail + "!"});
      }
    }
  }
  std::uint64_t dropped() const { return *dropped_; }

 private:
  int in_;
  std::shared_ptr<std::atomic<std::uint64_t>> dropped_ =
      std::make_shared<std::atomic<std::uint64_t>>(0);
};

/// Splits and filters before and behind `stage`, which has dead letters.
template <class S>
Pipeline<Item, Item> around(const S& stage, std::size_t batch_size, std::size_t attempts) {
  return Pipeline<Item>("poisoned")
      .then(Fan("a", 4), {.name = "a", .batch_size = 3})
      .then(stage, {.name = "poisoned",
                    .batch_size = batch_size,
                    .attempts = attempts,
                    .on_failure = OnFailure::dead_letter})
      .then(Fan("c", 3), {.name = "c", .batch_size = 5});
}

inline PipelineSpec<Item, Item> poisoned_run(const Pipeline<Item, Item>& pipeline, int count,
                                             Mode mode, const std::filesystem::path& run_dir) {
  PipelineSpec spec(pipeline, items(count));
  spec.collect = spec.in_order = true;
  spec.options.mode = mode;
  spec.options.run_dir = run_dir;
  return spec;
}

inline std::vector<store::DeadLetter> letters_in(const std::filesystem::path& run_dir) {
  const auto file = run_dir / "dead_letters.jsonl";
  if (!std::filesystem::exists(file)) return {};
  return store::parse_dead_letters(store::read_text(file));
}

/// Who they are about, each once.
inline std::set<std::pair<std::uint64_t, std::vector<std::uint32_t>>> dead_records(
    const std::vector<store::DeadLetter>& letters) {
  std::set<std::pair<std::uint64_t, std::vector<std::uint32_t>>> records;
  for (const auto& letter : letters) {
    EXPECT_TRUE(records.emplace(letter.input, letter.path).second)
        << letter.key << " has two dead letters";
  }
  return records;
}

}  // namespace sluice::testing
