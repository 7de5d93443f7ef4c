#include "cli/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::cli {
namespace {

constexpr std::string_view head = R"(# bash completion of sluice, by 'sluice completion bash'

_sluice_commands='{}'

# What command $1 takes: its options, what its arguments are, and what follows the option $2.
_sluice_knows() {{
  options='{}' argument= value=
  case $1 in
)";

constexpr std::string_view tail = R"(  esac
}

# Completes $cur as a value of this sort.
_sluice_value() {
  case $1 in
    text) ;;
    file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    folder) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    job) compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -X '!*.toml' -- "$cur"; compgen -d -- "$cur") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "${1//|/ }" -- "$cur") ;;
  esac
}

_sluice() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' i
  local options argument value
  COMPREPLY=()
  # The shell takes --option=value apart.
  if [[ $cur == '=' ]]; then cur=; elif [[ $prev == '=' ]]; then prev=${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ ${COMP_WORDS[i]} == -* ]] || { command=${COMP_WORDS[i]}; break; }
  done
  _sluice_knows "$command" "$prev"
  if [[ -n $value ]]; then
    _sluice_value "$value"
  elif [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
  elif [[ -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$_sluice_commands" -- "$cur")
  elif [[ -n $argument ]]; then
    _sluice_value "$argument"
  fi
}

complete -F _sluice sluice
)";

std::string sort_of(const OptionText& option) {
  switch (kind_of(option)) {
    case ValueKind::text:
      return "text";
    case ValueKind::file:
      return "file";
    case ValueKind::job_file:
      return "job";
    case ValueKind::folder:
      return "folder";
    case ValueKind::choice:
      return option.value;
  }
  return {};
}

std::string names_of(const CommandText& command) {
  std::vector<std::string> names;
  for (const auto& option : command.options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return fmt::format("{}", fmt::join(names, " "));
}

std::string values_of(const CommandText& command) {
  std::string cases;
  for (const auto& option : command.options) {
    if (option.is_argument() || option.value.empty() || option.attached) continue;
    cases += fmt::format(" {}) value='{}' ;;", fmt::join(option.names, "|"), sort_of(option));
  }
  return cases.empty() ? "" : fmt::format("\n      case $2 in{} esac", cases);
}

std::string case_of(const CommandText& command) {
  std::string argument;
  for (const auto& option : command.options) {
    if (option.is_argument() && argument.empty()) argument = sort_of(option);
  }
  return fmt::format("    {})\n      options='{}' argument='{}'{} ;;\n", command.name,
                     names_of(command), argument, values_of(command));
}

}  // namespace

std::string bash_completion(const ProgramText& program) {
  std::vector<std::string> commands;
  for (const auto& command : program.commands) commands.push_back(command.name);
  auto script = fmt::format(head, fmt::join(commands, " "), names_of(program.self));
  for (const auto& command : program.commands) script += case_of(command);
  return script.append(tail);
}

}  // namespace sluice::cli
