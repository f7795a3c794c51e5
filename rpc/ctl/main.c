#include "rpc/ctl/ctl.h"

#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: tgctl [options] METHOD [key=value ...]\n"
    "       tgctl [options] login | send CHAT TEXT|- | listen | history CHAT | chats | info | status\n"
    "       tgctl help [METHOD]\n\n"
    "  key=value    typed by the method's description    key:=JSON    any JSON value\n"
    "  key=@-       read from stdin                      key=@/FILE   read from a file (@./FILE too)\n\n"
    "  -s, --socket PATH     default: $TGD_SOCKET, $XDG_RUNTIME_DIR/tgd/tgd.sock, /run/user/UID/..., "
    "/run/tgd/...\n"
    "  -a, --account NAME    which account\n"
    "  -t, --timeout S       deadline of the request\n"
    "  -r, --raw PATH        print only this part, bare: .items[0].id, .items[].name\n"
    "  -H, --human           tables for people instead of JSON\n"
    "      --all             a list to its end, one item per line\n"
    "      --queue           a send is answered when it is on disk\n"
    "      --dedup KEY       the same key is the same message\n"
    "      --exec CMD        listen: run CMD for each event (stdin: the event; $TGD_TYPE, $TGD_CHAT_ID ...)\n"
    "      --jobs N          so many chats at once (default 1)\n"
    "      --on-fail stop|skip   stop: try again for ever (default); skip: go on\n"
    "  -h, --help   -V, --version\n\n"
    "exit status: 0 ok, 1 error, 2 no daemon, 3 usage, 4 not logged in, 5 flood wait, 6 timeout\n"
    "`tgctl help` lists the methods, `tgctl help METHOD` describes one.\n";

enum { OPT_ALL = 256, OPT_QUEUE, OPT_DEDUP, OPT_EXEC, OPT_JOBS, OPT_ON_FAIL };

