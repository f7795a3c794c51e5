#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

#include "core/mtproto/dc_link.h"
#include "core/mtproto/session.h"
#include "tl/ids.h"

void client_start(struct sim *s)
{
    struct mt_dc_cfg cfg = {.env = &s->client_env,
                            .dc_id = 2,
                            .framing = s->framing,
                            .obfuscated = s->obfuscated,
                            .init = &s->init,
                            .rsa_keys = &s->rsa,
                            .n_rsa_keys = 1,
                            .key = s->has_key ? &s->key : NULL,
                            .salts = s->salts,
                            .n_salts = s->n_salts,
                            .time_offset_us = s->offset,
                            .pfs = s->pfs,
                            .temp = s->has_temp ? &s->temp : NULL,
                            .temp_lifetime_s = s->temp_lifetime_s,
                            .keep = true};

    s->life++;
    s->save_at = NET_NEVER;
    s->n_acks = 0;
    s->dc = mt_dc_new(&cfg, sim_client_now(s));
    if (!s->dc)
        abort();
}

static void leave_link(struct sim *s)
{
    if (!s->link)
        return;
    s->link->client = false;
    net_end(&s->link->up, s->t + (int64_t)sim_random(s, 3) * s->link->delay);
    s->link = NULL;
}

void client_kill(struct sim *s)
{
    for (unsigned i = 1; i <= s->n_requests; i++)
        if (!s->requests[i].ends)
            s->requests[i].abandoned = true;
    leave_link(s);
    mt_dc_free(s->dc);
    s->dc = NULL;
}

/* --- requests --- */

static void body_of(struct tl_out *out, enum sim_kind kind, unsigned token)
{
    char text[16];

    snprintf(text, sizeof text, "%u", token);
    switch (kind) {
    case SIM_REPEATABLE:
        tl_put_u32(out, TL_help_getAppUpdate);
        tl_put_str(out, text);
        return;
    case SIM_PLAIN:
        tl_put_u32(out, TL_help_setBotUpdatesStatus);
        tl_put_int(out, (int32_t)token);
        tl_put_str(out, "");
        return;
    case SIM_RANDOM_ID:
        tl_put_u32(out, TL_messages_sendScreenshotNotification);
        tl_put_u32(out, TL_inputPeerSelf);
        tl_put_u32(out, TL_inputReplyToMessage);
        tl_put_u32(out, 0);
        tl_put_int(out, 1);
        tl_put_long(out, token);
        return;
    case SIM_KINDS:
        return;
    }
}

void client_submit(struct sim *s, enum sim_kind kind)
{
    static const unsigned flags[SIM_KINDS] = {MT_REQ_REPEATABLE, MT_REQ_RANDOM_ID, 0};
    struct tl_out body = {0};
    struct mt_req req = {.flags = flags[kind]};
    unsigned token;

    if (s->n_requests == SIM_REQUESTS)
        return;
    token = ++s->n_requests;
    s->requests[token].kind = kind;
    s->requests[token].life = s->life;
    s->requests[token].early = !s->new_sessions;
    body_of(&body, kind, token);
    req.token = token;
    req.body = body.data;
    req.n = body.len;
    req.deadline = s->t + (int64_t)(s->class <= SIM_CUTS ? 3000 : 60 + sim_random(s, 600)) * MT_US_PER_S;
    if (mt_dc_submit(s->dc, sim_client_now(s), &req))
        sim_fail(s, "request %u refused", token);
    tl_out_free(&body);
}

static void ended(struct sim *s, const struct mt_dc_event *ev)
{
    static const char again[] = "RANDOM_ID_DUPLICATE";
    struct sim_request *r;

    if (!ev->token || ev->token > s->n_requests) {
        sim_fail(s, "end of a request that never was");
        return;
    }
    r = &s->requests[ev->token];
    sim_trace(s, "end of %u: event %d code %d sent %d", (unsigned)ev->token, (int)ev->kind, (int)ev->code,
              (int)ev->sent);
    if (r->ends++ || r->life != s->life)
        sim_fail(s, "request %u ended twice", (unsigned)ev->token);
    r->end = ev->kind;
    r->sent = ev->sent;
    if (ev->kind == MT_DC_RESULT && !r->executed)
        sim_fail(s, "request %u was answered and not executed", (unsigned)ev->token);
    if (ev->kind == MT_DC_ERROR && ev->text.n == strlen(again) && !memcmp(ev->text.p, again, ev->text.n))
        r->duplicate_error = true;
}

