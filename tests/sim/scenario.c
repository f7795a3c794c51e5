#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACTIONS     150
#define STEPS_MAX   2000000
#define AT_LEAST_US (150 * MT_US_PER_S)  /* a link that died silently is noticed */
#define QUIET_US    (1200 * MT_US_PER_S) /* time to come to rest */

uint64_t sim_random(struct sim *s, uint64_t n)
{
    s->rng = s->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return n ? (s->rng >> 24) % n : 0;
}

static void fill(void *ctx, void *buf, size_t n)
{
    uint64_t *state = ctx;
    uint8_t *p = buf;

    while (n--) {
        *state = *state * UINT64_C(2862933555777941757) + UINT64_C(3037000493);
        *p++ = (uint8_t)(*state >> 56);
    }
}

void sim_trace(struct sim *s, const char *fmt, ...)
{
    va_list ap;

    if (!s->verbose)
        return;
    printf("%10.3f  ", (double)s->t / (double)MT_US_PER_S);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

void sim_fail(struct sim *s, const char *fmt, ...)
{
    va_list ap;

    if (s->failure[0])
        return;
    va_start(ap, fmt);
    vsnprintf(s->failure, sizeof s->failure, fmt, ap);
    va_end(ap);
    sim_trace(s, "FAILURE: %s", s->failure);
}

/* --- what happens --- */

static void some_fault(struct sim *s)
{
    static const char *const faults[] = {
        "{\"do\":\"drop\"}",
        "{\"do\":\"drop\",\"match\":{\"method\":\"ping_delay_disconnect\"}}",
        "{\"do\":\"drop\",\"match\":{\"method\":\"msgs_state_req\"}}",
        "{\"do\":\"cut\"}",
        "{\"do\":\"cut\",\"after\":false}",
        "{\"do\":\"delay\",\"seconds\":3}",
        "{\"do\":\"delay\",\"seconds\":40}",
        "{\"do\":\"duplicate\"}",
        "{\"do\":\"duplicate\",\"match\":{\"method\":\"updates\"}}",
        "{\"do\":\"reorder\"}",
        "{\"do\":\"error\",\"code\":500,\"text\":\"INTERNAL\"}",
        "{\"do\":\"bad_salt\"}",
        "{\"do\":\"bad_salt\",\"match\":{\"method\":\"ping_delay_disconnect\"}}",
        "{\"do\":\"bad_msg\",\"code\":16}",
        "{\"do\":\"bad_msg\",\"code\":17}",
        "{\"do\":\"bad_msg\",\"code\":20}",
        "{\"do\":\"bad_msg\",\"code\":32}",
        "{\"do\":\"bad_msg\",\"code\":35}",
        "{\"do\":\"bad_msg\",\"code\":64}",
        "{\"do\":\"no_answer\"}",
        "{\"do\":\"transport\",\"code\":-404}",
        "{\"do\":\"transport\",\"code\":-429}",
        "{\"do\":\"new_session\"}",
        "{\"do\":\"ask\"}",
        "{\"do\":\"resend_req\"}",
        "{\"do\":\"all_info\"}",
        "{\"do\":\"announce\"}",
        "{\"do\":\"error\",\"code\":400,\"text\":\"CONNECTION_NOT_INITED\"}",
    };

    server_control(s, "fault", faults[sim_random(s, sizeof faults / sizeof faults[0])]);
}

/* The server forgets keys, or which permanent one a temporary one speaks for. */
static void key_fault(struct sim *s)
{
    static const char *const faults[] = {
        "{\"do\":\"unbind\"}",
        "{\"do\":\"unbind\",\"match\":{\"method\":\"ping_delay_disconnect\"}}",
        "{\"do\":\"drop\",\"match\":{\"method\":\"auth.bindTempAuthKey\"}}",
        "{\"do\":\"cut\",\"match\":{\"method\":\"auth.bindTempAuthKey\"}}",
        "{\"do\":\"cut\",\"after\":false,\"match\":{\"method\":\"auth.bindTempAuthKey\"}}",
        "{\"do\":\"no_answer\",\"match\":{\"method\":\"auth.bindTempAuthKey\"}}",
        "{\"do\":\"bad_salt\",\"match\":{\"method\":\"auth.bindTempAuthKey\"}}",
        "{\"do\":\"bad_msg\",\"code\":17,\"match\":{\"method\":\"auth.bindTempAuthKey\"}}",
        "{\"do\":\"error\",\"code\":400,\"text\":\"ENCRYPTED_MESSAGE_INVALID\","
        "\"match\":{\"method\":\"auth.bindTempAuthKey\"}}",
        "{\"do\":\"error\",\"code\":400,\"text\":\"EXPIRES_AT_INVALID\","
        "\"match\":{\"method\":\"auth.bindTempAuthKey\"}}",
        "{\"do\":\"error\",\"code\":500,\"text\":\"INTERNAL\",\"match\":{\"method\":\"auth.bindTempAuthKey\"}"
        "}",
        "{\"do\":\"keyx\",\"what\":\"fail\",\"match\":{\"method\":\"set_client_DH_params\"}}",
        "{\"do\":\"cut\",\"match\":{\"method\":\"req_DH_params\"}}",
        "{\"do\":\"drop\",\"match\":{\"method\":\"req_pq_multi\"}}",
    };
    uint64_t what = sim_random(s, sizeof faults / sizeof faults[0] + 3);

    if (what < sizeof faults / sizeof faults[0])
        server_control(s, "fault", faults[what]);
    else
        server_control(s, "forgetKeys", "{\"temporary\":true}");
}

static void burst(struct sim *s)
{
    for (uint64_t n = 1 + sim_random(s, 12); n--;)
        client_submit(s, (enum sim_kind)sim_random(s, SIM_KINDS));
}

static void cancel_one(struct sim *s)
{
    unsigned token = s->n_requests ? 1 + (unsigned)sim_random(s, s->n_requests) : 0;

    if (!token || s->requests[token].ends || s->requests[token].abandoned)
        return;
    s->requests[token].cancelled = true;
    mt_dc_cancel(s->dc, sim_client_now(s), token);
}

static void restart_client(struct sim *s)
{
    sim_trace(s, "the client is killed");
    client_kill(s);
    client_start(s);
}

static void trouble(struct sim *s)
{
    uint64_t what = sim_random(s, 100);

    if (what < 40) {
        link_cut(s, s->link);
    } else if (what < 80) {
        if (s->class >= SIM_FAULTS && s->pfs && sim_random(s, 3) == 0)
            key_fault(s);
        else if (s->class >= SIM_FAULTS)
            some_fault(s);
    } else if (what < 84) {
        if (s->class >= SIM_FAULTS)
            client_clock_jump(s, ((int64_t)sim_random(s, 7200) - 3600) * MT_US_PER_S);
    } else if (what < 87) {
        if (s->class >= SIM_FAULTS)
            server_control(s, "advance", "{\"seconds\":400}");
    } else if (what < 91) {
        if (s->class == SIM_ALL)
            server_control(s, "restart", "{}");
    } else if (what < 95) {
        if (s->class == SIM_ALL)
            restart_client(s);
    } else {
        mt_dc_kick(s->dc, sim_client_now(s));
    }
}

static void act(struct sim *s)
{
    uint64_t what = sim_random(s, 100);

    if (what < 55)
        client_submit(s, (enum sim_kind)sim_random(s, SIM_KINDS));
    else if (what < 60)
        burst(s);
    else if (what < 75)
        server_push(s);
    else if (what < 78)
        cancel_one(s);
    else if (s->class != SIM_CLEAN)
        trouble(s);
}

/* --- the loop --- */

static void settle(struct sim *s)
{
    bool busy = true;

    for (unsigned i = 0; busy && !s->failure[0]; i++) {
        busy = client_step(s);
        busy = server_step(s) || busy;
        if (i > STEPS_MAX)
            sim_fail(s, "it never comes to rest");
    }
    if (s->lost_keys) { /* the owner tries again with the same key: the faults are transient */
        s->lost_keys = 0;
        restart_client(s);
        settle(s);
    }
}

/* Runs until `until`, event by event. */
static void advance(struct sim *s, int64_t until)
{
    while (!s->failure[0]) {
        int64_t at = client_deadline(s), other = server_deadline(s);

        settle(s);
        at = client_deadline(s);
        other = server_deadline(s);
        at = at < other ? at : other;
        if (s->n_acks && at > s->t + 100 * MT_US_PER_MS)
            at = s->t + 100 * MT_US_PER_MS; /* commits */
        if (at >= until) {
            s->t = until;
            settle(s);
            return;
        }
        if (at > s->t)
            s->t = at;
        else
            s->t++;
    }
}

static void come_to_rest(struct sim *s)
{
    int64_t end = s->t + QUIET_US, least = s->t + AT_LEAST_US;

    server_control(s, "clearFaults", "{}");
    sim_trace(s, "quiet from here");
    while (!s->failure[0] && s->t < end && (s->t < least || !mt_dc_is_up(s->dc) || mt_dc_pending(s->dc)))
        advance(s, s->t + 5 * MT_US_PER_S);
    if (!mt_dc_is_up(s->dc))
        sim_fail(s, "not connected in the end");
    if (mt_dc_pending(s->dc))
        sim_fail(s, "%zu requests never end", mt_dc_pending(s->dc));
}

/* --- what must hold --- */

static void check_request(struct sim *s, unsigned token)
{
    const struct sim_request *r = &s->requests[token];

    if (r->ends != (r->abandoned ? 0 : 1))
        sim_fail(s, "request %u ended %u times", token, r->ends);
    if (r->kind == SIM_PLAIN && r->executed > 1)
        sim_fail(s, "request %u was executed %u times", token, r->executed);
    if (r->end == MT_DC_FAILED && r->sent == MT_SENT_NO && r->executed)
        sim_fail(s, "request %u was said not to be sent, and was executed", token);
    if (r->early && r->kind == SIM_PLAIN && s->class == SIM_CUTS)
        return;
    if (s->class <= SIM_CUTS && !r->cancelled && r->end != MT_DC_RESULT && !r->duplicate_error)
        sim_fail(s, "request %u was not answered", token);
}

static void check_server(struct sim *s)
{
    int code;
    char err[256];
    json_t *stats = sb_server_control(s->server, sim_server_now(s), "stats", NULL, &code, err);
    const json_t *p = json_object_get(stats, "protocol");

    if (s->class <= SIM_CUTS && json_integer_value(json_object_get(p, "bad_msg")))
        sim_fail(s, "the server complained about %lld messages",
                 (long long)json_integer_value(json_object_get(p, "bad_msg")));
    if (s->class <= SIM_CUTS && json_integer_value(json_object_get(p, "bad_salt")))
        sim_fail(s, "the server complained about %lld salts",
                 (long long)json_integer_value(json_object_get(p, "bad_salt")));
    json_decref(stats);
}

static void check_updates(struct sim *s)
{
    for (unsigned i = 0; i < s->pushed; i++)
        if (s->class <= SIM_CUTS && s->ups && s->new_sessions <= 1 && i > 20 && !s->delivered[i] &&
            s->delivered[i - 1])
            sim_fail(s, "update %u was lost", i);
}

static void count(const struct sim *s, struct sim_totals *totals)
{
    for (unsigned i = 1; i <= s->n_requests; i++) {
        const struct sim_request *r = &s->requests[i];

        totals->requests++;
        totals->results += r->end == MT_DC_RESULT;
        totals->errors += r->end == MT_DC_ERROR;
        totals->duplicates += r->duplicate_error;
        totals->unknown += r->end == MT_DC_FAILED && r->sent != MT_SENT_NO;
        totals->not_sent += r->end == MT_DC_FAILED && r->sent == MT_SENT_NO;
        totals->abandoned += r->abandoned;
    }
    totals->links += s->ups;
    totals->runs++;
    totals->failed += s->failure[0] != 0;
}

static void prepare(struct sim *s, uint64_t seed, bool verbose)
{
    static const enum mt_framing framings[] = {MT_ABRIDGED, MT_INTERMEDIATE, MT_PADDED, MT_FULL};

    memset(s, 0, sizeof *s);
    s->seed = seed;
    s->rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    s->class = (enum sim_class)(seed % SIM_CLASSES);
    s->verbose = verbose;
    s->client_rng = seed * 2 + 1;
    s->server_rng = seed * 3 + 7;
    s->client_env = (struct mt_env){.random = fill, .ctx = &s->client_rng};
    s->server_env = (struct mt_env){.random = fill, .ctx = &s->server_rng};
    s->t = 1000 * MT_US_PER_S;
    s->skew = ((int64_t)sim_random(s, 200000) - 100000) * MT_US_PER_S;
    s->framing = framings[sim_random(s, 4)];
    s->obfuscated = s->framing != MT_FULL && sim_random(s, 2);
    s->pfs = sim_random(s, 3);
    s->temp_lifetime_s =
        sim_random(s, 2) ? 400 + (int32_t)sim_random(s, 1200) : 0; /* so that it is renewed */
    s->init = (struct mt_init_params){.api_id = 1,
                                      .device_model = "sim",
                                      .system_version = "1",
                                      .app_version = "1",
                                      .system_lang_code = "en",
                                      .lang_code = "en"};
}

bool sim_run(uint64_t seed, bool verbose, char failure[256], struct sim_totals *totals)
{
    struct sim *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    prepare(s, seed, verbose);
    if (!server_start(s))
        abort();
    client_start(s);
    for (unsigned i = 0; i < ACTIONS && !s->failure[0]; i++) {
        int64_t wait = (int64_t)(50 + sim_random(s, 2000)) * MT_US_PER_MS;

        if (sim_random(s, 60) == 0)
            wait = (int64_t)sim_random(s, s->class <= SIM_CUTS ? 200 : 500) * MT_US_PER_S;
        act(s);
        advance(s, s->t + wait);
    }
    come_to_rest(s);
    for (unsigned i = 1; i <= s->n_requests; i++)
        check_request(s, i);
    check_server(s);
    check_updates(s);
    count(s, totals);
    snprintf(failure, 256, "%s", s->failure);
    client_kill(s);
    server_stop(s);
    free(s);
    return !failure[0];
}