static const struct option options[] = {
    {"socket", required_argument, NULL, 's'},
    {"account", required_argument, NULL, 'a'},
    {"timeout", required_argument, NULL, 't'},
    {"raw", required_argument, NULL, 'r'},
    {"human", no_argument, NULL, 'H'},
    {"all", no_argument, NULL, OPT_ALL},
    {"queue", no_argument, NULL, OPT_QUEUE},
    {"dedup", required_argument, NULL, OPT_DEDUP},
    {"exec", required_argument, NULL, OPT_EXEC},
    {"jobs", required_argument, NULL, OPT_JOBS},
    {"on-fail", required_argument, NULL, OPT_ON_FAIL},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

void ctl_die(enum ctl_exit code, const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    fputs("tgctl: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(code);
}

static void parse_options(struct ctl *c, int argc, char **argv)
{
    int opt;

    while ((opt = getopt_long(argc, argv, "s:a:t:r:HhV", options, NULL)) != -1) {
        switch (opt) {
        case 's':
            c->socket = optarg;
            break;
        case 'a':
            c->account = optarg;
            break;
        case 't':
            c->timeout = optarg;
            break;
        case 'r':
            c->path = optarg;
            break;
        case 'H':
            c->table = true;
            break;
        case OPT_ALL:
            c->all = true;
            break;
        case OPT_QUEUE:
            c->queue = true;
            break;
        case OPT_DEDUP:
            c->dedup = optarg;
            break;
        case OPT_EXEC:
            c->exec = optarg;
            break;
        case OPT_JOBS:
            c->jobs = atoi(optarg);
            break;
        case OPT_ON_FAIL:
            if (strcmp(optarg, "stop") != 0 && strcmp(optarg, "skip") != 0)
                ctl_die(CTL_USAGE, "--on-fail: expected stop or skip");
            c->skip_failed = strcmp(optarg, "skip") == 0;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(CTL_OK);
        case 'V':
            puts("tgctl " TGD_VERSION);
            exit(CTL_OK);
        default:
            exit(CTL_USAGE);
        }
    }
    if (c->jobs < 1 || c->jobs > 64)
        ctl_die(CTL_USAGE, "--jobs: expected 1 to 64");
}

static int answer(struct ctl *c, json_t *result)
{
    bool found = ctl_print(c, result);

    json_decref(result);
    if (!found)
        ctl_die(CTL_ERROR, "nothing at %s", c->path);
    return fflush(stdout) ? CTL_ERROR : CTL_OK;
}

/* Every item of a list method on a line of its own. */
static int all_items(struct ctl *c, const char *method, json_t *params)
{
    for (;;) {
        json_t *result = ctl_call(c, method, json_copy(params));
        json_t *next = json_object_get(result, "next"), *item;
        size_t i;

        json_array_foreach (json_object_get(result, "items"), i, item) {
            ctl_print_item(c, item);
        }
        if (fflush(stdout))
            return CTL_ERROR;
        if (next)
            json_object_set(params, "next", next);
        json_decref(result);
        if (!next)
            break;
    }
    json_decref(params);
    return CTL_OK;
}

static int call(struct ctl *c, const char *method, json_t *params)
{
    if (c->queue)
        json_object_set_new(params, "queue", json_true());
    if (c->dedup)
        json_object_set_new(params, "dedup_key", json_string(c->dedup));
    return c->all ? all_items(c, method, params) : answer(c, ctl_call(c, method, params));
}

static int send_text(struct ctl *c, char **words, int n)
{
    json_t *params;

    if (n < 2)
        ctl_die(CTL_USAGE, "usage: tgctl send CHAT TEXT|- [key=value ...]");
    params = ctl_params(c, "sendMessage", words + 2, n - 2);
    json_object_set_new(params, "chat_id", json_string(words[0]));
    if (strcmp(words[1], "-") == 0) {
        size_t len;
        char *text = ctl_slurp("-", &len);
        json_t *value = json_stringn(text, len);

        if (!value)
            ctl_die(CTL_USAGE, "stdin is not UTF-8 text");
        json_object_set_new(params, "text", value);
        free(text);
    } else {
        json_object_set_new(params, "text", json_string(words[1]));
    }
    return call(c, "sendMessage", params);
}

static int history(struct ctl *c, char **words, int n)
{
    json_t *params;

    if (n < 1)
        ctl_die(CTL_USAGE, "usage: tgctl history CHAT [key=value ...]");
    params = ctl_params(c, "getHistory", words + 1, n - 1);
    json_object_set_new(params, "chat_id", json_string(words[0]));
    return call(c, "getHistory", params);
}

/* Short words for the commonest methods; the first ones read their words in a way of their own. */
static const struct {
    const char *word, *method;
} shorthands[] = {{"login", "logIn"},        {"listen", "subscribe"}, {"send", "sendMessage"},
                  {"history", "getHistory"}, {"chats", "getDialogs"}, {"info", "getInfo"},
                  {"status", "getHealth"}};

static const char *method_of(const char *word)
{
    for (size_t i = 0; i < sizeof shorthands / sizeof *shorthands; i++)
        if (strcmp(word, shorthands[i].word) == 0)
            return shorthands[i].method;
    return word;
}

/* `help`, `help METHOD`: JSON like every method, but a page for whoever sits at a terminal. */
static int help(struct ctl *c, char **words, int n)
{
    bool plain = n == 1 && !strchr(words[0], '=');
    json_t *params;

    if (!c->path && (n == 0 || plain) && (c->table || isatty(STDOUT_FILENO)))
        return ctl_help_page(c, plain ? method_of(words[0]) : NULL);
    params = plain ? json_pack("{s:s}", "method", method_of(words[0])) : ctl_params(c, "help", words, n);
    return call(c, "help", params);
}

static int run(struct ctl *c, char **words, int n)
{
    const char *method = words[0];

    if (strcmp(method, "login") == 0)
        return ctl_login(c, words + 1, n - 1);
    if (strcmp(method, "listen") == 0)
        return ctl_listen(c, words + 1, n - 1);
    if (strcmp(method, "send") == 0)
        return send_text(c, words + 1, n - 1);
    if (strcmp(method, "history") == 0)
        return history(c, words + 1, n - 1);
    if (strcmp(method, "help") == 0)
        return help(c, words + 1, n - 1);
    method = method_of(method);
    return call(c, method, ctl_params(c, method, words + 1, n - 1));
}

int main(int argc, char **argv)
{
    struct ctl c = {.fd = -1, .jobs = 1};
    int code;

    setlocale(LC_CTYPE, "");
    parse_options(&c, argc, argv);
    if (optind >= argc) {
        fputs(usage, stderr);
        return CTL_USAGE;
    }
    ctl_connect(&c);
    code = run(&c, argv + optind, argc - optind);
    close(c.fd);
    free(c.buf);
    return code;
}
