#include "cli/manual.hpp"

#include <sluice/version.hpp>

#include <fmt/format.h>

#include <array>
#include <utility>

namespace sluice::cli {
namespace {

constexpr std::array<std::pair<int, const char*>, 12> exit_codes{{
    {0, "every input record is done"},
    {1, "a bug in sluice"},
    {2, "the command line, the job file or a --set is wrong"},
    {3, "the input is missing, empty or unreadable"},
    {4, "a plugin is missing, or was built for another version"},
    {5, "too few ranks, or ranks that run different pipelines"},
    {6, "a stage's code threw"},
    {7, "a record could not be decoded"},
    {8, "an output could not be written"},
    {9, "stopped early, as it was told to; it can be resumed"},
    {10, "something made no progress for too long; it can be resumed"},
    {11, "a rank died, and the run could not go on without it; it can be resumed"},
}};

// For roff: a backslash or a hyphen as it is, and no request at the start of a line.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else {
      if (c == '-') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string heading(const std::string& name, const std::string& about) {
  return fmt::format(
      ".TH {0} 1 \"\" \"sluice {1}\" \"User Commands\"\n.SH NAME\n{0} \\- {2}\n.SH SYNOPSIS\n",
      escaped(name), SLUICE_VERSION, escaped(about));
}

std::string synopsis(const CommandText& command, const std::string& name) {
  std::string text = fmt::format(".B {}\n[\\fIOPTION\\fR]...\n", name);
  for (const auto& option : command.options) {
    if (!option.is_argument()) continue;
    const auto value = fmt::format("\\fI{}\\fR", escaped(option.value));
    text += option.required ? value : "[" + value + "]";
    text += option.repeated ? "...\n" : "\n";
  }
  return text;
}

std::string term(const OptionText& option) {
  const auto value = fmt::format("\\fI{}\\fR", escaped(option.value));
  if (option.is_argument()) return value;
  std::string text;
  for (const auto& name : option.names) {
    text += fmt::format("{}\\fB{}\\fR", text.empty() ? "" : ", ", escaped(name));
  }
  if (option.value.empty()) return text;
  return text + (option.attached ? "[=" + value + "]" : " " + value);
}

std::string list_of(const CommandText& command, bool arguments) {
  std::string text;
  for (const auto& option : command.options) {
    if (option.is_argument() != arguments) continue;
    text += fmt::format(".TP\n{}\n{}.\n", term(option), escaped(option.about));
  }
  return text;
}

std::string options_of(const CommandText& command) {
  return ".SH OPTIONS\n" + list_of(command, true) + list_of(command, false);
}

}  // namespace

std::string program_page(const ProgramText& program) {
  auto page = heading("sluice", program.self.about);
  page += ".B sluice\n\\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n";
  page +=
      ".SH DESCRIPTION\nsluice runs a linear pipeline of stateful workers, described by a job "
      "file, in one process or on the ranks of mpirun or srun.\n.SH COMMANDS\n";
  for (const auto& command : program.commands) {
    page += fmt::format(".TP\n\\fBsluice\\-{}\\fR(1)\n{}.\n", command.name, escaped(command.about));
  }
  page += options_of(program.self) + ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : exit_codes) {
    page += fmt::format(".TP\n{}\n{}.\n", code, escaped(meaning));
  }
  return page;
}

std::string command_page(const CommandText& command) {
  const auto name = "sluice-" + command.name;
  auto page = heading(name, command.about);
  page += synopsis(command, "sluice " + command.name);
  page += fmt::format(".SH DESCRIPTION\n{}.\n", escaped(command.about));
  return page + options_of(command) + ".SH EXIT STATUS\nAs \\fBsluice\\fR(1) says.\n" +
         ".SH SEE ALSO\n\\fBsluice\\fR(1)\n";
}

}  // namespace sluice::cli
