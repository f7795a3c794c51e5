#include "core/account/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where nothing is known yet, families race closely (RFC 8305); what worked last gets more time. */
#define HEAD_START      (300 * MT_US_PER_MS)
#define HEAD_START_GOOD (800 * MT_US_PER_MS)
/* Through a proxy every try is a connection of the proxy's too, and takes a round trip more. */
#define HEAD_START_PROXY (1500 * MT_US_PER_MS)
/* A main DC that takes longer to connect may have moved: another is asked where it is. */
#define PATIENCE (1500 * MT_US_PER_MS)
/* A kick spares what is younger: the network may be the one that it was opened over. */
#define STUCK MT_US_PER_S
/* TCP is there, but not a byte comes: a server answers the first packet within a round trip. */
#define SILENCE (5 * MT_US_PER_S)

static bool by_mtproxy(const struct mt_account *a)
{
    return a->proxy && a->proxy->kind == MT_PROXY_MTPROTO;
}

static void choose(struct mt_account *a, struct mt_adc *dc)
{
    struct mt_want want = {.dc = dc->id, .proxied = a->proxy != NULL};

    dc->via = 0;
    dc->opened = dc->proven = dc->heard = false;
    if (by_mtproxy(a)) {
        /* it knows where its data centres are */
        dc->tried[0] = (struct mt_server){.dc_id = dc->id, .port = a->proxy->port};
        dc->n_tried = 1;
        return;
    }
    dc->n_tried = mt_book_choose(&a->book, &want, dc->tried);
}

void mt_connect(struct mt_account *a, struct mt_now now, struct mt_adc *dc)
{
    struct mt_fx fx = {.kind = MT_FX_CONNECT, .server = dc->tried, .proxy = a->proxy};

    if (dc->dead)
        return;
    choose(a, dc);
    if (!dc->n_tried) {
        mt_logf(a->cfg.env, MT_LOG_WARN, "account", "no address of DC %d", (int)dc->id);
        mt_dc_link_down(dc->dc, now);
        return;
    }
    dc->link = ++a->next_link;
    dc->dialled_at = now.mono;
    dc->hinted = false;
    fx.link = dc->link;
    fx.n_servers = dc->n_tried;
    fx.head_start = a->proxy                                   ? HEAD_START_PROXY
                    : mt_book_is_good(&a->book, &dc->tried[0]) ? HEAD_START_GOOD
                                                               : HEAD_START;
    mt_fxq_push(&a->fxq, &fx);
    if (dc->main && !by_mtproxy(a))
        mt_config_seek(a, now.mono + PATIENCE);
}

/* What was sent into a network that is gone is repeated after 1, 2, 4 s by TCP, and is not waited for. */
void mt_connect_kick(struct mt_account *a, struct mt_now now, struct mt_adc *dc)
{
    (void)a;
    if (dc->link && !dc->up && now.mono - dc->dialled_at >= STUCK) {
        dc->n_tried = 0; /* it is not its fault */
        mt_dc_hang_up(dc->dc, now);
    }
    mt_dc_kick(dc->dc, now);
}

void mt_account_link_via(struct mt_account *a, uint32_t link, size_t server)
{
    struct mt_adc *dc = mt_adc_by_link(a, link);

    if (dc && server < dc->n_tried)
        dc->via = server;
}

/* How its packets are framed there: as configured, as its option wants it, or as a proxy does. */
void mt_connect_up(struct mt_account *a, struct mt_now now, struct mt_adc *dc)
{
    struct mt_frame_cfg frame = {.framing = a->cfg.framing, .obfuscated = a->cfg.obfuscated};
    const struct mt_server *s = &dc->tried[dc->via];

    if (by_mtproxy(a)) {
        mt_proxy_framing(a->proxy, &frame);
    } else if (s->tcpo_only || s->secret_len) {
        frame.obfuscated = true;
        if (s->secret_len) {
            frame.has_secret = true;
            memcpy(frame.secret, s->secret + s->secret_len - sizeof frame.secret, sizeof frame.secret);
        }
        if (s->secret_len == 17 || frame.framing == MT_FULL)
            frame.framing = MT_PADDED;
    }
    dc->opened = true;
    dc->opened_at = now.mono;
    mt_dc_link_framing(dc->dc, &frame);
    mt_dc_link_up(dc->dc, now);
    mt_wipe(&frame, sizeof frame);
}

static void save(struct mt_account *a)
{
    mt_fxq_push(&a->fxq, &(struct mt_fx){.kind = MT_FX_SAVE_ADDRESSES, .addresses = &a->saved.addresses});
}

void mt_connect_proven(struct mt_account *a, struct mt_adc *dc)
{
    if (dc->main) {
        a->config.seek_at = MT_NEVER;
        a->config.next_seek = 0;
        a->config.seeks = 0;
    }
    if (dc->proven || !dc->n_tried || by_mtproxy(a))
        return;
    dc->proven = true;
    if (mt_book_good(&a->book, &dc->tried[dc->via]))
        save(a);
}

