#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/edge.h"
#include "daemon/hangup.h"

/* What one client may hand in per round of the loop: the fair share. */
#define READ_SIZE (64 * 1024)
/* Of those who pipeline so many are read in one turn; the others stay readable for the next. */
#define LOUD_READS 16

static const char busy[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1006,"
                           "\"message\":\"too many clients\",\"data\":{\"name\":\"BUSY\"}}}\n";

struct tgd_client {
    struct tgd_client *next, **link; /* in d->clients */
    struct tgd *tgd;
    struct rpc_conn *conn;
    int fd;
    size_t socket; /* of the configuration, which it came through */
    bool eof;      /* it half-closed; pending answers still leave */
    bool reading;  /* the read event is armed */
    struct event *read;
    struct event *write;
};

static void destroy(struct tgd_client *c)
{
    if (c->link) {
        *c->link = c->next;
        if (c->next)
            c->next->link = c->link;
    }
    if (c->conn)
        rpc_closed(c->conn, tgd_now());
    if (c->read)
        event_free(c->read);
    if (c->write)
        event_free(c->write);
    if (c->fd >= 0)
        close(c->fd);
    free(c);
}

void tgd_client_gone(void *client)
{
    destroy(client);
}

static void want_read(struct tgd_client *c)
{
    bool want = !c->eof && rpc_wants_read(c->conn);

    if (want == c->reading)
        return;
    if (want ? event_add(c->read, NULL) : event_del(c->read))
        return;
    c->reading = want;
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    static uint8_t buf[READ_SIZE]; /* one loop thread, used up before the next call */
    struct tgd_client *c = arg;
    ssize_t n;

    (void)what;
    if (rpc_is_loud(c->conn) && ++c->tgd->loud_reads > LOUD_READS)
        return;
    n = recv(fd, buf, sizeof buf, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        destroy(c);
        return;
    }
    if (n == 0) {
        c->eof = true;
        rpc_eof(c->conn, tgd_now());
        if (tgd_hangup_watch(c->tgd->hangup, fd, c)) {
            destroy(c);
            return;
        }
    } else {
        rpc_feed(c->conn, tgd_now(), buf, (size_t)n);
    }
    want_read(c);
}

/* Writes what may leave; closes a client that is done or gone. */
static void flush(struct tgd_client *c, struct mt_now now)
{
    for (;;) {
        struct tl_slice out = rpc_output(c->conn);
        ssize_t n;

        if (out.n == 0)
            break;
        n = send(c->fd, out.p, out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            if (event_add(c->write, NULL))
                destroy(c);
            else
                want_read(c);
            return;
        }
        if (n <= 0) {
            destroy(c);
            return;
        }
        rpc_wrote(c->conn, now, (size_t)n);
    }
    if (rpc_is_done(c->conn))
        destroy(c);
    else
        want_read(c);
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    flush(arg, tgd_now());
}

/* Supplementary groups of who connected; NULL: none, or the kernel does not say (then they admit to nothing).
 */
static int64_t *peer_groups(int fd, size_t *n)
{
    gid_t *gids = NULL;
    int64_t *out = NULL;
    socklen_t len = 0;

    *n = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE ||
        !(gids = malloc(len)))
        return NULL;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids, &len) == 0)
        out = malloc(len / sizeof *gids * sizeof *out);
    for (; out && *n < len / sizeof *gids; ++*n)
        out[*n] = gids[*n];
    free(gids);
    return out;
}

/* Accepts it, or looks again whether it is still served in the same way. */
static void see_who(struct tgd *d, struct tgd_client *c, const struct ucred *cred)
{
    const struct tgd_config_socket *s = &d->config.sockets[c->socket];
    struct rpc_cred who = {.uid = cred->uid, .gid = cred->gid, .pid = cred->pid};
    int64_t *groups = s->profile ? peer_groups(c->fd, &who.n_groups) : NULL;
    struct rpc_profile *profile;

    who.groups = groups;
    profile = tgd_profile_for(&d->profiles, &d->config, s, &who);
    if (c->conn)
        rpc_recheck(c->conn, tgd_now(), &who, profile);
    else
        c->conn = rpc_accept(d->rpc, tgd_now(), &who, profile);
    free(groups);
}

void tgd_clients_recheck(struct tgd *d)
{
    for (struct tgd_client *c = d->clients; c; c = c->next) {
        struct ucred cred;
        socklen_t len = sizeof cred;

        if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
            see_who(d, c, &cred);
    }
}

void tgd_client_open(struct tgd *d, size_t socket, int fd)
{
    struct tgd_client *c = calloc(1, sizeof *c);
    struct ucred cred;
    socklen_t len = sizeof cred;

    if (!c) {
        close(fd);
        return;
    }
    c->tgd = d;
    c->fd = fd;
    c->socket = socket;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
        goto fail;
    see_who(d, c, &cred);
    c->read = event_new(d->base, fd, EV_READ | EV_PERSIST, on_read, c);
    c->write = event_new(d->base, fd, EV_WRITE, on_write, c);
    if (!c->conn)
        (void)send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (!c->conn || !c->read || !c->write)
        goto fail;
    rpc_conn_set_owner(c->conn, c);
    c->next = d->clients;
    c->link = &d->clients;
    if (c->next)
        c->next->link = &c->next;
    d->clients = c;
    want_read(c);
    return;
fail:
    destroy(c);
}

void tgd_clients_flush(struct tgd *d, struct mt_now now)
{
    struct rpc_conn *conn;

    d->loud_reads = 0;
    while ((conn = rpc_next_ready(d->rpc))) {
        struct tgd_client *c = rpc_conn_owner(conn);

        if (!event_pending(c->write, EV_WRITE, NULL))
            flush(c, now);
    }
}

void tgd_clients_close(struct tgd *d)
{
    while (d->clients)
        destroy(d->clients);
}
