#include "rpc/profile.h"
#include "rpc/resolve.h"
#include "tl/ids.h"

#include <stdlib.h>
#include <string.h>

/* --- what the engine does itself --- */

static const struct {
    const char *name; /* or its beginning, ended by * */
    const char *instead;
} owned[] = {
    {"invokeWithoutUpdates", "the option without_updates"},
    {"invoke*", "plain calls: tgd wraps them itself"},
    {"initConnection", "plain calls: tgd wraps them itself"},
    {"auth.sendCode", "logIn"},
    {"auth.resendCode", "resendCode"},
    {"auth.signIn", "submitCode"},
    {"auth.signUp", "an official app: accounts are not made here"},
    {"auth.cancelCode", "cancelLogin"},
    {"auth.checkPassword", "submitPassword"},
    {"auth.checkRecoveryPassword", "submitPassword"},
    {"auth.recoverPassword", "submitPassword"},
    {"auth.requestPasswordRecovery", "submitPassword"},
    {"auth.importBotAuthorization", "logIn with bot_token"},
    {"auth.importWebTokenAuthorization", "logIn"},
    {"auth.exportLoginToken", "logIn"},
    {"auth.importLoginToken", "logIn"},
    {"auth.logOut", "logOut"},
    {"auth.exportAuthorization", "plain calls: tgd moves between data centres itself"},
    {"auth.importAuthorization", "plain calls: tgd moves between data centres itself"},
    {"auth.bindTempAuthKey", "plain calls: tgd keeps its keys itself"},
    {"auth.dropTempAuthKeys", "plain calls: tgd keeps its keys itself"},
    {"auth.initPasskeyLogin", "logIn"},
    {"auth.finishPasskeyLogin", "logIn"},
};

const char *rpc_engine_owned(const char *function)
{
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
        size_t n = strlen(owned[i].name);

        if (owned[i].name[n - 1] == '*' ? strncmp(owned[i].name, function, n - 1) == 0
                                        : strcmp(owned[i].name, function) == 0)
            return owned[i].instead;
    }
    return NULL;
}

static const char *const before_login[] = {
    "help.getConfig",        "help.getNearestDc",    "help.getCdnConfig",  "help.getCountriesList",
    "langpack.getLanguages", "langpack.getLangPack", "langpack.getStrings"};

static bool allowed_before_login(const char *name)
{
    for (size_t i = 0; i < sizeof before_login / sizeof before_login[0]; i++)
        if (strcmp(before_login[i], name) == 0)
            return true;
    return false;
}

/* --- checks --- */

static bool may_call(struct rpc_req *req)
{
    const char *instead = rpc_engine_owned(req->name);
    bool bot;

    if (req->def->section != TL_S_API || instead) {
        rpc_fail_hint(req, RPC_E_ENGINE_OWNED, instead ? instead : "plain calls",
                      "tgd does %s itself; use %s", req->name, instead ? instead : "plain calls");
        return false;
    }
    if (rpc_profile_has_chats(req->profile)) {
        rpc_fail(req, RPC_E_DENIED, "this socket shows some chats only, and %s may tell of others",
                 req->name);
        return false;
    }
    instead = rpc_profile_refuses(req->profile, req->name);
    if (instead) {
        rpc_fail_hint(req, RPC_E_DENIED, instead, "%s reaches into chats that are not there for this socket",
                      req->name);
        return false;
    }
    if (!rpc_choose_account(req) || rpc_refuse_if_down(req))
        return false;
    if (mt_account_login(req->account.core)->step != MT_LOGIN_READY) {
        struct mt_reply reply = {.kind = MT_REPLY_NOT_LOGGED_IN};

        if (allowed_before_login(req->name))
            return true;
        rpc_fail_reply(req, &reply);
        return false;
    }
    bot = mt_account_is_bot(req->account.core);
    if (bot && req->def->access == TL_A_USER)
        rpc_fail(req, RPC_E_NOT_FOR_BOTS, "%s is not for bots", req->name);
    else if (!bot && req->def->access == TL_A_BOT)
        rpc_fail(req, RPC_E_BOTS_ONLY, "%s is for bots only", req->name);
    else
        return true;
    return false;
}

