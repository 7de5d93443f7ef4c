#pragma once

#include <string>
#include <vector>

namespace sluice::cli {

/// An option of a command, or an argument.
struct OptionText {
  std::vector<std::string> names;  ///< "-o" and "--out"; an argument has none
  std::string value;               ///< "FILE", or "a|b|c"; empty: it takes none
  std::string about;
  bool attached = false;  ///< the value may be left out, and else is written --page=PORT
  bool required = false;
  bool repeated = false;

  bool is_argument() const { return names.empty(); }
};

struct CommandText {
  std::string name;
  std::string about;
  std::vector<OptionText> options;  ///< arguments too, in their order
};

/// All that the command line takes, for manual pages and completion.
struct ProgramText {
  CommandText self;
  std::vector<CommandText> commands;
};

/// What can be said in place of a value, by the value's name in the help: "FILE" is a file.
enum class ValueKind { text, file, job_file, folder, choice };
ValueKind kind_of(const OptionText& option);
/// "a|b|c" one by one.
std::vector<std::string> choices_of(const OptionText& option);

}  // namespace sluice::cli
