#pragma once

#include <sluice/batch.hpp>
#include <sluice/codec.hpp>
#include <sluice/continuous_stage.hpp>
#include <sluice/stage.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Type erasure between the typed pipeline and the engine. Users need none of this.
namespace sluice {

/// Decoded records of some type with their ids; the type is known to the RecordType that made it.
struct AnyBatch {
  std::vector<RecordId> ids;
  std::shared_ptr<void> records;  ///< a std::vector<T>

  std::size_t size() const noexcept { return ids.size(); }
};

/// What the engine can do with records of a type that it doesn't know.
struct RecordType {
  AnyBatch (*decode)(const EncodedBatch&);
  EncodedBatch (*encode)(AnyBatch);
  /// Moves `count` records, from the one at `first`, into a batch of their own.
  AnyBatch (*take)(AnyBatch&, std::size_t first, std::size_t count);
  /// The record's member `key`, if the type has one that is a string; else empty.
  std::string (*key)(const AnyBatch&, std::size_t i);
};

/// How many records a record of the batch became, where that is not one.
struct Descent {
  std::uint64_t origin = 0;
  std::int64_t change = 0;  ///< outputs - 1

  template <class Archive>
  void serialize(Archive& archive) {
    archive(origin, change);
  }
};

struct ProcessResult {
  AnyBatch outputs;
  std::vector<Descent> descents;
};

struct AnyAnswer {
  std::uint64_t ticket = 0;
  Outcome outcome = Outcome::done;
  ProcessResult result = {};
  std::exception_ptr error = {};
};

/// What a continuous stage can do besides.
class AnyContinuous {
 public:
  virtual ~AnyContinuous() = default;
  virtual void submit(std::uint64_t ticket, AnyBatch batch) = 0;
  virtual std::optional<AnyAnswer> poll() = 0;
  virtual void wake_with(std::function<void()> wake) = 0;
};

/// One worker's stage, with its types erased.
class AnyStage {
 public:
  virtual ~AnyStage() = default;
  virtual void setup_on_node(const WorkerContext& context) = 0;
  virtual void setup(const WorkerContext& context) = 0;
  virtual ProcessResult process(AnyBatch batch) = 0;
  virtual void teardown() = 0;
  /// Null if it takes one batch at a time.
  virtual AnyContinuous* continuous() { return nullptr; }
};

using StageFactory = std::function<std::unique_ptr<AnyStage>()>;

/// Ids for the outputs of a batch, and the descents of its inputs: an only child keeps its parent's
/// id, siblings get their number appended.
std::vector<RecordId> child_ids(std::vector<RecordId> parents,
                                const std::vector<std::uint32_t>& sources,
                                std::vector<Descent>& descents);

/// Turns the exception in flight into a RecordError with ExitCode::decode.
[[noreturn]] void rethrow_decode_error(std::size_t index);

template <class T>
AnyBatch decode_records(const EncodedBatch& encoded) {
  auto records = std::make_shared<std::vector<T>>(encoded.size());
  AnyBatch batch;
  batch.ids.reserve(encoded.size());
  Decoder decoder("");
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    try {
      decoder.restart(encoded.record_bytes(i), encoded.record_buffers(i));
      decoder((*records)[i]);
      decoder.finish();
    } catch (const std::exception&) {
      rethrow_decode_error(i);
    }
    batch.ids.push_back(encoded.id(i));
  }
  batch.records = std::move(records);
  return batch;
}

template <class T>
EncodedBatch encode_records(AnyBatch batch) {
  EncodedBatch encoded;
  encoded.reserve(batch.size());
  const auto& records = *static_cast<std::vector<T>*>(batch.records.get());
  Encoder encoder(encoded);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    encoder(records[i]);
    encoded.end_record(std::move(batch.ids[i]));
    if (i == 0) encoded.expect_alike(batch.size());
  }
  return encoded;
}