/* --- events --- */

static void connect_link(struct sim *s, unsigned attempt)
{
    struct sim_link *l = NULL;

    for (size_t i = 0; i < SIM_LINKS && !l; i++)
        if (!s->links[i].used)
            l = &s->links[i];
    if (!l) {
        sim_fail(s, "too many connections at once");
        return;
    }
    *l = (struct sim_link){.used = true, .client = true};
    l->delay = (int64_t)(1 + sim_random(s, 200)) * MT_US_PER_MS;
    l->piece = sim_random(s, 10) ? (sim_random(s, 3) ? SIZE_MAX : 1 + sim_random(s, 64)) : 1;
    l->refused = s->class != SIM_CLEAN && sim_random(s, 8) == 0;
    l->open_at = s->t + 2 * l->delay;
    s->link = l;
    sim_trace(s, "connect, attempt %u%s", attempt, l->refused ? " (refused)" : "");
}

static void update_came(struct sim *s, const struct mt_dc_event *ev)
{
    uint32_t number;

    if (ev->n != 12 || tl_load32(ev->p) != TL_updateShort)
        return;
    number = tl_load32(ev->p + 8);
    if (number >= SIM_PUSHES)
        return;
    if (s->delivered[number]++ && s->push_life[number] == s->life && s->class <= SIM_CUTS)
        sim_fail(s, "update %u came twice", number);
    s->push_life[number] = s->life;
}

static void later_ack(struct sim *s, uint64_t ack)
{
    if (ack && s->n_acks < SIM_ACKS)
        s->acks[s->n_acks++] = ack;
}

static void handle(struct sim *s, const struct mt_dc_event *ev)
{
    struct mt_now now = sim_client_now(s);
    struct mt_keyx_job job;

    switch (ev->kind) {
    case MT_DC_NONE:
    case MT_DC_DOWN:
    case MT_DC_TROUBLE:
        sim_trace(s, "event %d code %d %.*s", (int)ev->kind, (int)ev->code, (int)ev->text.n,
                  ev->text.n ? (const char *)ev->text.p : "");
        return;
    case MT_DC_CONNECT:
        connect_link(s, ev->attempt);
        return;
    case MT_DC_CLOSE:
        sim_trace(s, "close");
        leave_link(s);
        return;
    case MT_DC_UP:
        s->ups++;
        return;
    case MT_DC_KEY:
        s->key = *ev->key;
        s->n_salts = 1;
        s->salts[0] = (struct mt_salt){.salt = ev->salt, .valid_until = INT32_MAX};
        s->offset = ev->time_offset_us;
        s->save_at = s->t + (int64_t)sim_random(s, 50) * MT_US_PER_MS;
        s->save_fails = s->class != SIM_CLEAN && sim_random(s, 10) == 0;
        return;
    case MT_DC_COMPUTE:
        job = *ev->job;
        mt_keyx_job_run(&job);
        mt_dc_computed(s->dc, now, &job);
        return;
    case MT_DC_TEMP_KEY:
        sim_trace(s, "temporary key %s", ev->key ? "bound" : "gone");
        s->has_temp = ev->key;
        if (ev->key) {
            s->temp.key = *ev->key;
            s->temp.ends = ev->ends;
        }
        return;
    case MT_DC_SALTS:
        memcpy(ev->temporary ? s->temp.salts : s->salts, ev->salts, ev->n_salts * sizeof s->salts[0]);
        *(ev->temporary ? &s->temp.n_salts : &s->n_salts) = ev->n_salts;
        return;
    case MT_DC_TIME:
        s->offset = ev->time_offset_us;
        return;
    case MT_DC_RESULT:
    case MT_DC_ERROR:
    case MT_DC_FAILED:
        ended(s, ev);
        later_ack(s, ev->ack);
        return;
    case MT_DC_UPDATES:
        update_came(s, ev);
        later_ack(s, ev->ack);
        return;
    case MT_DC_NEW_SESSION:
        s->new_sessions++;
        return;
    case MT_DC_KEY_LOST:
        sim_trace(s, "key lost");
        s->lost_keys++;
        return;
    }
}

