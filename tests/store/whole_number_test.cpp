#include "store/whole_number.hpp"

#include "store/dead_letters.hpp"
#include "store/intermediate_store.hpp"
#include "store/manifest.hpp"
#include "store/scratch_folder.hpp"
#include "store/sealed_text.hpp"
#include "store/shard_error.hpp"

#include <gmock/gmock.h>

namespace sluice::store {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

// What a library that converts numbers takes for whole ones.
constexpr const char* no_whole_numbers[] = {"1.5",  "1e30",  "-1",   "1.0",
                                            "true", "\"1\"", "null", "18446744073709551616"};

TEST(WholeNumbers, AreReadAsTheyAre) {
  EXPECT_EQ(whole_number(Json::parse("0")), 0u);
  EXPECT_EQ(whole_number(Json::parse("18446744073709551615")),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(whole_number<int>(Json::parse("2147483647")), 2147483647);
  EXPECT_EQ(parse_whole_number("fedcba9876543210", 16), 0xfedcba9876543210u);
}

TEST(WholeNumbers, AreAllThatIsRead) {
  for (const auto* text : no_whole_numbers) {
    EXPECT_THROW(whole_number(Json::parse(text)), InputError) << text;
  }
  EXPECT_THROW(whole_number<int>(Json::parse("2147483648")), InputError);
  EXPECT_THROW(whole_number<std::uint32_t>(Json::parse("4294967296")), InputError);
  for (const auto* text : {"", "1.5", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616"}) {
    EXPECT_EQ(parse_whole_number(text), std::nullopt) << text;
  }
}

std::string with(std::string text, const std::string& before, const std::string& after) {
  const auto at = text.find(before);
  EXPECT_NE(at, std::string::npos) << before;
  return text.replace(at, before.size(), after);
}

TEST(WholeNumbers, OfShardsAreNoOthersWhateverTheirChecksum) {
  ShardInfo info{"a.h5", "0123456789abcdef", {}, 10, 1000, 9000, 0xfedcba9876543210};
  info.splits.add(SplitRange{3, 4});
  const auto line = to_json(info);
  ASSERT_EQ(shard_info(line), info);
  for (const auto* field : {"\"records\":10", "\"bytes\":1000", "\"file_bytes\":9000"}) {
    const std::string name(field, std::string_view(field).find(':') + 1);
    for (const auto* number : no_whole_numbers) {
      const auto changed = with(line, field, name + number);
      EXPECT_THROW(shard_info(changed), InputError) << changed;
      EXPECT_EQ(parse_shard_head(seal("sluice-shard 1", changed)), std::nullopt) << changed;
      const auto manifest = R"({"stage":"s","pipeline":[],"shards":[)" + changed + "]}";
      EXPECT_THROW(parse_manifest(seal("sluice-manifest 1", manifest), "'m'"), ShardError);
    }
  }
  for (const auto* range : {"[3,4.5]", "[-3,4]", "[3,18446744073709551615]"}) {
    EXPECT_ANY_THROW(shard_info(with(line, "[3,4]", range))) << range;
  }
  for (const auto* checksum : {"-1", "fedcba987654321x", ""}) {
    EXPECT_ANY_THROW(shard_info(with(line, "fedcba9876543210", checksum))) << checksum;
  }
}

TEST(WholeNumbers, OfDeadLettersAreNoOthers) {
  DeadLetter letter;
  letter.input = 11;
  letter.attempts = 22;
  letter.rank = 33;
  letter.path = {44};
  const auto line = to_line(letter);
  ASSERT_EQ(parse_dead_letter(line), letter);
  for (const auto* number : {"11", "22", "33", "44"}) {
    for (const auto* other : {"1.5", "1e30", "-1"}) {
      const auto changed = with(line, number, other);
      try {
        parse_dead_letters(line + changed);
        ADD_FAILURE() << changed;
      } catch (const InputError& error) {
        EXPECT_THAT(error.what(), HasSubstr(std::string("letter"))) << changed;
        EXPECT_THAT(error.what(), HasSubstr("a whole number")) << changed;
      }
    }
  }
}

TEST(WholeNumbers, OfClaimsAreNoOthers) {
  const ScratchFolder folder;
  const auto files = folder_files(folder.path());
  EXPECT_EQ(StoreClaim(*files).attempt().substr(0, 2), "1-");
  EXPECT_EQ(StoreClaim(*files).attempt().substr(0, 2), "2-");
  for (const auto* number : {"1.5", "-1", "1e30", "", "99999999999999999999"}) {
    files->write("claim", std::string(number) + " {}\n");
    EXPECT_THROW(StoreClaim{*files}, InputError) << number;
  }
}

}  // namespace
}  // namespace sluice::store
