#include "cli/command_tree.hpp"

#include "cli/options.hpp"

#include <sstream>

namespace sluice::cli {
namespace {

OptionText describe(const CLI::Option& option) {
  OptionText text;
  for (const auto& name : option.get_snames()) text.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) text.names.push_back("--" + name);
  text.value = option.get_type_name();
  text.about = option.get_description();
  text.attached = option.get_items_expected_max() == 0 && !text.value.empty();
  text.required = option.get_required();
  text.repeated = option.get_items_expected_max() > 1;
  return text;
}

CommandText describe_command(const CLI::App& command) {
  CommandText text{command.get_name(), command.get_description(), {}};
  for (const auto* option : command.get_options()) {
    if (!option->get_group().empty()) text.options.push_back(describe(*option));
  }
  return text;
}

}  // namespace

ProgramText describe_program(const CLI::App& app) {
  ProgramText program{describe_command(app), {}};
  const auto shown = [](const CLI::App* command) { return !command->get_group().empty(); };
  for (const auto* command : app.get_subcommands(shown)) {
    program.commands.push_back(describe_command(*command));
  }
  return program;
}

ValueKind kind_of(const OptionText& option) {
  if (option.value.find('|') != std::string::npos) return ValueKind::choice;
  if (option.value == "FILE" || option.value == "PATH") return ValueKind::file;
  if (option.value == "JOB.toml") return ValueKind::job_file;
  if (option.value == "RUN_DIR" || option.value == "FOLDER") return ValueKind::folder;
  return ValueKind::text;
}

std::vector<std::string> choices_of(const OptionText& option) {
  std::vector<std::string> choices;
  std::istringstream words(option.value);
  for (std::string word; std::getline(words, word, '|');) choices.push_back(word);
  return choices;
}

}  // namespace sluice::cli
