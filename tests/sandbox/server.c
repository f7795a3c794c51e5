#include "tests/sandbox/server.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/peer.h"
#include "tl/ids.h"

#define SWEEP_US   (60 * MT_US_PER_S) /* how often old sessions and keys are looked for */
#define CONNS_MAX  65536
#define PACKET_MAX 1044480 /* on more a real server hangs up without a word */

struct sb_server *sb_server_new(const struct sb_server_cfg *cfg, struct mt_now now)
{
    struct sb_server *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    sb_faults_init(&s->faults);
    s->env = cfg->env;
    s->world = cfg->world;
    s->seed = cfg->seed;
    s->prng = cfg->seed;
    s->strict = cfg->strict;
    s->sweep_at = now.mono + SWEEP_US;
    s->rsa = mt_rsa_from_pem(cfg->rsa_pem, strlen(cfg->rsa_pem));
    if (!s->rsa)
        goto fail;
    s->public_pem = mt_rsa_public_pem(s->rsa);
    s->dcs = malloc(cfg->n_dcs * sizeof *s->dcs);
    if (!s->public_pem || !s->dcs)
        goto fail;
    memcpy(s->dcs, cfg->dcs, cfg->n_dcs * sizeof *s->dcs);
    s->n_dcs = cfg->n_dcs;
    if (cfg->mtproxy) {
        s->door = calloc(1, sizeof *s->door);
        if (!s->door || !sb_mtproxy_door_init(s->door, cfg->mtproxy))
            goto fail;
    }
    return s;
fail:
    sb_server_free(s);
    return NULL;
}

static void conn_free(struct sb_conn *c)
{
    if (!c)
        return;
    mt_frame_free(c->frame);
    sb_mtproxy_free(c->way);
    sb_keyx_free(c->keyx);
    free(c);
}

void sb_server_free(struct sb_server *s)
{
    if (!s)
        return;
    sb_keys_clear(s);
    for (size_t i = 0; i < s->n_conns; i++)
        conn_free(s->conns[i]);
    free(s->conns);
    sb_faults_fini(&s->faults);
    mt_rsa_free(s->rsa);
    free(s->public_pem);
    free(s->dcs);
    free(s->door);
    free(s);
}

const char *sb_server_public_pem(const struct sb_server *s)
{
    return s->public_pem;
}

struct mt_now sb_clock(const struct sb_server *s, struct mt_now now)
{
    now.mono += s->shift;
    now.wall += s->shift;
    return now;
}

uint64_t sb_choose(struct sb_server *s, uint64_t n)
{
    /* splitmix64 */
    uint64_t z = s->prng += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % n;
}

/* --- connections --- */

static struct sb_conn *conn_of(const struct sb_server *s, uint32_t number)
{
    return number && number <= s->n_conns ? s->conns[number - 1] : NULL;
}

static uint32_t free_number(struct sb_server *s)
{
    struct sb_conn **p;
    size_t n = s->n_conns ? 2 * s->n_conns : 16;

    for (size_t i = 0; i < s->n_conns; i++)
        if (!s->conns[i])
            return (uint32_t)i + 1;
    if (n > CONNS_MAX)
        return 0;
    p = realloc(s->conns, n * sizeof(struct sb_conn *));
    if (!p)
        return 0;
    memset(p + s->n_conns, 0, (n - s->n_conns) * sizeof(struct sb_conn *));
    s->conns = p;
    s->n_conns = n;
    return (uint32_t)(n / 2 < 16 ? 1 : n / 2 + 1);
}

static bool has_dc(const struct sb_server *s, int32_t dc_id)
{
    for (size_t i = 0; i < s->n_dcs; i++)
        if (s->dcs[i] == dc_id)
            return true;
    return false;
}

