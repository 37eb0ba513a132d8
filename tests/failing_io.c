/* Lets calls of the C library on chosen paths fail, for programs that are started with LD_PRELOAD; see failing_io.py.

   The environment says which:
     FAILING_IO_CALLS  groups of calls, comma-separated: open read stat list write fsync rename link mkdir unlink
     FAILING_IO_PATH   what a path has in it (or its target's, for rename and link)
     FAILING_IO_ERRNO  the number that they fail with
     FAILING_IO_AFTER  how many such calls are let through first
     FAILING_IO_TIMES  how many fail then; without it, all that follow
     FAILING_IO_COUNT  a file: calls of all processes are counted together in it; without it, each process counts its own
*/
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))next(#name))

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

static int listed(const char *call) {
    const char *calls = getenv("FAILING_IO_CALLS");
    size_t length = strlen(call);
    for (const char *at = calls; at && (at = strstr(at, call)); at += length)
        if ((at == calls || at[-1] == ',') && (at[length] == 0 || at[length] == ','))
            return 1;
    return 0;
}

/* Number of this matching call, from 1. System calls are made directly, so that they are not looked at. */
static long counted(void) {
    static long here;
    const char *path = getenv("FAILING_IO_COUNT");
    if (!path)
        return __sync_add_and_fetch(&here, 1);
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        return LONG_MAX;
    long number = 0;
    if (syscall(SYS_write, fd, "x", 1) == 1)
        number = syscall(SYS_lseek, fd, 0, SEEK_CUR); /* O_APPEND leaves it behind what was written */
    syscall(SYS_close, fd);
    return number;
}

static int fails(const char *call, const char *path) {
    const char *wanted = getenv("FAILING_IO_PATH"), *times = getenv("FAILING_IO_TIMES");
    const char *after = getenv("FAILING_IO_AFTER"), *number = getenv("FAILING_IO_ERRNO");
    if (!wanted || !number || !path || !listed(call) || !strstr(path, wanted))
        return 0;
    int before = errno;
    long passed = counted() - (after ? atol(after) : 0);
    errno = before;
    if (passed < 1 || (times && passed > atol(times)))
        return 0;
    errno = atoi(number);
    return 1;
}

static int fails_fd(const char *call, int fd) {
    char link[64], path[PATH_MAX];
    if (!listed(call))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int before = errno;
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    errno = before;
    if (length < 0)
        return 0;
    path[length] = 0;
    return fails(call, path);
}

static int fails_at(const char *call, int folder, const char *path) {
    return fails(call, path) || (path && path[0] != '/' && folder != AT_FDCWD && fails_fd(call, folder));
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { MODE(flags) return fails("open", path) ? -1 : REAL(open)(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return fails("open", path) ? -1 : REAL(open64)(path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return fails_at("open", at, path) ? -1 : REAL(openat)(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return fails_at("open", at, path) ? -1 : REAL(openat64)(at, path, flags, mode); }
FILE *fopen(const char *path, const char *mode) { return fails("open", path) ? NULL : REAL(fopen)(path, mode); }
FILE *fopen64(const char *path, const char *mode) { return fails("open", path) ? NULL : REAL(fopen64)(path, mode); }

ssize_t read(int fd, void *to, size_t size) { return fails_fd("read", fd) ? -1 : REAL(read)(fd, to, size); }
ssize_t readv(int fd, const struct iovec *to, int count) { return fails_fd("read", fd) ? -1 : REAL(readv)(fd, to, count); }
ssize_t pread(int fd, void *to, size_t size, off_t at) { return fails_fd("read", fd) ? -1 : REAL(pread)(fd, to, size, at); }
ssize_t pread64(int fd, void *to, size_t size, off64_t at) { return fails_fd("read", fd) ? -1 : REAL(pread64)(fd, to, size, at); }

ssize_t write(int fd, const void *from, size_t size) { return fails_fd("write", fd) ? -1 : REAL(write)(fd, from, size); }
ssize_t writev(int fd, const struct iovec *from, int count) { return fails_fd("write", fd) ? -1 : REAL(writev)(fd, from, count); }
ssize_t pwrite(int fd, const void *from, size_t size, off_t at) { return fails_fd("write", fd) ? -1 : REAL(pwrite)(fd, from, size, at); }
ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) { return fails_fd("write", fd) ? -1 : REAL(pwrite64)(fd, from, size, at); }
ssize_t copy_file_range(int in, off64_t *a, int out, off64_t *b, size_t size, unsigned flags) {
    return fails_fd("read", in) || fails_fd("write", out) ? -1 : REAL(copy_file_range)(in, a, out, b, size, flags);
}
ssize_t sendfile(int out, int in, off_t *at, size_t size);
ssize_t sendfile(int out, int in, off_t *at, size_t size) {
    return fails_fd("read", in) || fails_fd("write", out) ? -1 : REAL(sendfile)(out, in, at, size);
}
ssize_t sendfile64(int out, int in, off64_t *at, size_t size);
ssize_t sendfile64(int out, int in, off64_t *at, size_t size) {
    return fails_fd("read", in) || fails_fd("write", out) ? -1 : REAL(sendfile64)(out, in, at, size);
}
int fsync(int fd) { return fails_fd("fsync", fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails_fd("fsync", fd) ? -1 : REAL(fdatasync)(fd); }

int rename(const char *from, const char *to) { return fails("rename", to) ? -1 : REAL(rename)(from, to); }
int renameat(int a, const char *from, int b, const char *to) { return fails_at("rename", b, to) ? -1 : REAL(renameat)(a, from, b, to); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { return fails_at("rename", b, to) ? -1 : REAL(renameat2)(a, from, b, to, flags); }
int link(const char *from, const char *to) { return fails("link", to) ? -1 : REAL(link)(from, to); }
int linkat(int a, const char *from, int b, const char *to, int flags) { return fails_at("link", b, to) ? -1 : REAL(linkat)(a, from, b, to, flags); }
int mkdir(const char *path, mode_t mode) { return fails("mkdir", path) ? -1 : REAL(mkdir)(path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return fails_at("mkdir", at, path) ? -1 : REAL(mkdirat)(at, path, mode); }
int unlink(const char *path) { return fails("unlink", path) ? -1 : REAL(unlink)(path); }
int unlinkat(int at, const char *path, int flags) { return fails_at("unlink", at, path) ? -1 : REAL(unlinkat)(at, path, flags); }

DIR *opendir(const char *path) { return fails("list", path) ? NULL : REAL(opendir)(path); }
DIR *fdopendir(int fd) { return fails_fd("list", fd) ? NULL : REAL(fdopendir)(fd); }

int stat(const char *path, struct stat *to) { return fails("stat", path) ? -1 : REAL(stat)(path, to); }
int stat64(const char *path, struct stat64 *to) { return fails("stat", path) ? -1 : REAL(stat64)(path, to); }
int lstat(const char *path, struct stat *to) { return fails("stat", path) ? -1 : REAL(lstat)(path, to); }
int lstat64(const char *path, struct stat64 *to) { return fails("stat", path) ? -1 : REAL(lstat64)(path, to); }
int fstat(int fd, struct stat *to) { return fails_fd("stat", fd) ? -1 : REAL(fstat)(fd, to); }
int fstat64(int fd, struct stat64 *to) { return fails_fd("stat", fd) ? -1 : REAL(fstat64)(fd, to); }
int fstatat(int at, const char *path, struct stat *to, int flags) { return fails_at("stat", at, path) ? -1 : REAL(fstatat)(at, path, to, flags); }
int fstatat64(int at, const char *path, struct stat64 *to, int flags) { return fails_at("stat", at, path) ? -1 : REAL(fstatat64)(at, path, to, flags); }
int statx(int at, const char *restrict path, int flags, unsigned mask, struct statx *restrict to) {
    return fails_at("stat", at, path) ? -1 : REAL(statx)(at, path, flags, mask, to);
}