static void check_bounds(struct sim *s)
{
    const struct mt_conn *c = s->dc->conn;

    if (c->sent.n > 2 * (MT_SENT_KEEP + c->flying.n) + 64)
        sim_fail(s, "%zu ids of sent messages are kept", c->sent.n);
    if (c->service.n > 256 || c->acks.pending.n > 2 * MT_ACKS_MAX)
        sim_fail(s, "service messages pile up");
}

static void key_saved(struct sim *s)
{
    s->save_at = NET_NEVER;
    s->has_key = !s->save_fails;
    sim_trace(s, "key %s", s->has_key ? "saved" : "not saved");
    mt_dc_done(s->dc, sim_client_now(s), MT_DC_KEY, s->save_fails ? MT_E_NOMEM : MT_OK);
}

static bool read_link(struct sim *s)
{
    struct sim_link *l = s->link;
    struct mt_now now = sim_client_now(s);
    struct net_piece *piece;

    if (!l)
        return false;
    if (l->open_at && l->open_at <= s->t) {
        l->open_at = 0;
        if (!l->refused) {
            l->conn = sb_server_accept(s->server, sim_server_now(s), 2);
            l->server = l->conn;
        }
        if (l->server) {
            mt_dc_link_up(s->dc, now);
        } else {
            leave_link(s);
            mt_dc_link_down(s->dc, now);
        }
        return true;
    }
    piece = net_read(&l->down, s->t);
    if (piece) {
        mt_dc_feed(s->dc, now, piece->p, piece->n);
        free(piece);
        return true;
    }
    if (net_ended(&l->down, s->t)) {
        leave_link(s);
        mt_dc_link_down(s->dc, now);
        return true;
    }
    return false;
}

static bool write_link(struct sim *s)
{
    struct sim_link *l = s->link;
    struct tl_slice out = mt_dc_output(s->dc, sim_client_now(s));
    size_t n;

    if (!out.n || !l)
        return false;
    n = out.n < l->piece ? out.n : l->piece;
    if (!l->up.ending) /* else it goes into the void */
        net_write(&l->up, s->t, l->delay + (int64_t)sim_random(s, 20000), out.p, n);
    mt_dc_wrote(s->dc, sim_client_now(s), n);
    return true;
}

static bool give_acks(struct sim *s)
{
    if (!s->n_acks || sim_random(s, 3))
        return false;
    for (unsigned i = 0; i < s->n_acks; i++)
        mt_dc_ack(s->dc, sim_client_now(s), s->acks[i]);
    s->n_acks = 0;
    return true;
}

bool client_step(struct sim *s)
{
    struct mt_dc_event ev;
    bool busy = false;

    if (s->save_at <= s->t) {
        key_saved(s);
        busy = true;
    }
    if (mt_dc_deadline(s->dc) <= s->t)
        mt_dc_tick(s->dc, sim_client_now(s));
    busy = read_link(s) || busy;
    for (mt_dc_next(s->dc, &ev); ev.kind != MT_DC_NONE; mt_dc_next(s->dc, &ev)) {
        handle(s, &ev);
        busy = true;
    }
    busy = give_acks(s) || busy;
    busy = write_link(s) || busy;
    check_bounds(s);
    return busy;
}

int64_t client_deadline(const struct sim *s)
{
    int64_t at = mt_dc_deadline(s->dc);

    if (s->save_at < at)
        at = s->save_at;
    if (s->link && s->link->open_at && s->link->open_at < at)
        at = s->link->open_at;
    if (s->link && net_deadline(&s->link->down) < at)
        at = net_deadline(&s->link->down);
    return at;
}

void client_clock_jump(struct sim *s, int64_t us)
{
    sim_trace(s, "the client's clock jumps by %lld s", (long long)(us / MT_US_PER_S));
    s->skew += us;
}
