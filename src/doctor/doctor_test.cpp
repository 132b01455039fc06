#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/timex.h>

#include <fstream>

#include "base/limits.hpp"
#include "doctor/files.hpp"
#include "doctor/gpu.hpp"
#include "doctor/machine.hpp"

namespace faelled::doctor {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
constexpr std::uint64_t gib = 1024ULL * 1024 * 1024;

// Another machine's files, below a folder.
class Machine : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "faelled-doctor-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    put("proc/meminfo", "MemTotal:       16777216 kB\nMemFree:        1 kB\nSwapTotal:             0 kB\n");
    put("proc/self/cgroup", "0::/system.slice/faelled.service\n");
  }
  void TearDown() override { fs::remove_all(root_); }
  void put(const fs::path& file, std::string_view text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  fs::path root_;
};

TEST_F(Machine, TheTightestCgroupAboveCounts) {
  EXPECT_EQ(cgroup_memory_max(root_), std::nullopt);
  put("sys/fs/cgroup/system.slice/faelled.service/memory.max", "max\n");
  EXPECT_EQ(cgroup_memory_max(root_), std::nullopt);
  put("sys/fs/cgroup/system.slice/memory.max", "4294967296\n");
  EXPECT_EQ(cgroup_memory_max(root_), 4 * gib);
  put("sys/fs/cgroup/system.slice/faelled.service/memory.max", "8589934592\n");
  EXPECT_EQ(cgroup_memory_max(root_), 4 * gib);
  EXPECT_EQ(memory_usable(root_), 4 * gib);
}

TEST_F(Machine, ALimitBeyondAllThatThereIsIsNone) {
  EXPECT_EQ(memory_usable(root_), 16 * gib);
  put("sys/fs/cgroup/system.slice/memory.max", std::to_string(64 * gib));
  EXPECT_EQ(cgroup_memory_max(root_), 64 * gib);
  EXPECT_EQ(memory_usable(root_), 16 * gib);
  fs::remove(root_ / "proc/meminfo");
  EXPECT_EQ(memory_usable(root_), 64 * gib) << "better than nothing";
}

TEST_F(Machine, VersionOneOfCgroupsCountsToo) {
  put("proc/self/cgroup",
      "12:cpu,cpuacct:/a\n4:hugetlb,memory:/system.slice/faelled.service\n1:name=systemd:/a\n0::/a\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/cpu/a/memory.limit_in_bytes", "1\n");
  EXPECT_EQ(cgroup_memory_max(root_), std::nullopt) << "that is none";
  put("sys/fs/cgroup/memory/system.slice/memory.limit_in_bytes", "4294967296\n");
  EXPECT_EQ(cgroup_memory_max(root_), 4 * gib);
  put("sys/fs/cgroup/memory/system.slice/faelled.service/memory.limit_in_bytes", "2147483648\n");
  EXPECT_EQ(cgroup_memory_max(root_), 2 * gib);
  put("sys/fs/cgroup/a/memory.max", "1073741824\n");
  EXPECT_EQ(cgroup_memory_max(root_), 1 * gib) << "whichever is tighter";
  EXPECT_EQ(memory_usable(root_), 1 * gib);
}

// Without a namespace for it, a container is told its host's name of a group whose folder it does not see.
TEST_F(Machine, AContainersRootCountsUnderItsHostsName) {
  put("proc/self/cgroup", "4:memory:/docker/83286870\n0::/\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n");
  EXPECT_EQ(cgroup_memory_max(root_), 2 * gib);
}

TEST_F(Machine, AContainersOwnRootIsItsCgroup) {
  put("proc/self/cgroup", "0::/\n");
  put("sys/fs/cgroup/memory.max", "2147483648\n");
  EXPECT_EQ(cgroup_memory_max(root_), 2 * gib);
}

