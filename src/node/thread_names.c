// Loaded into engines on a GPU, before their own libraries (LD_PRELOAD; see gpu_process.hpp). NVIDIA's libcuda, from
// driver 570 on, names its threads by writing to /proc/self/task/TID/comm, and says error 304 ("OS call failed") when
// it may not, although nothing depends on the name. Landlock cannot allow that file without all that is below /proc,
// an oom_score_adj of ours among it; so the name goes to /dev/null.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef FILE* (*Opener)(const char*, const char*);

static int names_a_thread(const char* path) {
  static const char first[] = "/proc/self/task/";
  if (path == NULL || strncmp(path, first, sizeof first - 1) != 0) return 0;
  path += sizeof first - 1;
  return strspn(path, "0123456789") > 0 && strcmp(path + strspn(path, "0123456789"), "/comm") == 0;
}

static FILE* open_or_null(const char* opener, const char* path, const char* mode) {
  const Opener open = (Opener)dlsym(RTLD_NEXT, opener);
  if (open == NULL) {
    errno = ENOSYS;
    return NULL;
  }
  FILE* file = open(path, mode);
  if (file != NULL || errno != EACCES || !names_a_thread(path) || mode[0] == 'r') return file;
  return open("/dev/null", mode);
}

FILE* fopen(const char* path, const char* mode) { return open_or_null("fopen", path, mode); }
FILE* fopen64(const char* path, const char* mode) { return open_or_null("fopen64", path, mode); }
