#include "tests/sim/account/asim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/world_control.h"
#include "tests/sandbox/world_state.h"

#define ACTIONS   90
#define STEPS_MAX 200000
#define QUIET_US  (4 * 3600 * MT_US_PER_S) /* time to come to rest: sends expire after two hours */
#define SILENT_US (150 * MT_US_PER_S)      /* a link that died silently is noticed */

uint64_t asim_random(struct asim *s, uint64_t n)
{
    s->rng = s->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return n ? (s->rng >> 24) % n : 0;
}

void asim_fill(void *ctx, void *buf, size_t n)
{
    uint64_t *state = ctx;
    uint8_t *p = buf;

    while (n--) {
        *state = *state * UINT64_C(2862933555777941757) + UINT64_C(3037000493);
        *p++ = (uint8_t)(*state >> 56);
    }
}

void asim_trace(struct asim *s, const char *fmt, ...)
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

void asim_fail(struct asim *s, const char *fmt, ...)
{
    va_list ap;

    if (s->failure[0])
        return;
    va_start(ap, fmt);
    vsnprintf(s->failure, sizeof s->failure, fmt, ap);
    va_end(ap);
    asim_trace(s, "FAILURE: %s", s->failure);
}

json_t *asim_control(struct asim *s, const char *method, json_t *params)
{
    char err[256];
    json_t *r;
    int code;

    if (s->verbose) {
        char *text = json_dumps(params, JSON_COMPACT);

        asim_trace(s, "%s %s", method, text);
        free(text);
    }
    r = sb_server_control(s->server, asim_now(s), method, params, &code, err);
    if (!r)
        asim_fail(s, "%s: %s", method, err);
    json_decref(params);
    return r;
}

static void control(struct asim *s, const char *method, json_t *params)
{
    json_decref(asim_control(s, method, params));
}

/* --- people of the world talk --- */

void asim_say(struct asim *s, int64_t from, mt_chat_id to)
{
    char text[TEXT_MAX];

    snprintf(text, sizeof text, "w%u", s->words++);
    control(s, "sendAs",
            json_pack("{s:I, s:I, s:s}", "from", (json_int_t)from, "to", (json_int_t)to, "text", text));
}

static void somebody_says(struct asim *s)
{
    const struct {
        int64_t from;
        mt_chat_id to;
    } ways[] = {
        {s->carol, s->alice}, {s->carol, s->family}, {s->carol, s->family}, {s->alice, s->news},
        {s->bob, s->alice},   {s->alice, s->bob},    {s->bob, s->family},   {s->alice, s->team},
        {s->bob, s->team},    {s->alice, s->family}, {s->bob, s->bot},      {s->bot, s->bob},
    };
    uint64_t i = asim_random(s, sizeof ways / sizeof *ways);

    asim_say(s, ways[i].from, ways[i].to);
}

/* Something that a person of the world said and that is still there, in that person's box; NULL: none. */
static const struct sb_msg *something_said(struct asim *s)
{
    size_t n = s->world->n_posts;

    for (size_t tries = 0; tries < 20 && n; tries++) {
        const struct sb_post *p = s->world->posts[asim_random(s, n)];

        for (const struct sb_msg *m = p->text[0] == 'w' && !p->fwd ? p->copies : NULL; m; m = m->next_copy)
            if (!m->deleted && p->from.kind == SB_USER && (m->peer.kind == SB_CHANNEL || m->out))
                return m;
    }
    return NULL;
}

static void somebody_edits(struct asim *s, bool deletes)
{
    const struct sb_msg *m = something_said(s);
    const char *dot = m ? strchr(m->post->text, '.') : NULL;
    char text[TEXT_MAX];

    if (!m)
        return;
    if (deletes) {
        control(s, "deleteAs",
                json_pack("{s:I, s:I, s:[i]}", "from", (json_int_t)m->post->from.id, "chat",
                          (json_int_t)sb_marked(m->peer), "message_ids", m->id));
        return;
    }
    snprintf(text, sizeof text, "%.*s.%d", (int)strcspn(m->post->text, "."), m->post->text,
             dot ? atoi(dot + 1) + 1 : 1);
    control(s, "editAs",
            json_pack("{s:I, s:I, s:i, s:s}", "from", (json_int_t)m->post->from.id, "chat",
                      (json_int_t)sb_marked(m->peer), "message_id", m->id, "text", text));
}

