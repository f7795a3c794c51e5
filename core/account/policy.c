#include "core/account/state.h"

#include <string.h>

#include "tl/ids.h"

#define TRIES_MAX     6
#define REDIRECTS_MAX 4
#define PAUSE_MAX     60
#define SECONDS_MAX   (14 * 24 * 3600)

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void pause_until(struct mt_areq *r, int64_t until)
{
    r->step = MT_AREQ_PAUSED;
    r->until = until;
}

/* --- 420 --- */

static void on_flood(struct mt_account *a, struct mt_now now, struct mt_areq *r, const struct mt_rpc_error *e)
{
    int64_t seconds = mt_error_number(e->text);
    bool wait = begins(e->text, "FLOOD_WAIT_") || begins(e->text, "FLOOD_TEST_PHONE_WAIT_");
    /* a throttle of transfers: waiting is all that it wants (trap 82) */
    bool throttle = begins(e->text, "FLOOD_PREMIUM_WAIT_") || begins(e->text, "FLOOD_SKIP_FAILED_WAIT");
    int64_t limit = throttle ? SECONDS_MAX : r->flood_wait;

    if (begins(e->text, "FLOOD_SKIP_FAILED_WAIT") || seconds == 0)
        seconds = 1; /* trap 46 */
    if (seconds > SECONDS_MAX)
        seconds = SECONDS_MAX;
    if (wait)
        mt_flood_note(a, now, r, seconds);
    if (r->kind == MT_AREQ_SEND) { /* a lane waits, not its call */
        mt_areq_error(a, now, r, e, false);
        return;
    }
    if ((wait || throttle || begins(e->text, "SLOWMODE_WAIT_")) && seconds > 0 && seconds <= limit &&
        now.mono + seconds * MT_US_PER_S < r->deadline) {
        pause_until(r, now.mono + seconds * MT_US_PER_S);
        return;
    }
    mt_areq_error(a, now, r, e, false);
}

/* --- 303 --- */

static void on_migrate(struct mt_account *a, struct mt_now now, struct mt_adc *at, struct mt_areq *r,
                       const struct mt_rpc_error *e)
{
    int64_t dc = mt_error_number(e->text);
    bool user = begins(e->text, "PHONE_MIGRATE_") || begins(e->text, "USER_MIGRATE_") ||
                begins(e->text, "NETWORK_MIGRATE_");
    bool other = begins(e->text, "FILE_MIGRATE_") || begins(e->text, "STATS_MIGRATE_");

    if (dc <= 0 || dc > INT32_MAX || r->redirects >= REDIRECTS_MAX || !mt_adc_exists(a, (int32_t)dc) ||
        (!user && !other) || (user && a->saved.user_id && !mt_home_moves(a, now, at, r, (int32_t)dc))) {
        mt_areq_error(a, now, r, e, false);
        return;
    }
    r->redirects++;
    if (user && a->saved.user_id)
        r->dc = (int32_t)dc; /* where it waits for the import, which moves the account */
    else if (user)
        mt_adc_set_main(a, now, (int32_t)dc);
    else
        r->dc = (int32_t)dc; /* the main one stays what it is (trap 49) */
    mt_areq_go(a, now, r);
}

/* --- 401, 406 --- */

static bool means_logged_out(const char *text)
{
    static const char *const names[] = {"AUTH_KEY_UNREGISTERED", "AUTH_KEY_INVALID", "SESSION_REVOKED",
                                        "SESSION_EXPIRED",       "USER_DEACTIVATED", "USER_DEACTIVATED_BAN",
                                        "AUTH_KEY_DUPLICATED"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(text, names[i]))
            return true;
    return false;
}

static void confirm(struct mt_account *a, struct mt_now now)
{
    struct tl_out body = {0};
    struct mt_areq *r;

    if (a->confirming)
        return;
    tl_put_u32(&body, TL_updates_getState);
    r = body.err ? NULL : mt_areq_new(a, MT_AREQ_CONFIRM, body.data, body.len);
    tl_out_free(&body);
    if (!r)
        return; /* those who wait run into their deadlines */
    a->confirming = true;
    r->flags = MT_CALL_REPEATABLE;
    r->deadline = now.mono + MT_ASK_PATIENCE;
    mt_areq_start(a, now, r);
}

/*
 * A 401 in one answer may be the fault of that method; only when the server denies us the plainest question
 * too are we logged out.
 */
