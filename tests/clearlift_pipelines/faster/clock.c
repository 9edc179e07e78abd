/* A time of day that runs faster, preloaded into every process of a deployment.
 *
 * FASTER_CLOCK holds three whole numbers: a moment in nanoseconds of the epoch, what the time of day is then, and how
 * many times faster it runs from then on. Sleeps, timers and the monotonic clock stay as they are, because what a machine
 * does takes as long as ever: so a wait until a time of day becomes one of the same length by the monotonic clock.
 * Files are as old as the faster clock says, for those who ask by statx, as the embedded R2 does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#define SECOND 1000000000LL
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
/* No process is up for so long, and no time of day is so early: what is below is a time of the monotonic clock. */
#define LONGEST_UPTIME 1000000000LL

static int64_t from, then, rate = 1;

__attribute__((constructor)) static void begin(void) {
    const char *said = getenv("FASTER_CLOCK");
    if (said && sscanf(said, "%" SCNd64 " %" SCNd64 " %" SCNd64, &from, &then, &rate) != 3)
        abort();
}

static int64_t nanoseconds(struct timespec at) { return at.tv_sec * SECOND + at.tv_nsec; }

static struct timespec timespec_of(int64_t at) { return (struct timespec){at / SECOND, at % SECOND}; }

static int64_t faster(int64_t at) { return then + (at - from) * (at > from ? rate : 1); }

static int64_t machine(clockid_t clock) {
    static __typeof__(&clock_gettime) next;
    struct timespec at;
    if (!next)
        next = NEXT(clock_gettime);
    next(clock, &at);
    return nanoseconds(at);
}

static int64_t now(void) { return faster(machine(CLOCK_REALTIME)); }

static struct timespec by_monotonic(const struct timespec *until) {
    if (until->tv_sec < LONGEST_UPTIME)
        return *until;
    return timespec_of(machine(CLOCK_MONOTONIC) + nanoseconds(*until) - now());
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        *at = timespec_of(now());
        return 0;
    }
    static __typeof__(&clock_gettime) next;
    if (!next)
        next = NEXT(clock_gettime);
    return next(clock, at);
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    (void)zone;
    int64_t microseconds = now() / 1000;
    *at = (struct timeval){microseconds / 1000000, microseconds % 1000000};
    return 0;
}

time_t time(time_t *at) {
    time_t seconds = now() / SECOND;
    if (at)
        *at = seconds;
    return seconds;
}

int timespec_get(struct timespec *at, int base) {
    *at = timespec_of(now());
    return base;
}

int sem_timedwait(sem_t *semaphore, const struct timespec *until) {
    struct timespec at = by_monotonic(until);
    return sem_clockwait(semaphore, CLOCK_MONOTONIC, &at);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
    struct timespec at = by_monotonic(until);
    return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &at);
}

/* gRPC's and Rust's own waits. */
long syscall(long number, ...) {
    static long (*next)(long, ...);
    if (!next)
        next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    long a[6];
    va_list rest;
    va_start(rest, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(rest, long);
    va_end(rest);
    struct timespec at;
    if (number == SYS_futex && a[1] & FUTEX_CLOCK_REALTIME && a[3]) {
        at = by_monotonic((const struct timespec *)a[3]);
        a[1] &= ~FUTEX_CLOCK_REALTIME;
        a[3] = (long)&at;
    }
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int statx(int folder, const char *restrict path, int flags, unsigned mask, struct statx *restrict seen) {
    static __typeof__(&statx) next;
    if (!next)
        next = NEXT(statx);
    int failed = next(folder, path, flags, mask, seen);
    if (!failed) {
        struct timespec at = timespec_of(faster(seen->stx_mtime.tv_sec * SECOND + seen->stx_mtime.tv_nsec));
        seen->stx_mtime.tv_sec = at.tv_sec;
        seen->stx_mtime.tv_nsec = at.tv_nsec;
    }
    return failed;
}
