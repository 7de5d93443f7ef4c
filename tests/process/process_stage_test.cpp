#include "process/scene.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

namespace sluice::process {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

template <class E = StageError, class Body>
std::string thrown(Body body) {
  try {
    body();
  } catch (const E& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing thrown";
  return {};
}

class Modes : public ::testing::TestWithParam<std::string> {};

TEST_P(Modes, GiveBackWhatTheyWereGiven) {
  Scene scene({GetParam()});
  scene.set_up();
  for (int i = 0; i < 20; ++i) {
    const auto records = records_named({"a", "b", "c" + std::to_string(i)});
    const auto outcome = scene.process(records);
    EXPECT_EQ(outcome.records, records);
    EXPECT_EQ(outcome.sources, (std::vector<std::uint32_t>{0, 1, 2}));
  }
  scene.stage().teardown();
  EXPECT_THAT(children(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, Modes, ::testing::Values("echo", "copy", "keep"),
                         [](const auto& each) { return each.param; });

TEST(ProcessStage, TellsTheProcessAboutItself) {
  store::ScratchFolder notes;
  auto options = Scene::options({"notes", (notes / "notes").string()});
  options.settings = R"({"model": "small", "layers": [1, 2]})";
  options.batch_size = 7;
  Scene scene(options);
  scene.stage().setup_on_node(scene.context());
  scene.set_up();
  scene.stage().teardown();
  EXPECT_THAT(store::read_text(notes / "notes"),
              AllOf(HasSubstr(R"("layers":[1,2],"model":"small")"), HasSubstr("\"on_node\":true"),
                    HasSubstr("\"batch_size\":7"), HasSubstr("\"stage\":\"work\""),
                    Not(ContainsRegex("\n.*\n"))));  // one process did both
}

// What was handed on without a copy is the caller's own buffer again, or the process' memory.
TEST(ProcessStage, ResultsOutliveTheStage) {
  std::vector<Record> kept;
  const auto records = records_named({"a", "b"});
  {
    Scene scene({"copy"});
    scene.set_up();
    kept = scene.process(records).records;
    scene.stage().teardown();
  }
  std::thread([kept = std::move(kept), &records] { EXPECT_EQ(kept, records); }).join();
}

TEST(ProcessStage, GivesABatchToANewProcessWhenOneDies) {
  store::ScratchFolder marks;
  Scene scene({"crashes-once", "b", (marks / "mark").string()});
  scene.set_up();
  const auto records = records_named({"a", "b"});
  EXPECT_EQ(scene.process(records).records, records);
  EXPECT_THAT(scene.log(), AllOf(HasSubstr("the process died in a batch: signal 11"),
                                 HasSubstr("about to crash")));
}

TEST(ProcessStage, BlamesABatchOverWhichTwoProcessesDie) {
  Scene scene({"crashes", "b"});
  scene.set_up();
  EXPECT_THAT(thrown([&] {
                scene.process(records_named({"a", "b"}));
              }),
              ContainsRegex("died in a batch: signal 11 \\(Segmentation fault\\); its last lines "
                            "\\(.*work-w0.log\\):\n    about to crash"));
  EXPECT_THAT(scene.process(records_named({"a"})).records, SizeIs(1));
}

TEST(ProcessStage, LosesNothingWhenProcessesAreKilled) {
  Scene scene({"sleeps", "5"});
  scene.set_up();
  std::atomic<int> done = 0;
  std::jthread killer([&](const std::stop_token& over) {
    constexpr int most = 8;  // for one batch: where all is slow, it must get its chance
    for (int kills = 0, before = 0; !over.stop_requested();) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (before != done) kills = 0;
      before = done;
      if (kills++ >= most) continue;
      for (const auto child : children()) ::kill(child, SIGKILL);
    }
  });
  for (int i = 0; i < 100; ++i) {
    const auto records = records_named({"k" + std::to_string(i)});
    EXPECT_EQ(scene.process(records).records, records);
    ++done;
  }
  scene.stage().teardown();
  killer.request_stop();
  killer.join();
  EXPECT_THAT(scene.log(), HasSubstr("signal 9 (Killed)"));
}

TEST(ProcessStage, NamesTheRecordAtFault) {
  Scene scene({"fails", "b"});
  scene.set_up();
  try {
    scene.process(records_named({"a", "b"}));
    ADD_FAILURE();
  } catch (const RecordError& error) {
    EXPECT_EQ(error.index, 1u);
    EXPECT_STREQ(error.what(), "bad record\n    trace");
  }
  EXPECT_THAT(scene.process(records_named({"a"})).records, SizeIs(1));  // by the same process
  EXPECT_THAT(scene.log(), Not(ContainsRegex("starting.*\n(.*\n)*.*starting")));
}

TEST(ProcessStage, ShowsTheLastLinesOfAProcessThatDoesNotStart) {
  Scene scene({"exits"});
  EXPECT_THAT(
      thrown([&] { scene.set_up(); }),
      AllOf(ContainsRegex("the process died before it said hello: exit code 3; its last "
                          "lines \\(.*\\):\n    line 31\n"),
            HasSubstr("\n    ImportError: no module named 'nothing'"), Not(HasSubstr("line 30"))));
}

TEST(ProcessStage, ReportsASetupThatFails) {
  Scene scene({"fails-setup"});
  EXPECT_EQ(thrown([&] { scene.set_up(); }), "no such model\n    line 1\n    line 2");
}

TEST(ProcessStage, RefusesAnotherVersionOfTheProtocol) {
  Scene scene({"old"});
  EXPECT_THAT(thrown<UsageError>([&] { scene.set_up(); }),
              HasSubstr("speaks version 2 of the protocol, and this sluice version 1"));
}

TEST(ProcessStage, DoesNotWaitForeverForHello) {
  auto options = Scene::options({"silent"});
  options.start_timeout = std::chrono::milliseconds(100);
  Scene scene(options);
  EXPECT_THAT(thrown([&] { scene.set_up(); }), HasSubstr("did not say hello within 0.1 s"));
  EXPECT_THAT(children(), IsEmpty());
}

TEST(ProcessStage, BearsMegabytesOnStandardOutput) {
  Scene scene({"chatty"});
  scene.set_up();
  EXPECT_THAT(scene.process(records_named({"a"})).records, SizeIs(1));
  EXPECT_GT(scene.log().size(), 3'000'000u);
}

TEST(ProcessStage, RefusesGarbage) {
  Scene noise({"noise"});
  EXPECT_THAT(thrown([&] { noise.set_up(); }),
              HasSubstr("sent what the protocol does not allow, a frame of the unknown kind"));
  for (const auto* mode : {"garbage", "outside"}) {
    Scene scene({mode});
    scene.set_up();
    EXPECT_THAT(thrown([&] { scene.process(records_named({"a"})); }),
                HasSubstr("sent what the protocol does not allow, a table "));
  }
  EXPECT_THAT(children(), IsEmpty());
}

TEST(ProcessStage, SeesASocketThatIsClosed) {
  Scene scene({"closes"});
  scene.set_up();
  EXPECT_THAT(thrown([&] { scene.process(records_named({"a"})); }),
              HasSubstr("it closed its socket, and was ended"));
}

TEST(ProcessStage, SaysWhatSharedMemoryIsTooSmallFor) {
  auto options = Scene::options({"echo"});
  options.shared_memory = 1 << 20;
  Scene scene(options);
  scene.set_up();
  Record record("big");
  record.set("bytes", Buffer(2 << 20));
  EXPECT_THAT(thrown([&] { scene.process({record}); }),
              AllOf(HasSubstr("a batch of 1 records takes 2.0 MiB"), HasSubstr("(1.0 MiB)"),
                    HasSubstr("shared_memory")));
  EXPECT_THAT(scene.process(records_named({"a"})).records, SizeIs(1));
}

// A process may go on to use what it has answered with.
TEST(ProcessStage, NobodyWritesIntoTheMemoryOfAProcess) {
  Scene scene({"copy"});
  scene.set_up();
  auto records = scene.process(records_named({"a"})).records;
  auto& record = records.at(0);
  auto buffer = std::get<Buffer>(record.take("bytes"));
  const auto part = buffer.slice(5000, 5000).mutable_data();
  EXPECT_TRUE(part < buffer.data() || part >= buffer.data() + buffer.size());
  const auto* shared = buffer.data();
  buffer.mutable_data()[0] = std::byte{'b'};
  EXPECT_NE(buffer.data(), shared);
}

// Else a process waits for room that the stage after it lets go of only with its next batch.
TEST(ProcessStage, LetsGoOfABatchWhenItIsAnswered) {
  for (const bool fails : {false, true}) {
    Scene scene({fails ? "fails" : "copy", "a"});
    scene.set_up();
    bool gone = false;
    Record record("a");
    std::shared_ptr<std::byte> bytes(new std::byte[10000], [&gone](const std::byte* data) {
      delete[] data;
      gone = true;
    });
    record.set("bytes", Buffer::share(std::move(bytes), 10000));
    std::vector<Record> batch;
    batch.push_back(std::move(record));
    if (fails) {
      thrown([&] { scene.process(std::move(batch)); });
    } else {
      scene.process(std::move(batch));
    }
    EXPECT_TRUE(gone) << fails;
  }
}

TEST(ProcessStage, ABatchThatCannotBeWrittenTakesNoRoom) {
  auto options = Scene::options({"echo"});
  options.shared_memory = 1 << 20;
  Scene scene(options);
  scene.set_up();
  Record record("many dimensions");
  record.set("bytes", Buffer(300'000));
  record.set("tensor", Tensor{DType::u8, std::vector<std::uint64_t>(300, 1), Buffer(1)});
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(thrown([&] { scene.process({record}); }), HasSubstr("dimensions of a tensor"));
  }
  EXPECT_THAT(scene.process(records_named({"a"})).records, SizeIs(1));
}

// A sink that keeps everything must not keep the process from writing more.
TEST(ProcessStage, CopiesResultsWhenTooMuchIsShared) {
  auto options = Scene::options({"copy"});
  options.shared_memory = 1 << 20;
  Scene scene(options);
  scene.set_up();
  std::vector<Record> kept;
  for (int i = 0; i < 300; ++i) {
    kept.push_back(scene.process(records_named({std::string(1, static_cast<char>('a' + i % 26))}))
                       .records.at(0));
    if (i == 20) kept.erase(kept.begin(), kept.begin() + 10);
  }
  for (const auto& record : kept) {
    EXPECT_EQ(record.get<Buffer>("bytes").view(), std::string(10000, record.key.front()));
  }
}

TEST(ProcessStage, LeavesNoProcessAndNoFileBehind) {
  const auto files = open_files();
  for (const auto* mode : {"echo", "forks", "hangs"}) {
    Scene scene({mode});
    scene.set_up();
  }
  EXPECT_THAT(children(), IsEmpty());
  EXPECT_EQ(open_files(), files);
}

bool ends_soon(pid_t group) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (::kill(-group, 0) == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return ::kill(-group, 0) != 0;
}

TEST(ProcessStage, EndsWhatItsProcessStartedToo) {
  pid_t group = 0;
  {
    Scene scene({"forks"});
    scene.set_up();
    group = children().at(0);
    EXPECT_EQ(::kill(-group, 0), 0);
  }
  EXPECT_TRUE(ends_soon(group));
}

TEST(ProcessStage, EndsWhatAProcessThatDiedHadStarted) {
  Scene scene({"forks"});
  scene.set_up();
  const pid_t group = children().at(0);
  ::kill(group, SIGKILL);
  EXPECT_THAT(scene.process(records_named({"a"})).records, SizeIs(1));
  EXPECT_TRUE(ends_soon(group));
}

}  // namespace
}  // namespace sluice::process
