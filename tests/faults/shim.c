/* Lets the n-th call on the files below a folder fail, or kills the process just before it.
 *
 * Loaded with LD_PRELOAD, so it stands between the process (the interpreter and SQLite alike) and
 * the C library. Nothing happens until gpts_arm() is called. Only calls on paths below the folder
 * count: what the interpreter reads and prints is left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, RENAME = 4, TRUNCATE = 8, UNLINK = 16, LOCK = 32, OPEN = 64 };
enum { PASS = 0, FAIL = 1, CUT = 2 };

/* Shared with whoever started the process. */
struct told {
    long calls;   /* calls that counted so far */
    long failed;  /* calls that were made to fail */
    char last[256]; /* the last one: its kind and its file */
};

static char folder[PATH_MAX];
static size_t folder_length;
static int kinds, error_number, cut, forever;
static long wanted;
static struct told *told;

/* kinds_: which calls count. at: the n-th, from 1; 0 none. error: the errno, or 0 to be killed.
 * cut_: write half of it and no more. on: every later call fails, too. path: the shared record. */
int gpts_arm(const char *below, int kinds_, long at, int error, int cut_, int on, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(struct told)) != 0)
        return -1;
    told = mmap(NULL, sizeof(struct told), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (told == MAP_FAILED)
        return -1;
    memset(told, 0, sizeof *told);
    strncpy(folder, below, sizeof folder - 1);
    error_number = error;
    cut = cut_;
    forever = on;
    wanted = at;
    kinds = kinds_;
    folder_length = strlen(folder);
    return 0;
}

static int judge(int kind, const char *name, const char *path)
{
    if (!folder_length || !(kinds & kind) || !path || strncmp(path, folder, folder_length) != 0)
        return PASS;
    long now = __sync_add_and_fetch(&told->calls, 1);
    if (!wanted || (forever ? now < wanted : now != wanted))
        return PASS;
    if (told->failed++ == 0)
        snprintf(told->last, sizeof told->last, "%s %s", name, path + folder_length);
    if (cut)
        return CUT;
    if (!error_number)
        kill(getpid(), SIGKILL);
    errno = error_number;
    return FAIL;
}

static int judge_fd(int kind, const char *name, int fd)
{
    char link[64], path[PATH_MAX];
    if (!folder_length || !(kinds & kind))
        return PASS;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return PASS;
    path[size] = 0;
    return judge(kind, name, path);
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    int found = judge_fd(WRITE, "write", fd);
    return found == FAIL ? -1 : real(fd, data, found == CUT ? (size + 1) / 2 : size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    int found = judge_fd(WRITE, "write", fd);
    return found == FAIL ? -1 : real(fd, data, found == CUT ? (size + 1) / 2 : size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    int found = judge_fd(WRITE, "write", fd);
    return found == FAIL ? -1 : real(fd, data, found == CUT ? (size + 1) / 2 : size, at);
}

int fsync(int fd)
{
    REAL(int, "fsync", int);
    return judge_fd(SYNC, "fsync", fd) ? -1 : real(fd);
}

int fdatasync(int fd)
{
    REAL(int, "fdatasync", int);
    return judge_fd(SYNC, "fsync", fd) ? -1 : real(fd);
}

int rename(const char *from, const char *to)
{
    REAL(int, "rename", const char *, const char *);
    return judge(RENAME, "rename", to) ? -1 : real(from, to);
}

int renameat(int a, const char *from, int b, const char *to)
{
    REAL(int, "renameat", int, const char *, int, const char *);
    return judge(RENAME, "rename", to) ? -1 : real(a, from, b, to);
}

int ftruncate(int fd, off_t size)
{
    REAL(int, "ftruncate", int, off_t);
    return judge_fd(TRUNCATE, "truncate", fd) ? -1 : real(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    REAL(int, "ftruncate64", int, off64_t);
    return judge_fd(TRUNCATE, "truncate", fd) ? -1 : real(fd, size);
}

int unlink(const char *path)
{
    REAL(int, "unlink", const char *);
    return judge(UNLINK, "unlink", path) ? -1 : real(path);
}

static int locks(int command)
{
    return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK;
}

int fcntl(int fd, int command, ...)
{
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    REAL(int, "fcntl", int, int, ...);
    if (locks(command) && ((struct flock *)argument)->l_type != F_UNLCK
        && judge_fd(LOCK, "lock", fd))
        return -1;
    return real(fd, command, argument);
}

int fcntl64(int fd, int command, ...)
{
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    REAL(int, "fcntl64", int, int, ...);
    if (locks(command) && ((struct flock *)argument)->l_type != F_UNLCK
        && judge_fd(LOCK, "lock", fd))
        return -1;
    return real(fd, command, argument);
}

static mode_t mode_of(int flags, va_list more)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

#define OPENING(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = mode_of(flags, more); \
        va_end(more); \
        REAL(int, #name, const char *, int, ...); \
        if ((flags & O_CREAT) && judge(OPEN, "open", path)) \
            return -1; \
        return real(path, flags, mode); \
    }

OPENING(open)
OPENING(open64)