static uint32_t accept_on(struct sb_server *s, int32_t dc_id, struct sb_mtproxy *way)
{
    uint32_t number = free_number(s);
    struct sb_conn *c = number ? calloc(1, sizeof *c) : NULL;
    const struct sb_fault *f;

    if (c)
        c->frame = mt_frame_new_server(s->env, way ? s->door->secret : NULL);
    if (!c || !c->frame) {
        free(c);
        sb_mtproxy_free(way);
        return 0;
    }
    c->number = number;
    c->dc_id = dc_id;
    c->way = way;
    c->hangup = MT_NEVER;
    s->conns[number - 1] = c;
    s->stats.conns++;
    c->cut_after = UINT64_MAX;
    f = sb_faults_hit(&s->faults, "connect", false, dc_id, 0);
    if (f && f->what == SB_DO_CUT)
        c->cut_after = f->bytes;
    if (f && f->what == SB_DO_TRICKLE)
        c->trickle = true;
    if (!c->cut_after)
        sb_conn_close(s, c, SB_CLOSE_NOW);
    return number;
}

uint32_t sb_server_accept(struct sb_server *s, struct mt_now now, int32_t dc_id)
{
    (void)now;
    return has_dc(s, dc_id) ? accept_on(s, dc_id, NULL) : 0;
}

uint32_t sb_server_accept_proxied(struct sb_server *s, struct mt_now now)
{
    struct sb_mtproxy *way = s->door ? sb_mtproxy_new(s->env, s->door) : NULL;

    (void)now;
    return way ? accept_on(s, 0, way) : 0;
}

/* The header of a proxied client is read: to which DC, and framed as its secret demands? */
static bool is_welcome(struct sb_server *s, struct sb_conn *c)
{
    int dc = mt_frame_dc(c->frame);

    if (c->dc_id)
        return true;
    dc = dc < 0 ? -dc : dc;
    c->dc_id = dc > 10000 ? dc - 10000 : dc;
    if (has_dc(s, c->dc_id) && (s->door->way == SB_WAY_PLAIN || mt_frame_framing(c->frame) == MT_PADDED))
        return true;
    s->door->refused++;
    return false;
}

/* Bytes of a client, with what the MTProxy takes off; false: it is to be cut. */
static bool feed_frames(struct sb_server *s, struct sb_conn *c, struct mt_now at, const void *p, size_t n)
{
    struct tl_slice in = {.p = p, .n = n};
    bool ok;

    if (!c->way)
        return mt_frame_feed(c->frame, p, n) == MT_OK;
    if (!sb_mtproxy_feed(c->way, sb_unix(at), p, n))
        return false;
    in = sb_mtproxy_inner(c->way);
    ok = mt_frame_feed(c->frame, in.p, in.n) == MT_OK;
    sb_mtproxy_took(c->way, in.n);
    if (sb_mtproxy_output(c->way).n)
        sb_conn_ready(s, c);
    return ok;
}

static struct tl_slice output_of(struct sb_conn *c)
{
    struct tl_slice out = mt_frame_output(c->frame);

    if (!c->way)
        return out;
    if (out.n && sb_mtproxy_wrap(c->way, out.p, out.n))
        mt_frame_wrote(c->frame, out.n);
    return sb_mtproxy_output(c->way);
}

void sb_conn_ready(struct sb_server *s, struct sb_conn *c)
{
    if (c->ready)
        return;
    c->ready = true;
    c->next_ready = NULL;
    if (s->ready_last)
        s->ready_last->next_ready = c;
    else
        s->ready_first = c;
    s->ready_last = c;
}

uint32_t sb_server_next_ready(struct sb_server *s)
{
    struct sb_conn *c = s->ready_first;

    if (!c)
        return 0;
    s->ready_first = c->next_ready;
    if (!s->ready_first)
        s->ready_last = NULL;
    c->ready = false;
    return c->number;
}

int32_t sb_server_next_move(struct sb_server *s)
{
    for (size_t i = 0; i < s->n_dcs && i < 64; i++)
        if (s->moves & UINT64_C(1) << i) {
            s->moves &= ~(UINT64_C(1) << i);
            return s->dcs[i];
        }
    return 0;
}

void sb_conn_close(struct sb_server *s, struct sb_conn *c, enum sb_close how)
{
    if (how > c->close)
        c->close = how;
    sb_conn_ready(s, c);
}

void sb_conn_error(struct sb_server *s, struct sb_conn *c, int32_t code)
{
    s->stats.transport_errors++;
    mt_logf(s->env, MT_LOG_DEBUG, "conn", "dc %d: transport error %d", c->dc_id, code);
    mt_frame_submit_error(c->frame, code);
    sb_conn_close(s, c, SB_CLOSE_FLUSHED);
}