static void on_unauthorised(struct mt_account *a, struct mt_now now, struct mt_adc *dc, struct mt_areq *r,
                            const struct mt_rpc_error *e)
{
    if (!dc->main && !dc->dead) {
        /* its authorisation is gone, not the account (trap 48) */
        dc->auth = MT_AUTH_NONE;
        dc->saved->authorised = false;
        if (r->kind == MT_AREQ_IMPORT || r->redirects >= REDIRECTS_MAX) {
            mt_areq_error(a, now, r, e, false);
            return;
        }
        r->redirects++;
        mt_areq_go(a, now, r);
        return;
    }
    if (r->kind == MT_AREQ_CONFIRM || r->kind == MT_AREQ_LOGIN) {
        mt_areq_error(a, now, r, e, false);
        return;
    }
    r->step = MT_AREQ_CONFIRMING;
    r->code = e->code;
    memcpy(r->text, e->text, sizeof r->text - 1);
    confirm(a, now);
}

void mt_policy_confirmed(struct mt_account *a, struct mt_now now, const struct mt_rpc_error *e)
{
    a->confirming = false;
    if (e && means_logged_out(e->text) && a->saved.user_id) {
        mt_acc_logged_out(a, now, e->text);
        return;
    }
    /* the server knows us, or did not answer: the error was about the request alone */
    for (struct mt_areq *r = a->reqs; r; r = r->next) {
        struct mt_rpc_error own = {.code = r->code};

        if (r->step != MT_AREQ_CONFIRMING)
            continue;
        memcpy(own.text, r->text, sizeof r->text);
        mt_areq_error(a, now, r, &own, false);
    }
}

/*
 * The same key was used from two places and the server has destroyed its session (trap 50). Of the main DC
 * that was the login; of another one it costs a new key and another import.
 */
static void on_duplicated(struct mt_account *a, struct mt_now now, struct mt_adc *dc, struct mt_areq *r,
                          const struct mt_rpc_error *e)
{
    if (dc->main) {
        mt_acc_logged_out(a, now, e->text);
        return;
    }
    if (!dc->dead) {
        mt_logf(a->cfg.env, MT_LOG_WARN, "account", "the key of DC %d was used elsewhere too", (int)dc->id);
        mt_adc_drop(a, now, dc, true);
    }
    if (r->kind == MT_AREQ_IMPORT || r->redirects >= REDIRECTS_MAX) {
        mt_areq_error(a, now, r, e, false);
        return;
    }
    r->redirects++;
    mt_areq_go(a, now, r);
}

/* --- 500 and what is not in the list --- */

static void on_trouble(struct mt_account *a, struct mt_now now, struct mt_areq *r,
                       const struct mt_rpc_error *e)
{
    int64_t wait = r->tries < 6 ? INT64_C(1) << r->tries : PAUSE_MAX;
    /* a time-out of the server's own parts does not say that nothing was done */
    bool twice =
        e->code == -503 && r->kind == MT_AREQ_OWNER && !(r->flags & (MT_CALL_REPEATABLE | MT_CALL_RANDOM_ID));
    bool final = twice || !strcmp(e->text, "RANDOM_ID_DUPLICATE") || !strcmp(e->text, "AUTH_RESTART") ||
                 r->kind == MT_AREQ_ASK;

    /* a send is tried as long as it may: its random_id makes that safe, its deadline ends it */
    if (final || (r->tries >= TRIES_MAX && r->kind != MT_AREQ_SEND) ||
        now.mono + wait * MT_US_PER_S >= r->deadline) {
        mt_areq_error(a, now, r, e, false);
        return;
    }
    if (r->tries < TRIES_MAX)
        r->tries++;
    r->maybe = true;
    pause_until(r, now.mono + wait * MT_US_PER_S);
}

void mt_policy_error(struct mt_account *a, struct mt_now now, struct mt_adc *dc, struct mt_areq *r,
                     const struct mt_rpc_error *e)
{
    if (r->cancelled) {
        mt_areq_error(a, now, r, e, false);
        return;
    }
    switch (e->code) {
    case 303:
        on_migrate(a, now, dc, r, e);
        return;
    case 420:
        on_flood(a, now, r, e);
        return;
    case 401:
        if (means_logged_out(e->text) && (a->saved.user_id || !dc->main)) {
            on_unauthorised(a, now, dc, r, e);
            return;
        }
        break;
    case 406:
        if (!strcmp(e->text, "AUTH_KEY_DUPLICATED") && a->saved.user_id) {
            on_duplicated(a, now, dc, r, e);
            return;
        }
        break;
    case 400:
        if (!strcmp(e->text, "MTPROTO_CLUSTER_INVALID"))
            mt_config_due(a, now); /* an address that is out of date */
        break;
    case 403:
    case 404:
        break;
    default:
        on_trouble(a, now, r, e);
        return;
    }
    mt_areq_error(a, now, r, e, false);
}