static void people_talk(struct asim *s)
{
    uint64_t what = asim_random(s, 20), n = 1;

    if (what == 0)
        n = 2 + asim_random(s, 20);
    while (n--) {
        if (what < 12)
            somebody_says(s);
        else if (what < 15)
            somebody_edits(s, false);
        else if (what < 17)
            somebody_edits(s, true);
        else if (what < 18)
            control(s, "typeAs",
                    json_pack("{s:I, s:I}", "from", (json_int_t)s->carol, "to", (json_int_t)s->family));
        else if (what < 19)
            control(s, "readAs",
                    json_pack("{s:I, s:I}", "from", (json_int_t)s->bob, "chat", (json_int_t)s->alice));
        else
            control(s, "readAs",
                    json_pack("{s:I, s:I}", "from", (json_int_t)s->alice, "chat", (json_int_t)s->family));
    }
}

/* --- trouble --- */

static const char *const faults[] = {
    "{\"do\":\"drop\"}",
    "{\"do\":\"drop\",\"match\":{\"method\":\"updates\"}}",
    "{\"do\":\"drop\",\"match\":{\"method\":\"ping_delay_disconnect\"}}",
    "{\"do\":\"cut\"}",
    "{\"do\":\"cut\",\"after\":false}",
    "{\"do\":\"cut\",\"match\":{\"method\":\"messages.sendMessage\"}}",
    "{\"do\":\"cut\",\"bytes\":%d,\"match\":{\"method\":\"connect\"}}",
    "{\"do\":\"trickle\",\"match\":{\"method\":\"connect\"}}",
    "{\"do\":\"delay\",\"seconds\":3}",
    "{\"do\":\"delay\",\"seconds\":40}",
    "{\"do\":\"delay\",\"seconds\":20,\"match\":{\"method\":\"messages.sendMessage\"}}",
    "{\"do\":\"delay\",\"seconds\":5,\"match\":{\"method\":\"updates.get*\"}}",
    "{\"do\":\"duplicate\"}",
    "{\"do\":\"duplicate\",\"match\":{\"method\":\"updates\"}}",
    "{\"do\":\"reorder\"}",
    "{\"do\":\"reorder\",\"match\":{\"method\":\"messages.*\"}}",
    "{\"do\":\"error\",\"code\":500,\"text\":\"INTERNAL\"}",
    "{\"do\":\"error\",\"code\":500,\"text\":\"PERSISTENT_TIMESTAMP_OUTDATED\",\"match\":{\"method\":"
    "\"updates.getDifference\"}}",
    "{\"do\":\"error\",\"code\":500,\"text\":\"HISTORY_GET_FAILED\",\"match\":{\"method\":"
    "\"updates.getChannelDifference\"},\"times\":2}",
    "{\"do\":\"error\",\"code\":-503,\"text\":\"Timeout\"}",
    "{\"do\":\"error\",\"code\":420,\"text\":\"FLOOD_WAIT_%d\"}",
    "{\"do\":\"error\",\"code\":420,\"text\":\"FLOOD_WAIT_%d\",\"match\":{\"method\":\"messages."
    "sendMessage\"}}",
    "{\"do\":\"error\",\"code\":420,\"text\":\"SLOWMODE_WAIT_%d\",\"match\":{\"method\":"
    "\"messages.sendMessage\"}}",
    "{\"do\":\"error\",\"code\":420,\"text\":\"FLOOD_WAIT_%d\",\"match\":{\"method\":\"updates.*\"}}",
    "{\"do\":\"error\",\"code\":400,\"text\":\"PEER_FLOOD\",\"match\":{\"method\":\"messages."
    "sendMessage\"}}",
    "{\"do\":\"error\",\"code\":400,\"text\":\"CONNECTION_NOT_INITED\"}",
    "{\"do\":\"bad_salt\"}",
    "{\"do\":\"bad_salt\",\"match\":{\"method\":\"ping_delay_disconnect\"}}",
    "{\"do\":\"bad_msg\",\"code\":16}",
    "{\"do\":\"bad_msg\",\"code\":17}",
    "{\"do\":\"bad_msg\",\"code\":20}",
    "{\"do\":\"bad_msg\",\"code\":32}",
    "{\"do\":\"no_answer\"}",
    "{\"do\":\"migrate\",\"to\":3,\"text\":\"FILE\",\"match\":{\"method\":\"help.getNearestDc\"}}",
    "{\"do\":\"transport\",\"code\":-404}",
    "{\"do\":\"transport\",\"code\":-429}",
    "{\"do\":\"new_session\"}",
    "{\"do\":\"ask\"}",
    "{\"do\":\"resend_req\"}",
    "{\"do\":\"all_info\"}",
    "{\"do\":\"announce\"}",
    "{\"do\":\"gap\"}",
    "{\"do\":\"gap\"}",
    "{\"do\":\"error\",\"code\":401,\"text\":\"AUTH_KEY_UNREGISTERED\"}",
};