struct tl_slice sb_server_output(struct sb_server *s, uint32_t conn)
{
    struct sb_conn *c = conn_of(s, conn);
    struct tl_slice out = {NULL, 0};

    if (c && c->close != SB_CLOSE_NOW)
        out = output_of(c);
    if (c && c->trickle && out.n > 1)
        out.n = 1;
    if (c && out.n > c->cut_after)
        out.n = (size_t)c->cut_after;
    return out;
}

void sb_server_wrote(struct sb_server *s, uint32_t conn, size_t n)
{
    struct sb_conn *c = conn_of(s, conn);

    if (!c)
        return;
    if (c->way)
        sb_mtproxy_wrote(c->way, n);
    else
        mt_frame_wrote(c->frame, n);
    if (c->cut_after != UINT64_MAX) {
        c->cut_after -= n < c->cut_after ? n : c->cut_after;
        if (!c->cut_after)
            sb_conn_close(s, c, SB_CLOSE_NOW);
    }
}

enum sb_close sb_server_wants_close(const struct sb_server *s, uint32_t conn)
{
    const struct sb_conn *c = conn_of(s, conn);

    return c ? c->close : SB_CLOSE_NOW;
}

static void unready(struct sb_server *s, struct sb_conn *c)
{
    struct sb_conn **at = &s->ready_first, *last = NULL;

    while (*at) {
        if (*at == c) {
            *at = c->next_ready;
        } else {
            last = *at;
            at = &(*at)->next_ready;
        }
    }
    s->ready_last = last;
}

void sb_server_closed(struct sb_server *s, struct mt_now now, uint32_t conn)
{
    struct sb_conn *c = conn_of(s, conn);
    struct mt_now at = sb_clock(s, now);

    if (!c)
        return;
    for (size_t i = 0; i < SB_KEY_BUCKETS; i++)
        for (struct sb_key *k = s->keys[i]; k; k = k->next)
            for (struct sb_session *ses = k->sessions; ses; ses = ses->next)
                if (ses->conn == c)
                    sb_session_detach(ses, at);
    if (c->ready)
        unready(s, c);
    s->conns[conn - 1] = NULL;
    conn_free(c);
}

/* --- packets --- */

static enum sb_keyx_twist keyx_fault(struct sb_server *s, struct sb_conn *c, const uint8_t *p, size_t n,
                                     bool *stop)
{
    const struct tl_def *def = n >= 24 ? tl_def_by_id(tl_load32(p + 20)) : NULL;
    const struct sb_fault *f;

    *stop = false;
    f = def ? sb_faults_hit(&s->faults, tl_def_name(def), false, c->dc_id, 0) : NULL;
    if (!f)
        return SB_TWIST_NONE;
    if (f->what == SB_DO_KEYX)
        return f->twist;
    *stop = true;
    if (f->what == SB_DO_CUT)
        sb_conn_close(s, c, SB_CLOSE_NOW);
    else if (f->what == SB_DO_TRANSPORT)
        sb_conn_error(s, c, f->code);
    else
        *stop = f->what == SB_DO_DROP;
    return SB_TWIST_NONE;
}

static void plain_packet(struct sb_server *s, struct sb_conn *c, struct mt_now at, const uint8_t *p, size_t n)
{
    struct tl_out reply = {0};
    struct sb_new_key key;
    bool done = false, stop;
    enum sb_keyx_twist twist = keyx_fault(s, c, p, n, &stop);
    int err;

    if (stop)
        return;
    if (!c->keyx)
        c->keyx = sb_keyx_new(s->env, s->rsa, c->dc_id, s->seed);
    if (!c->keyx) {
        sb_conn_close(s, c, SB_CLOSE_NOW);
        return;
    }
    err = sb_keyx_packet(c->keyx, at, twist, p, n, &reply, &key, &done);
    if (!err && done) {
        int64_t unix_s = sb_unix(at);

        s->stats.key_exchanges++;
        if (!sb_key_add(s, c->dc_id, key.key, key.salt, unix_s, key.expires_in ? unix_s + key.expires_in : 0))
            err = -404;
    }
    mt_wipe(&key, sizeof key);
    if (err) {
        sb_conn_error(s, c, err);
    } else {
        mt_frame_submit(c->frame, reply.data, reply.len, false);
        sb_conn_ready(s, c);
    }
    tl_out_free(&reply);
}

