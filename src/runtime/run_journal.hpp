#pragma once

#include "runtime/id_set.hpp"
#include "store/split_set.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::runtime {

/// What a worker of a stage that writes at teardown wrote between two of its setups.
struct Part {
  std::uint64_t stage = 0;
  std::string folder;         ///< its name among the parts
  std::uint64_t records = 0;  ///< that were written

  bool operator==(const Part&) const = default;
};

/// A part that a worker has closed.
struct ClosedPart {
  Part part;
  IdSet ids;  ///< of the records in it
};

/// A file of one or several parts that becomes an output.
struct Output {
  std::vector<std::string> parts;  ///< paths below the folder of all parts
  std::string target;              ///< below the run directory, or absolute
  std::uint64_t merged_by = 0;     ///< the stage that merges them; only if they are several
};

/// Inputs that need not be looked at again.
struct Settled {
  store::SplitSet done;
  store::SplitSet dead;  ///< of which a record was given up

  bool empty() const { return done.empty() && dead.empty(); }
};

/// One step of a run that is safe: what is settled by it, what was written for inputs that are not
/// done, and where.
struct Commit {
  Settled settled;
  std::vector<Part> parts;
  std::map<std::uint64_t, IdSet> written;  ///< by stage
};

/// A streaming run as its journal tells it (docs/resume.md).
struct RunState {
  std::vector<std::string> pipeline;  ///< lines that say what makes its outputs of what
  std::uint64_t inputs = 0;
  std::uint64_t attempts = 0;
  store::SplitSet done;
  store::SplitSet dead;
  std::vector<Part> parts;
  std::map<std::uint64_t, IdSet> written;  ///< of inputs that are not done
  std::vector<Output> outputs;             ///< once all is done: what is to become of the parts
  std::vector<Output> replaced;            ///< what became of them before inputs were reopened
  bool finished = false;

  /// Inputs that are done or dead.
  std::uint64_t settled() const { return done.size() + dead.size(); }
  void add(Commit commit);
  /// The dead inputs are open again.
  void reopen();
};

// The entries of a journal.
std::string opening_entry(const std::vector<std::string>& pipeline, std::uint64_t inputs);
std::string attempt_entry(std::uint64_t attempt);
std::string commit_entry(const Commit& commit);
std::string reopening_entry();
std::string outputs_entry(const std::vector<Output>& outputs);
std::string finish_entry();

/// The state after these entries. Throws InputError if they are none of ours.
RunState replay(const std::vector<std::string>& entries);

}  // namespace sluice::runtime