static void some_fault(struct asim *s)
{
    char text[256];
    const char *form = faults[asim_random(s, sizeof faults / sizeof *faults)];

    if (strstr(form, "-404")) { /* two of them are a lost key, and the end of a login */
        if (s->disowned)
            return;
        s->disowned = true;
    }
    if (strstr(form, "401")) { /* one answer proves nothing; the confirmation would */
        if (s->doubted)
            return;
        s->doubted = true;
    }
    if (strstr(form, "%d")) {
        const char *at = strstr(form, "%d");
        int n = (int)(strstr(form, "bytes") ? asim_random(s, 3000) : 1 + asim_random(s, 40));

        snprintf(text, sizeof text, "%.*s%d%s", (int)(at - form), form, n, at + 2);
    } else {
        snprintf(text, sizeof text, "%s", form);
    }
    control(s, "fault", json_loads(text, 0, NULL));
}

static void long_difference(struct asim *s)
{
    uint64_t what = asim_random(s, 4);
    struct owner *o = &s->owners[asim_random(s, OWNERS)];

    if (what == 0) {
        control(s, "setSlice", json_pack("{s:i}", "events", (int)(1 + asim_random(s, 6))));
    } else if (what == 1) {
        control(s, "tooLong",
                json_pack("{s:I}", "of", asim_random(s, 2) ? (json_int_t)o->user_id : (json_int_t)s->family));
    } else if (what == 2) {
        control(s, "fault", json_pack("{s:s, s:{s:s}}", "do", "too_long", "match", "method", "updates"));
    } else {
        owner_die(o, asim_random(s, 2));
        o->start_at = s->t + (int64_t)asim_random(s, 2 * 3600) * MT_US_PER_S;
    }
}

static void some_death(struct asim *s)
{
    struct owner *o = &s->owners[asim_random(s, OWNERS)];
    uint64_t what = asim_random(s, 10);

    if (what < 5) { /* soon, between two effects */
        o->die_after = (long)asim_random(s, 25);
        o->dies_of_power = asim_random(s, 3) == 0;
    } else if (what < 6) {
        owner_die(o, asim_random(s, 2));
    } else if (what < 8) {
        owner_stop(o);
    } else {
        control(s, "restart", json_object());
    }
}

static void trouble(struct asim *s)
{
    uint64_t what = asim_random(s, 100);
    struct owner *o = &s->owners[asim_random(s, OWNERS)];

    if (what < 30 || s->class == ASIM_CUTS) {
        if (what >= 95 && o->a)
            mt_account_kick(o->a, owner_now(o));
        else
            wires_cut(s, &s->wires[asim_random(s, WIRES)]);
    } else if (what < 65) {
        some_fault(s);
    } else if (what < 70) {
        asim_trace(s, "the clock of %s jumps", o->name);
        o->skew += ((int64_t)asim_random(s, 7200) - 3600) * MT_US_PER_S;
    } else if (what < 71) {
        if (asim_random(s, 3) == 0)
            keys_forget(s);
        else if (asim_random(s, 2))
            login_take(o);
    } else if (what < 73) {
        control(s, "advance", json_pack("{s:i}", "seconds", 1 + (int)asim_random(s, 3000)));
    } else if (what < 88) {
        if (s->class >= ASIM_DEATHS)
            some_death(s);
    } else if (s->class == ASIM_GAPS) {
        long_difference(s);
    }
}

static void act(struct asim *s)
{
    uint64_t what = asim_random(s, 100);
    struct owner *o = &s->owners[asim_random(s, 5) * 3 / 7]; /* the bot is asked less */

    if (what < 4 && !o->bot)
        (what < 1 && s->class >= ASIM_DEATHS && !o->losses ? secret_race : secret_send)(o);
    else if (what < 30)
        people_talk(s);
    else if (what < 50)
        ask_send(o);
    else if (what < 56)
        ask_again(o);
    else if (what < 61)
        ask_write(o);
    else if (what < 70)
        ask_call(o);
    else if (what < 72)
        ask_cancel(o);
    else if (s->class != ASIM_CLEAN)
        trouble(s);
}

/* --- the loop --- */

static void settle(struct asim *s)
{
    bool busy = true;

    for (unsigned i = 0; busy && !s->failure[0]; i++) {
        busy = false;
        for (unsigned k = 0; k < OWNERS; k++)
            busy = owner_step(&s->owners[k]) || busy;
        busy = wires_step_server(s) || busy;
        if (i > STEPS_MAX)
            asim_fail(s, "it never comes to rest");
    }
}

