/*
 * Damaged files of the state folder: what is there is opened, used, closed, twice. A damaged state.db or
 * cache.db never refuses the start (it is set aside, or thrown away), damaged keys close their account only.
 *
 *     | 1 byte: which file: state.db, its WAL, keys.db, cache.db | 1 byte: how |
 *       0: | page u8 | at u16 | byte u8 | ...        single bytes
 *       1: | page u8 | at u16 | bytes                a stretch
 *       2: | 16 times this many bytes u16 |          cut off there
 *     numbers little-endian, taken modulo what there is
 */
#include "tests/fuzz/fuzz.h"

#include "storage/storage.h"
#include "tl/wire.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 4, PAGE = 4096, MOST = 1 << 20 };

static const char *const names[FILES] = {"state.db", "state.db-wal", "accounts/a/keys.db", "cache.db"};
static struct {
    uint8_t *bytes;
    size_t n;
} base[FILES], lock;
static char dir[64];
static uint64_t seed = 1;

static void next_random(void *ctx, void *buf, size_t n)
{
    for (uint8_t *p = buf; n--; p++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        *p = (uint8_t)(seed >> 56);
    }
}

static void no_log(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    FUZZ_CHECK(level != MT_LOG_BROKEN);
}

static const struct mt_env env = {.random = next_random, .log = no_log};

static void path_of(char out[256], const char *name)
{
    snprintf(out, 256, "%s/%s", dir, name);
}

static void put_file(const char *name, const uint8_t *p, size_t n)
{
    char path[256];
    FILE *f;

    path_of(path, name);
    f = fopen(path, "w");
    FUZZ_CHECK(f && fwrite(p, 1, n, f) == n);
    fclose(f);
}