TEST_F(Machine, ModelsThatDoNotFitAreToldWithTheLimitThatIsToBlame) {
  const auto needs = [](std::uint64_t for_models, std::vector<ModelNeeds> models) {
    return Needs{{}, 0, for_models, std::move(models)};
  };
  EXPECT_EQ(memory(root_, needs(14 * gib, {})).verdict, Verdict::good);
  EXPECT_EQ(memory(root_, needs(14 * gib, {{"a", 8 * gib}, {"b", 9 * gib}})).verdict, Verdict::good)
      << "they take turns";
  const Finding full = memory(root_, needs(14 * gib, {{"a", 8 * gib}, {"large", 15 * gib}}));
  EXPECT_EQ(full.verdict, Verdict::bad);
  EXPECT_THAT(full.says, HasSubstr("large, needs 15.0 GiB"));
  EXPECT_THAT(full.mend, HasSubstr("add memory"));
  const Finding pinned = memory(root_, needs(14 * gib, {{"a", 8 * gib, true}, {"b", 9 * gib, true}}));
  EXPECT_EQ(pinned.verdict, Verdict::bad);
  EXPECT_THAT(pinned.mend, HasSubstr("unpin"));
  EXPECT_THAT(memory(root_, needs(16 * gib, {})).mend, HasSubstr("residency.memory_gb"));
  put("sys/fs/cgroup/system.slice/faelled.service/memory.max", "2147483648\n");
  const Finding limited = memory(root_, needs(1 * gib, {{"a", 4 * gib}}));
  EXPECT_EQ(limited.verdict, Verdict::bad);
  EXPECT_THAT(limited.says, HasSubstr("2.0 GiB of the machine's 16.0 GiB"));
  EXPECT_THAT(limited.mend, HasSubstr("MemoryMax"));
}

TEST_F(Machine, SwapIsNotedAsAPlaceWhereWordsMayLie) {
  EXPECT_EQ(swap(root_).verdict, Verdict::good);
  put("proc/meminfo", "MemTotal: 16777216 kB\nSwapTotal:       1048576 kB\n");
  EXPECT_EQ(swap(root_).verdict, Verdict::note);
}

TEST_F(Machine, WithoutItsFilesSaysThatItCannotKnow) {
  EXPECT_EQ(memory(root_ / "nowhere", {}).verdict, Verdict::warn);
  EXPECT_EQ(shared_memory(root_ / "nowhere").verdict, Verdict::warn);
}

TEST_F(Machine, ADiskIsLookedAtWhereTheFolderWillBe) {
  const Finding found = disk({root_ / "not/yet/there", 0, 0});
  EXPECT_THAT(found.says, HasSubstr("GiB free for"));
}

TEST_F(Machine, ACoreDumpCollectorIsNamed) {
  put("proc/sys/kernel/core_pattern", "|/usr/share/apport/apport -p%p\n");
  EXPECT_THAT(core_dumps(root_).says, HasSubstr("/usr/share/apport/apport;"));
  put("proc/sys/kernel/core_pattern", "core\n");
  EXPECT_EQ(core_dumps(root_).verdict, Verdict::good);
}

