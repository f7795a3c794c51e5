#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sandbox/loop.h"

#define LINE_MAX_BYTES (16 * 1024 * 1024)

struct sb_control_peer {
    struct sb_control_peer *next;
    struct sb_control_list *list;
    struct sb_server *server;
    struct bufferevent *bev;
    void (*after)(void *arg);
    void *arg;
    bool ended; /* goes when its output has been written */
};

static void peer_free(struct sb_control_peer *c)
{
    struct sb_control_peer **at = &c->list->first;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    bufferevent_free(c->bev);
    free(c);
}

static json_t *error_object(int code, const char *message)
{
    return json_pack("{s:i, s:s}", "code", code, "message", message);
}

/* The answer to one line; NULL for a notification, or where there is no memory. */
static json_t *answer(struct sb_control_peer *c, const char *line, size_t n)
{
    json_error_t e;
    json_t *req = json_loadb(line, n, JSON_REJECT_DUPLICATES, &e), *id, *params, *result = NULL, *out;
    const char *method = json_string_value(json_object_get(req, "method"));
    json_t *none = json_object();
    char err[256];
    int code = -32700;

    id = json_object_get(req, "id");
    params = json_object_get(req, "params");
    snprintf(err, sizeof err, "%s", req ? "a request is an object with a method" : e.text);
    if (req)
        code = -32600;
    if (method && params && !json_is_object(params)) {
        code = -32602;
        snprintf(err, sizeof err, "params: expected an object");
    } else if (method) {
        result = sb_server_control(c->server, sb_loop_now(), method, params ? params : none, &code, err);
    }
    out = json_object();
    json_object_set_new(out, "jsonrpc", json_string("2.0"));
    json_object_set_new(out, "id", id ? json_incref(id) : json_null());
    if (result)
        json_object_set_new(out, "result", result);
    else
        json_object_set_new(out, "error", error_object(code, err));
    json_decref(none);
    json_decref(req);
    return out;
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct sb_control_peer *c = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    void (*after)(void *) = c->after;
    void *after_arg = c->arg;
    char *line;
    size_t n;

    while ((line = evbuffer_readln(in, &n, EVBUFFER_EOL_CRLF))) {
        json_t *out = strspn(line, " \t") < n ? answer(c, line, n) : NULL;
        char *text = out ? json_dumps(out, JSON_COMPACT) : NULL;

        if (text) {
            bufferevent_write(bev, text, strlen(text));
            bufferevent_write(bev, "\n", 1);
        }
        free(text);
        json_decref(out);
        free(line);
    }
    if (evbuffer_get_length(in) > LINE_MAX_BYTES)
        peer_free(c);
    after(after_arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct sb_control_peer *c = arg;

    if (c->ended && !evbuffer_get_length(bufferevent_get_output(bev)))
        peer_free(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct sb_control_peer *c = arg;

    /* the end of input may come before a last newline, and before the answers were written */
    if (what & BEV_EVENT_EOF && evbuffer_get_length(bufferevent_get_input(bev))) {
        evbuffer_add(bufferevent_get_input(bev), "\n", 1);
        on_read(bev, c);
    }
    c->ended = true;
    if (!(what & BEV_EVENT_EOF) || !evbuffer_get_length(bufferevent_get_output(bev)))
        peer_free(c);
}

void sb_control_accept(struct event_base *base, struct sb_control_list *list, struct sb_server *server,
                       int fd, void (*after)(void *arg), void *arg)
{
    struct sb_control_peer *c = calloc(1, sizeof *c);

    if (c)
        c->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!c || !c->bev) {
        free(c);
        close(fd);
        return;
    }
    c->list = list;
    c->server = server;
    c->after = after;
    c->arg = arg;
    c->next = list->first;
    list->first = c;
    bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

void sb_control_free(struct sb_control_list *list)
{
    while (list->first)
        peer_free(list->first);
}
