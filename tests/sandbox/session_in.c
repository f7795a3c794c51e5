#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/peer.h"
#include "tl/ids.h"

#define PLAIN_HEAD      32 /* salt, session, msg_id, seqno, length */
#define PAD_MIN         12
#define PAD_MAX         1024
#define OLD_S           300 /* how far a message id may be behind and ahead of our clock */
#define AHEAD_S         30
#define CONTAINER_MAX   1020
#define CONTAINER_OUTER 16 /* head of a message inside: id, seqno, length */

/* A body with gzip_packed taken off. */
struct body {
    const uint8_t *p;
    size_t n;
    uint8_t *unpacked;
};

static int body_open(struct body *b, const uint8_t *p, size_t n)
{
    struct tl_in in = tl_in(p, n);
    struct tl_slice gz;

    *b = (struct body){.p = p, .n = n};
    if (tl_peek(&in) != TL_gzip_packed)
        return MT_OK;
    tl_u32(&in);
    gz = tl_bytes(&in);
    if (in.err || sb_gunzip(gz.p, gz.n, SB_IN_MAX, &b->unpacked, &b->n) != MT_OK)
        return MT_E_ZLIB;
    b->p = b->unpacked;
    return MT_OK;
}

static uint32_t body_id(const struct body *b)
{
    return b->n >= 4 ? tl_load32(b->p) : 0;
}

static int check_id(const struct sb_in *m, struct mt_now at)
{
    int64_t t = (int64_t)(m->id >> 32), now = sb_unix(at);

    if (m->id % 4)
        return 18;
    if (m->in_container)
        return 0; /* may be older: containers are how a lost message is sent again */
    if (t < now - OLD_S)
        return 16;
    if (t > now + AHEAD_S)
        return 17;
    return 0;
}

static int check_parity(const struct sb_in *m, uint32_t id)
{
    switch (sb_service_parity(id)) {
    case SB_PARITY_EVEN:
        return m->seqno & 1 ? 34 : 0;
    case SB_PARITY_ODD:
        return m->seqno & 1 ? 0 : 35;
    case SB_PARITY_ANY:
        return 0;
    }
    return 0;
}

static void announce(struct sb_server *s, struct sb_session *ses, struct mt_now at, uint64_t first)
{
    uint8_t buf[28];
    struct tl_out out = {.data = buf, .cap = sizeof buf, .fixed = true};

    if (ses->announced)
        return;
    ses->announced = true;
    s->stats.new_sessions++;
    tl_put_u32(&out, TL_new_session_created);
    tl_put_u64(&out, first);
    tl_put_u64(&out, mt_env_random64(s->env));
    tl_put_long(&out, sb_salt_at(ses->key, sb_salt_index(ses->key, at)));
    sb_send(s, ses, at, SB_SEND_CONTENT, 0, buf, out.len);
}

/* The same message once more: its answer is repeated, it is not executed again. */
static void seen_before(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m)
{
    struct sb_out *o = sb_out_by_req(ses, m->id);

    if (o)
        sb_resend(s, ses, at, o, true);
    else if (m->seqno & 1 && tl_load32(m->p) != TL_msgs_ack)
        sb_session_ack(ses, m->id);
}

/* Faults that come before execution; true: the message is dealt with. */
static bool struck(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
                   const struct sb_fault *f)
{
    switch (f->what) {
    case SB_DO_DROP:
        return true;
    case SB_DO_CUT:
        if (f->after)
            return false;
        sb_conn_close(s, ses->conn, SB_CLOSE_NOW);
        return true;
    case SB_DO_TRANSPORT:
        sb_conn_error(s, ses->conn, f->code);
        return true;
    case SB_DO_BAD_SALT:
        ses->key->salt_turn++;
        sb_send_bad_salt(s, ses, at, m);
        return true;
    case SB_DO_BAD_MSG:
        sb_send_bad_msg(s, ses, at, m, f->code);
        return true;
    case SB_DO_FORGET_KEY:
        ses->key->doomed = s->doomed = true;
        sb_conn_error(s, ses->conn, -404);
        return true;
    case SB_DO_UNBIND:
        if (ses->key->expires)
            ses->key->perm_id = 0;
        return false;
    case SB_DO_NEW_SESSION:
        sb_session_reset(ses);
        announce(s, ses, at, m->id);
        return false;
    case SB_DO_ASK:
        sb_ask_states(s, ses, at);
        return false;
    case SB_DO_RESEND_REQ:
    case SB_DO_ALL_INFO:
        sb_say_missing(s, ses, at, m->id, f->what == SB_DO_RESEND_REQ);
        return true;
    case SB_DO_NOTHING:
    case SB_DO_ANNOUNCE:
    case SB_DO_DELAY:
    case SB_DO_DUPLICATE:
    case SB_DO_REORDER:
    case SB_DO_ERROR:
    case SB_DO_NO_ANSWER:
    case SB_DO_GAP:
    case SB_DO_TOO_LONG:
    case SB_DO_MIGRATE:
    case SB_DO_KEYX:
    case SB_DO_TRICKLE:
        return false;
    }
    return false;
}