TEST(Clock, OutOfStepIsAWarning) {
  EXPECT_EQ(clock_state(STA_UNSYNC, 16'000'000).verdict, Verdict::warn);
  EXPECT_THAT(clock_state(0, 12'000).says, HasSubstr("12 ms"));
}

TEST(OpenFiles, MustBeEnoughForTheConnections) {
  EXPECT_EQ(open_files(1024, {{}, 10'000}).verdict, Verdict::warn);
  EXPECT_EQ(open_files(65'536, {{}, 10'000}).verdict, Verdict::good);
}

// As nvidia-smi -q prints it; only lines that matter here and some beside them.
std::string smi(std::string_view virtualization, std::string_view mig, std::string_view licence) {
  return "==============NVSMI LOG==============\n\n"
         "Timestamp                                 : Wed Nov 25 12:00:00 2026\n"
         "Driver Version                            : 570.86.15\n"
         "CUDA Version                              : 12.8\n\n"
         "Attached GPUs                             : 1\n"
         "GPU 00000000:00:05.0\n"
         "    Product Name                          : NVIDIA H100 80GB HBM3\n"
         "    Product Brand                         : NVIDIA\n"
         "    MIG Mode\n"
         "        Current                           : " +
         std::string(mig) +
         "\n        Pending                           : Disabled\n"
         "    vGPU Software Licensed Product\n"
         "        Product Name                      : NVIDIA Virtual Compute Server\n"
         "        License Status                    : " +
         std::string(licence) +
         "\n    GPU Virtualization Mode\n"
         "        Virtualization Mode               : " +
         std::string(virtualization) +
         "\n        Host VGPU Mode                    : N/A\n"
         "    FB Memory Usage\n"
         "        Total                             : 81559 MiB\n"
         "        Used                              : 1 MiB\n"
         "    BAR1 Memory Usage\n"
         "        Total                             : 131072 MiB\n";
}

TEST(Gpus, AreReadFromWhatTheDriverPrints) {
  const auto found = parse_nvidia_smi(smi("None", "Disabled", "N/A"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(found[0].driver, "570.86.15");
  EXPECT_EQ(found[0].memory_mib, 81559U);
  EXPECT_EQ(found[0].sharing, Sharing::whole);
  EXPECT_FALSE(found[0].mig);
}

TEST(Gpus, EachKindSaysWhatItAllows) {
  EXPECT_THAT(gpus(smi("None", "Disabled", "N/A"), false, true)[0].says, HasSubstr("the whole card"));
  EXPECT_THAT(gpus(smi("Pass-Through", "Disabled", "N/A"), false, true)[0].says, HasSubstr("passed through"));
  EXPECT_THAT(gpus(smi("None", "Enabled", "N/A"), false, true)[0].says, HasSubstr("no engine spans two"));
  const Finding vgpu = gpus(smi("VGPU", "Disabled", "Licensed (Expiry: 2027-1-1 0:0:0 GMT)"), false, true)[0];
  EXPECT_EQ(vgpu.verdict, Verdict::note);
  EXPECT_THAT(vgpu.says, HasSubstr("Unified memory is off"));
  const Finding unlicensed = gpus(smi("VGPU", "Disabled", "Unlicensed (Restricted)"), false, true)[0];
  EXPECT_EQ(unlicensed.verdict, Verdict::bad);
  EXPECT_THAT(unlicensed.mend, HasSubstr("licence"));
}

TEST(Gpus, AbsenceIsAWarningOnlyWhereAGpuIsWanted) {
  EXPECT_EQ(gpus("", true, false)[0].verdict, Verdict::note);
  EXPECT_EQ(gpus("", true, false)[0].mend, "") << "nobody is sent for a driver that nothing here would use";
  EXPECT_EQ(gpus("", true, true)[0].verdict, Verdict::warn);
  EXPECT_THAT(gpus("", true, true)[0].mend, HasSubstr("install the driver"));
  EXPECT_EQ(
      gpus("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", false, false)[0].verdict,
      Verdict::bad);
}

TEST(Gpus, AnOutputOfAnyShapeIsBounded) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "GPU 0\n : \nFB Memory Usage\n Total : 99999999999999999999999 MiB\n";
  EXPECT_EQ(parse_nvidia_smi(many).size(), limits::doctor_gpus_max);
}

TEST_F(Machine, FilesThatOthersCanReadAreFound) {
  put("faelled.yaml", "keys: []\n");
  fs::permissions(root_ / "faelled.yaml", fs::perms{0644});
  EXPECT_EQ(configuration(root_ / "faelled.yaml", true).verdict, Verdict::warn);
  EXPECT_EQ(configuration(root_ / "faelled.yaml", false).verdict, Verdict::good);
  put("data/master.key", "x");
  fs::permissions(root_ / "data/master.key", fs::perms{0640});
  EXPECT_EQ(master_key(root_ / "data").verdict, Verdict::bad);
  fs::permissions(root_ / "data", fs::perms{0755});
  EXPECT_EQ(data_folder(root_ / "data").verdict, Verdict::warn);
}

TEST_F(Machine, ALostMasterKeyIsBadAndANewFolderIsNot) {
  EXPECT_EQ(master_key(root_ / "data").verdict, Verdict::note);
  EXPECT_THAT(master_key(root_ / "data", true).mend, HasSubstr("restore it"));
  put("data/faelled.db", "x");
  EXPECT_EQ(master_key(root_ / "data").verdict, Verdict::bad);
}

TEST_F(Machine, AnOldBackupIsAWarning) {
  const WallTime now = from_unix_micros(1'800'000'000'000'000);
  EXPECT_EQ(last_backup(root_, now).verdict, Verdict::note);
  put("faelled.db", "x");
  EXPECT_EQ(last_backup(root_, now).verdict, Verdict::warn);
  put("last_backup.json", R"({"made_at_s":1799990000,"bytes":1,"keys":true})");
  EXPECT_EQ(last_backup(root_, now).verdict, Verdict::good);
  put("last_backup.json", R"({"made_at_s":1700000000,"bytes":1,"keys":true})");
  EXPECT_EQ(last_backup(root_, now).verdict, Verdict::warn);
  put("last_backup.json", "half a lin");
  EXPECT_EQ(last_backup(root_, now).verdict, Verdict::warn);
}

}  // namespace
}  // namespace faelled::doctor
