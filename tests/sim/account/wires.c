#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/peer.h"
#include "tests/sim/account/asim.h"

void wires_open(struct owner *o, const struct mt_fx *fx)
{
    struct asim *s = o->s;
    struct wire *w = NULL;
    unsigned open = 0;

    for (size_t i = 0; i < WIRES; i++) {
        open += s->wires[i].client && s->wires[i].owner == o->index && s->wires[i].dc == fx->server->dc_id;
        if (!w && !s->wires[i].used)
            w = &s->wires[i];
    }
    if (!w || open >= 3) {
        asim_fail(s, "%s has too many connections at once", o->name);
        return;
    }
    *w = (struct wire){.used = true,
                       .client = true,
                       .owner = o->index,
                       .life = o->life,
                       .link = fx->link,
                       .dc = fx->server->dc_id};
    w->delay = (int64_t)(1 + asim_random(s, 200)) * MT_US_PER_MS;
    w->piece = asim_random(s, 12) ? (asim_random(s, 3) ? SIZE_MAX : 16 + asim_random(s, 600)) : 5;
    w->refused = s->class != ASIM_CLEAN && asim_random(s, 8) == 0;
    w->open_at = s->t + 2 * w->delay;
    asim_trace(s, "%s connects to DC %d%s", o->name, (int)w->dc, w->refused ? " (refused)" : "");
}

static void leave(struct asim *s, struct wire *w)
{
    w->client = false;
    w->open_at = 0;
    net_end(&w->up, s->t + (int64_t)asim_random(s, 3) * w->delay);
}

void wires_close(struct owner *o, uint32_t link)
{
    for (size_t i = 0; i < WIRES; i++) {
        struct wire *w = &o->s->wires[i];

        if (w->client && w->owner == o->index && (!link || w->link == link))
            leave(o->s, w);
    }
}

static bool read_one(struct owner *o, struct wire *w)
{
    struct asim *s = o->s;
    struct mt_now now = owner_now(o);
    struct net_piece *piece;

    if (w->open_at) {
        if (w->open_at > s->t)
            return false;
        w->open_at = 0;
        w->conn = w->refused ? 0 : sb_server_accept(s->server, asim_now(s), w->dc);
        w->server = w->conn != 0;
        if (w->server) {
            mt_account_link_up(o->a, now, w->link);
        } else {
            leave(s, w);
            mt_account_link_down(o->a, now, w->link);
        }
        return true;
    }
    piece = net_read(&w->down, s->t);
    if (piece) {
        mt_account_feed(o->a, now, w->link, piece->p, piece->n);
        free(piece);
        return true;
    }
    if (net_ended(&w->down, s->t)) {
        leave(s, w);
        mt_account_link_down(o->a, now, w->link);
        return true;
    }
    return false;
}

static bool write_one(struct owner *o, struct wire *w)
{
    struct asim *s = o->s;
    struct tl_slice out = {NULL, 0};
    size_t n;

    if (!w->open_at)
        out = mt_account_output(o->a, owner_now(o), w->link);
    if (!out.n)
        return false;
    n = out.n < w->piece ? out.n : w->piece;
    if (!w->up.ending) /* else it goes into the void */
        net_write(&w->up, s->t, w->delay + (int64_t)asim_random(s, 20000), out.p, n);
    mt_account_wrote(o->a, owner_now(o), w->link, n);
    return true;
}

bool wires_step_owner(struct owner *o)
{
    bool busy = false;

    for (size_t i = 0; i < WIRES; i++) {
        struct wire *w = &o->s->wires[i];

        if (w->client && w->owner == o->index)
            busy = write_one(o, w) || busy;
        if (w->client && w->owner == o->index)
            busy = read_one(o, w) || busy;
    }
    return busy;
}

static void close_server_end(struct asim *s, struct wire *w)
{
    w->server = false;
    sb_server_closed(s->server, asim_now(s), w->conn);
    net_end(&w->down, s->t + w->delay);
}

static bool serve(struct asim *s, struct wire *w)
{
    struct net_piece *piece = net_read(&w->up, s->t);
    struct tl_slice out;
    size_t n;

    if (piece) {
        if (w->server)
            sb_server_feed(s->server, asim_now(s), w->conn, piece->p, piece->n);
        free(piece);
        return true;
    }
    if (!w->server)
        return false;
    if (net_ended(&w->up, s->t)) {
        close_server_end(s, w);
        return true;
    }
    out = sb_server_output(s->server, w->conn);
    if (out.n) {
        n = out.n < w->piece ? out.n : w->piece;
        if (!w->down.ending)
            net_write(&w->down, s->t, w->delay + (int64_t)asim_random(s, 20000), out.p, n);
        sb_server_wrote(s->server, w->conn, n);
        return true;
    }
    if (sb_server_wants_close(s->server, w->conn) == SB_CLOSE_NO)
        return false;
    close_server_end(s, w);
    return true;
}

bool wires_step_server(struct asim *s)
{
    bool busy = false;

    if (sb_server_deadline(s->server) <= s->t)
        sb_server_tick(s->server, asim_now(s));
    while (sb_server_next_ready(s->server))
        ; /* every link is looked at anyway */
    for (size_t i = 0; i < WIRES; i++) {
        struct wire *w = &s->wires[i];

        if (!w->used)
            continue;
        busy = serve(s, w) || busy;
        if (!w->client && !w->server) {
            net_fini(&w->up);
            net_fini(&w->down);
            w->used = false;
        }
    }
    return busy;
}

static void earlier(int64_t *at, int64_t other)
{
    if (other < *at)
        *at = other;
}

int64_t wires_deadline(const struct asim *s)
{
    int64_t at = sb_server_deadline(s->server);

    for (size_t i = 0; i < WIRES; i++) {
        const struct wire *w = &s->wires[i];

        if (w->used && w->server)
            earlier(&at, net_deadline(&w->up));
        if (w->used && w->client && w->open_at)
            earlier(&at, w->open_at);
        else if (w->used && w->client)
            earlier(&at, net_deadline(&w->down));
    }
    return at;
}

void wires_cut(struct asim *s, struct wire *w)
{
    bool silent = asim_random(s, 3) == 0;

    if (!w->client || w->open_at || w->up.ending || w->down.ending)
        return;
    asim_trace(s, "a link to DC %d is cut%s", (int)w->dc, silent ? ", the client is not told" : "");
    net_truncate(&w->up, asim_random(s, w->up.bytes + 1));
    net_truncate(&w->down, asim_random(s, w->down.bytes + 1));
    net_end(&w->up, s->t + (int64_t)asim_random(s, 4 * MT_US_PER_S));
    net_end(&w->down, silent ? NET_NEVER : s->t + (int64_t)asim_random(s, 4 * MT_US_PER_S));
}

void wires_fini(struct asim *s)
{
    for (size_t i = 0; i < WIRES; i++) {
        if (s->wires[i].server)
            sb_server_closed(s->server, asim_now(s), s->wires[i].conn);
        net_fini(&s->wires[i].up);
        net_fini(&s->wires[i].down);
    }
}

struct wires_count wires_counted(const struct asim *s)
{
    const struct sb_stats *t = &s->server->stats;

    return (struct wires_count){t->conns, t->bad_msg, t->bad_salt, t->resent, t->key_exchanges};
}
