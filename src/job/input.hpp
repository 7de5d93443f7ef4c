#pragma once

#include "job/input_facts.hpp"
#include "job/job_file.hpp"

#include <sluice/record.hpp>

#include <string>
#include <vector>

namespace sluice::job {

/// The [input] table; throws UsageError.
InputEntry read_input_entry(const RawTable& input, const std::string& file);

/// The input records, at least one; throws InputError. Says what they were cut out of, if `whole`
/// is not null.
std::vector<Record> read_input(const InputEntry& entry, InputFacts* whole = nullptr);

/// The records of JSON Lines text, no more than `limit`; `file` names it in errors.
std::vector<Record> read_jsonl(std::string_view text, const std::string& file, std::size_t limit);

}  // namespace sluice::job
