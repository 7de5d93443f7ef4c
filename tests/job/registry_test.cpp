#include "job/check_settings.hpp"
#include "job/thrown.hpp"

#include <sluice/registry.hpp>

namespace sluice::job {
namespace {

class Pass final : public MapStage<Record, Record> {
 public:
  Record map(Record record) override { return record; }
};

StageKind kind_with(std::vector<SettingSpec> settings) {
  StageKind kind;
  kind.name = "test.kind";
  kind.settings = std::move(settings);
  kind.make = [](const Settings&) { return std::make_unique<Pass>(); };
  return kind;
}

StageKind every_type() {
  return kind_with({{"text", SettingType::string, "eng", ""},
                    {"quoted", SettingType::string, "\"a b\"", ""},
                    {"count", SettingType::integer, "7", ""},
                    {"share", SettingType::number, "0.5", ""},
                    {"flag", SettingType::boolean, "true", ""},
                    {"wait", SettingType::duration, "10ms", ""},
                    {"room", SettingType::size, "64KiB", ""},
                    {"names", SettingType::string_list, "[\"a\", \"b\"]", ""}});
}

RawTable given(const std::string& name, const std::string& value) {
  RawValue raw = parse_value(value);
  raw.place = {"job.toml", 9};
  raw.typed.clear();
  return {{name, raw}};
}

Settings check(const StageKind& kind, const RawTable& table) {
  return check_settings(kind, table, "s", {"job.toml", 3});
}

TEST(Settings, FallbacksFillWhatIsLeftOut) {
  const auto settings = check(every_type(), {});
  EXPECT_EQ(settings.string("text"), "eng");
  EXPECT_EQ(settings.string("quoted"), "a b");
  EXPECT_EQ(settings.integer("count"), 7);
  EXPECT_EQ(settings.number("share"), 0.5);
  EXPECT_TRUE(settings.boolean("flag"));
  EXPECT_EQ(settings.duration("wait"), std::chrono::milliseconds(10));
  EXPECT_EQ(settings.size("room"), 65536u);
  EXPECT_EQ(settings.string_list("names"), (std::vector<std::string>{"a", "b"}));
}

TEST(Settings, GivenOnesReplaceThem) {
  EXPECT_EQ(check(every_type(), given("wait", "1.5")).duration("wait"),
            std::chrono::milliseconds(1500));
  EXPECT_EQ(check(every_type(), given("room", "\"1MB\"")).size("room"), 1000000u);
  EXPECT_EQ(check(every_type(), given("share", "2")).number("share"), 2.0);
  EXPECT_EQ(check(every_type(), given("names", "[]")).string_list("names").size(), 0u);
  EXPECT_EQ(check(every_type(), given("names", "\"c\"")).string_list("names").at(0), "c");
}

TEST(Settings, WrongTypesSayWhatIsWantedAndWhatIsThere) {
  const auto message = [](const std::string& name, const std::string& value) {
    return thrown<UsageError>([&] { check(every_type(), given(name, value)); });
  };
  EXPECT_EQ(message("text", "3"),
            "job.toml:9: 'stage.s.settings.text' must be a string, such as \"text\"; it is the "
            "integer 3");
  EXPECT_EQ(message("count", "\"many\""),
            "job.toml:9: 'stage.s.settings.count' must be a whole number, such as 7; it is the "
            "string \"many\"");
  EXPECT_EQ(message("count", "1.5"),
            "job.toml:9: 'stage.s.settings.count' must be a whole number, such as 7; it is the "
            "number 1.5");
  EXPECT_EQ(message("flag", "\"yes\""),
            "job.toml:9: 'stage.s.settings.flag' must be true or false; it is the string \"yes\"");
  EXPECT_EQ(message("wait", "\"10m\""),
            "job.toml:9: 'stage.s.settings.wait' must be a duration: \"10ms\", \"1.5s\", \"2min\" "
            "or plain seconds; it is the string \"10m\"");
  EXPECT_EQ(message("room", "-1"),
            "job.toml:9: 'stage.s.settings.room' must be a size: \"64KiB\", \"1MB\" or plain "
            "bytes; it is the integer -1");
  EXPECT_EQ(message("names", "[1, 2]"),
            "job.toml:9: 'stage.s.settings.names' must be a list of strings, such as [\"a\", "
            "\"b\"]; it is the list [ 1, 2 ]");
}

TEST(Settings, MissingRequiredOneSaysWhatItIsFor) {
  const auto kind = kind_with({{"path", SettingType::string, "", "the file to write", true}});
  EXPECT_EQ(thrown<UsageError>([&] { check(kind, {}); }),
            "job.toml:3: stage 's' needs the setting 'path' of test.kind: the file to write; write "
            "settings = { path = … }");
}

TEST(Settings, UnknownOneNamesTheNearest) {
  EXPECT_EQ(thrown<UsageError>([&] { check(every_type(), given("cuont", "1")); }),
            "job.toml:9: unknown setting 'stage.s.settings.cuont'; did you mean 'count'? 'sluice "
            "stages test.kind' describes what it takes");
}

TEST(Settings, CanonicalTextDoesNotDependOnHowTheyWereWritten) {
  const auto kind = every_type();
  EXPECT_EQ(canonical_settings(kind, check(kind, given("room", "65536"))),
            canonical_settings(kind, check(kind, {})));
  EXPECT_NE(canonical_settings(kind, check(kind, given("room", "65537"))),
            canonical_settings(kind, check(kind, {})));
}

TEST(Settings, AskingForAnUndeclaredOneBlamesThePlugin) {
  const auto settings = check(every_type(), {});
  EXPECT_NE(thrown<PluginError>([&] { settings.string("colour"); }).find("'colour'"),
            std::string::npos);
  EXPECT_NE(thrown<PluginError>([&] { settings.string("count"); }).find("another type"),
            std::string::npos);
}

TEST(StageRegistry, RefusesTwoKindsOfOneName) {
  StageRegistry registry;
  registry.add(every_type());
  EXPECT_NE(registry.find("test.kind"), nullptr);
  EXPECT_EQ(registry.find("test.other"), nullptr);
  EXPECT_NE(thrown<UsageError>([&] { registry.add(every_type()); }).find("two stage kinds named"),
            std::string::npos);
}

TEST(StageRegistry, RefusesAFallbackOfAnotherType) {
  StageRegistry registry;
  EXPECT_EQ(thrown<UsageError>([&] {
              registry.add(kind_with({{"count", SettingType::integer, "seven", ""}}));
            }),
            "stage kind 'test.kind': 'the fallback of count' must be a whole number, such as 7; it "
            "is the string \"seven\"");
}

}  // namespace
}  // namespace sluice::job
