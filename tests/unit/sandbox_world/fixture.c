#include "tests/unit/sandbox_world/fixture.h"

#include "tl/json.h"
#include "tl/view.h"

static void fixed_random(void *ctx, void *buf, size_t n)
{
    struct fixture *f = ctx;

    for (size_t i = 0; i < n; i++) {
        f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((uint8_t *)buf)[i] = (uint8_t)(f->random >> 56);
    }
}

static void count_broken(void *ctx, enum mt_log_level level, const char *area, const char *text)
{
    struct fixture *f = ctx;

    if (level != MT_LOG_BROKEN)
        return;
    f->broken++;
    print_error("%s: %s\n", area, text);
}

void fix_init(struct fixture *f, uint64_t seed)
{
    static const struct sb_dc_addr dcs[] = {
        {1, "127.0.0.1", 11001}, {2, "127.0.0.1", 11002}, {3, "127.0.0.1", 11003}};
    struct sb_world_cfg cfg = {.seed = seed, .dcs = dcs, .n_dcs = 3};

    *f = (struct fixture){.random = seed, .now = {.mono = 1, .wall = INT64_C(1800000000) * MT_US_PER_S}};
    f->env = (struct mt_env){.random = fixed_random, .log = count_broken, .ctx = f};
    cfg.env = &f->env;
    f->w = sb_world_new(&cfg, f->now);
    f->pushes = json_array();
}

void fix_fini(struct fixture *f)
{
    assert_int_equal(f->broken, 0);
    json_decref(f->result);
    json_decref(f->pushes);
    sb_world_free(f->w);
}

void fix_as(struct fixture *f, uint64_t key, int32_t dc)
{
    f->caller =
        (struct sb_caller){.dc_id = dc, .key_id = key, .session_id = key, .layer = tl_layer, .api_id = 1};
}

/* --- pushes --- */

static json_t *decoded(const uint8_t *p, size_t n)
{
    struct tl_in in = tl_in(p, n);
    struct tl_out text = {0};
    json_t *v;

    assert_int_equal(tl_to_json(&in, &text), TL_OK);
    assert_int_equal(tl_left(&in), 0);
    v = json_loadb((const char *)text.data, text.len, 0, NULL);
    assert_non_null(v);
    tl_out_free(&text);
    return v;
}

static void collect(struct fixture *f)
{
    struct sb_push push;

    while (sb_world_next_push(f->w, &push))
        json_array_append_new(f->pushes,
                              json_pack("{s:I,s:I,s:I,s:o}", "user_id", push.user_id, "key_id",
                                        (json_int_t)push.key_id, "except", (json_int_t)push.except_session,
                                        "updates", decoded(push.p, push.n)));
}

void fix_drain(struct fixture *f)
{
    json_array_clear(f->pushes);
}

json_t *fix_updates(struct fixture *f, int64_t user_id)
{
    json_t *flat = json_array(), *push;
    size_t i;

    json_array_foreach (f->pushes, i, push) {
        json_t *u = json_object_get(push, "updates");

        if (num(push, "user_id") != user_id)
            continue;
        if (at(u, "updates"))
            json_array_extend(flat, at(u, "updates"));
        else
            json_array_append(flat, at(u, "update") ? at(u, "update") : u);
    }
    return flat;
}

/* --- calls --- */

static json_t *run(struct fixture *f, const struct tl_def *def, const struct tl_out *bytes)
{
    struct sb_reply reply;
    struct tl_view view;

    assert_int_equal(tl_view_open_exact(&view, bytes->data, bytes->len), TL_OK);
    sb_world_call(f->w, f->now, &f->caller, &view, &reply);
    collect(f);
    f->stub = reply.stub;
    if (reply.err_code) {
        snprintf(f->error, sizeof f->error, "%d %s", reply.err_code, reply.err_text);
        assert_int_equal(reply.result.len, 0);
    } else {
        struct tl_in in = tl_in(reply.result.data, reply.result.len);
        struct tl_out text = {0};

        assert_int_equal(tl_field_to_json(&in, &def->result, &text), TL_OK);
        assert_int_equal(tl_left(&in), 0);
        f->result = json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY, NULL);
        assert_non_null(f->result);
        tl_out_free(&text);
    }
    sb_reply_free(&reply);
    return f->result;
}

