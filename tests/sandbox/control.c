/* The control socket's methods of the protocol half; all others are asked of the world. */
#include <stdio.h>
#include <string.h>

#include "tests/sandbox/peer.h"

/* In the notation of the world's commands: name:type, a question mark where it may be left out. */
static const struct {
    const char *name, *params;
} methods[] = {
    {"rpc.discover", ""},
    {"advance", "seconds:number"},
    {"restart", "keys:bool?"},
    {"forgetKeys", "temporary:bool?"},
    {"fault", "match:object? do:string seconds:number? code:int? text:string? to:int? what:string? "
              "times:int? after:bool? bytes:int?"},
    {"clearFaults", "id:int?"},
    {"moveDc", "dc:int"}, /* to another port: the old one refuses, help.getConfig names the new one */
};

static json_t *discover(void)
{
    json_t *list = sb_world_methods();

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "name", methods[i].name, "params", methods[i].params));
    return json_pack("{s:o}", "methods", list);
}

static json_t *advance(struct sb_server *s, struct mt_now now, const json_t *params, char err[256])
{
    const json_t *v = json_object_get(params, "seconds");

    if (!json_is_number(v) || json_number_value(v) < 0 || json_number_value(v) > 1e9) {
        snprintf(err, 256, "seconds: expected a number from 0 to 1e9");
        return NULL;
    }
    s->shift += (int64_t)(json_number_value(v) * (double)MT_US_PER_S);
    sb_server_tick(s, now);
    return json_pack("{s:I}", "time", (json_int_t)sb_unix(sb_clock(s, now)));
}

static json_t *restart(struct sb_server *s, const json_t *params)
{
    bool keys = json_is_true(json_object_get(params, "keys"));

    for (size_t i = 0; i < s->n_conns; i++)
        if (s->conns[i])
            sb_conn_close(s, s->conns[i], SB_CLOSE_NOW);
    sb_sessions_clear(s);
    for (size_t i = 0; keys && i < SB_KEY_BUCKETS; i++)
        for (struct sb_key *k = s->keys[i]; k; k = k->next)
            if (!k->expires)
                sb_world_forget_key(s->world, k->auth.id);
    if (keys)
        sb_keys_clear(s);
    return json_object();
}

/* The servers lose auth keys, all or the temporary ones; connections stay, and the next packet on one is
 * -404. */
static json_t *forget_keys(struct sb_server *s, const json_t *params)
{
    bool temporary = json_is_true(json_object_get(params, "temporary"));
    json_int_t n = 0;

    for (size_t i = 0; i < SB_KEY_BUCKETS; i++)
        for (struct sb_key *k = s->keys[i], *next; k; k = next) {
            next = k->next;
            if (temporary && !k->expires)
                continue;
            if (!k->expires)
                sb_world_forget_key(s->world, k->auth.id);
            sb_key_remove(s, k);
            n++;
        }
    return json_pack("{s:I}", "forgotten", n);
}

static json_t *fault(struct sb_server *s, const json_t *params, char err[256])
{
    uint64_t id = sb_faults_add(&s->faults, params, err);

    return id ? json_pack("{s:I}", "id", (json_int_t)id) : NULL;
}

static json_t *clear_faults(struct sb_server *s, const json_t *params)
{
    json_int_t id = json_integer_value(json_object_get(params, "id"));

    return json_pack("{s:I}", "cleared", (json_int_t)sb_faults_clear(&s->faults, (uint64_t)id));
}

static json_t *move_dc(struct sb_server *s, const json_t *params, char err[256])
{
    json_int_t dc = json_integer_value(json_object_get(params, "dc"));

    for (size_t i = 0; i < s->n_dcs; i++) {
        if (s->dcs[i] != dc)
            continue;
        s->moves |= UINT64_C(1) << i;
        for (size_t k = 0; k < s->n_conns; k++)
            if (s->conns[k] && s->conns[k]->dc_id == dc)
                sb_conn_close(s, s->conns[k], SB_CLOSE_NOW);
        return json_object();
    }
    snprintf(err, 256, "dc: there is none of that number");
    return NULL;
}

