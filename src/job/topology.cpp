#include "job/topology.hpp"

#include "job/units.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::job {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> pieces(std::string_view text, char separator) {
  std::vector<std::string_view> found;
  for (std::size_t start = 0;;) {
    const auto end = text.find(separator, start);
    found.push_back(trimmed(text.substr(start, end - start)));
    if (end == std::string_view::npos) return found;
    start = end + 1;
  }
}

template <class Number>
std::optional<Number> whole_text(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool all = error == std::errc() && end == text.data() + text.size();
  return all ? std::optional(number) : std::nullopt;
}

[[noreturn]] void refuse(std::string_view part, std::string_view whole, std::string_view problem) {
  throw UsageError(
      fmt::format("topology '{}': '{}' {}; write nodes as COUNTx(CORESc,GPUSg,MEMORY), such as "
                  "16x(64c,8g) or 2x(64c,8g,512GiB)+4x(128c)",
                  whole, part, problem));
}

/// Reads one term of a sum.
class Term {
 public:
  Term(std::string_view text, std::string_view whole) : text_(text), whole_(whole) {}

  void add_to(control::Topology& topology) {
    const auto open = text_.find('(');
    if (open == std::string_view::npos || text_.back() != ')') {
      refuse(text_, whole_, "is not of the form COUNTx(…)");
    }
    const auto count = read_count(trimmed(text_.substr(0, open)));
    node_.cpus = 0;
    for (const auto part : pieces(text_.substr(open + 1, text_.size() - open - 2), ',')) {
      read_part(part);
    }
    if (node_.cpus <= 0) refuse(text_, whole_, "has no cores");
    if (topology.nodes.size() + count > most_nodes) refuse(text_, whole_, "makes too many nodes");
    add_nodes(topology, node_, count);
  }

 private:
  std::uint64_t read_count(std::string_view text) const {
    if (text.empty()) return 1;
    if (text.back() != 'x') refuse(text, whole_, "is not a number of nodes with an x");
    const auto count = whole_text<std::uint64_t>(trimmed(text.substr(0, text.size() - 1)));
    if (!count || *count < 1 || *count > most_nodes) {
      refuse(text, whole_, "is not a number of nodes between 1 and 100000");
    }
    return *count;
  }

  void read_part(std::string_view part) {
    const auto number = part.substr(0, part.empty() ? 0 : part.size() - 1);
    const bool each = part.ends_with("/g");
    const char kind = part.empty() ? ' ' : each ? '/' : part.back();
    if (kinds_.find(kind) != std::string::npos)
      refuse(part, whole_, "says a second time what stands before it");
    kinds_.push_back(kind);
    if (each) {
      const auto memory = parse_size(part.substr(0, part.size() - 2));
      if (!memory || *memory == 0) refuse(part, whole_, "is no size of each GPU's memory");
      node_.gpu_memory = *memory;
    } else if (part.ends_with('c')) {
      const auto cpus = whole_text<double>(number);
      if (!cpus || !(*cpus > 0 && *cpus <= most_cpus))
        refuse(part, whole_, "is no number of cores");
      node_.cpus = *cpus;
    } else if (part.ends_with('g')) {
      node_.gpus = read_whole(number, most_gpus, part, "is no number of GPUs up to 1024");
    } else if (part.ends_with('w')) {
      node_.workers = read_whole(number, 1'000'000, part, "is no number of worker ranks");
    } else {
      const auto memory = parse_size(part);
      if (!memory || *memory == 0 || !part.ends_with('B')) {
        refuse(
            part, whole_,
            "is neither cores (64c), GPUs (8g), their memory (80GiB/g), workers (32w) nor memory "
            "(512GiB)");
      }
      node_.memory = *memory;
    }
  }

  std::uint64_t read_whole(std::string_view number, std::uint64_t most, std::string_view part,
                           std::string_view problem) const {
    const auto value = whole_text<std::uint64_t>(number);
    if (!value || *value > most) refuse(part, whole_, problem);
    return *value;
  }

  std::string_view text_;
  std::string_view whole_;
  control::Node node_;
  std::string kinds_;  ///< the last letters of the parts read so far
};

}  // namespace

void add_nodes(control::Topology& topology, control::Node node, std::uint64_t count) {
  const auto prefix = node.name;
  for (std::uint64_t i = 0; i < count; ++i) {
    node.name = prefix.empty() ? fmt::format("node-{}", topology.nodes.size())
                               : fmt::format("{}-{}", prefix, i);
    topology.nodes.push_back(node);
  }
}

control::Topology parse_topology(std::string_view text) {
  control::Topology topology;
  for (const auto term : pieces(text, '+')) {
    if (term.empty()) refuse(term, text, "is empty");
    Term(term, text).add_to(topology);
  }
  return topology;
}

control::Topology topology_option(const std::string& text) {
  return text.ends_with(".toml") ? load_topology(text) : parse_topology(text);
}

}  // namespace sluice::job
