/*
 * A machine that sleeps, for test_recovery.py: loaded before the C library, it adds to CLOCK_BOOTTIME as many
 * seconds as the file $TGD_TEST_ASLEEP begins with (a 32-bit number). Nothing else is told another time, as
 * in a real suspend.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *ts)
{
    static const volatile int32_t *asleep;
    int r = (int)syscall(SYS_clock_gettime, id, ts);

    if (id != CLOCK_BOOTTIME || r)
        return r;
    if (!asleep) {
        const char *path = getenv("TGD_TEST_ASLEEP");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *p = fd >= 0 ? mmap(NULL, sizeof *asleep, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

        if (fd >= 0)
            close(fd);
        if (p == MAP_FAILED)
            return r;
        asleep = p;
    }
    ts->tv_sec += *asleep;
    return r;
}