static const struct sb_fault *find_fault(struct sb_server *s, const struct sb_session *ses, bool api,
                                         uint32_t id)
{
    const struct tl_def *def = tl_def_by_id(id);

    if (TAILQ_EMPTY(&s->faults.list) || !def)
        return NULL;
    return sb_faults_hit(&s->faults, tl_def_name(def), api, ses->key->dc_id, ses->id);
}

/* One message whose id and parity are right: window, faults, execution. */
static void execute(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m,
                    const struct body *b)
{
    bool api = sb_service_parity(body_id(b)) == SB_PARITY_ODD;
    struct sb_in inner = *m;
    struct sb_wraps w = {.query = tl_in(b->p, b->n)};
    const struct sb_fault *f;
    struct sb_seen *seen;
    int code;

    inner.p = b->p;
    inner.n = b->n;
    if (api)
        sb_unwrap(&w, b->p, b->n);
    if (sb_seen_find(ses, m->id)) {
        seen_before(s, ses, at, m);
        goto end;
    }
    f = find_fault(s, ses, api, tl_peek(&w.query));
    if (f && struck(s, ses, at, m, f))
        goto end;
    code = sb_seen_enter(ses, m, &seen);
    if (code > 0)
        sb_send_bad_msg(s, ses, at, m, code);
    if (code)
        goto end;
    if (api) {
        sb_call(s, ses, at, &inner, &w, f);
    } else {
        if (m->seqno & 1 && body_id(b) != TL_msgs_ack)
            sb_session_ack(ses, m->id);
        sb_service(s, ses, at, &inner);
    }
end:
    sb_unwrap_free(&w);
}

/* Takes the messages out; MT_E_PEER where the container breaks a rule. `first`: the lowest id. */
static int read_container(const struct sb_in *outer, struct tl_in *in, struct sb_in *list, uint32_t *count,
                          uint64_t *first)
{
    uint32_t n;

    tl_u32(in);
    n = tl_u32(in);
    if (in->err || n > CONTAINER_MAX || (size_t)n * CONTAINER_OUTER > tl_left(in))
        return MT_E_PEER;
    *first = outer->id;
    for (uint32_t i = 0; i < n; i++) {
        struct sb_in *m = &list[i];

        *m = (struct sb_in){.in_container = true};
        m->id = tl_u64(in);
        m->seqno = tl_u32(in);
        m->n = tl_u32(in);
        if (m->n % 4 || m->n < 4 || m->n > tl_left(in) || m->id >= outer->id || m->seqno > outer->seqno)
            return MT_E_PEER;
        m->p = tl_raw(in, m->n);
        if (tl_load32(m->p) == TL_msg_container)
            return MT_E_PEER;
        if (m->id < *first)
            *first = m->id;
    }
    *count = n;
    return tl_end(in) == TL_OK ? MT_OK : MT_E_PEER;
}

static void one_message(struct sb_server *s, struct sb_session *ses, struct mt_now at, const struct sb_in *m)
{
    struct body b;
    int code;

    s->stats.messages++;
    if (body_open(&b, m->p, m->n) != MT_OK || body_id(&b) == TL_msg_container) {
        if (m->seqno & 1)
            sb_send_error(s, ses, at, m->id, 400, "INPUT_FETCH_ERROR");
        free(b.unpacked);
        return;
    }
    code = check_id(m, at);
    if (!code)
        code = check_parity(m, body_id(&b));
    if (code)
        sb_send_bad_msg(s, ses, at, m, code);
    else
        execute(s, ses, at, m, &b);
    free(b.unpacked);
}