static json_t *sessions(const struct sb_server *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < SB_KEY_BUCKETS; i++)
        for (const struct sb_key *k = s->keys[i]; k; k = k->next)
            for (const struct sb_session *ses = k->sessions; ses; ses = ses->next) {
                char id[24];

                snprintf(id, sizeof id, "%llu", (unsigned long long)ses->id);
                json_array_append_new(
                    list, json_pack("{s:s, s:i, s:I, s:b, s:b, s:b, s:i, s:I}", "session", id, "dc", k->dc_id,
                                    "user", (json_int_t)sb_world_user_of(s->world, k->dc_id, k->perm_id),
                                    "connected", ses->conn != NULL, "temporary", k->expires != 0, "updates",
                                    ses->wants_updates, "layer", k->layer, "unacked_bytes",
                                    (json_int_t)ses->out_bytes));
            }
    return list;
}

static json_t *stats(struct sb_server *s, struct mt_now now)
{
    const struct sb_stats *t = &s->stats;
    const struct {
        const char *name;
        uint64_t value;
    } row[] = {
        {"connections", t->conns},
        {"key_exchanges", t->key_exchanges},
        {"packets_in", t->packets},
        {"messages_in", t->messages},
        {"calls", t->calls},
        {"errors", t->errors},
        {"bad_salt", t->bad_salt},
        {"bad_msg", t->bad_msg},
        {"new_sessions", t->new_sessions},
        {"packets_out", t->packets_out},
        {"messages_out", t->messages_out},
        {"resent", t->resent},
        {"updates_sent", t->pushes},
        {"transport_errors", t->transport_errors},
    };
    char err[256];
    int known = 0;
    json_t *world = sb_world_control(s->world, sb_clock(s, now), "stats", NULL, &known, err);
    json_t *all = json_is_object(world) ? world : json_object(), *own = json_object();

    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        json_object_set_new(own, row[i].name, json_integer((json_int_t)row[i].value));
    json_object_set_new(own, "time", json_integer((json_int_t)sb_unix(sb_clock(s, now))));
    json_object_set_new(own, "faults", sb_faults_dump(&s->faults));
    json_object_set_new(own, "sessions", sessions(s));
    json_object_set_new(all, "protocol", own);
    return all;
}

static json_t *of_world(struct sb_server *s, struct mt_now now, const char *method, const json_t *params,
                        int *code, char err[256])
{
    struct mt_now at = sb_clock(s, now);
    int known = 0;
    json_t *result = sb_world_control(s->world, at, method, params, &known, err);

    *code = known < 0 ? -32601 : 1;
    if (!result && known < 0)
        snprintf(err, 256, "no method '%.64s'; rpc.discover lists them", method);
    sb_drain_pushes(s, at);
    sb_flush(s, at);
    return result;
}

json_t *sb_server_control(struct sb_server *s, struct mt_now now, const char *method, const json_t *params,
                          int *code, char err[256])
{
    *code = -32602;
    snprintf(err, 256, "failed");
    if (!strcmp(method, "rpc.discover"))
        return discover();
    if (!strcmp(method, "advance"))
        return advance(s, now, params, err);
    if (!strcmp(method, "restart"))
        return restart(s, params);
    if (!strcmp(method, "forgetKeys"))
        return forget_keys(s, params);
    if (!strcmp(method, "fault"))
        return fault(s, params, err);
    if (!strcmp(method, "clearFaults"))
        return clear_faults(s, params);
    if (!strcmp(method, "moveDc"))
        return move_dc(s, params, err);
    if (!strcmp(method, "stats"))
        return stats(s, now);
    return of_world(s, now, method, params, code, err);
}
