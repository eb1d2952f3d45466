/* Preloaded into a server or a worker: its wall clock is ahead by as many nanoseconds as the file SKEWED_CLOCK says, in
   eight bytes, at any time. Its other clocks stay as they are. Who waits until a time on the wall clock waits until the
   same moment on the right one: otherwise the waits of a server whose clock is behind would all end at once. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static int (*right)(clockid_t, struct timespec *);
static int (*wait_until)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static const volatile int64_t *ahead;

static void find(void) {
    right = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    void *wait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2"); /* on x86_64 there is an older one, too */
    if (!wait) wait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    wait_until = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))wait;
}

static struct timespec moved(const struct timespec *time, int64_t by) {
    int64_t moved = time->tv_sec * SECOND + time->tv_nsec + by;
    return (struct timespec){.tv_sec = moved / SECOND, .tv_nsec = moved % SECOND};
}

__attribute__((constructor)) static void begin(void) {
    find();
    const char *path = getenv("SKEWED_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *place = file < 0 ? MAP_FAILED : mmap(0, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    if (place == MAP_FAILED) abort(); /* a right clock would make the test mean nothing */
    close(file);
    ahead = place;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!right) find();
    int failed = right(clock, time);
    if (failed || !ahead || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
    *time = moved(time, *ahead);
    return 0;
}

/* The other clock that a condition can have counts from the machine's start, not from 1970. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
    if (!wait_until) find();
    if (!ahead || until->tv_sec < 1000000000) return wait_until(condition, mutex, until);
    struct timespec real = moved(until, -*ahead);
    return wait_until(condition, mutex, &real);
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *seconds) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    if (seconds) *seconds = now.tv_sec;
    return now.tv_sec;
}
