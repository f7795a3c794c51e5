/* Writes without a random_id, through the outbox: what they are told, and that each ends. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/account/asim.h"

static json_t *read_mark(struct owner *o, mt_chat_id *chat)
{
    *chat = o->index ? o->s->alice : o->s->bob;
    return json_pack("{s:s, s:o, s:i}", "_", "messages.readHistory", "peer", ask_peer(o, *chat), "max_id",
                     (int)o->disk.view.last_id[BOX_COMMON]);
}

void ask_write(struct owner *o)
{
    uint64_t what = asim_random(o->s, 6);
    mt_chat_id chat = 0;
    struct mt_send send = {.flood_wait = (int64_t)asim_random(o->s, 20)};
    json_t *json;
    char *text;

    if (!o->a || o->n_asked == ASKED || o->losses) /* who lost the login does not know the peers any more */
        return;
    json = what < 4 ? ask_edit(o, &chat) : what < 5 || o->bot ? ask_take_back(o, &chat) : read_mark(o, &chat);
    if (!json)
        return;
    send.method = json_string_value(json_object_get(json, "_"));
    send.chat = chat;
    send.token = ask_token(o, -1);
    send.deadline = o->s->t + (int64_t)(5 + asim_random(o->s, 300)) * MT_US_PER_S;
    send.queue = asim_random(o->s, 3) == 0;
    send.expires = o->s->t + 7200 * MT_US_PER_S;
    text = strdup(send.method);
    json_object_del(json, "_");
    send.method = text;
    send.params = json_dumps(json, JSON_COMPACT);
    asim_trace(o->s, "%s writes %s %s (request %u%s)", o->name, send.method, send.params,
               (unsigned)send.token, send.queue ? ", queue" : "");
    if (mt_account_send(o->a, owner_now(o), &send))
        asim_fail(o->s, "write %u of %s refused", (unsigned)send.token, o->name);
    free((void *)(uintptr_t)send.params);
    free(text);
    json_decref(json);
}
