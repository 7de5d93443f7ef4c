#include "cli/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::cli {
namespace {

// For single quotes, with a backslash before what `special` names.
std::string quoted(const std::string& text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += R"('\'')";
    } else {
      if (special.find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string action_of(const OptionText& option) {
  switch (kind_of(option)) {
    case ValueKind::text:
      return " ";
    case ValueKind::file:
      return "_files";
    case ValueKind::job_file:
      return R"(_files -g "*.toml")";
    case ValueKind::folder:
      return "_files -/";
    case ValueKind::choice:
      return fmt::format("({})", fmt::join(choices_of(option), " "));
  }
  return {};
}

std::string value_of(const OptionText& option) {
  return fmt::format(":{}:{}", quoted(option.value, ":"), quoted(action_of(option), ""));
}

std::string argument_line(const OptionText& option) {
  return fmt::format("        '{}{}' \\\n", option.repeated ? "*" : "", value_of(option));
}

// A line for each name of the option.
std::string option_lines(const OptionText& option) {
  std::string lines;
  for (const auto& name : option.names) {
    const auto about = quoted(option.about, R"([]:\)");
    const auto value = option.value.empty() || option.attached ? "" : value_of(option);
    lines +=
        fmt::format("        '{}{}[{}]{}' \\\n", option.repeated ? "*" : "", name, about, value);
  }
  return lines;
}

std::string lines_of(const CommandText& command) {
  std::string lines;
  for (const auto& option : command.options) {
    lines += option.is_argument() ? argument_line(option) : option_lines(option);
  }
  return lines;
}

}  // namespace

std::string zsh_completion(const ProgramText& program) {
  std::string script = "#compdef sluice\n# by 'sluice completion zsh'\n\n_sluice() {\n";
  script += "  local state line\n  local -a commands=(\n";
  for (const auto& command : program.commands) {
    script += fmt::format("    '{}:{}'\n", command.name, quoted(command.about, ":\\"));
  }
  script += "  )\n  _arguments -C \\\n" + lines_of(program.self) +
            "        '1: :->command' '*:: :->arguments'\n  case $state in\n"
            "    command) _describe command commands ;;\n"
            "    arguments)\n      case $words[1] in\n";
  for (const auto& command : program.commands) {
    script +=
        fmt::format("      {}) _arguments \\\n{}        ;;\n", command.name, lines_of(command));
  }
  return script +
         "      esac ;;\n  esac\n}\n\n"
         "if [[ $funcstack[1] = _sluice ]]; then\n  _sluice \"$@\"\nelse\n"
         "  compdef _sluice sluice\nfi\n";
}

}  // namespace sluice::cli