static json_t *call(struct fixture *f, const char *method, const char *params, va_list ap)
{
    const struct tl_def *def = tl_def_by_name(method, strlen(method), true);
    json_error_t bad;
    json_t *p = params ? json_vpack_ex(&bad, 0, params, ap) : json_object();
    struct tl_json_error error = {0};
    struct tl_out bytes = {0};

    if (!def || !p)
        fail_msg("%s: %s", method, def ? bad.text : "no such method");
    json_decref(f->result);
    f->result = NULL;
    f->error[0] = 0;
    if (tl_call_from_json(def, p, "params", NULL, &bytes, &error) != TL_OK)
        fail_msg("%s: %s: %s", method, error.path, error.text);
    run(f, def, &bytes);
    tl_out_free(&bytes);
    json_decref(p);
    return f->result;
}

json_t *fix_call(struct fixture *f, const char *method, const char *params, ...)
{
    va_list ap;

    va_start(ap, params);
    call(f, method, params, ap);
    va_end(ap);
    return f->result;
}

void fix_refused(struct fixture *f, const char *error, const char *method, const char *params, ...)
{
    va_list ap;

    va_start(ap, params);
    call(f, method, params, ap);
    va_end(ap);
    assert_string_equal(f->error, error);
}

json_t *fix_control(struct fixture *f, const char *method, const char *params, ...)
{
    char err[256];
    va_list ap;
    int known;
    json_t *p;

    va_start(ap, params);
    p = params ? json_vpack_ex(NULL, 0, params, ap) : json_object();
    va_end(ap);
    assert_non_null(p);
    json_decref(f->result);
    f->result = sb_world_control(f->w, f->now, method, p, &known, err);
    snprintf(f->error, sizeof f->error, "%.150s", known < 0 ? "unknown" : err);
    collect(f);
    json_decref(p);
    return f->result;
}

/* --- logins --- */

void fix_login(struct fixture *f, uint64_t key, int32_t dc, const char *phone)
{
    char hash[40], code[8];

    fix_as(f, key, dc);
    assert_non_null(fix_call(f, "auth.sendCode", "{s:s,s:i,s:s,s:{s:s}}", "phone_number", phone, "api_id", 1,
                             "api_hash", "h", "settings", "_", "codeSettings"));
    snprintf(hash, sizeof hash, "%s", str(f->result, "phone_code_hash"));
    assert_non_null(fix_control(f, "lastCode", "{s:s}", "phone", phone));
    snprintf(code, sizeof code, "%s", str(f->result, "code"));
    assert_non_null(fix_call(f, "auth.signIn", "{s:s,s:s,s:s}", "phone_number", phone, "phone_code_hash",
                             hash, "phone_code", code));
    assert_string_equal(str(f->result, "_"), "auth.authorization");
    fix_drain(f);
}

void fix_login_bot(struct fixture *f, uint64_t key)
{
    fix_as(f, key, 2);
    assert_non_null(fix_call(f, "auth.importBotAuthorization", "{s:i,s:i,s:s,s:s}", "flags", 0, "api_id", 1,
                             "api_hash", "h", "bot_auth_token", "6000000001:sandbox-token-of-echo-bot"));
}

/* --- looking at trees --- */

json_t *at(const json_t *tree, const char *path)
{
    while (tree && *path) {
        size_t n = strcspn(path, ".");
        char part[64];

        snprintf(part, sizeof part, "%.*s", (int)n, path);
        tree = json_is_array(tree) ? json_array_get(tree, (size_t)atoi(part)) : json_object_get(tree, part);
        path += n + (path[n] == '.');
    }
    return (json_t *)(uintptr_t)tree;
}

int64_t num(const json_t *tree, const char *path)
{
    const json_t *v = at(tree, path);

    return json_is_string(v) ? atoll(json_string_value(v)) : json_integer_value(v);
}

const char *str(const json_t *tree, const char *path)
{
    const char *s = json_string_value(at(tree, path));

    return s ? s : "";
}

int64_t fix_hash(struct fixture *f, const char *username)
{
    assert_non_null(fix_call(f, "contacts.resolveUsername", "{s:s}", "username", username));
    return at(f->result, "users.0") ? num(f->result, "users.0.access_hash")
                                    : num(f->result, "chats.0.access_hash");
}

json_t *fix_peer(struct fixture *f, const char *username)
{
    int64_t hash = fix_hash(f, username);
    bool user = at(f->result, "users.0") != NULL;

    return json_pack("{s:s,s:I,s:I}", "_", user ? "inputPeerUser" : "inputPeerChannel",
                     user ? "user_id" : "channel_id",
                     num(f->result, user ? "peer.user_id" : "peer.channel_id"), "access_hash", hash);
}

json_t *fix_channel(struct fixture *f, const char *username)
{
    json_t *p = fix_peer(f, username);

    json_object_set_new(p, "_", json_string("inputChannel"));
    return p;
}