template <class T>
AnyBatch take_records(AnyBatch& batch, std::size_t first, std::size_t count) {
  auto& records = *static_cast<std::vector<T>*>(batch.records.get());
  const auto from = static_cast<std::ptrdiff_t>(first);
  const auto to = static_cast<std::ptrdiff_t>(first + count);
  AnyBatch part;
  part.ids.assign(std::make_move_iterator(batch.ids.begin() + from),
                  std::make_move_iterator(batch.ids.begin() + to));
  part.records = std::make_shared<std::vector<T>>(std::make_move_iterator(records.begin() + from),
                                                  std::make_move_iterator(records.begin() + to));
  return part;
}

template <class T>
std::string key_of_record([[maybe_unused]] const AnyBatch& batch, [[maybe_unused]] std::size_t i) {
  if constexpr (requires(const T& record) { std::string(record.key); }) {
    return std::string((*static_cast<const std::vector<T>*>(batch.records.get()))[i].key);
  } else {
    return {};
  }
}

template <class T>
const RecordType& record_type() {
  static_assert(Encodable<T>,
                "a record type must be default-constructible and have a serialize member or "
                "functions: template <class A> void serialize(A& archive) { archive(a, b); }");
  static constexpr RecordType type{&decode_records<T>, &encode_records<T>, &take_records<T>,
                                   &key_of_record<T>};
  return type;
}

/// What the emitter holds, given the ids of the records that it descends from.
template <class Out>
ProcessResult result_of(std::vector<RecordId> parents, Emitter<Out>& emitter) {
  ProcessResult result;
  result.outputs.ids = child_ids(std::move(parents), emitter.sources(), result.descents);
  result.outputs.records = std::make_shared<std::vector<Out>>(std::move(emitter.records()));
  return result;
}

template <class In, class Out>
class TypedContinuous final : public AnyContinuous {
 public:
  explicit TypedContinuous(ContinuousStage<In, Out>& stage) : stage_(stage) {}

  void submit(std::uint64_t ticket, AnyBatch input) override {
    Batch<In> batch(std::move(*static_cast<std::vector<In>*>(input.records.get())));
    stage_.submit(ticket, std::move(batch));
    parents_[ticket] = std::move(input.ids);
  }

  std::optional<AnyAnswer> poll() override {
    auto answer = stage_.poll();
    if (!answer) return std::nullopt;
    auto parents = parents_.extract(answer->ticket);
    if (!parents) throw StageError("the stage answered a batch that it was not given");
    AnyAnswer any{answer->ticket, answer->outcome, {}, answer->fault()};
    if (any.error == nullptr) {
      any.result = result_of(std::move(parents.mapped()), *answer->outputs);
    } else if (any.outcome == Outcome::done) {
      any.outcome = Outcome::failed;
    }
    return any;
  }

  void wake_with(std::function<void()> wake) override { stage_.wake_with(std::move(wake)); }

 private:
  ContinuousStage<In, Out>& stage_;
  std::map<std::uint64_t, std::vector<RecordId>> parents_;  ///< by ticket, of what is inside
};

template <class In, class Out>
class TypedStage final : public AnyStage {
 public:
  explicit TypedStage(std::unique_ptr<Stage<In, Out>> stage) : stage_(std::move(stage)) {
    auto* continuous = dynamic_cast<ContinuousStage<In, Out>*>(stage_.get());
    if (continuous != nullptr) continuous_.emplace(*continuous);
  }

  void setup_on_node(const WorkerContext& context) override { stage_->setup_on_node(context); }
  void setup(const WorkerContext& context) override { stage_->setup(context); }
  void teardown() override { stage_->teardown(); }

  ProcessResult process(AnyBatch input) override {
    Batch<In> batch(std::move(*static_cast<std::vector<In>*>(input.records.get())));
    Emitter<Out> emitter(input.size());
    stage_->process(batch, emitter);
    return result_of(std::move(input.ids), emitter);
  }

  AnyContinuous* continuous() override { return continuous_ ? &*continuous_ : nullptr; }

 private:
  std::unique_ptr<Stage<In, Out>> stage_;
  std::optional<TypedContinuous<In, Out>> continuous_;
};

}  // namespace sluice
