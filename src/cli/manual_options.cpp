#include "cli/options.hpp"

namespace sluice::cli {
namespace {

// A command is told of all when it is performed: now there may be more to come.
std::function<ProgramText()> whole_program(const CLI::App& command) {
  return [&command] { return describe_program(*command.get_parent()); };
}

}  // namespace

void define_completion(CLI::App& command, CompletionArguments& arguments) {
  command.add_option("shell", arguments.shell, "The shell: source <(sluice completion bash)")
      ->required()
      ->type_name("bash|zsh|fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
  arguments.program = whole_program(command);
}

void define_man(CLI::App& command, ManArguments& arguments) {
  command
      .add_option("command", arguments.command,
                  "Of this command, and not of them all: sluice man run | man -l -")
      ->type_name("COMMAND");
  command.add_option("--all", arguments.all, "Write all pages into this folder")
      ->type_name("FOLDER");
  arguments.program = whole_program(command);
}

void define_reference(CLI::App& command, ReferenceArguments& arguments) {
  command.group("");  // of no use to users
  command.add_option("part", arguments.part, "This part of the reference");
}

}  // namespace sluice::cli
