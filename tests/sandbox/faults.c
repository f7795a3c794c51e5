#include "tests/sandbox/faults.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static const char *const do_name[] = {
    [SB_DO_NOTHING] = "nothing",
    [SB_DO_DROP] = "drop",
    [SB_DO_CUT] = "cut",
    [SB_DO_DELAY] = "delay",
    [SB_DO_DUPLICATE] = "duplicate",
    [SB_DO_REORDER] = "reorder",
    [SB_DO_ERROR] = "error",
    [SB_DO_BAD_SALT] = "bad_salt",
    [SB_DO_BAD_MSG] = "bad_msg",
    [SB_DO_NO_ANSWER] = "no_answer",
    [SB_DO_GAP] = "gap",
    [SB_DO_TOO_LONG] = "too_long",
    [SB_DO_MIGRATE] = "migrate",
    [SB_DO_TRANSPORT] = "transport",
    [SB_DO_KEYX] = "keyx",
    [SB_DO_TRICKLE] = "trickle",
    [SB_DO_FORGET_KEY] = "forget_key",
    [SB_DO_UNBIND] = "unbind",
    [SB_DO_NEW_SESSION] = "new_session",
    [SB_DO_ASK] = "ask",
    [SB_DO_RESEND_REQ] = "resend_req",
    [SB_DO_ALL_INFO] = "all_info",
    [SB_DO_ANNOUNCE] = "announce",
};

void sb_faults_init(struct sb_faults *f)
{
    *f = (struct sb_faults){0};
    TAILQ_INIT(&f->list);
}

void sb_faults_fini(struct sb_faults *f)
{
    sb_faults_clear(f, 0);
}

static int do_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof do_name / sizeof *do_name; i++)
        if (!strcmp(do_name[i], name))
            return (int)i;
    return -1;
}

/* What a rule strikes where its match names no method. */
static const char *default_method(enum sb_fault_do what)
{
    if (what == SB_DO_TRICKLE)
        return "connect";
    if (what == SB_DO_GAP || what == SB_DO_TOO_LONG)
        return "updates";
    return what == SB_DO_KEYX ? "*" : "";
}

static bool read_match(struct sb_fault *f, const json_t *match, char err[256])
{
    const char *method = default_method(f->what), *session = NULL;
    int dc = 0, nth = 1;
    json_error_t e;

    if (match && json_unpack_ex((json_t *)(uintptr_t)match, &e, JSON_STRICT, "{s?i, s?s, s?s, s?i}", "dc",
                                &dc, "session", &session, "method", &method, "nth", &nth)) {
        snprintf(err, 256, "match: %s", e.text);
        return false;
    }
    if (strlen(method) >= sizeof f->method || nth < 1) {
        snprintf(err, 256, "match: method too long, or nth below 1");
        return false;
    }
    f->dc = dc;
    f->nth = (uint32_t)nth;
    f->session = session ? strtoull(session, NULL, 10) : 0;
    strcpy(f->method, method);
    return true;
}

static bool read_rule(struct sb_fault *f, const json_t *params, char err[256])
{
    const char *what = NULL, *text = NULL, *twist = NULL;
    double seconds = 1;
    int code = 0, to = 0, times = 1, after = 1, bytes = 0, n;
    json_t *match = NULL;
    json_error_t e;

    if (json_unpack_ex((json_t *)(uintptr_t)params, &e, JSON_STRICT,
                       "{s?o, s:s, s?s, s?s, s?F, s?i, s?i, s?i, s?b, s?i}", "match", &match, "do", &what,
                       "text", &text, "what", &twist, "seconds", &seconds, "code", &code, "to", &to, "times",
                       &times, "after", &after, "bytes", &bytes)) {
        snprintf(err, 256, "%s", e.text);
        return false;
    }
    n = do_by_name(what);
    if (n < 0) {
        snprintf(err, 256, "do: no fault is called '%s'", what);
        return false;
    }
    f->what = (enum sb_fault_do)n;
    n = twist ? sb_keyx_twist_by_name(twist) : 0;
    if (n < 0 || (f->what == SB_DO_KEYX && !twist)) {
        snprintf(err, 256, "what: must name a twist of the key exchange");
        return false;
    }
    f->twist = (enum sb_keyx_twist)n;
    if (times < 0 || bytes < 0 || seconds < 0 || seconds > 1e6) {
        snprintf(err, 256, "times, bytes or seconds out of range");
        return false;
    }
    f->times = (uint32_t)times;
    f->delay = (int64_t)(seconds * (double)MT_US_PER_S);
    f->code = code ? code : f->what == SB_DO_TRANSPORT ? -404 : f->what == SB_DO_BAD_MSG ? 16 : 500;
    f->to = to;
    f->bytes = (uint32_t)bytes;
    f->after = after;
    snprintf(f->text, sizeof f->text, "%s", text ? text : "INTERNAL");
    return read_match(f, match, err);
}

uint64_t sb_faults_add(struct sb_faults *f, const json_t *params, char err[256])
{
    struct sb_fault *rule = calloc(1, sizeof *rule);

    if (!rule) {
        snprintf(err, 256, "no memory");
        return 0;
    }
    if (!read_rule(rule, params, err)) {
        free(rule);
        return 0;
    }
    rule->id = ++f->last_id;
    TAILQ_INSERT_TAIL(&f->list, rule, link);
    return rule->id;
}

size_t sb_faults_clear(struct sb_faults *f, uint64_t id)
{
    struct sb_fault *rule = TAILQ_FIRST(&f->list), *next;
    size_t n = 0;

    for (; rule; rule = next) {
        next = TAILQ_NEXT(rule, link);
        if (id && rule->id != id)
            continue;
        TAILQ_REMOVE(&f->list, rule, link);
        free(rule);
        n++;
    }
    return n;
}

const struct sb_fault *sb_faults_hit(struct sb_faults *f, const char *method, bool api, int32_t dc,
                                     uint64_t session)
{
    struct sb_fault *rule, *hit = NULL;

    TAILQ_FOREACH(rule, &f->list, link)
    {
        if ((rule->dc && rule->dc != dc) || (rule->session && rule->session != session))
            continue;
        if (rule->method[0] ? fnmatch(rule->method, method, 0) : !api)
            continue;
        rule->seen++;
        if (hit || rule->seen < rule->nth || (rule->times && rule->fired >= rule->times))
            continue;
        rule->fired++;
        hit = rule;
    }
    return hit;
}

json_t *sb_faults_dump(const struct sb_faults *f)
{
    const struct sb_fault *rule;
    json_t *list = json_array();

    TAILQ_FOREACH(rule, &f->list, link)
    json_array_append_new(list, json_pack("{s:I, s:s, s:s, s:I, s:I}", "id", (json_int_t)rule->id, "do",
                                          do_name[rule->what], "method", rule->method, "seen",
                                          (json_int_t)rule->seen, "fired", (json_int_t)rule->fired));
    return list;
}
