#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/backup.h"
#include "daemon/daemon.h"
#include "daemon/edge.h"
#include "daemon/paths.h"
#include "daemon/loglines.h"
#include "daemon/proxies.h"

static size_t account_count(void *ctx)
{
    return ((struct tgd *)ctx)->n_accounts;
}

static void show(const struct tgd *d, const struct tgd_account *a, struct rpc_account *out)
{
    *out = (struct rpc_account){.id = a->row.id,
                                .name = a->row.name,
                                .core = a->core,
                                .store = a->ops,
                                .paused = a->row.paused,
                                .no_journal = a->no_journal,
                                .no_raw = !d->config.journal_raw};
}

static bool account_at(void *ctx, size_t i, struct rpc_account *out)
{
    struct tgd *d = ctx;

    if (i >= d->n_accounts)
        return false;
    show(d, d->accounts[i], out);
    return true;
}

static bool account_by_id(void *ctx, int32_t id, struct rpc_account *out)
{
    struct tgd *d = ctx;
    struct tgd_account *a = tgd_account_by_id(d, id);

    if (!a || !tgd_account_open(a))
        return false;
    show(d, a, out);
    tgd_account_touch(a);
    return true;
}

static int account_add(void *ctx, const char *name, int32_t api_id, const char *api_hash, int32_t *id,
                       char err[256])
{
    return tgd_account_add(ctx, name, api_id, api_hash, id, err);
}

static int account_remove(void *ctx, int32_t id, char err[256])
{
    return tgd_account_remove(ctx, id, err);
}

static int32_t account_closed(void *ctx, const char *name)
{
    struct tgd *d = ctx;

    for (size_t i = 0; i < d->n_closed; i++)
        if (strcmp(d->closed[i].name, name) == 0)
            return d->closed[i].id;
    return 0;
}

static int account_pause(void *ctx, int32_t id, bool paused, char err[256])
{
    return tgd_account_pause(ctx, id, paused, err);
}

/* --- the journal: the same shapes on both sides, but rpc never sees storage --- */

static struct rpc_cursor out(struct store_cursor c)
{
    return (struct rpc_cursor){.epoch = c.epoch, .number = c.number};
}

static struct store_cursor in(struct rpc_cursor c)
{
    return (struct store_cursor){.epoch = c.epoch, .number = c.number};
}

static struct rpc_cursor journal_end(void *ctx)
{
    return out(store_journal_end(((struct tgd *)ctx)->store));
}

static struct rpc_cursor journal_oldest(void *ctx)
{
    return out(store_journal_oldest(((struct tgd *)ctx)->store));
}

struct reader {
    int (*row)(void *arg, const struct rpc_event *e);
    void *arg;
};

static int give_row(void *arg, const struct store_event *e)
{
    struct reader *r = arg;
    struct rpc_event event = {.cursor = out(e->cursor),
                              .account = e->account,
                              .type = e->type,
                              .chat = e->chat,
                              .sender = e->sender,
                              .direction = e->direction,
                              .time = e->time,
                              .expires = e->expires,
                              .body = e->body,
                              .raw = e->raw,
                              .layer = e->layer};
    return r->row(r->arg, &event);
}

static int journal_read(void *ctx, struct rpc_cursor after, size_t limit,
                        int (*row)(void *arg, const struct rpc_event *e), void *arg, uint64_t *lost)
{
    struct reader r = {.row = row, .arg = arg};
    return store_journal_read(((struct tgd *)ctx)->store, in(after), limit, give_row, &r, lost);
}

struct lost_reader {
    int (*row)(void *arg, int32_t account, uint64_t count, struct rpc_cursor last);
    void *arg;
};

static int give_lost(void *arg, int32_t account, uint64_t count, struct store_cursor last)
{
    struct lost_reader *r = arg;

    return r->row(r->arg, account, count, out(last));
}

static int journal_lost(void *ctx, struct rpc_cursor after,
                        int (*row)(void *arg, int32_t account, uint64_t count, struct rpc_cursor last),
                        void *arg)
{
    struct lost_reader r = {.row = row, .arg = arg};

    return store_journal_lost(((struct tgd *)ctx)->store, in(after), give_lost, &r);
}

static int sub_get(void *ctx, const char *name, struct rpc_cursor *acked)
{
    struct store_cursor c = {0};
    int r = store_sub_get(((struct tgd *)ctx)->store, name, &c);

    *acked = out(c);
    return r;
}

