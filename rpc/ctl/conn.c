#include "rpc/ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)64 * 1024 * 1024)

static bool try_connect(struct ctl *c, const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof at.sun_path)
        return false;
    strcpy(at.sun_path, path);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&at, sizeof at) == 0)
        return true;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    return false;
}

void ctl_connect(struct ctl *c)
{
    const char *given = c->socket ? c->socket : getenv("TGD_SOCKET");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char paths[3][160] = {"", "", "/run/tgd/tgd.sock"};
    char tried[512] = "";

    if (given && *given) {
        if (!try_connect(c, given))
            ctl_die(CTL_NO_DAEMON, "no daemon on %s: %s", given, strerror(errno));
        return;
    }
    if (runtime && *runtime)
        snprintf(paths[0], sizeof paths[0], "%s/tgd/tgd.sock", runtime);
    snprintf(paths[1], sizeof paths[1], "/run/user/%u/tgd/tgd.sock", (unsigned)getuid());
    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(tried);

        if (!paths[i][0] || (i && strcmp(paths[i], paths[0]) == 0))
            continue;
        if (try_connect(c, paths[i]))
            return;
        snprintf(tried + len, sizeof tried - len, "%s%s (%s)", len ? ", " : "", paths[i], strerror(errno));
    }
    ctl_die(CTL_NO_DAEMON, "no daemon found; tried %s. Start tgd, or give --socket or $TGD_SOCKET", tried);
}

static void write_all(struct ctl *c, const char *p, size_t n)
{
    while (n) {
        ssize_t done = send(c->fd, p, n, MSG_NOSIGNAL);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            ctl_die(CTL_NO_DAEMON, "the daemon closed the connection");
        p += done;
        n -= (size_t)done;
    }
}

long ctl_send(struct ctl *c, const char *method, json_t *params)
{
    json_t *request = json_pack("{s:I, s:s}", "id", (json_int_t)++c->last_id, "method", method);
    char *text;

    if (params)
        json_object_set_new(request, "params", params);
    if (c->account)
        json_object_set_new(request, "account", json_string(c->account));
    if (c->timeout)
        json_object_set_new(request, "timeout", json_real(strtod(c->timeout, NULL)));
    text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (!text)
        ctl_die(CTL_USAGE, "the request is no valid JSON (text that is not UTF-8?)");
    write_all(c, text, strlen(text));
    write_all(c, "\n", 1);
    free(text);
    return c->last_id;
}

bool ctl_has_line(const struct ctl *c)
{
    return c->have && memchr(c->buf, '\n', c->have);
}

/* Reads more; false at the end. */
static bool read_more(struct ctl *c)
{
    ssize_t n;

    if (c->have == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 64 * 1024;

        if (cap > LINE_MAX_BYTES || !(c->buf = realloc(c->buf, cap)))
            ctl_die(CTL_ERROR, "the daemon's answer is too long");
        c->cap = cap;
    }
    do
        n = read(c->fd, c->buf + c->have, c->cap - c->have);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        c->have += (size_t)n;
    return n > 0;
}

json_t *ctl_receive(struct ctl *c)
{
    char *end;
    json_error_t error;
    json_t *value;
    size_t used;

    while (!c->have || !(end = memchr(c->buf, '\n', c->have)))
        if (!read_more(c))
            return NULL;
    used = (size_t)(end - c->buf) + 1;
    value = json_loadb(c->buf, used - 1, JSON_DECODE_ANY, &error);
    memmove(c->buf, c->buf + used, c->have - used);
    c->have -= used;
    if (!value)
        ctl_die(CTL_ERROR, "the daemon's answer is no JSON: %s", error.text);
    return value;
}

void ctl_fail(const json_t *error)
{
    json_int_t code = json_integer_value(json_object_get(error, "code"));
    const json_t *data = json_object_get(error, "data");
    const char *name = json_string_value(json_object_get(data, "name"));
    const char *hint = json_string_value(json_object_get(data, "hint"));
    const char *text = json_string_value(json_object_get(error, "message"));
    enum ctl_exit status = CTL_ERROR;

    if (code == 1001)
        status = CTL_NOT_LOGGED_IN;
    else if (code == 2420)
        status = CTL_FLOOD_WAIT;
    else if (code == 1003)
        status = CTL_TIMEOUT;
    ctl_die(status, "%s%s%s%s%s", name ? name : "error", text ? ": " : "", text ? text : "", hint ? "\n" : "",
            hint ? hint : "");
}

json_t *ctl_wait(struct ctl *c, long id)
{
    for (;;) {
        json_t *answer = ctl_receive(c), *result;
        const char *method;

        if (!answer)
            ctl_die(CTL_NO_DAEMON, "the daemon closed the connection");
        method = json_string_value(json_object_get(answer, "method"));
        if (method) {
            char *note = json_dumps(json_object_get(answer, "params"), JSON_COMPACT);

            fprintf(stderr, "%s %s\n", method, note ? note : "");
            free(note);
            json_decref(answer);
            continue;
        }
        if (json_integer_value(json_object_get(answer, "id")) != id && json_object_get(answer, "id") &&
            !json_is_null(json_object_get(answer, "id"))) {
            json_decref(answer);
            continue;
        }
        if (json_object_get(answer, "error"))
            ctl_fail(json_object_get(answer, "error"));
        result = json_incref(json_object_get(answer, "result"));
        json_decref(answer);
        return result;
    }
}

json_t *ctl_call(struct ctl *c, const char *method, json_t *params)
{
    return ctl_wait(c, ctl_send(c, method, params));
}