/* A list of parameters, in the order of the fields without the words of flags. */
static bool name_fields(struct rpc_req *req)
{
    json_t *named;
    size_t given = json_array_size(req->params), at = 0;

    if (!json_is_array(req->params))
        return true;
    named = json_object();
    for (size_t i = 0; named && i < req->def->n_fields && at < given; i++) {
        const struct tl_field *field = tl_def_field(req->def, i);

        if (field->kind != TL_K_FLAGS)
            json_object_set(named, tl_field_name(field), json_array_get(req->params, at++));
    }
    json_decref(req->params);
    req->params = named;
    if (!named)
        rpc_fail_nomem(req);
    else if (at < given)
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params: %s takes at most %zu", req->name, at);
    return named && at == given;
}

/* --- the answer --- */

static void answered(struct rpc_req *req, struct mt_now now, const struct mt_reply *reply)
{
    struct tl_in in = tl_in(reply->p, reply->n);
    struct tl_out text = {.limit = RPC_VALUE_MAX * 4}, line;
    int err;

    if (!rpc_profile_sees_codes(req->profile) && rpc_holds_codes(reply->p, reply->n)) {
        rpc_fail(req, RPC_E_DENIED,
                 "the answer tells of the chat with the login codes, which is not there for this socket");
        return;
    }
    if (!req->opt.fields) { /* straight into the line */
        line = rpc_answer_begin(req);
        err = tl_field_to_json(&in, &req->def->result, &line);
        if (err == TL_OK || err == TL_E_SIZE || err == TL_E_NOMEM) {
            rpc_answer_end(req, &line);
            return;
        }
        tl_out_free(&line);
    } else {
        err = tl_field_to_json(&in, &req->def->result, &text);
        if (err == TL_OK)
            rpc_answer_text(req, text.data, text.len);
        tl_out_free(&text);
        if (err == TL_OK)
            return;
    }
    rpc_fail(req, RPC_E_INTERNAL, "Telegram's answer to %s does not fit layer %d: %s", req->name, tl_layer,
             tl_strerror(err));
}

/* dedup_key: beside the fields, where there is a random_id. *key is borrowed from req->root. */
static bool take_dedup(struct rpc_req *req, const char **key)
{
    json_t *value = json_object_get(req->params, "dedup_key");

    *key = NULL;
    if (!value || tl_field_by_name(req->def, "random_id", 9) < 0)
        return true;
    if (!json_is_string(value) || !json_string_length(value) || json_string_length(value) > 64) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.dedup_key: expected a string of 1 to 64 bytes");
        return false;
    }
    *key = json_string_value(rpc_keep(req, json_incref(value)));
    json_object_del(req->params, "dedup_key");
    return true;
}

static void send_to(struct rpc_req *req, struct mt_now now, const struct mt_peer *peer)
{
    const char *key = rpc_state(req);

    rpc_send(req, now, req->name, json_incref(req->params), peer->chat, key, answered);
}

void rpc_raw(struct rpc_req *req, struct mt_now now)
{
    const char *key;
    json_t *peer;

    if (!name_fields(req) || !may_call(req) || !take_dedup(req, &key))
        return;
    if (!key) {
        rpc_call(req, now, req->name, json_incref(req->params), answered);
        return;
    }
    peer = json_object_get(req->params, "peer");
    if (!peer)
        peer = json_object_get(req->params, "to_peer");
    if (!json_is_string(peer) && !json_is_integer(peer)) {
        rpc_fail(req, RPC_E_INVALID_PARAMS, "params.peer: with dedup_key it is a number or a name");
        return;
    }
    rpc_set_state(req, rpc_alloc(req, strlen(key) + 1));
    if (!rpc_state(req)) {
        rpc_fail_nomem(req);
        return;
    }
    memcpy(rpc_state(req), key, strlen(key) + 1);
    rpc_peer(req, now, peer, send_to);
}
