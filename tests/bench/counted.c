/*
 * What callgrind counts (see counts): a whole account of the engine beside the sandbox, in one process, under
 * a virtual clock. The same arguments execute the same instructions.
 *
 *     counted request N | update N | message N
 *
 * request: N small calls, each answered before the next. update: N messages of others, each taken and
 * committed before the next. message: N times 512 KiB sealed and opened again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/account/asim.h"
#include "tl/ids.h"

#define STEP (2 * MT_US_PER_S) /* longer than any answer takes */
#define BODY ((size_t)512 << 10)

static void requests(struct asim *s, int n)
{
    struct owner *o = &s->owners[0];
    uint8_t body[4];

    tl_store32(body, TL_help_getNearestDc);
    for (int i = 0; i < n; i++) {
        struct mt_call call = {.token = 1, .body = body, .n = 4, .flags = MT_CALL_REPEATABLE};

        call.deadline = s->t + 60 * MT_US_PER_S;
        o->n_asked = 1;
        o->asked[1] = (struct asked){.letter = -1, .life = o->life};
        if (mt_account_call(o->a, owner_now(o), &call))
            exit(1);
        asim_advance(s, s->t + STEP);
        if (o->asked[1].ends != 1)
            exit(1);
    }
}

static void updates(struct asim *s, int n)
{
    for (int i = 0; i < n; i++) {
        asim_say(s, s->carol, s->alice);
        asim_advance(s, s->t + STEP);
    }
    if (s->owners[0].disk.view.last_id[BOX_COMMON] != truth_top(s, 0, BOX_COMMON))
        exit(1);
}

static void messages(int n)
{
    uint8_t *packet = calloc(1, MT_ENVELOPE_HEAD + BODY), key[MT_KEY_LEN], *plain;
    struct mt_auth_key k;
    uint64_t seed = 1;
    size_t len;

    if (!packet)
        exit(1);
    asim_fill(&seed, key, sizeof key);
    mt_auth_key_set(&k, key);
    for (int i = 0; i < n; i++) {
        mt_seal(&k, MT_CLIENT, packet, BODY);
        if (mt_open(&k, MT_CLIENT, packet, MT_ENVELOPE_HEAD + BODY, &plain, &len))
            exit(1);
    }
    free(packet);
}

int main(int argc, char **argv)
{
    struct asim *s = calloc(1, sizeof *s);
    int n = argc == 3 ? atoi(argv[2]) : 0;

    if (!s || n <= 0)
        return 2;
    asim_prepare(s, 5 * ASIM_CLASSES, false); /* a clean one */
    s->pfs = false;
    if (!truth_setup(s))
        return 1;
    owner_start(&s->owners[0]);
    for (unsigned i = 1; i < OWNERS; i++)
        s->owners[i].start_at = MT_NEVER; /* only one of them runs */
    asim_advance(s, s->t + 30 * MT_US_PER_S);
    if (!mt_account_is_in_sync(s->owners[0].a))
        return 1;
    if (!strcmp(argv[1], "request"))
        requests(s, n);
    else if (!strcmp(argv[1], "update"))
        updates(s, n);
    else
        messages(n);
    if (s->failure[0])
        puts(s->failure);
    n = s->failure[0] != 0;
    asim_fini(s);
    free(s);
    return n;
}
