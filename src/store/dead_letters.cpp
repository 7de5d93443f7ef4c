#include "store/dead_letters.hpp"

#include "store/disk.hpp"
#include "store/file_store.hpp"
#include "store/whole_number.hpp"

#include <sluice/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::store {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void fail(std::string_view verb, const std::filesystem::path& file) {
  throw IoError(fmt::format(
      "cannot {} the dead letters in '{}': {}; check the folder's permissions and free space", verb,
      file.string(), std::generic_category().message(errno)));
}

}  // namespace

std::string to_line(const DeadLetter& letter) {
  Json json{{"input", letter.input}, {"key", letter.key}};
  if (!letter.path.empty()) json["path"] = letter.path;
  if (!letter.record.empty()) json["record"] = letter.record;
  json["stage"] = letter.stage;
  json["error"] = letter.error;
  json["attempts"] = letter.attempts;
  json["rank"] = letter.rank;
  json["node"] = letter.node;
  json["time"] = letter.time;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::optional<DeadLetter> parse_dead_letter(std::string_view line) {
  try {
    const auto json = Json::parse(line);
    DeadLetter letter;
    letter.input = whole_number(json.at("input"));
    letter.key = json.at("key");
    for (const auto& number : json.value("path", Json::array())) {
      letter.path.push_back(whole_number<std::uint32_t>(number));
    }
    letter.record = json.value("record", letter.record);
    letter.stage = json.at("stage");
    letter.error = json.at("error");
    letter.attempts = whole_number(json.at("attempts"));
    letter.rank = whole_number<int>(json.at("rank"));
    letter.node = json.at("node");
    letter.time = json.at("time");
    return letter;
  } catch (const Json::exception&) {
    return std::nullopt;
  } catch (const InputError& error) {
    throw InputError(fmt::format("a dead letter is none that this version of sluice writes: {}: {}",
                                 error.what(), line));
  }
}

std::vector<DeadLetter> parse_dead_letters(std::string_view text) {
  std::vector<DeadLetter> letters;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (auto letter = parse_dead_letter(text.substr(0, end))) letters.push_back(*std::move(letter));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return letters;
}

DeadLetters::~DeadLetters() { close(); }

void DeadLetters::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void DeadLetters::append(const DeadLetter& letter) {
  pending_ += to_line(letter);
  inputs_.insert(letter.input);
  ++size_;
}

void DeadLetters::flush() {
  if (pending_.empty()) return;
  open();
  for (std::string_view left = pending_; !left.empty();) {
    const auto written = ::write(descriptor_, left.data(), left.size());
    if (written < 0 && errno != EINTR) fail("write", file_);
    left.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(0, written)));
  }
  if (::fdatasync(descriptor_) != 0) fail("write", file_);
  pending_.clear();
}

// What is kept goes into another file of the same name, so this one must not be written any more.
void DeadLetters::keep_only(const std::function<bool(const DeadLetter&)>& keep) {
  flush();
  close();
  size_ = 0;
  inputs_.clear();
  const auto files = folder_files(folder_of(file_));
  const auto name = file_.filename().string();
  const auto before = files->read(name);
  if (!before) return;
  for (const auto& letter : parse_dead_letters(*before)) {
    if (keep(letter)) append(letter);
  }
  if (pending_.empty()) return files->remove({name});
  files->write(name, std::exchange(pending_, {}));
}

void DeadLetters::open() {
  if (descriptor_ >= 0) return;
  make_folder(folder_of(file_));
  descriptor_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("write", file_);
  sync_to_disk(folder_of(file_));
}

}  // namespace sluice::store
