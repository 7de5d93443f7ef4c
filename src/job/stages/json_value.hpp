#pragma once

#include <sluice/record.hpp>

#include <string>

namespace sluice::job {

/// How bytes and tensors stand in JSON: whole, as base64, or only their length and xxh64.
enum class Payload { base64, digest };

/// The record as one JSON object without a newline: "key", then the fields. Bytes are a base64
/// string or {"bytes", "xxh64"}; a tensor is {"dtype", "shape", "data"} or {"dtype", "shape",
/// "bytes", "xxh64"}; numbers that JSON lacks (NaN, infinity) are null. Throws StageError naming
/// the record and field if text is not UTF-8.
std::string to_json(const Record& record, Payload payload);

std::string base64(std::string_view bytes);

}  // namespace sluice::job