static int64_t deadline(const struct asim *s)
{
    int64_t at = wires_deadline(s);

    for (unsigned k = 0; k < OWNERS; k++) {
        int64_t other = owner_deadline(&s->owners[k]);

        at = other < at ? other : at;
    }
    return at;
}

void asim_advance(struct asim *s, int64_t until)
{
    while (!s->failure[0]) {
        int64_t at;

        settle(s);
        at = deadline(s);
        if (at >= until) {
            s->t = until;
            settle(s);
            return;
        }
        s->t = at > s->t ? at : s->t + 1;
    }
}

static bool is_at_rest(const struct asim *s)
{
    for (unsigned k = 0; k < OWNERS; k++) {
        const struct owner *o = &s->owners[k];

        if (!o->a || !mt_account_is_connected(o->a) || !mt_account_is_in_sync(o->a) ||
            o->disk.synced < o->disk.n)
            return false;
        for (unsigned i = 1; i <= o->n_asked; i++)
            if (!o->asked[i].ends && !o->asked[i].abandoned)
                return false;
        for (size_t i = 0; i < o->disk.n_rows; i++)
            if (!mt_send_has_ended(o->disk.rows[i]->state))
                return false;
    }
    return true;
}

static void wait_for_rest(struct asim *s)
{
    int64_t end = s->t + QUIET_US;

    while (!s->failure[0] && s->t < end && !is_at_rest(s))
        asim_advance(s, s->t + 5 * MT_US_PER_S);
}

static void come_to_rest(struct asim *s)
{
    asim_trace(s, "quiet from here");
    control(s, "clearFaults", json_object());
    for (unsigned k = 0; k < OWNERS; k++)
        s->owners[k].die_after = -1;
    asim_advance(s, s->t + SILENT_US);
    wait_for_rest(s);
    /* what was lost for good shows itself with the next that comes */
    asim_say(s, s->carol, s->alice);
    asim_say(s, s->alice, s->bob);
    asim_say(s, s->bob, s->bot);
    asim_say(s, s->carol, s->family);
    asim_say(s, s->alice, s->news);
    secret_send(&s->owners[0]);
    secret_send(&s->owners[1]);
    asim_advance(s, s->t + 10 * MT_US_PER_S);
    wait_for_rest(s);
    if (s->verbose) {
        json_t *stats = asim_control(s, "stats", json_object());
        char *text = json_dumps(json_object_get(stats, "protocol"), JSON_COMPACT);

        asim_trace(s, "the server in the end: %s", text);
        free(text);
        json_decref(stats);
    }
}

void asim_prepare(struct asim *s, uint64_t seed, bool verbose)
{
    static const enum mt_framing framings[] = {MT_ABRIDGED, MT_INTERMEDIATE, MT_PADDED, MT_FULL};

    s->seed = seed;
    s->rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    s->class = (enum asim_class)(seed % ASIM_CLASSES);
    s->verbose = verbose;
    s->pfs = seed / ASIM_CLASSES % 4 != 0;
    s->server_rng = seed * 3 + 7;
    s->server_env = (struct mt_env){.random = asim_fill, .ctx = &s->server_rng};
    s->t = 1000 * MT_US_PER_S;
    s->framing = framings[asim_random(s, 4)];
    s->obfuscated = s->framing != MT_FULL && asim_random(s, 2);
}

void asim_fini(struct asim *s)
{
    for (unsigned k = 0; k < OWNERS; k++)
        owner_fini(&s->owners[k]);
    wires_fini(s);
    sb_server_free(s->server);
    mt_rsa_free(s->rsa);
    sb_world_free(s->world);
}

bool asim_run(uint64_t seed, bool verbose, char failure[256], struct asim_totals *totals)
{
    struct asim *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    asim_prepare(s, seed, verbose);
    if (!truth_setup(s))
        abort();
    for (unsigned k = 0; k < OWNERS; k++)
        owner_start(&s->owners[k]);
    for (unsigned i = 0; i < ACTIONS && !s->failure[0]; i++) {
        int64_t wait = (int64_t)(20 + asim_random(s, 1500)) * MT_US_PER_MS;

        if (asim_random(s, 40) == 0)
            wait = (int64_t)asim_random(s, 1200) * MT_US_PER_S;
        act(s);
        asim_advance(s, s->t + wait);
    }
    come_to_rest(s);
    truth_check(s, totals);
    totals->runs++;
    totals->failed += s->failure[0] != 0;
    snprintf(failure, 256, "%s", s->failure);
    asim_fini(s);
    free(s);
    return !failure[0];
}
