/*
 * The dialogue of `tgctl login`: asks what the daemon's state machine wants next. It may be left at any step
 * and taken up again, here or by any other client.
 */
#include "rpc/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define ANSWER_MAX 512

/* One line from the terminal (or stdin), without echo where it is a secret. */
static void ask(const char *prompt, bool hidden, char answer[ANSWER_MAX])
{
    struct termios old, quiet;
    bool off = hidden && tcgetattr(STDIN_FILENO, &old) == 0;

    fprintf(stderr, "%s: ", prompt);
    fflush(stderr);
    if (off) {
        quiet = old;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    if (!fgets(answer, ANSWER_MAX, stdin))
        answer[0] = 0;
    if (off) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
        fputc('\n', stderr);
    }
    answer[strcspn(answer, "\r\n")] = 0;
    if (!answer[0])
        ctl_die(CTL_USAGE, "nothing entered; tgctl login goes on where it was");
}

static json_t *answer_with(struct ctl *c, const char *method, const char *key, char answer[ANSWER_MAX])
{
    json_t *params = json_object();

    json_object_set_new(params, key, json_string(answer));
    memset(answer, 0, ANSWER_MAX);
    return ctl_call(c, method, params);
}

static json_t *first_step(struct ctl *c)
{
    char answer[ANSWER_MAX];

    ask("Phone number with country code, or a bot's token", false, answer);
    return answer_with(c, "logIn", strchr(answer, ':') ? "bot_token" : "phone", answer);
}

static json_t *code_step(struct ctl *c, const json_t *state)
{
    const char *where = json_string_value(json_object_get(state, "where"));
    char answer[ANSWER_MAX], prompt[160];

    snprintf(prompt, sizeof prompt, "Code (%s)",
             where && strcmp(where, "app") == 0
                 ? "look into the chat named Telegram in an app that is logged in"
             : where ? where
                     : "sent to you");
    ask(prompt, false, answer);
    return answer_with(c, "submitCode", "code", answer);
}

static json_t *password_step(struct ctl *c, const json_t *state)
{
    const char *hint = json_string_value(json_object_get(state, "hint"));
    char answer[ANSWER_MAX], prompt[160];

    snprintf(prompt, sizeof prompt, "Password%s%s%s", hint ? " (hint: " : "", hint ? hint : "",
             hint ? ")" : "");
    ask(prompt, true, answer);
    return answer_with(c, "submitPassword", "password", answer);
}

static json_t *begin(struct ctl *c, char **words, int n)
{
    json_t *accounts, *state;
    bool none;

    if (n > 0)
        return ctl_call(c, "logIn", ctl_params(c, "logIn", words, n));
    accounts = ctl_call(c, "listAccounts", NULL);
    none = json_array_size(json_object_get(accounts, "items")) == 0;
    json_decref(accounts);
    if (none)
        return first_step(c);
    state = ctl_call(c, "getLoginState", NULL);
    return state;
}

int ctl_login(struct ctl *c, char **words, int n)
{
    json_t *state = begin(c, words, n);

    for (;;) {
        const char *step = json_string_value(json_object_get(state, "step"));
        json_t *next;

        if (step && strcmp(step, "ready") == 0) {
            ctl_print(c, state);
            json_decref(state);
            return CTL_OK;
        }
        if (step && (strcmp(step, "none") == 0 || strcmp(step, "logged_out") == 0))
            next = first_step(c);
        else if (step && strcmp(step, "code") == 0)
            next = code_step(c, state);
        else if (step && strcmp(step, "password") == 0)
            next = password_step(c, state);
        else
            ctl_die(CTL_ERROR, "this step is not supported: %s", step ? step : "?");
        json_decref(state);
        state = next;
    }
}