void sb_server_feed(struct sb_server *s, struct mt_now now, uint32_t conn, const void *p, size_t n)
{
    struct sb_conn *c = conn_of(s, conn);
    struct mt_now at = sb_clock(s, now);
    struct mt_frame_event ev;

    if (!c || c->close != SB_CLOSE_NO)
        return;
    if (!feed_frames(s, c, at, p, n))
        sb_conn_close(s, c, SB_CLOSE_NOW);
    while (c->close == SB_CLOSE_NO) {
        mt_frame_next(c->frame, &ev);
        if (ev.kind == MT_FRAME_NONE)
            break;
        if (ev.kind == MT_FRAME_FAILED || (ev.kind == MT_FRAME_PACKET && ev.n > PACKET_MAX) ||
            !is_welcome(s, c))
            sb_conn_close(s, c, SB_CLOSE_NOW);
        else if (ev.kind == MT_FRAME_PACKET && ev.n >= 24 && !tl_load64(ev.p))
            plain_packet(s, c, at, ev.p, ev.n);
        else if (ev.kind == MT_FRAME_PACKET && ev.n >= 24)
            sb_session_packet(s, c, at, ev.p, ev.n, ev.quick_ack_wanted);
        else
            sb_conn_error(s, c, -404);
        sb_drain_pushes(s, at);
    }
    sb_flush(s, at);
}

/* --- updates --- */

/* By seed: a server may count the containers of a session, or leave their seq 0. */
static bool counts_seq(const struct sb_server *s)
{
    return s->seed % 4 == 3;
}

/* A container counts one, a combined one two: then its first and last number are told. A lost one counts too.
 */
static void put_seq(struct sb_session *ses, uint8_t *p, size_t n)
{
    if (tl_load32(p) == TL_updates) {
        tl_store32(p + n - 4, (uint32_t)(ses->seq + 2));
        ses->seq++;
    } else if (tl_load32(p) == TL_updatesCombined) {
        tl_store32(p + n - 8, (uint32_t)(ses->seq + 2));
        tl_store32(p + n - 4, (uint32_t)(ses->seq + 3));
        ses->seq += 2;
    }
    if (ses->seq > ses->key->seq)
        ses->key->seq = ses->seq;
}

static void push_to(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_push *push)
{
    const struct sb_fault *f = sb_faults_hit(&s->faults, "updates", false, ses->key->dc_id, ses->id);
    enum sb_fault_do what = f ? f->what : SB_DO_NOTHING;
    struct tl_out shaped = {.limit = SB_OUT_MAX}, packed = {.limit = SB_OUT_MAX};
    struct tl_slice p = {push->p, push->n};
    uint8_t too_long[4];
    struct sb_out *o;

    s->stats.pushes++;
    if (!sb_in_layer_of(ses->key, NULL, p.p, p.n, &shaped))
        tl_put_raw(&shaped, push->p, push->n);
    p = (struct tl_slice){shaped.data, shaped.len};
    if (counts_seq(s) && !shaped.err && p.n >= 12)
        put_seq(ses, shaped.data, shaped.len);
    if (what == SB_DO_TOO_LONG) {
        tl_store32(too_long, TL_updatesTooLong);
        sb_send(s, ses, at, SB_SEND_PUSH, 0, too_long, sizeof too_long);
    }
    if (what == SB_DO_GAP || what == SB_DO_TOO_LONG || shaped.err) {
        tl_out_free(&shaped);
        return;
    }
    /* by seed, as answers are: a whole message may be packed too */
    if (s->seed % 3 == 1 && p.n >= 512 && sb_gzip_packed(&packed, p.p, p.n))
        p = (struct tl_slice){packed.data, packed.len};
    o = sb_send(s, ses, at, SB_SEND_PUSH, 0, p.p, p.n);
    if (o && what == SB_DO_DROP)
        o->sent = true;
    if (what == SB_DO_DUPLICATE)
        sb_send(s, ses, at, SB_SEND_PUSH, 0, p.p, p.n);
    tl_out_free(&shaped);
    tl_out_free(&packed);
    if (what == SB_DO_CUT && ses->conn)
        sb_conn_close(s, ses->conn, SB_CLOSE_NOW);
}

