#pragma once

#include "job/job_file.hpp"

#include <sluice/record.hpp>

#include <string>
#include <vector>

namespace sluice::job {

/// The [input] table; throws UsageError.
InputEntry read_input_entry(const RawTable& input, const std::string& file);

/// The input records, at least one; throws InputError.
std::vector<Record> read_input(const InputEntry& entry);

/// The records of JSON Lines text, no more than `limit`; `file` names it in errors.
std::vector<Record> read_jsonl(std::string_view text, const std::string& file, std::size_t limit);

}  // namespace sluice::job