void mt_connect_ended(struct mt_account *a, struct mt_now now, struct mt_adc *dc)
{
    size_t n = dc->n_tried;
    bool opened = dc->opened;

    dc->n_tried = 0;
    dc->opened = false;
    if (!n || dc->dead || dc->proven || by_mtproxy(a))
        return;
    for (size_t i = 0; i < n; i++)
        if (!opened || i == dc->via)
            mt_book_failed(&a->book, &dc->tried[i], 1);
    if (dc->main)
        mt_config_seek(a, now.mono);
}

/* When silence of a link has lasted too long; MT_NEVER: it has spoken, or there is nowhere else to go. */
static int64_t silent_at(const struct mt_adc *dc)
{
    return dc->dead || !dc->opened || dc->heard || dc->n_tried < 2 ? MT_NEVER : dc->opened_at + SILENCE;
}

int64_t mt_connect_deadline(const struct mt_account *a)
{
    int64_t at = MT_NEVER;

    for (const struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        at = silent_at(dc) < at ? silent_at(dc) : at;
    return at;
}

void mt_connect_tick(struct mt_account *a, struct mt_now now)
{
    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next) {
        if (silent_at(dc) > now.mono)
            continue;
        mt_connect_ended(a, now, dc);
        mt_dc_hang_up(dc->dc, now);
        mt_dc_kick(dc->dc, now);
    }
}

void mt_connect_wrong(struct mt_account *a, struct mt_now now, struct mt_adc *dc)
{
    struct mt_want want = {.dc = dc->id, .proxied = a->proxy != NULL};
    struct mt_server next[MT_CONNECT_MAX];

    if (by_mtproxy(a) || !dc->n_tried)
        return;
    mt_book_failed(&a->book, &dc->tried[dc->via], 2);
    dc->n_tried = 0;
    if (dc->main)
        mt_config_seek(a, now.mono);
    else
        mt_config_due(a, now);
    /* the long back-off is for that address; one that has not failed yet is tried at once */
    if (mt_book_choose(&a->book, &want, next) && !mt_book_fails(&a->book, &next[0]))
        mt_dc_kick(dc->dc, now);
}

void mt_connect_again(struct mt_account *a, struct mt_now now)
{
    save(a);
    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next) {
        if (dc->dead || dc->up || (dc->opened && mt_book_has(&a->book, &dc->tried[dc->via])))
            continue;
        dc->n_tried = 0; /* it is not its fault */
        mt_dc_hang_up(dc->dc, now);
        mt_dc_kick(dc->dc, now);
    }
}

/* --- the proxy --- */

void mt_connect_use(struct mt_account *a, const struct mt_proxy_cfg *proxy)
{
    if (a->proxy)
        mt_wipe(a->proxy, sizeof *a->proxy);
    free(a->proxy);
    a->proxy = NULL;
    a->cfg.proxy = NULL; /* was borrowed */
    a->cfg.init.proxy_address = NULL;
    if (!proxy || proxy->kind == MT_PROXY_DIRECT)
        return;
    a->proxy = malloc(sizeof *a->proxy);
    if (!a->proxy)
        return;
    *a->proxy = *proxy;
    if (by_mtproxy(a)) {
        a->cfg.init.proxy_address = a->proxy->host;
        a->cfg.init.proxy_port = a->proxy->port;
    }
}

const struct mt_proxy_cfg *mt_account_proxy(const struct mt_account *a)
{
    return a->proxy;
}

int mt_account_set_proxy(struct mt_account *a, struct mt_now now, const struct mt_proxy_cfg *proxy)
{
    bool wanted = proxy && proxy->kind != MT_PROXY_DIRECT;

    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        if (!dc->dead) {
            dc->n_tried = 0;
            mt_dc_hang_up(dc->dc, now);
        }
    mt_connect_use(a, proxy); /* before anything is pulled: what is due now may connect at once */
    if (wanted && !a->proxy) {
        /* no memory for it: better no connection than one that shows where we are */
        mt_account_pause(a, now);
        return MT_E_NOMEM;
    }
    mt_acc_pump(a, now); /* every CLOSE is out before the first CONNECT */
    for (struct mt_adc *dc = a->dcs; dc; dc = dc->next)
        if (!dc->dead) {
            mt_dc_init_again(dc->dc);
            mt_dc_kick(dc->dc, now);
        }
    mt_acc_pump(a, now);
    return MT_OK;
}

void mt_account_link_trouble(struct mt_account *a, uint32_t link, const char *why)
{
    struct mt_adc *dc = mt_adc_by_link(a, link);

    if (!dc || !dc->main || dc->dead)
        return;
    snprintf(a->trouble, sizeof a->trouble, "%s", why);
    mt_acc_connection(a);
}