static bool is_for(const struct sb_server *s, const struct sb_push *push, const struct sb_key *k)
{
    if (!k->perm_id || k->doomed)
        return false;
    if (!push->user_id)
        return k->perm_id == push->key_id;
    return sb_world_user_of(s->world, k->dc_id, k->perm_id) == push->user_id &&
           sb_world_home_dc(s->world, push->user_id) == k->dc_id;
}

void sb_drain_pushes(struct sb_server *s, struct mt_now at)
{
    struct sb_push push;

    while (sb_world_next_push(s->world, &push))
        for (size_t i = 0; i < SB_KEY_BUCKETS; i++)
            for (struct sb_key *k = s->keys[i]; k; k = k->next) {
                if (!k->sessions || !is_for(s, &push, k))
                    continue;
                for (struct sb_session *ses = k->sessions; ses; ses = ses->next)
                    if (ses->wants_updates && (!push.except_session || ses->id != push.except_session))
                        push_to(s, ses, at, &push);
            }
}

static void destroy_keys(struct sb_server *s)
{
    s->doomed = false;
    for (size_t i = 0; i < SB_KEY_BUCKETS; i++)
        for (struct sb_key *k = s->keys[i], *next; k; k = next) {
            next = k->next;
            if (!k->doomed)
                continue;
            if (!k->expires)
                sb_world_forget_key(s->world, k->auth.id);
            sb_key_remove(s, k);
        }
}

void sb_flush(struct sb_server *s, struct mt_now at)
{
    while (s->dirty) {
        struct sb_session *ses = s->dirty;

        s->dirty = ses->next_dirty;
        ses->dirty = false;
        sb_session_flush(s, ses, at);
    }
    if (s->doomed)
        destroy_keys(s);
}

/* --- time --- */

static void tick_sessions(struct sb_server *s, struct mt_now at, bool sweep)
{
    for (size_t i = 0; i < SB_KEY_BUCKETS; i++)
        for (struct sb_key *k = s->keys[i], *next_key; k; k = next_key) {
            next_key = k->next;
            for (struct sb_session *ses = k->sessions, *next; ses; ses = next) {
                next = ses->next;
                sb_call_tick(s, ses, at);
                if (sweep && !ses->conn && ses->away_since + SB_SESSION_TTL <= at.mono)
                    sb_session_remove(s, ses);
            }
            if (sweep && k->expires && k->expires <= sb_unix(at))
                sb_key_remove(s, k);
        }
}

void sb_server_tick(struct sb_server *s, struct mt_now now)
{
    struct mt_now at = sb_clock(s, now);
    bool sweep = s->sweep_at <= at.mono;

    for (size_t i = 0; i < s->n_conns; i++)
        if (s->conns[i] && s->conns[i]->hangup <= at.mono)
            sb_conn_close(s, s->conns[i], SB_CLOSE_NOW);
    tick_sessions(s, at, sweep);
    if (sweep)
        s->sweep_at = at.mono + SWEEP_US;
    sb_drain_pushes(s, at);
    sb_flush(s, at);
}

int64_t sb_server_deadline(const struct sb_server *s)
{
    int64_t first = s->sweep_at;

    for (size_t i = 0; i < s->n_conns; i++)
        if (s->conns[i] && s->conns[i]->close == SB_CLOSE_NO && s->conns[i]->hangup < first)
            first = s->conns[i]->hangup;
    for (size_t i = 0; i < SB_KEY_BUCKETS; i++)
        for (const struct sb_key *k = s->keys[i]; k; k = k->next)
            for (const struct sb_session *ses = k->sessions; ses; ses = ses->next) {
                int64_t due = sb_call_deadline(ses);

                if (due < first)
                    first = due;
            }
    return first - s->shift;
}
