#include "storage/lock.h"
#include "storage/db.h"
#include "storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void parse_line(struct store_lock_note *n, char *line)
{
    char *value = strchr(line, ' ');
    char *rest;

    if (!value)
        return;
    *value++ = 0;
    if (!strcmp(line, "pid"))
        n->pid = strtoll(value, NULL, 10);
    else if (!strcmp(line, "socket"))
        snprintf(n->socket, sizeof n->socket, "%s", value);
    else if (!strcmp(line, "epoch"))
        n->epoch = (uint32_t)strtoul(value, NULL, 10);
    else if (!strcmp(line, "run"))
        n->run = strtoull(value, NULL, 16);
    else if (!strcmp(line, "boot"))
        snprintf(n->boot_id, sizeof n->boot_id, "%s", value);
    else if (!strcmp(line, "file"))
        n->ino = strtoull(value, NULL, 10);
    else if (!strcmp(line, "damaged"))
        n->damaged = true;
    else if (!strcmp(line, "clean")) {
        n->ctime_s = strtoll(value, &rest, 10);
        n->ctime_ns = strtoll(rest, NULL, 10);
        n->clean = true;
    }
}

static void read_note(int fd, struct store_lock_note *n)
{
    char text[2048];
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    char *line = text, *eol;

    memset(n, 0, sizeof *n);
    if (got <= 0)
        return;
    text[got] = 0;
    while (!n->known && (eol = strchr(line, '\n'))) {
        *eol = 0;
        if (!strcmp(line, "end"))
            n->known = true;
        else
            parse_line(n, line);
        line = eol + 1;
    }
}

int store_lock_take(const char *dir, int *fd, struct store_lock_note *note, char err[256])
{
    char path[4096];
    int f, ret = STORE_E_IO;

    *fd = -1;
    if ((size_t)snprintf(path, sizeof path, "%s/tgd.lock", dir) >= sizeof path) {
        store_say(err, "the name of the state folder is too long");
        return STORE_E_IO;
    }
    f = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f < 0) {
        ret = store_errno_code(errno);
        store_say(err, "cannot open %s: %s", path, strerror(errno));
        return ret;
    }
    fchmod(f, 0600);
    if (flock(f, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK) {
            read_note(f, note);
            store_say(err, "another tgd has this state folder: pid %" PRId64 ", socket %s", note->pid,
                      note->socket[0] ? note->socket : "unknown");
            ret = STORE_E_LOCKED;
        } else {
            store_say(
                err,
                "cannot lock %.100s: %s; without it two daemons could damage the folder: put it on a file "
                "system that knows flock",
                path, strerror(errno));
        }
        close(f);
        return ret;
    }
    read_note(f, note);
    *fd = f;
    return MT_OK;
}

int store_lock_write(int fd, const struct store_lock_note *n)
{
    char text[1024];
    int len;

    len = snprintf(text, sizeof text,
                   "pid %" PRId64 "\nsocket %s\nepoch %" PRIu32 "\nrun %016" PRIx64 "\nboot %s\nfile %" PRIu64
                   "\n%s",
                   n->pid, n->socket, n->epoch, n->run, n->boot_id, n->ino, n->damaged ? "damaged 1\n" : "");
    if (n->clean)
        len += snprintf(text + len, sizeof text - (size_t)len, "clean %" PRId64 " %" PRId64 "\n", n->ctime_s,
                        n->ctime_ns);
    len += snprintf(text + len, sizeof text - (size_t)len, "end\n");
    if (pwrite(fd, text, (size_t)len, 0) != len || ftruncate(fd, len) < 0 || fdatasync(fd) < 0)
        return store_errno_code(errno);
    return MT_OK;
}

void store_lock_release(int fd)
{
    if (fd >= 0)
        close(fd);
}