static void container(struct sb_server *s, struct sb_session *ses, struct mt_now at,
                      const struct sb_in *outer, const struct body *b)
{
    struct sb_in *list = malloc(CONTAINER_MAX * sizeof *list);
    struct tl_in in = tl_in(b->p, b->n);
    struct sb_seen *seen;
    uint32_t n = 0;
    uint64_t first;
    int code = check_id(outer, at);

    if (!list)
        return;
    if (!code)
        code = check_parity(outer, TL_msg_container);
    if (!code && read_container(outer, &in, list, &n, &first) != MT_OK)
        code = 64;
    if (!code)
        code = sb_seen_enter(ses, outer, &seen);
    if (code == -1)
        code = 19;
    if (code > 0)
        sb_send_bad_msg(s, ses, at, outer, code);
    if (code == 0)
        announce(s, ses, at, first);
    for (uint32_t i = 0; code == 0 && i < n && ses->conn && ses->conn->close == SB_CLOSE_NO; i++)
        one_message(s, ses, at, &list[i]);
    free(list);
}

static void outer_message(struct sb_server *s, struct sb_session *ses, struct mt_now at,
                          const struct sb_in *m)
{
    struct body b;

    if (body_open(&b, m->p, m->n) == MT_OK && body_id(&b) == TL_msg_container) {
        container(s, ses, at, m, &b);
    } else {
        if (!check_id(m, at) && !check_parity(m, body_id(&b)))
            announce(s, ses, at, m->id);
        one_message(s, ses, at, m);
    }
    free(b.unpacked);
}

static void send_quick_ack(struct sb_conn *c, const struct sb_key *k, const uint8_t *plain, size_t n)
{
    const struct mt_part parts[] = {{k->auth.key + 88 + MT_CLIENT, 32}, {plain, n}};
    uint8_t hash[32];

    mt_sha256(hash, parts, 2);
    mt_frame_submit_quick_ack(c->frame, tl_load32(hash) | UINT32_C(0x80000000));
}

static struct sb_key *usable_key(struct sb_server *s, const struct sb_conn *c, struct mt_now at, uint64_t id)
{
    struct sb_key *k = sb_key_find(s, c->dc_id, id);

    if (k && k->expires && k->expires <= sb_unix(at)) {
        sb_key_remove(s, k);
        k = NULL;
    }
    return k && !k->doomed ? k : NULL;
}

void sb_session_packet(struct sb_server *s, struct sb_conn *c, struct mt_now at, uint8_t *p, size_t n,
                       bool quick_ack)
{
    struct sb_key *k = usable_key(s, c, at, tl_load64(p));
    struct sb_session *ses;
    struct sb_in m = {0};
    struct tl_in in;
    uint8_t *plain;
    size_t len;
    uint64_t session_id;
    int64_t salt;

    s->stats.packets++;
    if (!k || mt_open(&k->auth, MT_CLIENT, p, n, &plain, &len) != MT_OK || len < PLAIN_HEAD) {
        sb_conn_error(s, c, -404);
        return;
    }
    in = tl_in(plain, len);
    salt = tl_long(&in);
    session_id = tl_u64(&in);
    m.id = tl_u64(&in);
    m.seqno = tl_u32(&in);
    m.n = tl_u32(&in);
    if (m.n > tl_left(&in) || m.n % 4 || m.n < 4 || tl_left(&in) - m.n < PAD_MIN ||
        tl_left(&in) - m.n > PAD_MAX || !session_id) {
        sb_conn_error(s, c, -404);
        return;
    }
    m.p = tl_raw(&in, m.n);
    if (quick_ack)
        send_quick_ack(c, k, plain, len);
    ses = sb_session_find(k, session_id);
    if (!ses)
        ses = sb_session_add(s, k, session_id);
    if (!ses) {
        sb_conn_close(s, c, SB_CLOSE_NOW);
        return;
    }
    sb_session_attach(s, ses, c, at);
    sb_session_dirty(s, ses);
    if (!sb_salt_ok(k, at, salt))
        sb_send_bad_salt(s, ses, at, &m);
    else
        outer_message(s, ses, at, &m);
}
