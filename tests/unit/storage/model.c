#include "tests/unit/storage/model.h"

enum { PEER = 77 };

static int put(struct fixture *f, int t)
{
    char text[16];
    struct mt_update_state state = {t, t, t, t, true};
    struct mt_peer p = {.chat = PEER, .kind = MT_PEER_USER};
    struct mt_outbox_row row = {.id = t, .chat = PEER, .created = t};
    int rc;

    snprintf(text, sizeof text, "%d", t);
    strcpy(p.name, text);
    strcpy(p.username, text);
    row.method = row.params = (struct tl_slice){(const uint8_t *)text, strlen(text)};
    rc = fixture_append(f, 1, 30, 0);
    if (rc == MT_OK)
        rc = fixture_append(f, 1, 3000, 0);
    if (rc == MT_OK)
        rc = store_put_state(f->s, 1, &state);
    if (rc == MT_OK)
        rc = store_put_peer(f->s, 1, &p);
    if (rc == MT_OK)
        rc = store_put_outbox(f->s, 1, &row);
    if (rc == MT_OK)
        rc = store_sub_put(f->s, "model", (struct store_cursor){1, (uint64_t)t}, t);
    return rc;
}

int model_turn(struct fixture *f, int t)
{
    int rc;

    store_cache_put_msg_chat(f->s, 1, t, PEER);
    rc = put(f, t);
    if (rc != MT_OK) {
        assert_int_not_equal(store_commit(f->s, NULL), MT_OK); /* a turn that failed cannot be committed */
        return rc;
    }
    return store_commit(f->s, NULL);
}

static int count(void *arg, const struct mt_outbox_row *row)
{
    ++*(int *)arg;
    assert_int_equal(row->created, row->id);
    assert_int_equal(row->params.n, row->method.n);
    return 0;
}

int model_check(struct fixture *f)
{
    struct mt_update_state state;
    struct store_cursor acked = {0};
    struct mt_peer p = {.name = "0"};
    struct seen seen = fixture_read(f, (struct store_cursor){1, 0});
    int rows = 0, t;

    assert_int_equal(seen.rc, MT_OK);
    assert_int_equal(store_state_load(f->s, 1, &state), MT_OK);
    t = state.pts;
    assert_int_equal(seen.n, 2 * t);
    if (t) {
        assert_int_equal(seen.first, 1);
        assert_int_equal(seen.last, 2 * t);
        assert_int_equal(store_peer_get(f->s, 1, PEER, &p), MT_OK);
        assert_int_equal(store_sub_get(f->s, "model", &acked), MT_OK);
        assert_int_equal(store_peer_by_username(f->s, 1, p.name, &p), MT_OK);
        assert_int_equal(p.chat, PEER);
    }
    assert_int_equal(atoi(p.name), t);
    assert_int_equal(acked.number, t);
    assert_int_equal(store_outbox_unsent(f->s, 1, count, &rows), MT_OK);
    assert_int_equal(rows, t);
    return t;
}

struct mt_saved_dc model_key(int32_t dc_id)
{
    struct mt_saved_dc dc = {.dc_id = dc_id, .has_key = true};
    uint8_t key[MT_KEY_LEN];

    memset(key, dc_id, sizeof key);
    mt_auth_key_set(&dc.key, key);
    return dc;
}

bool model_has_key(struct fixture *f, int32_t dc_id)
{
    struct mt_saved_dc want = model_key(dc_id);
    struct mt_saved got;
    int rc = store_account_load(f->s, 1, &got);

    if (rc != MT_OK)
        fail_msg("store_account_load: %d %s", rc, store_error(f->s));
    for (size_t i = 0; i < got.n_dcs; i++)
        if (got.dcs[i].dc_id == dc_id)
            return memcmp(got.dcs[i].key.key, want.key.key, MT_KEY_LEN) == 0;
    return false;
}