static int sub_put(void *ctx, const char *name, struct rpc_cursor acked)
{
    struct tgd *d = ctx;
    int r = store_begin(d->store);

    return r != MT_OK ? r : store_sub_put(d->store, name, in(acked), tgd_now().wall / MT_US_PER_S);
}

static int sub_drop(void *ctx, const char *name)
{
    return store_sub_drop(((struct tgd *)ctx)->store, name);
}

struct sub_reader {
    int (*row)(void *arg, const char *name, struct rpc_cursor acked, int64_t since);
    void *arg;
};

static int give_sub(void *arg, const char *name, struct store_cursor acked, int64_t since)
{
    struct sub_reader *r = arg;
    return r->row(r->arg, name, out(acked), since);
}

static int sub_each(void *ctx,
                    int (*row)(void *arg, const char *name, struct rpc_cursor acked, int64_t since),
                    void *arg)
{
    struct sub_reader r = {.row = row, .arg = arg};
    return store_sub_each(((struct tgd *)ctx)->store, give_sub, &r);
}

static int msg_chat(void *ctx, int32_t account, int32_t msg_id, mt_chat_id *chat)
{
    return store_cache_msg_chat(((struct tgd *)ctx)->store, account, msg_id, chat);
}

static void put_msg_chat(void *ctx, int32_t account, int32_t msg_id, mt_chat_id chat)
{
    (void)store_cache_put_msg_chat(((struct tgd *)ctx)->store, account, msg_id, chat);
}

static int name_get(void *ctx, int32_t account, const char *name, mt_chat_id *chat, int64_t *asked)
{
    return store_cache_name(((struct tgd *)ctx)->store, account, name, chat, asked);
}

static void name_put(void *ctx, int32_t account, const char *name, mt_chat_id chat, int64_t asked)
{
    (void)store_cache_put_name(((struct tgd *)ctx)->store, account, name, chat, asked);
}

static int send_get(void *ctx, int32_t account, int64_t send_id,
                    int (*row)(void *arg, const struct mt_outbox_row *row), void *arg)
{
    return store_outbox_get(((struct tgd *)ctx)->store, account, send_id, row, arg);
}

static int send_list(void *ctx, int32_t account, int64_t before, bool open, size_t limit,
                     int (*row)(void *arg, const struct mt_outbox_row *row), void *arg)
{
    return store_outbox_list(((struct tgd *)ctx)->store, account, before, open, limit, row, arg);
}

/* --- the process --- */

/* Percent of a journal's bounds from which on getHealth says so. */
#define NEARLY_FULL 80

static struct json_t *config(void *ctx)
{
    return tgd_config_json(&((struct tgd *)ctx)->config);
}

static void say(json_t *list, const char *text)
{
    if (text && *text)
        json_array_append_new(list, json_string(text));
}

static void health_of_accounts(const struct tgd *d, json_t *problems, json_t *warnings)
{
    for (size_t i = 0; i < d->n_accounts; i++)
        if (d->accounts[i]->moved)
            json_array_append_new(warnings,
                                  json_sprintf("account %s: was last used on another machine; a copy that is "
                                               "still in use there ends its login",
                                               d->accounts[i]->row.name));
    for (size_t i = 0; i < d->n_closed; i++)
        json_array_append_new(
            problems, json_sprintf("account %s stays closed: %s", d->closed[i].name, d->closed[i].why));
}

static void health_of_journal(struct tgd *d, json_t *o, json_t *warnings)
{
    struct store_journal_stats stats = {0};
    struct tgd_account *fullest;

    store_journal_stats(d->store, &stats);
    json_object_set_new(o, "journal",
                        json_pack("{s:I, s:I, s:i}", "events", (json_int_t)stats.events, "bytes",
                                  (json_int_t)stats.bytes, "percent", (int)stats.percent));
    if (stats.percent >= NEARLY_FULL && (fullest = tgd_account_by_id(d, stats.fullest)))
        json_array_append_new(warnings,
                              json_sprintf("account %s: its journal is %u %% full: the oldest events "
                                           "leave (journal_events, journal_mib)",
                                           fullest->row.name, stats.percent));
}

