#include "tests/unit/account/fake_dc.h"

#include "tl/ids.h"

#define REQS_MAX   128
#define EVENTS_MAX 256

struct mt_dc {
    struct mt_dc *next;
    struct mt_dc_cfg cfg;
    struct fake_req reqs[REQS_MAX];
    size_t n_reqs;
    struct mt_dc_event events[EVENTS_MAX];
    size_t first, n_events;
    bool up, closed;
    char said[1024];
};

static struct mt_dc *all;
static const struct mt_auth_key a_key = {.id = 99};

struct mt_dc *mt_dc_new(const struct mt_dc_cfg *cfg, struct mt_now now)
{
    struct mt_dc *dc = calloc(1, sizeof *dc);

    dc->cfg = *cfg;
    dc->next = all;
    all = dc;
    if (cfg->keep)
        dc->events[dc->n_events++] = (struct mt_dc_event){.kind = MT_DC_CONNECT};
    return dc;
}

void mt_dc_free(struct mt_dc *dc)
{
    struct mt_dc **at = &all;

    if (!dc)
        return;
    while (*at != dc)
        at = &(*at)->next;
    *at = dc->next;
    free(dc);
}

static void push(struct mt_dc *dc, struct mt_dc_event e)
{
    assert_true(dc->n_events < EVENTS_MAX);
    dc->events[dc->n_events++] = e;
}

void mt_dc_next(struct mt_dc *dc, struct mt_dc_event *event)
{
    *event = (struct mt_dc_event){.kind = MT_DC_NONE};
    if (dc->first < dc->n_events)
        *event = dc->events[dc->first++];
    else
        dc->first = dc->n_events = 0;
}

int mt_dc_submit(struct mt_dc *dc, struct mt_now now, const struct mt_req *req)
{
    static uint8_t bytes[4u << 20];
    static size_t used;
    struct fake_req *r = &dc->reqs[dc->n_reqs++];

    assert_true(!dc->closed);
    assert_true(dc->n_reqs < REQS_MAX && used + req->n < sizeof bytes);
    memcpy(bytes + used, req->body, req->n);
    *r = (struct fake_req){.token = req->token,
                           .id = tl_load32(req->body),
                           .body = {bytes + used, req->n},
                           .flags = req->flags,
                           .deadline = req->deadline};
    used += req->n;
    return MT_OK;
}

void mt_dc_cancel(struct mt_dc *dc, struct mt_now now, uint64_t token)
{
    for (size_t i = 0; i < dc->n_reqs; i++)
        if (dc->reqs[i].token == token && !dc->reqs[i].done) {
            dc->reqs[i].done = dc->reqs[i].cancelled = true;
            push(dc, (struct mt_dc_event){.kind = MT_DC_FAILED,
                                          .token = token,
                                          .code = MT_E_STATE,
                                          .sent = dc->up ? MT_SENT_UNKNOWN : MT_SENT_NO});
        }
}

bool mt_dc_withdraw(struct mt_dc *dc, struct mt_now now, uint64_t token)
{
    if (dc->up)
        return false;
    mt_dc_cancel(dc, now, token);
    return true;
}

static void say(struct mt_dc *dc, const char *text)
{
    size_t n = strlen(dc->said);

    snprintf(dc->said + n, sizeof dc->said - n, "%s%s", n ? " | " : "", text);
}

void mt_dc_ack(struct mt_dc *dc, struct mt_now now, uint64_t ack)
{
    say(dc, fmt("ack %d", (int)ack));
}

void mt_dc_flush(struct mt_dc *dc, struct mt_now now) {}

void mt_dc_link_up(struct mt_dc *dc, struct mt_now now)
{
    say(dc, "link up");
}

void mt_dc_link_down(struct mt_dc *dc, struct mt_now now)
{
    say(dc, "link down");
}

void mt_dc_kick(struct mt_dc *dc, struct mt_now now)
{
    say(dc, "kick");
}

void mt_dc_hang_up(struct mt_dc *dc, struct mt_now now)
{
    say(dc, "hang up");
    push(dc, (struct mt_dc_event){.kind = MT_DC_CLOSE});
}

void mt_dc_init_again(struct mt_dc *dc)
{
    say(dc, "init");
}

void mt_dc_link_framing(struct mt_dc *dc, const struct mt_frame_cfg *frame)
{
    static const char *const names[] = {"abridged", "intermediate", "padded", "full"};

    say(dc, fmt("%s%s%s", frame->obfuscated ? "obfuscated " : "", frame->has_secret ? "secret " : "",
                names[frame->framing]));
}

int mt_dc_feed(struct mt_dc *dc, struct mt_now now, const void *p, size_t n)
{
    return MT_OK;
}

struct tl_slice mt_dc_output(struct mt_dc *dc, struct mt_now now)
{
    return (struct tl_slice){0};
}

void mt_dc_wrote(struct mt_dc *dc, struct mt_now now, size_t n) {}

void mt_dc_tick(struct mt_dc *dc, struct mt_now now) {}

int64_t mt_dc_deadline(const struct mt_dc *dc)
{
    return MT_NEVER;
}

void mt_dc_close(struct mt_dc *dc, struct mt_now now)
{
    dc->closed = true;
    for (size_t i = 0; i < dc->n_reqs; i++)
        if (!dc->reqs[i].done) {
            dc->reqs[i].done = true;
            push(dc, (struct mt_dc_event){.kind = MT_DC_FAILED,
                                          .token = dc->reqs[i].token,
                                          .code = MT_E_STATE,
                                          .sent = dc->up ? MT_SENT_UNKNOWN : MT_SENT_NO});
        }
    push(dc, (struct mt_dc_event){.kind = MT_DC_CLOSE});
}

