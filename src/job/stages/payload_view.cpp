#include "job/stages/payload_view.hpp"

namespace sluice::job {

std::string_view payload_view(const Record& record, std::string_view field) {
  for (const auto& [name, value] : record.fields()) {
    if (name != field) continue;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
  }
  return record.get<Buffer>(field).view();
}

}  // namespace sluice::job
