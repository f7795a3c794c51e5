/*
 * A local program that asks the daemon one request after the other: what a client in C waits, without the
 * milliseconds' fractions that a script adds. Beside it stands bench_alone, the same request without a
 * daemon.
 *
 *     bench_asks SOCKET METHOD N    ->  {"p50_us": ..., "p99_us": ..., "max_us": ...}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP 50

static void stop(const char *why)
{
    fprintf(stderr, "bench_asks: %s\n", why);
    exit(1);
}

static double now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int open_socket(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof to.sun_path)
        stop("the path is too long");
    memcpy(to.sun_path, path, strlen(path) + 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to))
        stop("cannot connect");
    return fd;
}

static void ask(int fd, const char *line, size_t n)
{
    char buf[65536];
    size_t have = 0;

    if (send(fd, line, n, MSG_NOSIGNAL) != (ssize_t)n)
        stop("cannot send");
    do {
        ssize_t got = recv(fd, buf + have, sizeof buf - have, 0);

        if (got <= 0)
            stop("the daemon hung up");
        have += (size_t)got;
    } while (buf[have - 1] != '\n' && have < sizeof buf);
    if (memmem(buf, have, "\"error\"", 7))
        stop("an error was answered");
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    long n = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    double *took = n > 0 ? calloc((size_t)n, sizeof *took) : NULL;
    char line[256];
    int fd, len;

    if (!took)
        stop("usage: bench_asks SOCKET METHOD N");
    len = snprintf(line, sizeof line, "{\"id\":1,\"method\":\"%s\"}\n", argv[2]);
    if (len <= 0 || len >= (int)sizeof line)
        stop("the method's name is too long");
    fd = open_socket(argv[1]);
    for (long i = -WARM_UP; i < n; i++) {
        double begin = now_us();

        ask(fd, line, (size_t)len);
        if (i >= 0)
            took[i] = now_us() - begin;
    }
    qsort(took, (size_t)n, sizeof *took, compare);
    printf("{\"p50_us\": %.0f, \"p99_us\": %.0f, \"max_us\": %.0f}\n", took[n / 2], took[n * 99 / 100],
           took[n - 1]);
    free(took);
    close(fd);
    return 0;
}