void mt_dc_done(struct mt_dc *dc, struct mt_now now, enum mt_dc_event_kind what, int result)
{
    say(dc, fmt("done %s %d", what == MT_DC_KEY ? "KEY" : "?", result));
}

void mt_dc_computed(struct mt_dc *dc, struct mt_now now, const struct mt_keyx_job *job)
{
    say(dc, job ? fmt("computed %d", job->result) : "not computed");
}

bool mt_dc_is_up(const struct mt_dc *dc)
{
    return dc->up;
}

int64_t mt_dc_server_time(const struct mt_dc *dc, struct mt_now now)
{
    return now.wall;
}

size_t mt_dc_pending(const struct mt_dc *dc)
{
    return 0;
}

/* --- what a test does --- */

static struct mt_dc *find(int32_t id)
{
    for (struct mt_dc *dc = all; dc; dc = dc->next)
        if (dc->cfg.dc_id == id && !dc->closed)
            return dc;
    return NULL;
}

bool fake_dc_exists(int32_t id)
{
    return find(id) != NULL;
}

struct mt_dc *fake_dc(int32_t id)
{
    struct mt_dc *dc = find(id);

    if (!dc)
        fail_msg("there is no DC %d", (int)id);
    return dc ? dc : all;
}

const struct mt_dc_cfg *fake_dc_cfg(int32_t id)
{
    return &fake_dc(id)->cfg;
}

const char *fake_open(int32_t id)
{
    static char text[2048];
    struct mt_dc *dc = fake_dc(id);
    size_t n = 0;

    text[0] = 0;
    for (size_t i = 0; i < dc->n_reqs; i++)
        if (!dc->reqs[i].done && dc->reqs[i].id != TL_help_getConfig)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? " " : "",
                                  tl_def_name(tl_def_by_id(dc->reqs[i].id)));
    return text;
}

struct fake_req *fake_req(int32_t id, const char *method)
{
    struct mt_dc *dc = fake_dc(id);

    for (size_t i = 0; i < dc->n_reqs; i++)
        if (!dc->reqs[i].done && !strcmp(tl_def_name(tl_def_by_id(dc->reqs[i].id)), method))
            return &dc->reqs[i];
    fail_msg("DC %d was not asked %s, but: %s", (int)id, method, fake_open(id));
    return &dc->reqs[0];
}

static void end(int32_t id, const char *method, struct mt_dc_event e)
{
    struct fake_req *r = fake_req(id, method);

    r->done = true;
    e.token = r->token;
    push(fake_dc(id), e);
}

void fake_result_call(int32_t id, const char *method, struct tl_slice s)
{
    end(id, method, (struct mt_dc_event){.kind = MT_DC_RESULT, .p = s.p, .n = s.n, .ack = 1});
}

void fake_result(int32_t id, const char *method, const char *type, const char *json)
{
    fake_result_call(id, method, tl_of(type, json));
}

void fake_error(int32_t id, const char *method, int32_t code, const char *text)
{
    end(id, method,
        (struct mt_dc_event){
            .kind = MT_DC_ERROR, .code = code, .text = {(const uint8_t *)text, strlen(text)}});
}

void fake_error_again(int32_t id, const char *method, int32_t code, const char *text)
{
    end(id, method,
        (struct mt_dc_event){.kind = MT_DC_ERROR,
                             .code = code,
                             .text = {(const uint8_t *)text, strlen(text)},
                             .sent = MT_SENT_UNKNOWN});
}

void fake_failed(int32_t id, const char *method, int code, enum mt_sent sent)
{
    end(id, method, (struct mt_dc_event){.kind = MT_DC_FAILED, .code = code, .sent = sent});
}

void fake_event(int32_t id, enum mt_dc_event_kind kind)
{
    /* what cannot be computed: 5 is no product of two primes */
    static const struct mt_keyx_job job = {.kind = MT_KEYX_FACTOR, .serial = 9, .pq = 5};

    push(fake_dc(id), (struct mt_dc_event){.kind = kind, .key = &a_key, .job = &job});
}

void fake_up(int32_t id)
{
    fake_dc(id)->up = true;
    fake_event(id, MT_DC_UP);
}

void fake_down(int32_t id)
{
    fake_dc(id)->up = false;
    fake_event(id, MT_DC_DOWN);
}

void fake_push(int32_t id, const char *json, uint64_t ack)
{
    struct tl_slice s = tl_of("Updates", json);

    push(fake_dc(id), (struct mt_dc_event){.kind = MT_DC_UPDATES, .p = s.p, .n = s.n, .ack = ack});
}

const char *fake_said(int32_t id)
{
    struct mt_dc *dc = fake_dc(id);
    const char *text = fmt("%s", dc->said);

    dc->said[0] = 0;
    return text;
}

void fake_connect(int32_t id, unsigned attempt)
{
    push(fake_dc(id), (struct mt_dc_event){.kind = MT_DC_CONNECT, .attempt = attempt});
}

void fake_trouble(int32_t id, int32_t code)
{
    push(fake_dc(id), (struct mt_dc_event){.kind = MT_DC_TROUBLE, .code = code});
}

bool fake_asked(int32_t id, const char *method)
{
    struct mt_dc *dc = find(id);

    for (size_t i = 0; dc && i < dc->n_reqs; i++)
        if (!dc->reqs[i].done && !strcmp(tl_def_name(tl_def_by_id(dc->reqs[i].id)), method))
            return true;
    return false;
}