static json_t *health(void *ctx)
{
    struct tgd *d = ctx;
    const char *trouble = store_trouble(d->store), *state = store_state(d->store);
    json_t *problems = json_array(), *warnings = json_array(), *storage;
    json_t *o = json_pack("{s:o, s:o}", "problems", problems, "warnings", warnings);

    if (!trouble && tgd_pump_is_halted(d->pump))
        trouble = "the disk works again; accounts are about to be opened anew";
    storage = json_pack("{s:s}", "state", state);
    if (trouble)
        json_object_set_new(storage, "text", json_string(trouble));
    if (o)
        json_object_set_new(o, "storage", storage);
    say(problems, trouble);
    health_of_accounts(d, problems, warnings);
    if (tgd_in_memory(d->config.state_dir))
        say(warnings,
            "the state folder is on a file system in memory: logins do not outlive the machine's next start");
    health_of_journal(d, o, warnings);
    if (json_array_size(warnings) == 0)
        json_object_del(o, "warnings");
    return o;
}

/* Resident pages of this process, in bytes; 0 where the kernel does not say. */
static int64_t resident(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long all = 0, pages = 0;

    if (!f)
        return 0;
    if (fscanf(f, "%ld %ld", &all, &pages) != 2)
        pages = 0;
    fclose(f);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int64_t descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int64_t n = 0;

    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 3; /* two dots and the folder itself */
}

static struct json_t *metrics(void *ctx)
{
    struct tgd *d = ctx;
    struct store_journal_stats stats = {0};

    store_journal_stats(d->store, &stats);
    return json_pack("{s:o,s:o,s:I,s:I,s:{s:I,s:I,s:i}}", "turns", tgd_spread_json(&d->turns.cpu), "stalls",
                     tgd_spread_json(&d->turns.stall), "memory", (json_int_t)resident(), "descriptors",
                     (json_int_t)descriptors(), "journal", "events", (json_int_t)stats.events, "bytes",
                     (json_int_t)stats.bytes, "percent", (int)stats.percent);
}

static struct json_t *log_lines(void *ctx, const char *least, size_t limit)
{
    int level = least ? tgd_log_level_by_name(least) : MT_LOG_TRACE;

    (void)ctx;
    return level < 0 ? NULL : tgd_loglines_json((enum mt_log_level)level, limit);
}

static int backup_begin(void *ctx, const char *path, char err[256])
{
    return tgd_backup_begin(ctx, path, err);
}

static int backup_state(void *ctx, uint64_t *done, uint64_t *total, char *warning, size_t cap, char err[256])
{
    return tgd_backup_state(ctx, done, total, warning, cap, err);
}

static void backup_cancel(void *ctx)
{
    tgd_backup_cancel(ctx);
}

static int control(void *ctx, const char *what, const char *arg, char err[256])
{
    struct tgd *d = ctx;
    int level;

    if (strcmp(what, "shutdown") == 0) {
        d->stop = true;
        return 0;
    }
    if (strcmp(what, "reload") == 0)
        return tgd_reload(d, err);
    if (strcmp(what, "setLogLevel") == 0) {
        level = arg ? tgd_log_level_by_name(arg) : -1;
        if (level >= 0) {
            tgd_log_level((enum mt_log_level)level);
            return 0;
        }
        snprintf(err, 256, "expected one of trace, debug, info, warn, broken");
        return MT_E_ARG;
    }
    snprintf(err, 256, "unknown control '%s'", what);
    return MT_E_ARG;
}

void tgd_host_init(struct tgd *d)
{
    d->host = (struct rpc_host){.ctx = d,
                                .account_count = account_count,
                                .account_at = account_at,
                                .account_by_id = account_by_id,
                                .account_add = account_add,
                                .account_remove = account_remove,
                                .account_closed = account_closed,
                                .account_pause = account_pause,
                                .journal_end = journal_end,
                                .journal_oldest = journal_oldest,
                                .journal_read = journal_read,
                                .journal_lost = journal_lost,
                                .sub_get = sub_get,
                                .sub_put = sub_put,
                                .sub_drop = sub_drop,
                                .sub_each = sub_each,
                                .msg_chat = msg_chat,
                                .put_msg_chat = put_msg_chat,
                                .name_get = name_get,
                                .name_put = name_put,
                                .send_get = send_get,
                                .send_list = send_list,
                                .backup_begin = backup_begin,
                                .backup_state = backup_state,
                                .backup_cancel = backup_cancel,
                                .proxy_set = tgd_proxy_set,
                                .proxy_get = tgd_proxy_get,
                                .proxy_test = tgd_proxy_test,
                                .proxy_tested = tgd_proxy_tested,
                                .config = config,
                                .health = health,
                                .metrics = metrics,
                                .log_lines = log_lines,
                                .control = control};
}
