#include "rpc/ctl/ctl.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Events that may go by before they are acked. */
#define ACK_EVERY 100

static void ack(struct ctl *c, const char *name, const char *cursor)
{
    ctl_send(c, "ack", json_pack("{s:s, s:s}", "name", name, "cursor", cursor));
}

/* Answers of acks come in between; an error among them ends the program. */
static json_t *event_of(const json_t *value)
{
    const char *method = json_string_value(json_object_get(value, "method"));

    if (json_object_get(value, "error"))
        ctl_fail(json_object_get(value, "error"));
    if (method && strcmp(method, "closed") == 0) {
        const char *reason = json_string_value(json_object_get(json_object_get(value, "params"), "reason"));
        ctl_die(CTL_ERROR, "the subscription was closed: %s", reason ? reason : "no reason given");
    }
    return method && strcmp(method, "event") == 0 ? json_object_get(value, "params") : NULL;
}

static int print_events(struct ctl *c, const char *name)
{
    char cursor[64] = "";
    int pending = 0;

    for (;;) {
        json_t *value = ctl_receive(c);
        json_t *event;
        const char *at;

        if (!value)
            ctl_die(CTL_NO_DAEMON, "the daemon closed the connection");
        event = event_of(value);
        if (event) {
            ctl_print_item(c, event);
            at = json_string_value(json_object_get(event, "cursor"));
            if (at && strlen(at) < sizeof cursor) {
                strcpy(cursor, at);
                pending++;
            }
        }
        json_decref(value);
        if (pending && (pending >= ACK_EVERY || !ctl_has_line(c))) {
            if (fflush(stdout))
                return CTL_ERROR; /* whoever reads us is gone: what it did not get is not acked */
            if (name)
                ack(c, name, cursor);
            pending = 0;
        }
    }
}

int ctl_listen(struct ctl *c, char **words, int n)
{
    json_t *params = ctl_params(c, "subscribe", words, n);
    const char *name = json_string_value(json_object_get(params, "name"));
    char *own_name = name ? strdup(name) : NULL;
    json_t *started;

    if (c->exec && !json_object_get(params, "direction"))
        json_object_set_new(params, "direction", json_string("in"));
    if (name)
        json_object_set_new(params, "ack", json_string("manual"));
    started = ctl_call(c, "subscribe", params);
    json_decref(started);
    return c->exec ? ctl_exec(c, own_name) : print_events(c, own_name);
}
