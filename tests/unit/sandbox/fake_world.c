#include "tests/unit/sandbox/fake_world.h"

#include <stdlib.h>
#include <string.h>

#include "tl/ids.h"

#define PUSHES_MAX 4096

struct sb_world {
    struct sb_fake fake;
    struct sb_world_cfg cfg;
    struct sb_push push[PUSHES_MAX];
    size_t n_push, at_push;
    uint8_t update[12];
    uint8_t large[2048];
};

struct sb_world *sb_world_new(const struct sb_world_cfg *cfg, struct mt_now now)
{
    struct sb_world *w = calloc(1, sizeof *w);

    if (w)
        w->cfg = *cfg;
    return w;
}

void sb_world_free(struct sb_world *w)
{
    free(w);
}

struct sb_fake *sb_fake_of(struct sb_world *w)
{
    return &w->fake;
}

static int zero(void *ctx, const struct tl_def *def, const struct tl_field *field, struct tl_out *out)
{
    switch ((enum tl_kind)field->kind) {
    case TL_K_INT:
        tl_put_u32(out, 0);
        return 1;
    case TL_K_LONG:
    case TL_K_DOUBLE:
        tl_put_u64(out, 0);
        return 1;
    case TL_K_STRING:
    case TL_K_BYTES:
        tl_put_str(out, "");
        return 1;
    case TL_K_BOOL:
        tl_put_bool(out, false);
        return 1;
    case TL_K_VECTOR:
        tl_put_vector(out, 0);
        return 1;
    case TL_K_FLAGS:
    case TL_K_INT128:
    case TL_K_INT256:
    case TL_K_TRUE:
    case TL_K_OBJECT:
    case TL_K_BARE:
    case TL_K_ANY:
    case TL_K_BARE_VECTOR:
        return 0;
    }
    return 0;
}

static void get_config(const struct sb_world *w, struct mt_now now, const struct sb_caller *caller,
                       struct tl_out *out)
{
    const struct tl_json_hooks hooks = {.missing = zero};
    struct tl_json_error error;
    json_t *dcs = json_array(), *v;

    for (size_t i = 0; i < w->cfg.n_dcs; i++)
        json_array_append_new(dcs,
                              json_pack("{s:s, s:i, s:s, s:i}", "_", "dcOption", "id", w->cfg.dcs[i].dc_id,
                                        "ip_address", w->cfg.dcs[i].ip, "port", w->cfg.dcs[i].port));
    v = json_pack("{s:s, s:I, s:I, s:i, s:o}", "_", "config", "date", (json_int_t)(now.wall / MT_US_PER_S),
                  "expires", (json_int_t)(now.wall / MT_US_PER_S + 3600), "this_dc", caller->dc_id,
                  "dc_options", dcs);
    tl_object_from_json((uint16_t)tl_type_by_name("Config", 6), v, "config", &hooks, out, &error);
    json_decref(v);
}

static void nearest_dc(const struct sb_world *w, const struct sb_caller *caller, struct sb_reply *reply)
{
    size_t n = w->fake.answer_bytes;
    char *country = malloc(n + 1);

    if (w->fake.fail) {
        reply->err_code = 400;
        strcpy(reply->err_text, "FAKE_ERROR");
    } else if (country) {
        for (size_t i = 0; i < n; i++)
            country[i] = (char)('a' + i * i % 23);
        tl_put_u32(&reply->result, TL_nearestDc);
        tl_put_bytes(&reply->result, country, n);
        tl_put_int(&reply->result, caller->dc_id);
        tl_put_int(&reply->result, caller->dc_id);
    }
    free(country);
}

void sb_world_call(struct sb_world *w, struct mt_now now, const struct sb_caller *caller,
                   const struct tl_view *call, struct sb_reply *reply)
{
    *reply = (struct sb_reply){0};
    w->fake.calls++;
    w->fake.last_id = call->def->id;
    w->fake.last_caller = *caller;
    if (call->def->id == TL_help_getConfig) {
        get_config(w, now, caller, &reply->result);
    } else if (call->def->id == TL_help_getNearestDc) {
        nearest_dc(w, caller, reply);
    } else if (call->def->id == TL_users_getUsers && w->fake.with_users) {
        tl_put_vector(&reply->result, 1);
        tl_put_u32(&reply->result, TL_user);
        tl_put_u32(&reply->result, 2); /* first_name */
        tl_put_u32(&reply->result, 0);
        tl_put_long(&reply->result, SB_FAKE_USER);
        tl_put_str(&reply->result, "Fay");
    } else {
        reply->err_code = 401;
        strcpy(reply->err_text, "AUTH_KEY_UNREGISTERED");
    }
}

void sb_reply_free(struct sb_reply *reply)
{
    tl_out_free(&reply->result);
}

void sb_fake_push(struct sb_world *w, bool to_key, uint64_t except_session)
{
    struct tl_out out = {.data = w->update, .cap = sizeof w->update, .fixed = true};

    if (w->n_push == PUSHES_MAX)
        return;
    tl_put_u32(&out, TL_updateShort);
    tl_put_u32(&out, TL_updateConfig);
    tl_put_u32(&out, 0);
    w->push[w->n_push++] = (struct sb_push){.user_id = to_key ? 0 : SB_FAKE_USER,
                                            .key_id = to_key ? w->fake.key_id : 0,
                                            .except_session = except_session,
                                            .p = w->update,
                                            .n = sizeof w->update};
}

void sb_fake_push_large(struct sb_world *w)
{
    struct tl_out out = {.data = w->large, .cap = sizeof w->large, .fixed = true};

    tl_put_u32(&out, TL_updates);
    tl_put_vector(&out, 300);
    for (int i = 0; i < 300; i++)
        tl_put_u32(&out, TL_updateConfig);
    tl_put_vector(&out, 0);
    tl_put_vector(&out, 0);
    tl_put_u64(&out, 0);
    w->push[w->n_push++] = (struct sb_push){.user_id = SB_FAKE_USER, .p = w->large, .n = out.len};
}

bool sb_world_next_push(struct sb_world *w, struct sb_push *push)
{
    if (w->at_push == w->n_push) {
        w->at_push = w->n_push = 0;
        return false;
    }
    *push = w->push[w->at_push++];
    return true;
}

int64_t sb_world_user_of(const struct sb_world *w, int32_t dc_id, uint64_t key_id)
{
    return key_id && key_id == w->fake.key_id ? SB_FAKE_USER : 0;
}

int32_t sb_world_home_dc(const struct sb_world *w, int64_t user_id)
{
    return user_id == SB_FAKE_USER ? 2 : 0;
}

void sb_world_forget_key(struct sb_world *w, uint64_t key_id)
{
    w->fake.forgotten++;
}

json_t *sb_world_control(struct sb_world *w, struct mt_now now, const char *method, const json_t *params,
                         int *known, char err[256])
{
    *known = -1;
    return NULL;
}

json_t *sb_world_methods(void)
{
    return json_array();
}
