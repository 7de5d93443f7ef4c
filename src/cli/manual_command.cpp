#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/manual.hpp"
#include "job/stages/write_file.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace sluice::cli {
namespace {

void write_pages(const ProgramText& program, const std::filesystem::path& folder) {
  job::write_file(folder / "sluice.1", program_page(program));
  for (const auto& command : program.commands) {
    job::write_file(folder / fmt::format("sluice-{}.1", command.name), command_page(command));
  }
}

std::string page_of(const ProgramText& program, const std::string& name) {
  if (name.empty()) return program_page(program);
  const auto command = std::find_if(program.commands.begin(), program.commands.end(),
                                    [&](const CommandText& known) { return known.name == name; });
  if (command != program.commands.end()) return command_page(*command);
  throw UsageError(fmt::format("there is no command '{}'; 'sluice --help' lists them", name));
}

}  // namespace

int print_completion(const CompletionArguments& arguments) {
  const auto program = arguments.program();
  const auto script = arguments.shell == "bash"  ? bash_completion(program)
                      : arguments.shell == "zsh" ? zsh_completion(program)
                                                 : fish_completion(program);
  fmt::print("{}", script);
  return 0;
}

int print_manual(const ManArguments& arguments) {
  const auto program = arguments.program();
  if (!arguments.all.empty()) {
    write_pages(program, arguments.all);
  } else {
    fmt::print("{}", page_of(program, arguments.command));
  }
  return 0;
}

}  // namespace sluice::cli
