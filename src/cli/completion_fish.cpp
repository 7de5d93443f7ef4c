#include "cli/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::cli {
namespace {

std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return fmt::format("'{}'", out);
}

// What a value may be, as arguments of fish's `complete`.
std::string values_of(const OptionText& option) {
  switch (kind_of(option)) {
    case ValueKind::text:
      return "";
    case ValueKind::file:
      return " -F";
    case ValueKind::job_file:
      return " -a '(__fish_complete_suffix .toml)'";
    case ValueKind::folder:
      return " -a '(__fish_complete_directories)'";
    case ValueKind::choice:
      return fmt::format(" -a '{}'", fmt::join(choices_of(option), " "));
  }
  return {};
}

std::string line(const OptionText& option, const std::string& when) {
  auto text = "complete -c sluice -n " + quoted(when);
  for (const auto& name : option.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.value.empty() && !option.attached) {
    const auto* alone = kind_of(option) == ValueKind::file ? " -r" : " -x";
    text += (option.is_argument() ? "" : alone) + values_of(option);
  }
  return text + (option.is_argument() ? "" : " -d " + quoted(option.about)) + "\n";
}

}  // namespace

std::string fish_completion(const ProgramText& program) {
  std::string script = "# fish completion of sluice, by 'sluice completion fish'\n";
  script += "complete -c sluice -f\n";
  const std::string none = "__fish_use_subcommand";
  for (const auto& option : program.self.options) script += line(option, none);
  for (const auto& command : program.commands) {
    script += fmt::format("complete -c sluice -n {} -a {} -d {}\n", none, command.name,
                          quoted(command.about));
    const auto here = "__fish_seen_subcommand_from " + command.name;
    for (const auto& option : command.options) script += line(option, here);
  }
  return script;
}

}  // namespace sluice::cli