static size_t get_file(const char *name, uint8_t **out)
{
    char path[256];
    FILE *f;
    size_t n;

    path_of(path, name);
    *out = malloc(MOST);
    f = fopen(path, "r");
    FUZZ_CHECK(f && *out);
    n = fread(*out, 1, MOST, f);
    fclose(f);
    return n;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static void clean(void)
{
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int open_store(struct store **s)
{
    static const uint8_t servers[32] = {1};
    char err[256];
    struct store_cfg cfg = {.env = &env,
                            .dir = dir,
                            .server_set = servers,
                            .now = {.mono = 1, .wall = 1700000000 * MT_US_PER_S},
                            .boot_id = "boot"};

    return store_open(&cfg, s, err);
}

static int append(struct store *s, int i)
{
    static const uint8_t body[600] = "\"key\":\"message/1/1\"";
    struct store_event e = {.account = 1,
                            .type = "message",
                            .chat = i,
                            .time = 1700000000,
                            .expires = i % 3 ? 0 : 1700000000 + i,
                            .body = {body, 100 + (size_t)i * 20}};

    return store_append(s, &e);
}

static void put_rows(struct store *s, int i)
{
    struct mt_peer p = {.chat = i + 1, .kind = MT_PEER_USER, .access_hash = i, .has_hash = true};
    struct mt_outbox_row row = {.id = i + 1, .chat = i, .dedup = {(const uint8_t *)"key", 3}};

    snprintf(p.username, sizeof p.username, "user%d", i);
    row.method = row.params = p.chat % 2 ? (struct tl_slice){(const uint8_t *)"{}", 2} : (struct tl_slice){0};
    row.dedup.n = (size_t)(i % 4);
    (void)store_put_peer(s, 1, &p);
    (void)store_put_outbox(s, 1, &row);
    (void)store_put_channel(s, 1, &(struct mt_channel_row){.id = i + 1, .pts = i});
    (void)store_sub_put(s, p.username, (struct store_cursor){1, (uint64_t)i}, i);
    (void)store_cache_put_msg_chat(s, 1, i, i);
}

/* The folder as a process leaves it that is killed. */
static void make_base(void)
{
    struct mt_saved saved = {.main_dc = 2, .user_id = 9, .n_dcs = 1};
    uint8_t key[MT_KEY_LEN] = {7};
    struct store_account a;
    struct store *s;

    snprintf(dir, sizeof dir, "%s/tgd-fuzz.XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    FUZZ_CHECK(mkdtemp(dir));
    atexit(clean);
    FUZZ_CHECK(open_store(&s) == MT_OK);
    FUZZ_CHECK(store_account_add(s, "a", 1, "hash", &a) == MT_OK);
    mt_auth_key_set(&saved.dcs[0].key, key);
    saved.dcs[0].dc_id = 2;
    saved.dcs[0].has_key = true;
    FUZZ_CHECK(store_save_auth(s, 1, &saved) == MT_OK);
    FUZZ_CHECK(store_put_salts(s, 1, &saved.dcs[0]) == MT_OK);
    for (int i = 0; i < 20; i++) {
        FUZZ_CHECK(append(s, i) == MT_OK);
        put_rows(s, i);
        if (i == 10)
            FUZZ_CHECK(store_commit(s, NULL) == MT_OK && store_sync_run(s) == MT_OK);
    }
    FUZZ_CHECK(store_commit(s, NULL) == MT_OK);
    for (size_t i = 0; i < FILES; i++)
        base[i].n = get_file(names[i], &base[i].bytes);
    lock.n = get_file("tgd.lock", &lock.bytes);
    store_close(s);
}

static int see_event(void *arg, const struct store_event *e)
{
    uint8_t sum = 0; /* every byte is read */

    for (size_t i = 0; i < e->body.n; i++)
        sum |= e->body.p[i];
    FUZZ_CHECK(e->type);
    return sum && !e->body.n;
}

static int see_row(void *arg, const struct mt_outbox_row *row)
{
    return row->params.n > MOST;
}

static int see_channel(void *arg, const struct mt_channel_row *row)
{
    return 0;
}

static int see_sub(void *arg, const char *name, struct store_cursor acked, int64_t since)
{
    return strlen(name) > 256;
}

static int see_account(void *arg, const struct store_account *a)
{
    struct mt_saved saved;

    (void)store_account_load(arg, a->id, &saved);
    return 0;
}

/* Whatever is asked is answered or refused. */
static void use(struct store *s)
{
    const struct store_ops *ops = store_ops_of(s, 1);
    struct mt_now now = {.mono = 1, .wall = 1700000100 * MT_US_PER_S};
    struct store_journal_stats stats;
    struct mt_peer p;
    mt_chat_id chat;
    uint64_t lost;

    (void)store_account_each(s, see_account, s);
    (void)store_journal_read(s, (struct store_cursor){1, 0}, 1000, see_event, NULL, &lost);
    store_journal_stats(s, &stats);
    (void)ops->peer_by_username(ops->ctx, "user5", &p);
    (void)ops->each_unsent(ops->ctx, see_row, NULL);
    (void)ops->send_by_dedup(ops->ctx, 3, "key", 3, see_row, NULL);
    (void)ops->each_channel(ops->ctx, 0, see_channel, NULL);
    (void)store_sub_each(s, see_sub, NULL);
    (void)store_cache_msg_chat(s, 1, 5, &chat);
    put_rows(s, 5);
    (void)append(s, 5);
    (void)store_commit(s, NULL);
    for (int i = 0; i < 20 && store_journal_trim(s, now); i++)
        ;
    (void)store_sync_run(s);
}

static size_t damage(uint8_t *bytes, size_t n, int how, const uint8_t *p, size_t size)
{
    size_t at;

    if (how == 2)
        return size >= 2 ? (size_t)(p[0] | p[1] << 8) * 16 % (n + 1) : 0;
    while (size >= 4) {
        at = ((size_t)p[0] * PAGE + (size_t)(p[1] | p[2] << 8) % PAGE) % n;
        if (how == 1) {
            size = size - 3 > n - at ? n - at : size - 3;
            memcpy(bytes + at, p + 3, size);
            return n;
        }
        bytes[at] = p[3];
        p += 4;
        size -= 4;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[MOST];
    size_t which, n;

    if (size < 2)
        return 0;
    if (!lock.n)
        make_base();
    which = data[0] % FILES;
    clean();
    FUZZ_CHECK(mkdir(dir, 0700) == 0);
    for (size_t i = 0; i < 2; i++) {
        char path[256];

        path_of(path, i ? "accounts/a" : "accounts");
        FUZZ_CHECK(mkdir(path, 0700) == 0);
    }
    for (size_t i = 0; i < FILES; i++) {
        memcpy(bytes, base[i].bytes, base[i].n);
        n = i == which ? damage(bytes, base[i].n, data[1] % 3, data + 2, size - 2) : base[i].n;
        put_file(names[i], bytes, n);
    }
    put_file("tgd.lock", lock.bytes, lock.n);
    for (int again = 0; again < 2; again++) {
        struct store *s;
        int rc = open_store(&s);

        /* the number of its version itself may have been hit */
        FUZZ_CHECK(rc == MT_OK || (rc == STORE_E_NEWER && which < 2));
        if (rc != MT_OK)
            break;
        use(s);
        store_close(s);
    }
    return 0;
}
