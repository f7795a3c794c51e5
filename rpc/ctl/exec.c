/*
 * listen --exec: a program for each event, its JSON on stdin. One at a time per chat, --jobs chats at once.
 * An event is done when its program ended with 0 (or, with --on-fail skip, at all); else it is tried again
 * after 1, 2, 4 ... 60 s. Acked is what is done without a hole before it, so that nothing is lost or answered
 * twice but what ran while we were killed.
 */
#include "rpc/ctl/ctl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Events in memory; more wait in the daemon's journal. */
#define QUEUE_MAX 256
#define DELAY_MAX 60

struct job {
    struct job *next;
    json_t *event;
    json_int_t chat;
    pid_t pid; /* 0: not running */
    bool done;
    int tries;
    time_t again_at;
};

struct queue {
    struct ctl *c;
    const char *name;
    struct job *first, **end;
    size_t n;
    int running;
};

static time_t now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

static const char *text_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    return text ? text : "";
}

/* The member that bears the name of the type; of `account` events it is `change`. */
static const json_t *body_of(const json_t *event)
{
    const json_t *body = json_object_get(event, text_of(event, "type"));

    return json_is_object(body) ? body : json_object_get(event, "change");
}

static void set_number(const char *name, const json_t *value)
{
    char text[24] = "";

    if (json_is_integer(value))
        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    setenv(name, text, 1);
}

static void run_child(const struct ctl *c, const json_t *event, int in) __attribute__((noreturn));

static void run_child(const struct ctl *c, const json_t *event, int in)
{
    const json_t *body = body_of(event);
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setenv("TGD_TYPE", text_of(event, "type"), 1);
    setenv("TGD_CURSOR", text_of(event, "cursor"), 1);
    setenv("TGD_ACCOUNT", text_of(event, "account"), 1);
    set_number("TGD_CHAT_ID", json_object_get(body, "chat_id"));
    set_number("TGD_MESSAGE_ID", json_object_get(body, "id"));
    if (dup2(in, STDIN_FILENO) < 0)
        _exit(127);
    execl("/bin/sh", "sh", "-c", c->exec, (char *)NULL);
    _exit(127);
}

/* The event in a file that is gone when the program ends: it may read it late, or not at all. */
static FILE *input_of(const json_t *event)
{
    FILE *f = tmpfile();

    if (!f || json_dumpf(event, f, JSON_COMPACT) || fputc('\n', f) == EOF || fflush(f))
        ctl_die(CTL_ERROR, "temporary file: %s", strerror(errno));
    rewind(f);
    return f;
}

static void start(struct queue *q, struct job *j)
{
    FILE *in = input_of(j->event);

    fflush(stdout);
    j->pid = fork();
    if (j->pid == 0)
        run_child(q->c, j->event, fileno(in));
    fclose(in);
    if (j->pid < 0) {
        j->pid = 0;
        j->again_at = now_s() + 1;
        return;
    }
    q->running++;
}

/* Starts what may run: the oldest event of each chat that is not done. */
static void start_ready(struct queue *q)
{
    time_t now = now_s();

    for (struct job *j = q->first; j && q->running < q->c->jobs; j = j->next) {
        bool blocked = j->done || j->pid || j->again_at > now;

        for (struct job *k = q->first; k != j && !blocked; k = k->next)
            blocked = !k->done && k->chat == j->chat;
        if (!blocked)
            start(q, j);
    }
}

/* Takes off what is done at the front, and acks the last of it. */
static void settle(struct queue *q)
{
    char cursor[64] = "";

    while (q->first && q->first->done) {
        struct job *j = q->first;

        snprintf(cursor, sizeof cursor, "%s", text_of(j->event, "cursor"));
        q->first = j->next;
        if (!q->first)
            q->end = &q->first;
        q->n--;
        json_decref(j->event);
        free(j);
    }
    if (cursor[0] && q->name)
        ctl_send(q->c, "ack", json_pack("{s:s, s:s}", "name", q->name, "cursor", cursor));
}

static void ended(struct queue *q, struct job *j, int status)
{
    int delay;

    j->pid = 0;
    q->running--;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        j->done = true;
        return;
    }
    if (q->c->skip_failed) {
        fprintf(stderr, "tgctl: %s failed, skipped\n", text_of(j->event, "key"));
        j->done = true;
        return;
    }
    delay = j->tries < 6 ? 1 << j->tries : DELAY_MAX;
    j->tries++;
    j->again_at = now_s() + delay;
    fprintf(stderr, "tgctl: %s failed, again in %d s\n", text_of(j->event, "key"), delay);
}

static void reap(struct queue *q)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (struct job *j = q->first; j; j = j->next)
            if (j->pid == pid)
                ended(q, j, status);
}

static void take_in(struct queue *q)
{
    json_t *value = ctl_receive(q->c);
    const char *method = json_string_value(json_object_get(value, "method"));
    struct job *j;

    if (!value)
        ctl_die(CTL_NO_DAEMON, "the daemon closed the connection");
    if (json_object_get(value, "error"))
        ctl_fail(json_object_get(value, "error"));
    if (method && strcmp(method, "event") == 0 &&
        json_object_get(json_object_get(value, "params"), "cursor")) {
        j = calloc(1, sizeof *j);
        if (!j)
            ctl_die(CTL_ERROR, "out of memory");
        j->event = json_incref(json_object_get(value, "params"));
        j->chat = json_integer_value(json_object_get(body_of(j->event), "chat_id"));
        *q->end = j;
        q->end = &j->next;
        q->n++;
    } else if (method && strcmp(method, "closed") == 0) {
        ctl_die(CTL_ERROR, "the subscription was closed: %s",
                text_of(json_object_get(value, "params"), "reason"));
    }
    json_decref(value);
}

/* Milliseconds until the next retry; -1: none waits. */
static int retry_in(const struct queue *q)
{
    time_t now = now_s(), best = -1;

    for (const struct job *j = q->first; j; j = j->next)
        if (!j->done && !j->pid && j->again_at > now && (best < 0 || j->again_at < best))
            best = j->again_at;
    return best < 0 ? -1 : (int)(best - now) * 1000;
}

int ctl_exec(struct ctl *c, const char *name)
{
    struct queue q = {.c = c, .name = name, .end = &q.first};
    sigset_t child;
    int bell;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    bell = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (bell < 0)
        ctl_die(CTL_ERROR, "signalfd: %s", strerror(errno));
    for (;;) {
        struct pollfd fds[2] = {{.fd = bell, .events = POLLIN},
                                {.fd = q.n < QUEUE_MAX ? c->fd : -1, .events = POLLIN}};
        struct signalfd_siginfo info;

        while (q.n < QUEUE_MAX && ctl_has_line(c))
            take_in(&q);
        start_ready(&q);
        if (poll(fds, 2, retry_in(&q)) < 0 && errno != EINTR)
            ctl_die(CTL_ERROR, "poll: %s", strerror(errno));
        while (read(bell, &info, sizeof info) == sizeof info)
            continue;
        reap(&q);
        settle(&q);
        if (fds[1].revents)
            take_in(&q);
    }
}
