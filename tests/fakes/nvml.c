/* A driver library that says what the file named in FAKE_NVML says, read anew at each call:
     init STATUS                            nvmlInit_v2 answers this; else 0
     gpu UUID BYTES RESERVED USED NAME      one line a GPU, in order; NAME without spaces; UUID "-": it does not answer
     process GPU PID BYTES                  GPU counts from 0; BYTES -1: it does not say
     resident GPU WORD                      what processes with WORD in their command line have resident is used of it too
   A line that begins with anything else is skipped. Shapes and numbers as in nvml.h (NVML API Reference). */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ok = 0, wrong_argument = 2, too_small = 7, unknown = 999, most = 16 };

typedef struct { unsigned long long total, free, used; } memory_v1;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory_v2;
typedef struct { unsigned pid; unsigned long long bytes; unsigned gpu_instance, compute_instance; } process_v2;

static struct state {
  int init;
  unsigned gpus, processes;
  struct { char uuid[96], name[96]; unsigned long long bytes, reserved, used; } gpu[most];
  struct { unsigned gpu, pid; long long bytes; } process[64];
} now;

static unsigned long long resident_bytes(const char *word) {
  unsigned long long pages, sum = 0;
  struct dirent *entry;
  DIR *all = opendir("/proc");
  while (all && (entry = readdir(all))) {
    char path[300], words[4096];
    size_t length, i;
    FILE *file;
    snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || !(file = fopen(path, "r"))) continue;
    length = fread(words, 1, sizeof words - 1, file);
    fclose(file);
    words[length] = 0;
    for (i = 0; i < length; i++)
      if (!words[i]) words[i] = ' ';
    snprintf(path, sizeof path, "/proc/%s/statm", entry->d_name);
    if (!strstr(words, word) || !(file = fopen(path, "r"))) continue;
    if (fscanf(file, "%*u %llu", &pages) == 1) sum += pages * (unsigned long long)sysconf(_SC_PAGESIZE);
    fclose(file);
  }
  if (all) closedir(all);
  return sum;
}

static void look(void) {
  unsigned gpu;
  char line[512], word[256];
  const char *path = getenv("FAKE_NVML");
  FILE *file = path ? fopen(path, "r") : NULL;
  memset(&now, 0, sizeof now);
  if (!file) return;
  while (fgets(line, sizeof line, file)) {
    if (sscanf(line, "init %d", &now.init) == 1) continue;
    if (now.gpus < most && sscanf(line, "gpu %95s %llu %llu %llu %95s", now.gpu[now.gpus].uuid, &now.gpu[now.gpus].bytes,
                                  &now.gpu[now.gpus].reserved, &now.gpu[now.gpus].used, now.gpu[now.gpus].name) == 5)
      now.gpus++;
    else if (now.processes < 64 && sscanf(line, "process %u %u %lld", &now.process[now.processes].gpu, &now.process[now.processes].pid,
                                          &now.process[now.processes].bytes) == 3)
      now.processes++;
    else if (sscanf(line, "resident %u %255s", &gpu, word) == 2 && gpu < now.gpus)
      now.gpu[gpu].used += resident_bytes(word);
  }
  fclose(file);
}

/* Handles are indices, one up. */
static int index_of(void *handle, unsigned *index) {
  look();
  *index = (unsigned)(size_t)handle - 1;
  return *index < now.gpus ? ok : wrong_argument;
}

int nvmlInit_v2(void) { look(); return now.init; }
int nvmlShutdown(void) { return ok; }
const char *nvmlErrorString(int status) { return status == 9 ? "Driver Not Loaded" : "Unknown Error"; }
int nvmlDeviceGetCount_v2(unsigned *count) { look(); *count = now.gpus; return ok; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) { *handle = (void *)(size_t)(index + 1); return ok; }

int nvmlDeviceGetUUID(void *handle, char *out, unsigned bytes) {
  unsigned i;
  if (index_of(handle, &i) != ok || now.gpu[i].uuid[0] == '-') return unknown;
  snprintf(out, bytes, "%s", now.gpu[i].uuid);
  return ok;
}

int nvmlDeviceGetName(void *handle, char *out, unsigned bytes) {
  unsigned i;
  if (index_of(handle, &i) != ok) return unknown;
  snprintf(out, bytes, "%s", now.gpu[i].name);
  return ok;
}

int nvmlDeviceGetMemoryInfo(void *handle, memory_v1 *out) {
  unsigned i;
  if (index_of(handle, &i) != ok) return unknown;
  out->total = now.gpu[i].bytes;
  out->used = now.gpu[i].used + now.gpu[i].reserved;
  out->free = out->total - out->used;
  return ok;
}

int nvmlDeviceGetMemoryInfo_v2(void *handle, memory_v2 *out) {
  unsigned i;
  if (out->version != (sizeof *out | 2u << 24)) return wrong_argument;
  if (index_of(handle, &i) != ok) return unknown;
  out->total = now.gpu[i].bytes;
  out->reserved = now.gpu[i].reserved;
  out->used = now.gpu[i].used;
  out->free = out->total - out->reserved - out->used;
  return ok;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, process_v2 *out) {
  unsigned i, found = 0, k;
  if (index_of(handle, &i) != ok) return unknown;
  for (k = 0; k < now.processes; k++) {
    if (now.process[k].gpu != i) continue;
    if (found < *count) {
      out[found].pid = now.process[k].pid;
      out[found].bytes = (unsigned long long)now.process[k].bytes;
      out[found].gpu_instance = out[found].compute_instance = 0xffffffffu;
    }
    found++;
  }
  k = *count;
  *count = found;
  return found > k ? too_small : ok;
}
